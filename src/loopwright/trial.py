"""A trial: one run of a candidate on one example with one seed. What is asked for, and what came out."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from loopwright.feedback import Feedback
from loopwright.trace import Trace

Split = Literal["train", "validation", "test"]
# Why a trial is run: to learn from ("train"), to judge a child on its parent's batch ("gate"), to choose the best
# ("validation"), or to report at the very end ("test").
Role = Literal["train", "gate", "validation", "test"]


class Usage(msgspec.Struct, frozen=True):
    """What model calls cost: counts, tokens, and US dollars (0 where the price is unknown or free)."""

    calls: int = 0
    input_tokens: int = 0
    output_tokens: int = 0
    usd: float = 0.0

    def __add__(self, other: Usage) -> Usage:
        return Usage(
            self.calls + other.calls,
            self.input_tokens + other.input_tokens,
            self.output_tokens + other.output_tokens,
            self.usd + other.usd,
        )

    @property
    def tokens(self) -> int:
        return self.input_tokens + self.output_tokens


class TrialSpec(msgspec.Struct, frozen=True, omit_defaults=True):
    """One trial to run. `seed` drives everything random in it; `record` asks for the trace.

    `begun` are the actions that were taken already in the episode which the trial goes on with (see `evidence.online`);
    the trace begins after them.
    """

    candidate: str
    split: Split
    index: int
    seed: int
    role: Role = "train"
    record: bool = False
    begun: tuple[Any, ...] = ()


class Trial(msgspec.Struct, frozen=True):
    """A trial that was run. `seconds` is wall time, `cpu` CPU seconds of evaluator and candidate together."""

    spec: TrialSpec
    feedback: Feedback
    trace: Trace | None = None
    usage: Usage = Usage()
    seconds: float = 0.0
    cpu: float = 0.0

    @property
    def score(self) -> float:
        return self.feedback.score
