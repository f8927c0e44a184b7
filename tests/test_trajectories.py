"""What a finished run's candidates score on every split: asked after the end, written nowhere in the run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import loopwright as lw
from loopwright.errors import BudgetExhausted, UsageError
from loopwright.record import record
from loopwright.trajectories import Gap, currents, table

TASK = """
import loopwright as lw

@lw.task(train=range(0, 4), validation=range(4, 8), test=range(8, 28))
def adding(program, n, trial):
    "Add one."
    return float(program.add(n, trial.llm) == n + 1)
"""
START = "PROMPT = 'a'\n\n\ndef add(n, llm):\n    return n + int(llm(PROMPT) == 'yes') * (n < 14)\n"


def settings(steps: int = 2) -> dict[str, Any]:
    return {
        "task": "task.py:adding",
        "artifact": {"path": "code.py", "edit": ["PROMPT"]},
        "optimizer": {"kind": "optoprime", "model": "writer", "memory": 0},
        "agent": {"model": "agent"},
        "budget": {"steps": steps},
        "execution": {"isolation": "inline"},
    }


@pytest.fixture
def run(tmp_path: Path) -> Path:
    (tmp_path / "task.py").write_text(TASK)
    (tmp_path / "code.py").write_text(START)
    texts = iter(["b", "c"])
    models = {"agent": agent, "writer": lambda prompt: f"Try.\n\n### parameter: PROMPT\n```\n{next(texts)}\n```\n"}
    lw.run(lw.Loop.of(settings()), tmp_path / "run", root=tmp_path, models=models)
    return tmp_path / "run"


def agent(prompt: str) -> str:
    return "yes" if prompt == "b" else "no"


def test_every_update_s_candidate_has_its_scores_on_every_split(run: Path) -> None:
    points = lw.trajectory(run, models={"agent": agent})
    means = [[point.mean(split) for split in ("train", "validation", "test")] for point in points]
    assert means == [[0, 0, 0], [1, 1, 0.3], [0, 0, 0]]
    assert [point.candidate for point in points] == currents(record(run))


def test_what_the_run_knows_is_not_asked_again(run: Path) -> None:
    asked: list[str] = []

    def counting(prompt: str) -> str:
        asked.append(prompt)
        return agent(prompt)

    lw.trajectory(run, models={"agent": counting}, splits=("validation",))
    assert asked == []
    lw.trajectory(run, models={"agent": counting}, splits=("test",))
    assert asked == ["c"] * 20  # the test scores of the start and of the best are in the run


def test_nothing_is_written_into_the_run_and_model_calls_are_limited(run: Path) -> None:
    before = {path: path.read_bytes() for path in run.rglob("*") if path.is_file() and path.suffix not in {".db-shm"}}
    lw.trajectory(run, models={"agent": agent})
    assert {path: path.read_bytes() for path in before} == before
    with pytest.raises(BudgetExhausted, match="calls = 3"):
        lw.trajectory(run, models={"agent": agent}, calls=3)


def test_a_run_that_has_not_ended_is_refused(tmp_path: Path) -> None:
    (tmp_path / "task.py").write_text(TASK)
    (tmp_path / "code.py").write_text(START)
    by_hand = {**settings(), "optimizer": {"kind": "ask"}}
    with pytest.raises(lw.Waiting):
        lw.run(lw.Loop.of(by_hand), tmp_path / "run", root=tmp_path, models={"agent": agent})
    with pytest.raises(UsageError, match="has not ended"):
        lw.trajectory(tmp_path / "run", models={"agent": agent})


def test_the_gap_has_an_interval_that_narrows_with_more_examples() -> None:
    few = Gap.of([1.0, 1.0, 0.0], [0.0, 1.0, 0.0])
    many = Gap.of([1.0, 1.0, 0.0] * 50, [0.0, 1.0, 0.0] * 50)
    assert few.difference == pytest.approx(many.difference) == pytest.approx(1 / 3)
    assert few.low < 0 < few.high
    assert 0 < many.low < many.high < 1
    # Welch's interval by hand: difference 1/3, variances 1/3 each over 3, freedom 4.
    assert few.high - few.low == pytest.approx(2 * 2.776 * (2 / 9) ** 0.5, rel=1e-3)
    assert Gap.of([1.0, 1.0], [0.0, 0.0]) == Gap(1.0, 1.0, 1.0)


def test_the_table_has_a_row_for_each_update(run: Path) -> None:
    lines = table(lw.trajectory(run, models={"agent": agent})).splitlines()
    assert len(lines) == 5
    assert lines[3].startswith("| 1 | 1.000 | 1.000 | 0.300 | +0.700 (+0.")
