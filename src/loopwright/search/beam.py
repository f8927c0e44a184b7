"""Beam search: the `width` best candidates by validation are kept open, and each update edits one of them.

A line that looked worse at first may win in the end, as long as it stays among the best. Where `sequential` has one
current candidate, here there are several; where `pareto` keeps who is best at some example, here the mean decides.
"""

from __future__ import annotations

import random

from loopwright.search.population import Population
from loopwright.search.sequential import Sequential


class Beam(Sequential):
    """Edits one of the best, drawn evenly; children are judged as in `Sequential`, each against its own parent.

    With `branches = width` as many updates are under way at once.
    """

    def select(self, population: Population, rng: random.Random) -> str:
        beam = [candidate.id for candidate, _ in population.kept()[: self.settings.width]]
        return rng.choice(beam) if beam else population.current
