"""The contract of a search: which candidate is edited next, and which children are kept."""

from __future__ import annotations

import random
from collections.abc import Generator, Sequence
from typing import Literal, Protocol

import msgspec

from loopwright.search.population import Population
from loopwright.store.events import Child
from loopwright.trial import Trial, TrialSpec

On = Literal["batch", "validation"]
Scoring = Generator[list[TrialSpec], list[Trial], dict[str, float]]
Drawing = Generator[list[TrialSpec], list[Trial], dict[str, list[float]]]
Judging = Generator[list[TrialSpec], list[Trial], "Verdict"]


class Verdict(msgspec.Struct, frozen=True):
    """What became of an update's children. `accepted` is one child's id, or "" where none is kept."""

    children: list[Child]
    accepted: str = ""
    reason: str = ""


class Gate(Protocol):
    """How a search gets candidates scored, on the same examples and seeds for all of them."""

    def __call__(self, candidates: Sequence[str], on: On) -> Scoring:
        """Mean scores by candidate. "batch": what the parent was just run on; "validation": that split.

        All trials of all candidates are asked for at once; those known already are not run again.
        """
        ...

    def fresh(self, candidates: Sequence[str], on: On, first: int, count: int) -> Drawing:
        """Scores on `count` further draws of this update, from draw number `first` on; each draw is one example and
        one seed, the same for all candidates, and nothing known is used again. Fewer where no examples are left.

        "validation": examples of that split; "batch": train examples outside of the update's batch, on which the
        optimizer has looked. With `search.redraw` all examples are drawn again and again, each time with a new seed.
        """
        ...


class Search(Protocol):
    """Guarantees asked: everything random comes from `rng`; equal populations and trials give equal answers; no I/O."""

    def select(self, population: Population, rng: random.Random) -> str:
        """The id of the candidate to edit next; it must be in the population."""
        ...

    def judge(self, parent: str, children: Sequence[str], gate: Gate) -> Judging:
        """Have children scored as the search wants, and say which, if any, is kept."""
        ...
