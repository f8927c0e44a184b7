"""Reflection takes one part at a time, in turn, and shows what that part was given; or all of them at once."""

from __future__ import annotations

from typing import Any

import msgspec
from test_parts import PROGRAM, seen
from test_textgrad import about, edit

from loopwright.llm.protocol import Ask, Reply
from loopwright.optimizers.protocol import Optimizer, Proposal, Remembered, View
from loopwright.optimizers.reflect import Reflect
from loopwright.testing import OptimizerConformance

VIEW = View(1, PROGRAM, seen(), "Hit.")


class Driver(OptimizerConformance):
    def make(self, **settings: Any) -> Optimizer:
        return Reflect(**{"model": "m", **settings})


def test_the_parts_take_turns() -> None:
    names = list(PROGRAM.texts)
    for step in range(1, 2 * len(names) + 1):
        view = msgspec.structs.replace(VIEW, step=step)
        _, rounds = Driver().drive(view, lambda ask: Reply(["NO CHANGE"]))
        assert [[about(ask) for ask in asks] for asks in rounds] == [[names[(step - 1) % len(names)]]]


def test_all_are_asked_for_at_once_and_make_one_proposal() -> None:
    def answer(ask: Ask) -> Reply:
        return Reply(["NO CHANGE" if about(ask) in {"TONE", "spare"} else edit(ask, n) for n in range(ask.n)])

    results, rounds = Driver().drive(VIEW, answer, parameters="all", samples=2)
    assert [[about(ask) for ask in asks] for asks in rounds] == [list(PROGRAM.texts)]
    assert len(results) == 2
    assert all(isinstance(each, Proposal) and len(each.texts) == 5 for each in results)


def test_a_part_is_shown_its_own_runs_and_its_own_past() -> None:
    memory = [
        Remembered(1, "worse", "of aim", {"aim": "def aim(x):\n    return 0"}, 0.1, 0.2),
        Remembered(2, "worse", "of act", {"act": "def act(x):\n    return 0"}, 0.1, 0.2),
    ]
    view = msgspec.structs.replace(VIEW, step=3, memory=memory)
    _, rounds = Driver().drive(view, lambda ask: Reply(["NO CHANGE"]))
    said = rounds[0][0].messages[1]["content"]
    assert "def aim" in said
    assert "def act" not in said
    assert "of aim" in said
    assert "of act" not in said
    assert "shoot" not in said
