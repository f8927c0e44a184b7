"""`optoprime`: one model reads the evidence and the memory of past tries, and rewrites any of the parameters.

After OptoPrime of Trace (Cheng et al. 2024), with its view of the program as a graph, its memory of past candidates
and its limit of 4096 tokens; the evidence, the reply format and the repair turn are loopwright's own. `ask` is the same
with a person as the model.
"""

from __future__ import annotations

import random

from loopwright.optimizers.asking import Asking, Question, without_twins
from loopwright.optimizers.prompt import messages
from loopwright.optimizers.protocol import Check, Proposing, View


class OptoPrime(Asking, frozen=True, forbid_unknown_fields=True):
    """Settings of the optimizer, and the optimizer itself. One request an update, and one more a repair."""

    def propose(self, view: View, rng: random.Random, check: Check) -> Proposing:
        asked = messages(view, memory=self.memory, memory_tokens=self.memory_tokens)
        (results,) = yield from self.draw([Question(asked, self.samples)], view, rng, check)
        return without_twins(results)
