"""What a run knows so far: its candidates, their scores, which is current and which is best. A fold over events."""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

import msgspec

from loopwright.artifact import Candidate
from loopwright.optimizers.protocol import Remembered
from loopwright.store.events import AnyEvent, Child, Proposed, Ran, Updated
from loopwright.trial import Role, Split

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
        self.trials = 0  # trials run, of every role
        self.train: dict[int, float] = {}  # the last score seen on each training example
        self.memory: list[Remembered] = []
        self.failure = ""  # the kind of failure that the last updates share, and how many of them
        self.failures = 0
        self._scores: dict[tuple[str, Split, int], tuple[float, int]] = {}  # score, and the step that brought it

    def apply(self, step: int, events: Sequence[AnyEvent]) -> None:
        """Take in the events of one complete update (or of the opening or closing trials)."""
        proposed: dict[str, Proposed] = {}
        for event in events:
            match event:
                case Ran(trial):
                    self.trials += 1
                    if trial.spec.role in _LASTING:
                        self._scores[trial.spec.candidate, trial.spec.split, trial.spec.index] = (
                            trial.score,
                            step,
                        )
                case Proposed() if event.candidate:
                    proposed[event.candidate] = event
                    self._add(event, step)
                case Proposed():
                    self._remember(Remembered(step, event.refused, event.reason, event.texts))
                case Updated():
                    self._update(step, event, proposed)
                case _:
                    pass

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
        """Accepted candidates with their mean validation score, best first."""
        scored = [(node.id, self.mean(node.id)) for node in self.nodes.values() if node.accepted]
        ranked = sorted(((id, mean) for id, mean in scored if mean is not None), key=lambda pair: -pair[1])
        return [(self.candidates[id], mean) for id, mean in ranked]

    def _add(self, event: Proposed, step: int) -> None:
        if event.candidate not in self.candidates:
            child = self.candidates[event.parent].edit(event.texts)
            self.candidates[child.id] = child
            self.nodes[child.id] = Node(child.id, event.parent, step)

    def _update(self, step: int, event: Updated, proposed: dict[str, Proposed]) -> None:
        self.steps = step
        self.train.update(event.train)
        self.failures = (
            self.failures + 1 if event.failure and event.failure == self.failure else int(bool(event.failure))
        )
        self.failure = event.failure
        for child in event.children:
            self._remember(_remembered(step, child, proposed[child.candidate]))
        if event.accepted:
            self.nodes[event.accepted].accepted = True
        if event.accepted or event.reverted:
            self.current = event.accepted or event.parent
        self.since_best = 0 if event.best != self.best else self.since_best + 1
        self.best = event.best

    def _remember(self, entry: Remembered) -> None:
        """Append, and drop an older entry with the same texts: what came again is told once."""
        if entry.texts:
            self.memory = [old for old in self.memory if old.texts != entry.texts]
        self.memory.append(entry)


def _remembered(step: int, child: Child, proposal: Proposed) -> Remembered:
    return Remembered(
        step,
        child.outcome,
        child.reason or proposal.rationale,
        proposal.texts,
        child.score,
        child.parent_score,
    )
