"""The records that evidence is made of. How they come about: `cut`, `combine`, `fit` and `render`."""

from __future__ import annotations

from typing import Literal

import msgspec

from loopwright.feedback import Feedback
from loopwright.trace import Failure, Step

# The learning template (arXiv 2603.23994, appendix D.2) that the shape of the experiences amounts to.
Template = Literal["interactive", "batch", "episodic", "batch of episodes"]

# What of a feedback is shown: numbers (score, metrics), words (text, exceptions), or both.
Show = Literal["score", "text", "both"]

# How the experiences of an update are shown: in one context, or each in a context of its own.
Combine = Literal["concat", "separate"]


class Experience(msgspec.Struct, frozen=True):
    """What the horizon leaves of one trial.

    `example` is the index in the train split and `seed` the trial's; neither is shown to the optimizer as a fact about
    the program. `window` is `(start, stop, total)`: `steps` are those from `start` (0-based) up to, not including,
    `stop`, of `total`. `first_call` counts the calls before the window, so that `Call.inputs`' origins can be read.

    `feedback` is the trial's, or, with `horizon.feedback = "window"`, what the window alone tells; `window_reward` is
    then the sum of the rewards inside it, and else `None`. `left_out` says in sentences what the horizon took away
    beyond steps. `perfect` is whether the trial has the highest score that its task knows, and this feedback tells it.
    """

    example: int
    seed: int
    window: tuple[int, int, int]
    steps: list[Step]
    first_call: int
    feedback: Feedback
    window_reward: float | None = None
    failure: Failure | None = None
    stdout: str = ""
    stderr: str = ""
    left_out: str = ""
    perfect: bool = False

    @property
    def score(self) -> float:
        return self.feedback.score


class Section(msgspec.Struct, frozen=True):
    """One part of the evidence as the optimizer reads it, with its heading, and its size in tokens.

    `name` is "summary", or what it is of an experience: "feedback", "failure", "steps", "printed". `experience` is that
    experience's place among those of the evidence (0-based), or -1.
    """

    name: str
    text: str
    tokens: int
    experience: int = -1
