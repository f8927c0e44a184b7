"""What a run knows so far: its candidates, their scores, which is current and which is best. A fold over events."""

from __future__ import annotations

from bisect import insort
from collections.abc import Sequence
from statistics import fmean
from typing import Any

import msgspec

from loopwright.artifact import Candidate
from loopwright.optimizers.protocol import Remembered
from loopwright.store.events import AnyEvent, Child, Proposed, Ran, Updated
from loopwright.trial import Role, Split

_KEPT = 16  # accepted candidates kept ranked
_REMEMBERED = 100  # past proposals kept at hand; all of them are in the journal
# Scores that may be used again: those of trials whose example and seed are the same for every candidate.
_LASTING: frozenset[Role] = frozenset({"validation", "test"})


class Node(msgspec.Struct):
    """A candidate in the tree of descent. `step` made it; 0 is the starting artifact."""

    id: str
    parent: str
    step: int
    accepted: bool = False


class Population:
    """The state of a search. Only `apply` changes it, and only with events."""

    def __init__(self, start: Candidate) -> None:
        self.start = start.id
        self.current = start.id
        self.best = start.id
        self.candidates: dict[str, Candidate] = {start.id: start}
        self.nodes: dict[str, Node] = {start.id: Node(start.id, "", 0, accepted=True)}
        self.steps = 0  # updates complete
        self.since_best = 0  # updates since the best candidate changed
        self.train: dict[int, float] = {}  # the last score seen on each training example
        self.running: dict[int, list[Any]] = {}  # by training example: its episode so far, see `evidence.online`
        self.memory: list[Remembered] = []
        self.failure: str = ""  # the kind of failure that the last updates share, and how many of them
        self.failures = 0
        self._ranking: list[tuple[float, str]] = []  # (negative mean, id) of the best accepted
        self._proposed: dict[str, Proposed] = {}  # the proposals of the update that is being taken in
        self._scores: dict[tuple[str, Split, int], tuple[float, int]] = {}  # score, and the step that brought it

    def apply(self, step: int, events: Sequence[AnyEvent]) -> None:
        """Take in the events of one complete update (or of the opening or closing trials)."""
        for event in events:
            match event:
                case Ran(trial):
                    if trial.spec.role in _LASTING:
                        place = (trial.spec.candidate, trial.spec.split, trial.spec.index)
                        self._scores.setdefault(place, (trial.score, step))
                case Proposed() if event.candidate:
                    self._proposed[event.candidate] = event
                    self._add(event, step)
                case Proposed():
                    self._remember(Remembered(step, event.refused, event.reason, event.texts))
                case Updated():
                    self._update(step, event)
                case _:
                    pass
        if step == 0:
            self._rank(self.start)

    def known(self, candidate: str, split: Split, index: int, by: int | None = None) -> float | None:
        """The score of a validation or test trial that was run (by the end of step `by`): it need not be run again."""
        score, step = self._scores.get((candidate, split, index), (None, 0))
        return score if by is None or step <= max(by, 0) else None

    def scores(self, candidate: str, split: Split, by: int | None = None) -> list[float]:
        """A candidate's scores on a validation or test split, by example."""
        found: list[float] = []
        while (score := self.known(candidate, split, len(found), by)) is not None:
            found.append(score)
        return found

    def mean(self, candidate: str, split: Split = "validation") -> float | None:
        """A candidate's mean score on a split; None where it was not evaluated there."""
        scores = self.scores(candidate, split)
        return fmean(scores) if scores else None

    def kept(self) -> list[tuple[Candidate, float]]:
        """The best accepted candidates (at most sixteen) with their mean validation score, best first."""
        return [(self.candidates[id], -mean) for mean, id in self._ranking]

    def _rank(self, id: str) -> None:
        mean = self.mean(id)
        if mean is not None and (-mean, id) not in self._ranking:
            # Ranked once: a run that was cut off in its opening has ranked the start by some of its scores already.
            self._ranking = [other for other in self._ranking if other[1] != id]
            insort(self._ranking, (-mean, id))
            del self._ranking[_KEPT:]

    def _add(self, event: Proposed, step: int) -> None:
        if event.candidate not in self.candidates:
            parent = self.candidates[event.parent]
            # The edit was checked when it was proposed; here it is only carried out.
            child = parent.artifact.candidate({**parent.texts, **event.texts})
            self.candidates[child.id] = child
            self.nodes[child.id] = Node(child.id, event.parent, step)

    def _update(self, step: int, event: Updated) -> None:
        self.steps = step
        self.train.update(event.train)
        self.running.update(event.running)
        self.failures = (
            self.failures + 1 if event.failure and event.failure == self.failure else int(bool(event.failure))
        )
        self.failure = event.failure
        mean = fmean(event.train.values())
        self.memory = [
            # Where no gate gave a score, the first batch that the candidate is run on as a parent does.
            msgspec.structs.replace(old, score=mean) if old.candidate == event.parent and old.score is None else old
            for old in self.memory
        ]
        for child in event.children:
            self._remember(_remembered(step, child, self._proposed[child.candidate]))
        self._proposed.clear()
        if event.accepted:
            self.nodes[event.accepted].accepted = True
            self._rank(event.accepted)
        if event.accepted or event.reverted:
            self.current = event.accepted or event.parent
        self.since_best = 0 if event.best != self.best else self.since_best + 1
        self.best = event.best

    def _remember(self, entry: Remembered) -> None:
        """Append, and drop an older entry with the same texts: what came again is told once."""
        if entry.texts:
            self.memory = [old for old in self.memory if old.texts != entry.texts]
        self.memory = [*self.memory[1 - _REMEMBERED :], entry]


def _remembered(step: int, child: Child, proposal: Proposed) -> Remembered:
    reason = child.reason or proposal.rationale
    return Remembered(step, child.outcome, reason, proposal.texts, child.score, child.parent_score, child.candidate)
