"""The gap between splits (*meta-overfitting*): what the start and the best candidate score on train, validation, test.

The best was chosen by its validation score, so that score flatters it; the test split was used for nothing before the
end, and only there does an interval of the gain mean what it says.
"""

from __future__ import annotations

from statistics import fmean

import msgspec

from loopwright.paired import Paired, paired
from loopwright.record import RunRecord
from loopwright.trial import Split


class SplitScores(msgspec.Struct, frozen=True):
    """Mean scores of the start and the best on one split, `None` where not run, each with its number of trials.

    `gain` is the paired difference with its 95 % interval, where both were run on the same examples and seeds.
    """

    split: Split
    start: float | None
    start_n: int
    best: float | None
    best_n: int
    gain: Paired | None = None


def gap(run: RunRecord) -> list[SplitScores]:
    """The three splits in order; those on which nothing was run are left out."""
    population, span = run.population, run.began.card.span
    found: list[SplitScores] = []
    # Train scores come from whatever batches there were, so nothing is paired there.
    found.append(_scores("train", _batch_scores(run, population.start), _batch_scores(run, population.best)))
    for split in ("validation", "test"):
        start, best = (population.scores(id, split) for id in (population.start, population.best))
        found.append(_scores(split, start, best, paired(start, best, span)))
    same = population.start == population.best
    return [
        msgspec.structs.replace(each, gain=None) if same else each
        for each in found
        if each.start is not None or each.best is not None
    ]


def _scores(split: Split, start: list[float], best: list[float], gain: Paired | None = None) -> SplitScores:
    return SplitScores(
        split,
        fmean(start) if start else None,
        len(start),
        fmean(best) if best else None,
        len(best),
        gain,
    )


def _batch_scores(run: RunRecord, candidate: str) -> list[float]:
    """All scores of a candidate on training examples: as a parent on its batches, and as a child at the gate."""
    return [
        trial.score
        for update in run.updates
        for trial in update.trials
        if trial.spec.split == "train" and trial.spec.candidate == candidate
    ]
