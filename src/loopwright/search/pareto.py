"""Pareto search: whoever is best at some validation example may be edited next, however it does on the others.

After the candidate selection of GEPA (Agrawal et al., arXiv 2507.19457): different candidates have learned different
things, and the mean alone would lose all but one of them. Where the examples all say the same, `beam` is cheaper.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from statistics import fmean

from loopwright.search.population import Population
from loopwright.search.sequential import Sequential
from loopwright.settings import SearchSettings


class Pareto(Sequential):
    """Edits a candidate of the frontier, drawn by at how many examples it is best; judged as in `Sequential`."""

    def __init__(self, settings: SearchSettings) -> None:
        super().__init__(settings)
        self._known: dict[str, tuple[float, ...]] = {}  # scores of a whole split do not change: only to be quick

    def select(self, population: Population, rng: random.Random) -> str:
        wins = frontier(self._scores(population))
        return rng.choices([*wins], [*wins.values()])[0] if wins else population.current

    def _scores(self, population: Population) -> Mapping[str, Sequence[float]]:
        """The validation scores, by example, of the start and all accepted candidates, oldest first."""
        examples = len(population.scores(population.start, "validation"))
        found: dict[str, Sequence[float]] = {}
        for id, node in population.nodes.items():
            if not node.accepted:
                continue
            if id not in self._known:
                scores = tuple(population.scores(id, "validation"))
                if not scores or len(scores) != examples:
                    continue
                self._known[id] = scores
            found[id] = self._known[id]
        return found


def frontier(scores: Mapping[str, Sequence[float]]) -> dict[str, int]:
    """At how many examples each candidate of the frontier is best (of equals, all are).

    Left out is who is best only where others are, too, beginning with the lowest mean; so one of equals stays, the
    newest. `scores` has one for each example, in the same order for all.
    """
    if not scores:
        return {}
    best = [max(column) for column in zip(*scores.values(), strict=True)]
    wins = {id: {i for i, score in enumerate(row) if score == best[i]} for id, row in scores.items()}
    for id in sorted(scores, key=lambda id: fmean(scores[id]) if scores[id] else 0.0):
        rest = {i for other, places in wins.items() if other != id for i in places}
        if wins[id] <= rest:
            del wins[id]
    return {id: len(places) for id, places in wins.items()}
