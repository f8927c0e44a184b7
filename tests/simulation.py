"""A small world in which loops can be run without processes or models: the score of a number is known."""

from __future__ import annotations

import random
from collections.abc import Mapping
from typing import Any

from loopwright.artifact import Artifact
from loopwright.execution.protocol import TaskCard
from loopwright.feedback import Feedback
from loopwright.flow import Request, Result
from loopwright.llm.protocol import Ask, Reply
from loopwright.loop import LearningLoop
from loopwright.optimizers.protocol import Check, Proposal, Proposing, Rejected, View
from loopwright.search import make_search
from loopwright.settings import Loop
from loopwright.store import Entry
from loopwright.testing import world
from loopwright.testing.world import in_order
from loopwright.trace import Step, Trace
from loopwright.trial import Trial, Usage

__all__ = ["GOAL", "Walker", "artifact", "card", "drive", "in_order", "new_loop", "perform", "settings"]

GOAL = 7


def settings(**changes: Any) -> Loop:
    """A loop over one number in a text file; `changes` are dotted settings with `__` for the dot."""
    table: dict[str, Any] = {"task": "simulation:world", "artifact": {"path": "number.txt", "edit": ["number.txt"]}}
    for name, value in {"optimizer__kind": "simulated", "budget__steps": 8, **changes}.items():
        inner = table
        *path, last = name.split("__")
        for part in path:
            inner = inner.setdefault(part, {})
        inner[last] = value
    return Loop.of(table)


def card(train: int = 6, validation: int = 4, test: int = 3) -> TaskCard:
    return TaskCard("world", {"train": train, "validation": validation, "test": test}, goal="Find the number.")


def artifact(start: int = 0) -> Artifact:
    return Artifact.from_texts({"number.txt": str(start)})


def perform(loop: LearningLoop, request: Request) -> Result:
    """What the world answers: for a trial -|number - GOAL| with a little noise that the seed decides."""
    work = request.work
    if isinstance(work, Ask):
        return Reply([work.messages[-1]["content"]], Usage(1, 10, 5))
    number = int(loop.candidate(work.candidate).texts["number.txt"])
    score = -abs(number - GOAL) + random.Random(work.seed).random() / 4
    trace = Trace([Step({"number": number}, score, score)]) if work.record else None
    return Trial(work, Feedback(score, f"you are at {number}"), trace, Usage(2, 20, 10))


class Walker:
    """Adds or takes one at random, after asking a model as often as `samples` says."""

    def __init__(self, samples: int = 1, *, asks: bool = True, talk: Mapping[int, Rejected] | None = None) -> None:
        self.samples = samples
        self.asks = asks
        self.talk = talk or {}
        self.views: list[View] = []

    def propose(self, view: View, rng: random.Random, check: Check) -> Proposing:
        self.views.append(view)
        if view.step in self.talk:
            return [self.talk[view.step]]
        number = int(view.parent.texts["number.txt"])
        wanted = [str(number + rng.choice([-1, 1, 2])) for _ in range(self.samples)]
        if self.asks:
            asks = [Ask("model", [{"role": "user", "content": text}]) for text in wanted]
            wanted = [reply.text for reply in (yield asks)]
        return [Proposal({"number.txt": text}, f"try {text}") for text in wanted]


def new_loop(loop: Loop, optimizer: Walker | None = None, task: TaskCard | None = None) -> LearningLoop:
    walker = optimizer or Walker(loop.optimizer.samples)
    return LearningLoop(loop, artifact().start, task or card(), walker, make_search(loop.search))


def drive(loop: LearningLoop, **how: Any) -> list[Entry]:
    """Run a loop in this world to its end; see `loopwright.testing.world.drive`."""
    return world.drive(loop, perform, **how)
