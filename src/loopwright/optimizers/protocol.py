"""The contract of an optimizer: what it is shown, what it may ask, what it gives back.

An optimizer is *sans I/O*: `propose` is a generator that yields model calls and receives their replies, so the same
optimizer is driven by the built-in runner, by a person, or by a test, and a run resumes by answering it again from the
journal.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Protocol

import msgspec

from loopwright.artifact import Candidate
from loopwright.evidence import Evidence
from loopwright.llm.protocol import Ask, Reply


class Proposal(msgspec.Struct, frozen=True):
    """New texts for some parameters, by name, and why. Unnamed parameters stay as they are."""

    texts: dict[str, str]
    rationale: str = ""


class Rejected(msgspec.Struct, frozen=True):
    """A reply or an edit that was refused: why, and what was refused (kept, shown to the optimizer, counted).

    `kind` is "refusal" (the answer declines), "unparsable" (no proposal could be read), "invalid" (an edit the artifact
    refuses), "unchanged" (nothing new), or "duplicate" (a candidate already seen).
    """

    kind: str
    reason: str
    text: str = ""


class Remembered(msgspec.Struct, frozen=True):
    """One past proposal as memory shows it: what changed, how it scored against its parent, what became of it.

    `outcome` is that of a `store.events.Child` ("accepted", "worse", "no better", "outdone"), or a `Rejected.kind`.
    Scores are means over the same examples, `None` where nothing was run. `candidate` is the child's id, "" where there
    was none.
    """

    step: int
    outcome: str
    reason: str
    texts: dict[str, str] = {}
    score: float | None = None
    parent_score: float | None = None
    candidate: str = ""


class View(msgspec.Struct, frozen=True):
    """Everything an optimizer may know in one update."""

    step: int
    parent: Candidate
    evidence: Evidence
    goal: str = ""
    memory: Sequence[Remembered] = ()
    # (candidate, mean score) of other kept candidates, best first: material for crossover and inspiration.
    others: Sequence[tuple[Candidate, float]] = ()
    # The parent's mean score on the validation split, comparable with those of `others`; None where it is not known.
    score: float | None = None
    # Tries before those of `memory`, of which at most the scores are to be shown.
    earlier: Sequence[Remembered] = ()


# Gives the reason why an edit of the parent would be refused, or None where it is fine. For repair turns.
Check = Callable[[Mapping[str, str]], "Rejected | None"]

Proposing = Generator[list[Ask], list[Reply], list[Proposal | Rejected]]


class Optimizer(Protocol):
    """Evidence in, proposals out.

    Guarantees asked of an implementation: everything random comes from `rng`; the same view, rng and replies give the
    same result; the yielded lists may be answered in parallel, in any order; no I/O. `propose` returns at most
    `samples` entries. It may raise nothing for a bad reply: that is a `Rejected`.
    """

    def propose(self, view: View, rng: random.Random, check: Check) -> Proposing: ...
