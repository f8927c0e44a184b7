"""Sequential search: one line of descent, each update edits the last accepted candidate. The paper's search."""

from __future__ import annotations

import random
from collections.abc import Sequence
from statistics import fmean

from loopwright.search.confident import settle, told
from loopwright.search.population import Population
from loopwright.search.protocol import Gate, Judging, Verdict
from loopwright.settings import SearchSettings
from loopwright.store.events import Child


class Sequential:
    """Edits the current candidate; keeps a child by `accept` on the `gate`; goes back to the best by `revert`."""

    def __init__(self, settings: SearchSettings) -> None:
        self.settings = settings

    def select(self, population: Population, rng: random.Random) -> str:
        revert = self.settings.revert
        if revert is not None and population.since_best and population.since_best % revert == 0:
            return population.best
        return population.current

    def judge(self, parent: str, children: Sequence[str], gate: Gate) -> Judging:
        if self.settings.accept == "always" and len(children) == 1:
            return Verdict([Child(children[0], "accepted")], children[0], "every valid child is accepted")
        if self.settings.accept == "confident":
            return (yield from self._confident(parent, children, gate))
        means = yield from gate([parent, *children], self.settings.gate)
        before = means.pop(parent)
        # max() keeps the first of equals: an earlier proposal is not pushed out by a later one that is no better.
        winner = max(means, key=lambda child: means[child])
        kept = accepts(self.settings.accept, means[winner], before)
        on = "the batch" if self.settings.gate == "batch" else "validation"
        reason = f"{means[winner]:.4g} against the parent's {before:.4g} on {on}"
        outcomes = [
            Child(child, _outcome(kept, score, before) if child == winner else "outdone", score, before)
            for child, score in means.items()
        ]
        return Verdict(outcomes, winner if kept else "", reason)

    def _confident(self, parent: str, children: Sequence[str], gate: Gate) -> Judging:
        """Keep a child only where it is settled that it is better. Of several, the update's batch says which to try.

        What chose the child is not counted for it: the best of several is partly the luckiest.
        """
        leader, means = children[0], {children[0]: 0.0}
        if len(children) > 1:
            means = yield from gate(children, "batch")
            leader = max(means, key=lambda child: means[child])
        wager, before, after = yield from settle(self.settings, parent, leader, gate)
        kept = wager.decision == "better"
        became = {"better": "accepted", "worse": "worse", "": "no better"}[wager.decision]
        outcomes = [
            Child(child, became, fmean(after), fmean(before), told(wager))
            if child == leader
            else Child(child, "outdone", means[child])
            for child in children
        ]
        return Verdict(outcomes, leader if kept else "", told(wager))


def accepts(rule: str, after: float, before: float) -> bool:
    """Whether a child with mean score `after` replaces a parent with `before`, on the same examples and seeds."""
    if rule == "always":
        return True
    return after > before if rule == "improve" else after >= before


def _outcome(kept: bool, after: float, before: float) -> str:
    """What became of the best child of an update, in the words of `store.events.Child`."""
    return "accepted" if kept else "worse" if after < before else "no better"
