"""Every optimizer in a real loop with a plain callable as its model: it gets better, and a resume agrees."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import loopwright as lw
from loopwright.optimizers import KINDS
from loopwright.settings import Loop

PROGRAM = '''\
FACTOR = "1"


def twice(x):
    """Double a number."""
    return x * int(FACTOR)


def solve(x):
    return twice(x) + 0
'''
TASK = """\
import loopwright as lw


@lw.task(train=[1, 2, 3], validation=[4, 5], test=[6, 7], floor=-9)
def doubled(program, x, trial):
    got = program.solve(x)
    return -abs(got - 2 * x) / x, f"{x} gave {got}, wanted {2 * x}"
"""


def model(prompt: str) -> str:
    """Knows the answer, in whatever form it is asked."""
    assert "number" in prompt or "FACTOR" in prompt or "solve" in prompt
    wanted = prompt.rpartition("# Your answer")[2]
    if "Criticise" in wanted:
        return "It does not double." if "FACTOR" in wanted else "NO CHANGE"
    if "FACTOR" not in wanted:
        return "NO CHANGE"
    if "<<<<<<< SEARCH" in prompt and "whole new text in a fence" not in prompt:
        return "Two.\n\n### parameter: FACTOR\n```\n<<<<<<< SEARCH\n1\n=======\n2\n>>>>>>> REPLACE\n```"
    return "Two.\n\n### parameter: FACTOR\n```\n2\n```"


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "program.py").write_text(PROGRAM)
    (tmp_path / "task.py").write_text(TASK)
    return tmp_path


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"ask", "mutate"}))
def test_a_plain_callable_is_a_model(kind: str, place: Path) -> None:
    loop = Loop.of(
        {
            "task": "task.py:doubled",
            "artifact": {"path": "program.py", "edit": ["FACTOR", "twice", "solve"]},
            "evidence": {"batch": {"size": 2}},
            "optimizer": {"kind": kind, "model": "mine", "samples": 2},
            "search": {"accept": "improve"},
            "budget": {"steps": 3},
            "execution": {"isolation": "inline"},
        }
    )
    outcome = lw.run(loop, place / "run", root=place, models={"mine": model})
    assert outcome.best_validation == 0.0
    assert outcome.best_test == [0.0, 0.0]
    assert re.search(rb'FACTOR = "2"', outcome.files["program.py"])
    # Ended is ended: a resume asks nothing, and comes to the same.
    again = lw.resume(place / "run", models={"mine": lambda prompt: pytest.fail("asked again")})
    assert (again.best, again.best_test) == (outcome.best, outcome.best_test)


def test_a_reply_with_half_a_character_is_kept_and_told(place: Path) -> None:
    loop = Loop.of(
        {
            "task": "task.py:doubled",
            "artifact": {"path": "program.py", "edit": ["FACTOR"]},
            "optimizer": {"model": "mine", "repairs": 0},
            "budget": {"steps": 1},
            "execution": {"isolation": "inline"},
        }
    )
    reply = "Two \ud800.\n\n### parameter: FACTOR\n```\n2\n```"
    outcome = lw.run(loop, place / "run", root=place, models={"mine": lambda prompt: reply})
    assert outcome.best_validation == 0.0
