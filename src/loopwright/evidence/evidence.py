"""Evidence: what the optimizer reads about the trials of one update (the paper's *learning context*).

It is made by a chain of small pure functions, one file each: `cut` to the horizon, `combine`, render (`steps`),
`fit` to a limit of tokens. Drawing the examples (`batch`) and running them come before. The program's own
code, the goal and the reply format are not evidence: the optimizer adds them.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from loopwright.errors import SettingsError
from loopwright.evidence.combine import combine, template
from loopwright.evidence.cut import cut
from loopwright.evidence.fit import BETWEEN, fit
from loopwright.evidence.horizon import Horizon
from loopwright.evidence.records import Experience, Section, Show, Template
from loopwright.evidence.tokens import Counter, estimate
from loopwright.seeding import generator
from loopwright.staged import Staged
from loopwright.trial import Trial

__all__ = ["Evidence", "Experience", "Section", "Template"]


class Evidence(msgspec.Struct, frozen=True):
    """The experiences of one update, rendered.

    `sections` are in reading order; `text` is exactly what the optimizer is shown, and `tokens` its size. `cut` says in
    sentences what the token limit took away (the text says it in place, too); empty where everything is shown.
    """

    template: Template
    experiences: list[Experience]
    sections: list[Section]
    tokens: int
    cut: list[str] = []

    @property
    def text(self) -> str:
        return BETWEEN.join(section.text for section in self.sections)

    @property
    def score(self) -> float:
        """The mean score of the experiences; 0 where there are none."""
        return math.fsum(each.score / len(self.experiences) for each in self.experiences)

    @classmethod
    def of(
        cls,
        trials: Sequence[Trial],
        horizon: Horizon | None = None,
        *,
        show: Show = "both",
        staged: Staged | None = None,
        tokens: int = 30_000,
        seed: int = 0,
        count: Counter = estimate,
    ) -> Evidence:
        """The evidence of `trials`, in their order.

        `show` says what of the feedback is shown; `staged` adds the text of the stage that the mean score has reached.
        `count(text) <= tokens` holds for the result, whatever the trials are. A pure function: `seed` (give one that
        differs by update) drives the places of windows drawn at random, and nothing else.
        """
        experiences = cut_all(trials, horizon or Horizon(), seed)
        return cls.about(experiences, show=show, staged=staged, tokens=tokens, count=count)

    @classmethod
    def about(
        cls,
        experiences: Sequence[Experience],
        *,
        show: Show = "both",
        staged: Staged | None = None,
        tokens: int = 30_000,
        count: Counter = estimate,
    ) -> Evidence:
        """The evidence of experiences that are already cut: all of an update, or one alone."""
        if tokens < 1:
            raise SettingsError(f"evidence: tokens is {tokens}; it must be at least 1")
        sections, cuts = fit(combine(experiences, show, staged), tokens, count)
        made = cls(template(experiences), list(experiences), sections, 0, cuts)
        return msgspec.structs.replace(made, tokens=count(made.text))


def cut_all(trials: Sequence[Trial], horizon: Horizon, seed: int) -> list[Experience]:
    """Every trial cut to `horizon`, each with a generator of its own, so that one does not depend on the others."""
    return [cut(trial, horizon, generator(seed, "horizon", place)) for place, trial in enumerate(trials)]
