"""The ML conditions are loops that load, with the paper's artifacts; kept answers and results belong together."""

from __future__ import annotations

from pathlib import Path

import pytest

pytest.importorskip("sklearn")
pytest.importorskip("lightgbm")

import by_hand
import ml_conditions
import ml_replay
import ml_table

from loopwright import data
from loopwright.artifact import Artifact
from loopwright.settings import Loop
from loopwright.tasks.mlbench import editable, starting


@pytest.mark.parametrize("name", ml_conditions.names())
def test_a_condition_loads_with_the_papers_artifact_and_settings(name: str, tmp_path: Path) -> None:
    loop = Loop.load(ml_conditions.write(name, tmp_path / name))
    task, structure = ml_conditions.parts(name)
    assert (tmp_path / name / "pipeline.py").read_text() == starting(task, structure, "full", "stub")
    assert loop.artifact.edit == editable(task, structure)
    Artifact.load([Path("pipeline.py")], loop.artifact.edit, include=[], root=tmp_path / name)
    assert (loop.optimizer.kind, loop.optimizer.memory, loop.search.accept) == ("ask", 5, "always")
    assert loop.evidence.batch.size == loop.task_options["folds"]


def test_a_component_is_switched_from_the_command_line(tmp_path: Path) -> None:
    ml_conditions.write("house-prices-one", tmp_path / "a", docs="none", code="working", kind="optoprime")
    assert (tmp_path / "a" / "pipeline.py").read_text() == starting("house-prices", "one", "none", "working")
    assert Loop.load(tmp_path / "a" / "loop.toml").optimizer.kind == "optoprime"


def test_a_folder_with_files_and_a_wrong_name_are_refused(tmp_path: Path) -> None:
    (tmp_path / "mine").touch()
    with pytest.raises(SystemExit, match="holds files already"):
        ml_conditions.write("house-prices-one", tmp_path)
    with pytest.raises(SystemExit, match="there is no condition 'houses'; there are spaceship-titanic-one"):
        ml_conditions.write("houses", tmp_path / "new")


def test_every_condition_stands_beside_the_papers_numbers() -> None:
    rows = ml_table._rows(ml_table.HERE / "paper.csv")  # pyright: ignore[reportPrivateUsage]
    assert [row["condition"] for row in rows] == ml_conditions.names()


def test_the_table_shows_what_the_results_say(tmp_path: Path) -> None:
    by_hand.put_scores(
        [(0, -12.0, "start"), (1, -0.15, "kept"), (2, None, "syntax")], tmp_path / "house-prices-one.csv"
    )
    (tmp_path / "house-prices-one-test.csv").write_text(
        "candidate,update,metric,value\nstart,0,rmsle,12.02\nbest,1,rmsle,0.1402\nbest,1,se_rmsle,0.006\n"
        "best,1,teams_beaten_rmsle_low,0.4321\nbest,1,teams_beaten_rmsle_high,0.4321\n"
    )
    line = ml_table.table(ml_table.measured(tmp_path)).splitlines()[2]
    assert "house-prices-one, answered by hand" in line
    assert "| 12.0000 | 0.1500 |  |" in line
    assert "| 12.0200 | 0.1402 ± 0.0060 (1) | 43.2 % |" in line


def test_kept_answers_have_results_and_results_have_answers() -> None:
    answered = {path.name for path in ml_replay.ANSWERS.iterdir() if path.is_dir()}
    assert answered == {path.stem for path in ml_replay.RESULTS.glob("*.csv") if not path.stem.endswith("-test")}
    for name in answered:
        assert len(list((ml_replay.ANSWERS / name).glob("[0-9][0-9].md"))) >= ml_conditions.UPDATES


ANSWER = """\
The mean of the prices.

### parameter: train_model
```python
def train_model(x, y, test_data):
    return np.full(len(test_data), y.median())
```
"""


def test_answers_replay_to_the_same_numbers(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    if any(file.state != "good" for file in data.states("house-prices")):
        pytest.skip("the data set house-prices is not here")
    monkeypatch.setattr(ml_conditions, "UPDATES", 1)
    answers = tmp_path / "answers"
    answers.mkdir()
    (answers / "01.md").write_text(ANSWER)
    written: list[list[str]] = []
    for number in ("a", "b"):
        run = by_hand.replayed(ml_conditions.write("house-prices-one", tmp_path / number), answers)
        assert [round(score or 0, 2) for _, score, _ in by_hand.scores(run)] == [-12.02, -0.39]
        written.append(
            [path.read_text() for path in ml_replay.put("house-prices-one", run, tmp_path / f"{number}-out")]
        )
    assert written[0] == written[1]
    assert "best,1,rmsle," in written[0][1]
