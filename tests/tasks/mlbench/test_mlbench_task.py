"""The task as a loop meets it: wrong options and names are told, nothing of the test leaks, a run ends scored."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from mlbench_runs import WORLD

import loopwright as lw
from loopwright.errors import DataError, TaskError, UsageError
from loopwright.record import record
from loopwright.tasks import mlbench
from loopwright.tasks.load import load
from loopwright.tasks.mlbench import HousePrices, editable, starting
from loopwright.tasks.mlbench.submission import write_submission
from loopwright.tasks.task import Task

LOOP = """
task = "small_competitions.py:houses"
[task_options]
protocol = "kaggle"
metric = "rmsle"
[artifact]
path = "pipeline.py"
edit = {edit}
[evidence]
batch = {{ size = 3, draw = "order" }}
[optimizer]
kind = "mutate"
[budget]
steps = 1
[execution]
isolation = "inline"
"""


def made(**options: Any) -> Task:
    return load("small_competitions.py:houses", WORLD, options)


@pytest.mark.parametrize(
    ("options", "told"),
    [
        ({"protocol": "kagle"}, "protocol = 'kagle' is none of house-prices's; did you mean 'kaggle'"),
        ({"metric": "rmsl"}, "did you mean 'rmsle'"),
        ({"folds": 1}, "folds = 1: house-prices can have 2 to 50"),
        ({"fold": 3}, "is no option of .*did you mean 'folds'"),
    ],
)
def test_a_wrong_option_is_one_sentence(options: dict[str, Any], told: str) -> None:
    with pytest.raises(TaskError, match=told):
        load("loopwright.tasks.mlbench:HousePrices", Path(), options)


def test_a_task_name_that_does_not_exist_names_the_nearest() -> None:
    with pytest.raises(TaskError, match="has no 'HousePrice'; did you mean 'HousePrices'"):
        load("loopwright.tasks.mlbench:HousePrice", Path(), {})
    with pytest.raises(TaskError, match="did you mean 'spaceship-titanic'"):
        mlbench.mlbench("spaceship-titanik")


@pytest.mark.parametrize("module", mlbench.NEEDED)
def test_a_missing_extra_is_named(module: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mlbench, "find_spec", lambda name: None if name == module else object())
    with pytest.raises(TaskError, match=rf"needs the package {module}: pip install 'loopwright\[ml\]'"):
        HousePrices()


def test_missing_and_changed_data_are_told_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOOPWRIGHT_DATA", str(tmp_path))
    with pytest.raises(DataError, match=r"'house-prices' is not here.*loopwright data pull house-prices"):
        HousePrices()
    (tmp_path / "house-prices").mkdir()
    (tmp_path / "house-prices" / "train.csv").write_text("Id,SalePrice\n")
    with pytest.raises(DataError, match="changed or cut short"):
        HousePrices()


def test_the_goal_describes_the_columns_of_the_rows_to_learn_from_and_no_answer() -> None:
    goal = made().card().goal
    assert "GrLivArea: number" in goal
    assert "% missing" in goal
    assert "Alley: text" in goal
    # Under which names the file has its imports: without that, the first answers to it failed by a NameError.
    text = starting("house-prices")
    assert "import numpy as np\n" in text
    assert "'import numpy as np'" in goal
    named = re.findall(r"^import sklearn\.(\w+)$", text, flags=re.MULTILINE)
    assert f"for X = {', '.join(named)}:" in goal
    assert "SalePrice" not in goal.partition("The columns of x:")[2]


def test_spaceship_under_kaggle_has_no_test_and_houses_have_one() -> None:
    assert load("small_competitions.py:passengers", WORLD, {"protocol": "kaggle"}).card().sizes["test"] == 0
    assert made(protocol="kaggle").card().sizes == {"train": 3, "validation": 1, "test": 1}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A run of the working pipeline on the small houses, of one update by mutation."""
    folder = tmp_path_factory.mktemp("houses")
    (folder / "small_competitions.py").write_bytes((WORLD / "small_competitions.py").read_bytes())
    (folder / "pipeline.py").write_text(starting("house-prices", "one", "none", "working"))
    (folder / "loop.toml").write_text(LOOP.format(edit=editable("house-prices", "one")))
    lw.run(lw.Loop.load(folder / "loop.toml"), folder / "run", root=folder)
    return folder / "run"


def test_a_run_ends_with_a_test_score_that_never_was_in_its_evidence(run: Path) -> None:
    found = record(run)
    assert found.ended is not None
    assert found.ended.best_test is not None
    [shown] = [update.showed for update in found.updates]
    assert shown is not None
    assert "Fitted on 85 houses" in shown.text
    assert "teams" not in shown.text
    tested = found.tested[-1].feedback
    assert "teams" in tested.text
    assert "teams_beaten_rmsle_low" in tested.metrics
    assert tested.score == pytest.approx(-tested.metrics["rmsle"], rel=1e-4)


def test_a_submission_has_a_line_for_each_row_of_the_test_file(tmp_path: Path) -> None:
    path = tmp_path / "submission.csv"
    for kind, first in (("houses", "Id,SalePrice"), ("passengers", "PassengerId,Transported")):
        task = load(f"small_competitions.py:{kind}", WORLD, {"protocol": "kaggle", "submission": str(path)})
        [part] = task.examples("test")
        answer = 1.5 if kind == "houses" else True
        task(SimpleNamespace(fit_predict=lambda x, y, new, answer=answer: [answer] * len(new)), part, None)  # type: ignore[arg-type]
        lines = path.read_text().splitlines()
        assert lines[0] == first
        assert len(lines) == 41
        assert {line.split(",")[1] for line in lines[1:]} == {str(answer)}


def test_only_runs_of_these_tasks_have_a_submission(run: Path, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"no submission; those of loopwright.tasks.mlbench have"):
        write_submission(run, tmp_path / "submission.csv")


def test_a_form_is_printed_for_a_file() -> None:
    for arguments, told in ((["house-prices", "--structure", "one"], ""), (["house-price"], "did you mean")):
        done = subprocess.run(
            [sys.executable, "-m", "loopwright.tasks.mlbench", *arguments], capture_output=True, text=True, check=False
        )
        assert done.returncode == (2 if told else 0)
        assert told in done.stderr
        if not told:
            assert done.stdout == starting("house-prices", "one")
