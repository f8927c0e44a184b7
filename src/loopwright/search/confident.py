"""`accept = "confident"`: draw pairs of trials until it is settled whether the child is better, or a cap is reached.

A bet, not a threshold: for every pair (same example, same seed) we stake a part of what we have on the child winning.
If the child is no better than its parent, nobody can win such a game: the chance that our wealth *ever* grows to
1 / error is at most `error` (Ville's inequality), however often we look. So we may stop at once when it does, and a
child that was merely lucky once or twice is not kept. Pure: no I/O, nothing random.

Assumed of a child that is no better: at every size of difference it wins at most as often as it loses, as it does where
child and parent could as well be swapped. Source: tests by betting (Shafer, JRSS A 184, 2021; Waudby-Smith and Ramdas,
JRSS B 86, 2024) with the nonparametric e-values for symmetry of Vovk and Wang (Efficiency of nonparametric e-tests,
2024), as a mixture over several stakes.
"""

from __future__ import annotations

import math
from collections.abc import Generator
from typing import Literal

from loopwright.execution.protocol import TaskCard
from loopwright.search.protocol import Gate, On
from loopwright.settings import SearchSettings
from loopwright.trial import Trial, TrialSpec

# How boldly is bet on a difference of usual size: from a cautious half to nearly all. No one stake suits all effects.
_STAKES = (0.5, 1.0, 2.0, 4.0)
_GROUP = 4  # pairs drawn together after the first group; a constant, so that a run does not depend on its slots

Decision = Literal["better", "worse", ""]


class Wager:
    """The wealth of one bettor on the child and one on the parent, both beginning with 1."""

    def __init__(self, error: float) -> None:
        self.error = error
        self.won = self.lost = self.tied = 0
        self.decision: Decision = ""
        self._child = [1.0] * len(_STAKES)
        self._parent = [1.0] * len(_STAKES)
        self._sizes = 0.0  # the sum of all differences' sizes

    @property
    def pairs(self) -> int:
        return self.won + self.lost + self.tied

    @property
    def wealth(self) -> float:
        """Of the bettor on the child: 1 at the start; 1 / error settles it."""
        return math.fsum(self._child) / len(_STAKES)

    def add(self, difference: float) -> None:
        """Take in one pair's child score minus parent score. Once settled, nothing changes the decision."""
        if difference == 0.0:
            self.tied += 1
            return
        self.won, self.lost = self.won + (difference > 0), self.lost + (difference < 0)
        self._sizes += abs(difference)
        # The stake may depend on this difference's size and on the past, never on its sign.
        usual = self._sizes / (self.won + self.lost)
        for place, boldness in enumerate(_STAKES):
            stake = math.copysign(math.tanh(boldness * abs(difference) / usual), difference)
            self._child[place] *= 1 + stake
            self._parent[place] *= 1 - stake
        if not self.decision:
            enough = 1 / self.error
            if self.wealth >= enough:
                self.decision = "better"
            elif math.fsum(self._parent) / len(_STAKES) >= enough:
                self.decision = "worse"

    def hopeless(self, left: int) -> bool:
        """Whether `left` more pairs could not settle it for the child, even if it won them all."""
        return self.wealth * 2.0**left < 1 / self.error


def least_pairs(error: float) -> int:
    """How many pairs a child must at least win before it can be accepted: a bet at most doubles what one has."""
    return math.ceil(math.log2(1 / error) - 1e-12)


def pairs_at_most(search: SearchSettings, card: TaskCard, batch: int) -> int:
    """The most pairs that one decision can draw: the cap, or the examples there are where none is drawn again."""
    if search.redraw:
        return search.cap
    there = card.sizes["validation"] if search.gate == "validation" else card.sizes["train"] - batch
    return min(search.cap, there)


def settle(
    search: SearchSettings, parent: str, child: str, gate: Gate
) -> Generator[list[TrialSpec], list[Trial], tuple[Wager, list[float], list[float]]]:
    """Draw pairs until it is settled, out of reach or at the cap; gives the wager and all scores drawn."""
    wager = Wager(search.error)
    on: On = search.gate
    before: list[float] = []
    after: list[float] = []
    while not wager.decision and not wager.hopeless(search.cap - len(before)):
        count = min(search.cap - len(before), _GROUP if before else least_pairs(search.error))
        drawn = yield from gate.fresh([parent, child], on, len(before), count)
        if not drawn[parent]:
            break  # no examples are left that were not drawn
        before += drawn[parent]
        after += drawn[child]
        for one, other in zip(drawn[parent], drawn[child], strict=True):
            wager.add(other - one)
    return wager, before, after


def told(wager: Wager) -> str:
    """A decision in words, with what it rests on."""
    tied = f", tied {wager.tied}" if wager.tied else ""
    course = f"won {wager.won} and lost {wager.lost}{tied} of {wager.pairs} pairs"
    verdict = {"better": "better", "worse": "worse", "": "not shown to be better"}[wager.decision]
    return f"{verdict}: {course} (error at most {wager.error:g})"
