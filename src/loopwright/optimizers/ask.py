"""`ask`: a person, or a coding agent, is the model.

The runner stops the run with the prompt in a file, and goes on when the reply is told. So this is `optoprime` with the
model "ask", and the same reply format.
"""

from __future__ import annotations

import random

import msgspec

from loopwright.llm.models import ASK
from loopwright.optimizers.optoprime import OptoPrime
from loopwright.optimizers.protocol import Check, Proposing, View


class Person(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`memory` and `memory_tokens` as in `OptoPrime`. A refused reply is asked for again up to `repairs` times."""

    memory: int = 5
    memory_tokens: int = 4_000
    repairs: int = 0

    def propose(self, view: View, rng: random.Random, check: Check) -> Proposing:
        return OptoPrime(ASK, memory=self.memory, memory_tokens=self.memory_tokens, repairs=self.repairs).propose(
            view, rng, check
        )
