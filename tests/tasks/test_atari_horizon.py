"""On a real game: the horizon changes what is shown and nothing else; the batch changes how many games are."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import loopwright as lw
from loopwright.store import RunFolder
from loopwright.store.events import AnyEvent, Began, Ran, Showed
from loopwright.tasks.atari import starting

pytest.importorskip("ale_py")


def course(folder: Path, steps: int | str, size: int = 1) -> tuple[list[AnyEvent], list[str]]:
    """All events of a short run but what was shown, and the texts that were shown."""
    table: dict[str, Any] = {
        "task": "loopwright.tasks.atari:Pong",
        "task_options": {"protocol": "full", "max_steps": 60, "train": 4, "validation": 1, "test": 1},
        "artifact": {"path": "pong.py", "edit": ["select_action"]},
        "evidence": {"horizon": {"steps": steps}, "batch": {"size": size}},
        "optimizer": {"kind": "mutate"},
        "search": {"accept": "not-worse"},
        "budget": {"steps": 2},
    }
    lw.run(lw.Loop.of(table), folder, root=starting("pong").parent)
    events = [entry.event for entry in RunFolder(folder).journal(readonly=True).entries(traces=True)]
    others = [event for event in events if not isinstance(event, Showed | Began)]
    return [_timeless(event) for event in others], [event.text for event in events if isinstance(event, Showed)]


def _timeless(event: AnyEvent) -> AnyEvent:
    if not isinstance(event, Ran):
        return event
    trial = event.trial
    return Ran(type(trial)(trial.spec, trial.feedback, trial.trace, trial.usage))


def rows(text: str) -> int:
    return sum(line.split("|")[0].replace("-", "").isdigit() for line in text.splitlines())


def test_the_horizon_changes_what_is_shown_and_nothing_else(tmp_path: Path) -> None:
    one, few, full = (course(tmp_path / str(steps), steps) for steps in (1, 25, "full"))
    assert one[0] == few[0] == full[0]
    assert "Step 1 of 60" in one[1][0] or "Steps 1-1 of 60" in one[1][0]
    assert "Steps 1-25 of 60" in few[1][0]
    assert len(one[1][0]) < len(few[1][0]) < len(full[1][0])
    assert rows(one[1][0]) <= rows(few[1][0]) < rows(full[1][0])


def test_a_batch_of_three_shows_three_games(tmp_path: Path) -> None:
    for size in (1, 3):
        _, shown = course(tmp_path / str(size), 5, size)
        assert [text.count("## Experience") for text in shown] == [size, size]
