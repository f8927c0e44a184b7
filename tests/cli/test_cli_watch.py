"""The live view and the lines: what they say fits the terminal, and is the same in both."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from loopwright.cli.watch import Lines, Terminal
from loopwright.runner import Progress
from loopwright.store import Entry
from loopwright.store.events import Child, Proposed, Updated
from loopwright.trial import Usage


def progress(step: int, phase: str = "learning", **changes: object) -> Progress:
    values: dict[str, object] = {
        "step": step, "steps": 15, "best": "b" * 12, "best_score": 0.5, "start_score": 0.25, "current_score": 0.5,
        "verdict": "accepted", "trials": 120, "usage": Usage(31, 120_000, 9_000, 0.4211), "seconds": 61.0,
        "seconds_left": 3723.0, "running": 3, "phase": phase,
    }  # fmt: skip
    return Progress(**{**values, **changes})  # pyright: ignore


COURSE = [
    ([], progress(0, "measuring", best_score=None, start_score=None, current_score=None, seconds_left=None)),
    ([], progress(0)),
    ([Entry(1, 3, Updated("a" * 12, {0: 0.5}, reason="no proposal", best="a" * 12, best_score=0.25))], progress(1)),
    (
        [
            Entry(2, 2, Proposed("a" * 12, refused="unparsable", reason="no block\x1b[2J was found " * 30)),
            Entry(
                2, 3, Updated("a" * 12, {0: 0.5}, reason="no proposal could be used", best="a" * 12, best_score=0.25)
            ),
        ],
        progress(2),
    ),
    (
        [
            Entry(
                3,
                3,
                Updated(
                    "a" * 12,
                    {0: 0.5, 1: 1},
                    children=[Child("c" * 12, "outdone", 0.1, 0.25), Child("b" * 12, "accepted", 0.5, 0.25)],
                    accepted="b" * 12,
                    reason="0.5 against the parent's 0.25 on validation",
                    best="b" * 12,
                    best_score=0.5,
                ),
            )
        ],
        progress(3, "testing"),
    ),
]


@pytest.mark.parametrize("columns", [40, 80, 120])
def test_the_live_view_fits_its_terminal_and_clears_itself(columns: int) -> None:
    screen = io.StringIO()
    console = Console(file=screen, force_terminal=True, width=columns, highlight=False, color_system=None)
    watcher = Terminal(console)
    watcher.start(Path("runs/loop-1"))
    views: list[list[str]] = []
    for entries, now in COURSE:
        watcher(entries, now)
        plain = Console(file=io.StringIO(), width=columns, color_system=None)
        plain.print(watcher._render())  # pyright: ignore
        views.append(plain.file.getvalue().splitlines())  # pyright: ignore
    watcher.stop()
    assert all(len(view) == 3 and all(len(line) <= columns for line in view) for view in views)
    assert "update 2 of 15" in views[2][0]
    assert "the start is measured" in views[0][0]
    assert "\x1b[2J" not in screen.getvalue()


def test_a_line_an_update_says_what_decided_it() -> None:
    stream = io.StringIO()
    lines = Lines(stream)
    lines.start(Path("runs/loop-1"))
    for entries, now in COURSE:
        lines(entries, now)
    told = stream.getvalue().splitlines()
    assert [line.split(":")[0].split(" runs")[0] for line in told] == [
        "run",
        "start",
        "update 1",
        "update 2",
        "update 3",
    ]
    assert "unparsable: no block\\x1b[2J" in told[3]
    assert "update 3: child accepted as bbbbbbbbbbbb, 0.5 against the parent's 0.25 on validation; best 0.5" in told[4]
    assert "(new); parent 0.75 on its batch" in told[4]
    assert "31 model calls, 129,000 tokens, $0.4211" in told[4]
    assert "about 1:02:03 left" in told[2]
