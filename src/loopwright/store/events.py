"""What is written down of a run: a handful of event records. The state of a run is a fold over them, nothing else.

An event is placed by (step, number): the update it belongs to and its place there. Times and durations are kept apart
from the events by the journal, so that equal runs have equal journals.
"""

from __future__ import annotations

from typing import Any

import msgspec

from loopwright.artifact import ArtifactData
from loopwright.execution.protocol import TaskCard
from loopwright.llm.protocol import Ask, Reply
from loopwright.trial import Trial


class Event(msgspec.Struct, frozen=True, tag_field="event"):
    """Base of all events; the field `event` names the kind in the journal."""


class Began(Event, frozen=True, tag="began"):
    """The run was set up: every setting, the starting artifact, what the task says of itself."""

    settings: dict[str, Any]
    artifact: ArtifactData
    card: TaskCard
    version: str


class Ran(Event, frozen=True, tag="ran"):
    """A trial came back."""

    trial: Trial


class Showed(Event, frozen=True, tag="showed"):
    """The evidence of an update: exactly the text the optimizer was given, and its tokens by section."""

    text: str
    tokens: dict[str, int]
    template: str


class Answered(Event, frozen=True, tag="answered"):
    """A model answered the optimizer."""

    ask: Ask
    reply: Reply


class Proposed(Event, frozen=True, tag="proposed"):
    """A proposal was read from the optimizer: a child, or the reason why there is none.

    `texts` are the changed parameters. `candidate` is "" where the proposal was refused (`refused`, `reason`).
    """

    parent: str
    candidate: str = ""
    texts: dict[str, str] = {}
    rationale: str = ""
    refused: str = ""
    reason: str = ""
    reply: str = ""


class Child(msgspec.Struct, frozen=True):
    """How a child of an update fared on the gate. Scores are means over the same examples; `None`: nothing was run."""

    candidate: str
    # "accepted"; refused by the gate: "worse", or "no better" (equal, or not shown to be better); "outdone" by another
    # proposal of the same update.
    outcome: str
    score: float | None = None
    parent_score: float | None = None
    reason: str = ""


class Updated(Event, frozen=True, tag="updated"):
    """An update is complete; only this changes which candidate is current and which is best.

    `train` are the parent's scores on the batch, by example. `accepted` is "" where no child was. `running` is where
    the episodes of these examples stand, under an online horizon (`evidence.online`).
    """

    parent: str
    train: dict[int, float]
    reverted: bool = False  # the search went back to an earlier candidate, which is current from here on
    failure: str = ""  # what went wrong for the whole update: a kind, counted for loudness
    children: list[Child] = []
    accepted: str = ""
    reason: str = ""
    best: str = ""
    best_score: float | None = None
    running: dict[int, list[Any]] = {}


class Ended(Event, frozen=True, tag="ended"):
    """The run came to its end: why, and the test scores of the starting artifact and of the best candidate."""

    reason: str
    best: str
    best_score: float | None = None
    start_test: list[float] = []
    best_test: list[float] = []


AnyEvent = Began | Ran | Showed | Answered | Proposed | Updated | Ended
