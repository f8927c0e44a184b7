"""Running a study: what is done is not done again, the budget is never passed, a failed run is told and left out."""

from __future__ import annotations

import asyncio
import contextlib
import re
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest

import loopwright as lw
from loopwright.errors import FailingLoudly, SettingsError, StoreError, UsageError
from loopwright.store import RunFolder
from loopwright.study.collect import collect
from loopwright.study.runner import StudyOutcome, Told

WORLD = Path(__file__).parents[1] / "worlds" / "number"


def study(**changes: Any) -> lw.Study:
    loop = {
        "task": "task.py:distance",
        "artifact": {"path": "agent.py", "edit": ["NUMBER"]},
        "optimizer": {"model": "callable/toy"},
        "budget": {"steps": 3},
        "execution": {"isolation": "inline"},
    }
    axes = {"evidence.batch.size": [1, 3], "search.accept": ["always", "improve"]}
    return lw.Study.of({"loop": loop, "axes": axes, "repeats": 2, **changes})


def next_number(prompt: str) -> str:
    now = int(re.findall(r"### parameter: NUMBER\n```\w*\n(-?\d+)\n```", prompt)[-1])
    return f"One more.\n\n### parameter: NUMBER\n```\n{now + 1}\n```\n"


def run(folder: Path, wanted: lw.Study, model: Any = next_number, **options: Any) -> StudyOutcome:
    return lw.run_study(wanted, folder / "study", root=WORLD, models={"callable/toy": model}, **options)


def journals(folder: Path) -> dict[str, list[Any]]:
    found = {}
    for path in sorted((folder / "study" / "runs").iterdir()):
        with contextlib.closing(RunFolder(path).journal(readonly=True)) as journal:
            found[path.name] = journal.canonical()
    return found


def test_every_cell_and_repeat_is_run_and_read_back(tmp_path: Path) -> None:
    outcome = run(tmp_path, study())
    assert not outcome.stopped
    result = collect(tmp_path / "study")
    assert result == outcome.result
    assert [(r.cell, r.repeat, r.seed, r.state) for r in result.runs] == [
        (cell, repeat, repeat - 1, "done")
        for cell in (
            "batch.size=1, search.accept=always",
            "batch.size=1, search.accept=improve",
            "batch.size=3, search.accept=always",
            "batch.size=3, search.accept=improve",
        )
        for repeat in (1, 2)
    ]
    for each in result.runs:
        size = int(each.cell[11])
        assert [point.best for point in each.curve] == [-7.0, -6.0, -5.0, -4.0]
        assert [point.current for point in each.curve] == [-7.0, -6.0, -5.0, -4.0]
        assert [point.batch for point in each.curve] == [None, -7.0, -6.0, -5.0]
        assert [point.trials for point in each.curve] == [3 + step * (size + 3) for step in range(4)]
        assert [point.calls for point in each.curve] == [0, 1, 2, 3]
        assert each.best_test == [-4.0, -4.0]


def test_what_is_done_is_not_done_again_and_what_is_added_is(tmp_path: Path) -> None:
    calls: list[str] = []

    def counting(prompt: str) -> str:
        calls.append(prompt)
        return next_number(prompt)

    run(tmp_path, study(), counting)
    assert len(calls) == 8 * 3
    before = journals(tmp_path)
    calls.clear()
    run(tmp_path, study(), counting)
    assert not calls
    assert journals(tmp_path) == before
    run(tmp_path, study(repeats=3), counting)
    assert len(calls) == 4 * 3
    calls.clear()
    axes = {"evidence.batch.size": [1, 3, 5], "search.accept": ["always", "improve"]}
    run(tmp_path, study(axes=axes, repeats=3), counting)
    assert len(calls) == 6 * 3
    calls.clear()
    outcome = run(tmp_path, study(axes=axes, repeats=3, set={"budget.steps": 4}), counting)
    assert len(calls) == 18  # each run goes one update further
    assert {each.curve[-1].update for each in outcome.result.runs} == {4}
    assert before.keys() <= journals(tmp_path).keys()


@pytest.mark.parametrize("trials", [10, 59, 60, 100])
def test_the_trials_of_a_study_are_never_passed(tmp_path: Path, trials: int) -> None:
    outcome = run(tmp_path, study(budget={"trials": trials}))
    used = sum(each.curve[-1].trials + len(each.best_test) * 2 for each in outcome.result.runs if each.curve)
    assert used <= trials
    assert "budget.trials" in outcome.stopped
    assert {each.state for each in outcome.result.runs} <= {"done", "not begun"}
    assert (used > 0) == (trials > 19)
    assert not run(tmp_path, study()).stopped
    assert {each.state for each in collect(tmp_path / "study").runs} == {"done"}


