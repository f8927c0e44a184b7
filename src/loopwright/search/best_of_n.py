"""Best of n: every update edits the starting artifact; the best child wins. The baseline for every search that goes on.

What `sequential` gains by building on its children, this lacks; what it loses by drifting, this keeps.
"""

from __future__ import annotations

import random

from loopwright.search.population import Population
from loopwright.search.sequential import Sequential


class BestOfN(Sequential):
    """Edits the start, again and again; children are judged as in `Sequential`, against the start."""

    def select(self, population: Population, rng: random.Random) -> str:
        return population.start
