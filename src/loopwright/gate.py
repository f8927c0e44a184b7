"""Which trials score a candidate: those of an update's batch, of a whole split, or further draws.

The examples and seeds here are the same for every candidate, so that comparisons are paired. Who wins by them is not
decided here: that is a `Search`.
"""

from __future__ import annotations

from collections.abc import Generator, Sequence
from statistics import fmean
from typing import cast

import msgspec

from loopwright.execution.protocol import TaskCard
from loopwright.search.population import Population
from loopwright.search.protocol import Drawing, On, Scoring
from loopwright.seeding import derive, generator
from loopwright.settings import Loop
from loopwright.trial import Role, Split, Trial, TrialSpec


def run_all(specs: list[TrialSpec]) -> Generator[list[TrialSpec], list[Trial], list[Trial]]:
    """Have trials run; none asked, none run."""
    return (yield specs) if specs else []


def lasting(
    loop: Loop, card: TaskCard, population: Population, candidate: str, split: Split, *, by: int | None = None
) -> list[TrialSpec]:
    """The trials of a candidate on a whole split that are not known yet (by the end of step `by`)."""
    return [
        TrialSpec(candidate, split, index, derive(loop.seed, split, index), cast("Role", split))
        for index in range(card.sizes[split])
        if population.known(candidate, split, index, by) is None
    ]


class ExampleGate:
    """Scores candidates of one update: on the examples and seeds of its batch, or on the validation split."""

    def __init__(self, loop: Loop, card: TaskCard, population: Population, step: int, batch: Sequence[Trial]) -> None:
        self._loop = loop
        self._card = card
        self._population = population
        self._step = step
        self._by = step - loop.search.branches
        self._batch = batch
        self._means: dict[tuple[str, On], float] = {(batch[0].spec.candidate, "batch"): fmean(t.score for t in batch)}

    def __call__(self, candidates: Sequence[str], on: On) -> Scoring:
        wanted = {
            candidate: self._specs(candidate, on) for candidate in candidates if (candidate, on) not in self._means
        }
        trials = yield from run_all([spec for specs in wanted.values() for spec in specs])
        fresh: dict[str, list[float]] = {candidate: [] for candidate in wanted}
        for trial in trials:
            fresh[trial.spec.candidate].append(trial.score)
        for candidate, scores in fresh.items():
            scores += self._population.scores(candidate, "validation", self._by) if on == "validation" else []
            if scores:
                self._means[candidate, on] = fmean(scores)
        return {candidate: self._means[candidate, on] for candidate in candidates if (candidate, on) in self._means}

    def fresh(self, candidates: Sequence[str], on: On, first: int, count: int) -> Drawing:
        draws = self._draws(on, first, count)
        split: Split = "validation" if on == "validation" else "train"
        specs = [TrialSpec(id, split, index, seed, role="gate") for index, seed in draws for id in candidates]
        found: dict[str, list[float]] = {id: [] for id in candidates}
        for trial in (yield from run_all(specs)):
            found[trial.spec.candidate].append(trial.score)
        return found

    def _draws(self, on: On, first: int, count: int) -> list[tuple[int, int]]:
        """Draws `first` to `first + count` of this update, as (example, seed): epochs in a seeded order each."""
        seed, again = self._loop.seed, self._loop.search.redraw
        examples = list(range(self._card.sizes["validation" if on == "validation" else "train"]))
        if on == "batch" and not again:
            seen = {trial.spec.index for trial in self._batch}
            examples = [index for index in examples if index not in seen]
        draws: list[tuple[int, int]] = []
        while examples and len(draws) < first + count and (again or not draws):
            epoch = len(draws) // len(examples)
            order = generator(seed, "fresh", self._step, epoch).sample(examples, len(examples))
            draws += [(index, derive(seed, "fresh", self._step, epoch, index)) for index in order]
        return draws[first : first + count]

    def _specs(self, candidate: str, on: On) -> list[TrialSpec]:
        if on == "validation":
            return lasting(self._loop, self._card, self._population, candidate, "validation", by=self._by)
        replace = msgspec.structs.replace
        return [replace(trial.spec, candidate=candidate, role="gate", record=False) for trial in self._batch]