@pytest.mark.parametrize("calls", [1, 7, 20])
def test_the_calls_of_a_study_are_never_passed_and_a_larger_budget_goes_on(tmp_path: Path, calls: int) -> None:
    asked: list[str] = []

    def counting(prompt: str) -> str:
        asked.append(prompt)
        return next_number(prompt)

    outcome = run(tmp_path, study(budget={"calls": calls}), counting)
    assert len(asked) <= calls
    assert "budget" in outcome.stopped
    run(tmp_path, study(), counting)
    assert {each.state for each in collect(tmp_path / "study").runs} == {"done"}
    assert len(asked) == 8 * 3  # and no call was paid twice


def test_a_study_whose_minutes_are_over_stops_and_can_go_on(tmp_path: Path) -> None:
    async def slow(prompt: str) -> str:
        await asyncio.sleep(0.2)
        return next_number(prompt)

    began = time.monotonic()
    outcome = run(tmp_path, study(budget={"minutes": 0.01}), slow)
    assert time.monotonic() - began < 3
    assert "minutes" in outcome.stopped
    assert not run(tmp_path, study()).stopped


def test_a_failing_run_is_told_and_left_out_and_tried_again_later(tmp_path: Path) -> None:
    def broken_for_three(prompt: str) -> str:
        if prompt.count("you answered") >= 3:
            raise RuntimeError("no such luck")
        return next_number(prompt)

    told: list[Told] = []
    outcome = run(tmp_path, study(repeats=1), broken_for_three, teller=told.append)
    assert outcome.failed == 2
    failed = [each for each in outcome.result.runs if each.state == "failed"]
    assert {each.cell[:12] for each in failed} == {"batch.size=3"}
    assert all("no such luck" in each.why for each in failed)
    assert sum(each.event == "failed" for each in told) == 2
    assert run(tmp_path, study(repeats=1)).failed == 0


def test_a_study_of_which_every_run_fails_ends_loudly(tmp_path: Path) -> None:
    def broken(prompt: str) -> str:
        raise RuntimeError("no such luck")

    with pytest.raises(FailingLoudly, match=r"first 3 runs.*no such luck"):
        run(tmp_path, study(runs=1), broken)


def test_a_changed_starting_artifact_is_not_mixed_in(tmp_path: Path) -> None:
    for name in ("agent.py", "task.py"):
        (tmp_path / name).write_bytes((WORLD / name).read_bytes())
    wanted = study(repeats=1)
    models = {"callable/toy": next_number}
    lw.run_study(wanted, tmp_path / "study", root=tmp_path, models=models)
    (tmp_path / "agent.py").write_text((tmp_path / "agent.py").read_text().replace('"0"', '"1"'))
    with pytest.raises(StoreError, match="starting artifact"):
        lw.run_study(wanted, tmp_path / "study", root=tmp_path, models=models)


def test_a_folder_of_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "study").mkdir()
    (tmp_path / "study" / "notes.txt").write_text("mine")
    with pytest.raises(StoreError, match="holds other files"):
        run(tmp_path, study())
    with pytest.raises(UsageError, match="not the folder of a study"):
        collect(tmp_path / "study")


def test_an_unknown_task_ends_the_study_at_once(tmp_path: Path) -> None:
    with pytest.raises((SettingsError, UsageError), match="distanc"):
        run(tmp_path, study(set={"task": "task.py:distanc"}))


KILLED = """
import sys, time
sys.path.insert(0, {tests!r})
from study.test_study_runner import *
def slow(prompt):
    time.sleep(0.05)
    return next_number(prompt)
run(Path({folder!r}), study(), slow)
"""


def test_a_study_killed_at_any_moment_comes_to_the_same_end(tmp_path: Path) -> None:
    run(tmp_path / "whole", study())
    code = KILLED.format(tests=str(Path(__file__).parents[1]), folder=str(tmp_path / "killed"))
    for seconds in (0.5, 0.7, 0.9):
        with subprocess.Popen([sys.executable, "-c", code]) as process:
            time.sleep(seconds)
            process.send_signal(signal.SIGKILL)
    run(tmp_path / "killed", study())
    assert journals(tmp_path / "killed") == journals(tmp_path / "whole")
