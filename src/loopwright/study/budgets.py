"""Equal budgets: what a run had reached when it had spent so much, and the most that all runs have spent.

Runs are never compared at their ends, which may lie at different budgets (in the paper's released Atari table they
do: one condition stopped after 10 updates, the other after 20 to 31). A run that ended by its own rule, because its
target or its patience was reached, would go on with the same candidate: its last score stands for larger budgets.
"""

from __future__ import annotations

from collections.abc import Sequence
from statistics import fmean

from loopwright.study.results import By, Point, RunResult, Score


def spent(point: Point, by: By) -> int:
    """What had been spent at a point, in the unit asked for."""
    return {"updates": point.update, "trials": point.trials, "tokens": point.tokens}[by]


def comparable(run: RunResult, score: Score) -> bool:
    """Whether a run may enter a comparison: it is done, and has what is compared."""
    if run.state != "done":
        return False
    return bool(run.best_test) if score == "test" else any(value_of(point, score) is not None for point in run.curve)


def reached(run: RunResult, by: By) -> int:
    """The budget of a run's last update."""
    return spent(run.curve[-1], by) if run.curve else 0


def common(runs: Sequence[RunResult], by: By) -> int | None:
    """The largest budget that all runs reached, those apart that ended by their own rule; None for no runs."""
    limits = [reached(run, by) for run in runs if not run.early]
    if limits:
        return min(limits)
    return max((reached(run, by) for run in runs), default=None)


def value_of(point: Point, score: Score) -> float | None:
    return point.current if score == "current" else point.best


def value_at(run: RunResult, score: Score, by: By, at: float) -> float | None:
    """A run's score when it had spent at most `at`; None where it had spent more already, or did not get so far.

    The score "test" is that of the end, whatever `at` is.
    """
    if score == "test":
        return fmean(run.best_test) if run.best_test else None
    if reached(run, by) < at and not run.early:
        return None
    inside = [point for point in run.curve if spent(point, by) <= at]
    return value_of(inside[-1], score) if inside else None
