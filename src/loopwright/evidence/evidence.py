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
from loopwright.evidence.combine import combine as concatenated
from loopwright.evidence.combine import template
from loopwright.evidence.cut import cut
from loopwright.evidence.fit import BETWEEN, fit
from loopwright.evidence.folded import perfect
from loopwright.evidence.horizon import Horizon
from loopwright.evidence.records import Combine, Experience, Section, Show, Template
from loopwright.evidence.tokens import Counter, estimate
from loopwright.seeding import generator
from loopwright.staged import Staged
from loopwright.trial import Trial

__all__ = ["Evidence", "Experience", "Section", "Template"]


class Evidence(msgspec.Struct, frozen=True):
    """The experiences of one update, rendered.

    `sections` are in reading order; `text` is exactly what the optimizer is shown, and `tokens` its size. `cut` says in
    sentences what the token limit took away (the text says it in place, too); empty where everything is shown.

    The rest is how it was asked for, so that other experiences can be rendered alike (`again`): `combine` (with
    "separate" the sections are those of several contexts, one an experience), `show`, `staged`, and the `limit` in
    tokens as `count` counts them, which holds for each context.
    """

    template: Template
    experiences: list[Experience]
    sections: list[Section]
    tokens: int
    cut: list[str] = []
    combine: Combine = "concat"
    show: Show = "both"
    staged: Staged | None = None
    limit: int = 30_000
    count: Counter = estimate

    @property
    def text(self) -> str:
        return BETWEEN.join(section.text for section in self.sections)

    @property
    def score(self) -> float:
        """The mean score of the experiences; 0 where there are none."""
        return math.fsum(each.score / len(self.experiences) for each in self.experiences)

    @property
    def perfect(self) -> bool:
        """Whether nothing is to be mended: every trial has the highest score that its task knows."""
        return perfect(self.experiences)

    def contexts(self) -> list[Evidence]:
        """What is read by itself: all of it, or with "separate" each experience alone, in the order drawn."""
        if self.combine == "concat":
            return [self]
        return [self.again([experience]) for experience in self.experiences]

    def again(self, experiences: Sequence[Experience]) -> Evidence:
        """Other experiences, shown in one context as these are, with the same limit."""
        return Evidence.about(experiences, show=self.show, staged=self.staged, tokens=self.limit, count=self.count)

    @classmethod
    def of(
        cls,
        trials: Sequence[Trial],
        horizon: Horizon | None = None,
        *,
        combine: Combine = "concat",
        show: Show = "both",
        staged: Staged | None = None,
        tokens: int = 30_000,
        seed: int = 0,
        count: Counter = estimate,
        ceiling: float | None = None,
    ) -> Evidence:
        """The evidence of `trials`, in their order.

        `show` says what of the feedback is shown; `staged` adds the text of the stage that the mean score has reached.
        With a `ceiling`, the highest score there is, a context whose trials all have it is told in short.
        `count(text) <= tokens` holds for the result, or with `combine = "separate"` for each of its contexts, whatever
        the trials are. A pure function: `seed` (give one that differs by update) drives the places of windows drawn at
        random, and nothing else.
        """
        experiences = cut_all(trials, horizon or Horizon(), seed, ceiling)
        return cls.about(experiences, combine=combine, show=show, staged=staged, tokens=tokens, count=count)

    @classmethod
    def about(
        cls,
        experiences: Sequence[Experience],
        *,
        combine: Combine = "concat",
        show: Show = "both",
        staged: Staged | None = None,
        tokens: int = 30_000,
        count: Counter = estimate,
    ) -> Evidence:
        """The evidence of experiences that are already cut: all of an update, or one alone."""
        if tokens < 1:
            raise SettingsError(f"evidence: tokens is {tokens}; it must be at least 1")
        if combine == "concat" or len(experiences) < 2:
            combine = "concat"
            sections, cuts = fit(concatenated(experiences, show, staged), tokens, count)
        else:
            each = [cls.about([one], show=show, staged=staged, tokens=tokens, count=count) for one in experiences]
            sections = [section for place, one in enumerate(each) for section in _context(place, each, one, count)]
            cuts = [f"context {place + 1}, {note}" for place, one in enumerate(each) for note in one.cut]
        made = cls(template(experiences), list(experiences), sections, 0, cuts, combine, show, staged, tokens, count)
        return msgspec.structs.replace(made, tokens=count(made.text))


def _context(place: int, every: Sequence[Evidence], one: Evidence, count: Counter) -> list[Section]:
    """The sections of one context among several, under a line that says so."""
    line = f"# Context {place + 1} of {len(every)}, shown by itself"
    numbered = [msgspec.structs.replace(section, experience=place) for section in one.sections]
    return [Section("summary", line, count(line), place), *numbered]


def cut_all(trials: Sequence[Trial], horizon: Horizon, seed: int, ceiling: float | None = None) -> list[Experience]:
    """Every trial cut to `horizon`, each with a generator of its own, so that one does not depend on the others."""
    return [cut(trial, horizon, generator(seed, "horizon", place), ceiling) for place, trial in enumerate(trials)]
