"""A small world in which loops run without processes or models, as fast as arithmetic: its scores are known.

The artifact is a text of digits, and example i asks for digit i to be near its goal. So candidates differ in what they
are good at, which searches may use. `drive` runs any loop, in any order and up to any point.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable
from typing import Any

from loopwright.artifact import Artifact, Candidate
from loopwright.execution.protocol import TaskCard
from loopwright.feedback import Feedback
from loopwright.flow import Request, Result
from loopwright.llm.protocol import Ask, Reply
from loopwright.loop import LearningLoop
from loopwright.optimizers.protocol import Check, Proposal, Proposing, View
from loopwright.settings import Loop
from loopwright.store import Entry
from loopwright.trace import Step, Trace
from loopwright.trial import Trial

GOAL = "27594"
FILE = "digits.txt"
CARD = TaskCard("digits", {"train": 5, "validation": 5, "test": 5}, goal="Find the digits.")


def settings(**tables: Any) -> Loop:
    """The settings of a loop in this world; `tables` are as in a loop file: `search={"accept": "improve"}`."""
    table: dict[str, Any] = {
        "task": "world:digits",
        "artifact": {"path": FILE, "edit": [FILE]},
        "optimizer": {"kind": "mutate"},
        "budget": {"steps": 20},
    }
    return Loop.of({**table, **tables})


def start() -> Candidate:
    return Artifact.from_texts({FILE: "00000"}).start


def perform(loop: LearningLoop, request: Request) -> Result:
    """What the world answers: the score of an example is how near its digit is, with a little noise of the seed's."""
    work = request.work
    if isinstance(work, Ask):
        return Reply([""])
    text = loop.candidate(work.candidate).texts[FILE]
    at = work.index % len(GOAL)
    score = -abs(int(text[at]) - int(GOAL[at])) + random.Random(work.seed).random() / 8
    trace = Trace([Step({"digit": text[at]}, score, score)]) if work.record else None
    return Trial(work, Feedback(score, f"digit {at} is {text[at]}"), trace)


class Turner:
    """An optimizer that turns one digit up or down, at random; `samples` times."""

    def __init__(self, samples: int = 1) -> None:
        self.samples = samples

    def propose(self, view: View, rng: random.Random, check: Check) -> Proposing:
        yield from ()
        text = view.parent.texts[FILE]
        found: list[Proposal] = []
        for _ in range(self.samples):
            at = rng.randrange(len(text))
            digit = (int(text[at]) + rng.choice([-1, 1])) % 10
            found.append(Proposal({FILE: f"{text[:at]}{digit}{text[at + 1 :]}"}, f"turn digit {at}"))
        return [*found]


def drive(
    loop: LearningLoop,
    perform: Callable[[LearningLoop, Request], Result] = perform,
    *,
    recorded: Iterable[Entry] = (),
    rng: random.Random | None = None,
    stop_after: int | None = None,
) -> list[Entry]:
    """Run a loop to its end, doing requests one at a time: the oldest, or with `rng` any. Gives the events written.

    `recorded` are those of an earlier process; after `stop_after` events it stops, as if it had been killed.
    """
    written = list(loop.begin(recorded))
    while requests := loop.ask():
        if stop_after is not None and len(written) >= stop_after:
            break
        request = rng.choice(requests) if rng else requests[0]
        written += loop.tell(request, perform(loop, request))
    return written


def in_order(entries: Iterable[Entry]) -> list[Entry]:
    """The events in the order of the loop, which is the same however they came."""
    return sorted(entries, key=lambda entry: entry[:2])
