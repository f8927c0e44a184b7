"""The studies of batch size hold fixed what they say, and are runs that the study command takes."""

from __future__ import annotations

from pathlib import Path

import bbeh_baselines
import bbeh_local
import bbeh_start
import bbeh_studies
import pytest

import loopwright as lw
from loopwright.study.definition import Study
from loopwright.study.plan import planned
from loopwright.tasks import bbeh as package
from loopwright.tasks.bbeh import EIGHT


def runs(name: str, tmp_path: Path) -> list:
    path = bbeh_studies.write(name, tmp_path / name, "local/qwen2.5-coder-0.5b", "local/qwen2.5-coder-1.5b")
    return planned(Study.load(path))


@pytest.mark.parametrize("name", ["updates", "trials"])
def test_all_sizes_meet_all_eight_tasks_three_times(name: str, tmp_path: Path) -> None:
    found = runs(name, tmp_path)
    cells = {(run.loop.task_options["name"], run.loop.evidence.batch.size) for run in found}
    assert cells == {(task, size) for task in EIGHT for size in (1, 3, 5, 15)}
    assert len(found) == 3 * len(cells)


def test_one_study_fixes_the_updates_and_the_other_the_training_trials(tmp_path: Path) -> None:
    assert {run.loop.budget.steps for run in runs("updates", tmp_path)} == {15}
    assert {run.loop.budget.steps * run.loop.evidence.batch.size for run in runs("trials", tmp_path)} == {45}


@pytest.mark.parametrize(("name", "count"), [("local", 12), ("local-trials", 6)])
def test_the_small_ones_stay_on_this_machine_and_share_what_they_have_in_common(
    name: str, count: int, tmp_path: Path
) -> None:
    found = runs(name, tmp_path)
    assert len(found) == count
    assert all(run.loop.agent.model.startswith("local/") for run in found)
    assert all(run.loop.optimizer.model.startswith("local/") for run in found)
    assert {run.loop.local.threads for run in found} == {1}
    assert {run.loop.cache for run in found} == {"../calls.db"}


def test_the_small_ones_fix_the_updates_and_the_training_trials(tmp_path: Path) -> None:
    cells = {(run.loop.task_options["name"], run.loop.evidence.batch.size) for run in runs("local", tmp_path)}
    assert cells == {(task, size) for task in bbeh_local.TASKS for size in bbeh_local.SIZES}
    assert len({run.loop.budget.steps for run in runs("local", tmp_path / "again")}) == 1
    trials = {run.loop.budget.steps * run.loop.evidence.batch.size for run in runs("local-trials", tmp_path)}
    assert trials == {bbeh_local.TRIALS}


@pytest.mark.parametrize(
    ("right", "count", "low", "high"), [(0, 10, 0.0, 0.2775), (5, 10, 0.2366, 0.7634), (46, 175, 0.2033, 0.3327)]
)
def test_the_interval_of_a_share_is_wilson_s(right: int, count: int, low: float, high: float) -> None:
    assert bbeh_baselines.wilson(right, count) == pytest.approx((low, high), abs=2e-4)


def test_a_share_is_told_with_its_interval() -> None:
    assert bbeh_baselines.told(46, 175) == ".263 (.203-.333)"


def test_the_starting_program_is_scored_on_every_part_of_a_split() -> None:
    rows = [{"input": f"Which? {n}", "target": "(A)" if n < 20 else "(B)"} for n in range(40)]
    assert bbeh_baselines.starting_program(rows, "paper") == ["1 (.796-1)", ".500 (.237-.763)", ".000 (.000-.204)"]


@pytest.mark.parametrize("form", sorted(bbeh_start.EDIT))
def test_a_starting_agent_is_scored_on_all_splits_without_an_update(
    form: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    rows = [{"input": f"Which? {n}", "target": "(B)" if n % 2 else "(A)"} for n in range(40)]
    monkeypatch.setattr(package, "rows", lambda name: rows)
    settings = lw.Loop.of
    inline = {"execution": {"isolation": "inline"}}
    monkeypatch.setattr(lw.Loop, "of", lambda table, **where: settings({**table, **inline}, **where))
    asked: list[str] = []

    def agent(prompt: str) -> str:
        asked.append(prompt)
        return "Answer: (A)"

    point = bbeh_start.started("nycc", form, "agent", test=8, folder=tmp_path, models={"agent": agent})
    assert point.scores["train"] == [1, 0] * 7 + [1]
    assert point.scores["validation"] == [0, 1] * 5
    assert point.scores["test"] == [0, 1, 0, 1, 0, 1, 0, 1]
    assert len(asked) == 15 + 10 + 8
