"""What can be said of a study: cells at one equal budget, effects with intervals and tests, curves with bands.

An effect is called higher or lower only where its sign-flip test stays under the stated error after Holm's correction
over *all* effects of the table, and its interval leaves out zero. So the chance of even one false claim in a study
without any true effect is at most that error. How and why: docs/explanation/statistics.md.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from statistics import fmean, median, stdev
from typing import Literal

import msgspec

from loopwright.errors import UsageError
from loopwright.study.budgets import common, comparable, reached, spent, value_at, value_of
from loopwright.study.contrasts import Differences, Unit, Values, interaction, main_effect
from loopwright.study.design import effect_name
from loopwright.study.results import (
    Analysis,
    Axis,
    Band,
    By,
    Cell,
    CellCurve,
    Effect,
    RunResult,
    Score,
    StudyResult,
    Summary,
    Verdict,
)
from loopwright.study.statistics import (
    detectable,
    holm,
    least_units,
    mean_bands,
    mean_interval,
    sign_flip,
    units_needed,
)

_GRID = 24  # places of a curve over trials or tokens
_FAR = 1000  # further repeats that nobody will make


def analyse(
    result: StudyResult,
    *,
    score: Score = "best",
    by: By = "updates",
    at: float | None = None,
    error: float = 0.05,
    unit: Unit = "pair",
) -> Analysis:
    """Compare a study's cells at the budget `at` of `by` (by default the largest that all its runs reached).

    `error` is the chance of any false claim in the whole table. `unit` is what counts as one independent difference:
    each "pair" of runs, or each "repeat" as a whole, which is safe even where runs with the same seed share more luck
    than their pairing takes out. Raises `UsageError` where `error` is no chance or `at` lies where no run was.
    """
    if not 0 < error < 1:
        raise UsageError(f"the error is a chance between 0 and 1, such as 0.05; got {error:g}")
    runs = [run for run in result.runs if comparable(run, score)]
    limit = common(runs, by)
    place = limit if at is None else at
    found: dict[tuple[str, int], float] = {}
    for run in runs if place is not None else []:
        value = value_at(run, score, by, place or 0)
        if value is not None:
            found[run.cell, run.repeat] = value
    if at is not None and runs and not found:
        raise UsageError(f"no run has a score at {at:g} {by}; all runs reached {limit}")
    return Analysis(
        name=result.name,
        score=score,
        by=by,
        at=place,
        error=error,
        summaries=[_summary(cell, found, result.repeats, error) for cell in result.cells],
        effects=_effects(result, found, error, unit),
        notes=_notes(result, runs, found, score, by, place, error),
    )


def _summary(cell: Cell, values: Values, repeats: int, error: float) -> Summary:
    mine = {repeat: values[cell.key, repeat] for repeat in range(1, repeats + 1) if (cell.key, repeat) in values}
    found = list(mine.values())
    se = stdev(found) / math.sqrt(len(found)) if len(found) > 1 else None
    return Summary(
        cell.key,
        mine,
        fmean(found) if found else None,
        median(found) if found else None,
        se,
        mean_interval(found, 1 - error),
    )


def _effects(result: StudyResult, values: Values, error: float, unit: Unit) -> list[Effect]:
    """Main effects of all pairs of levels, then interactions of two axes; corrected together."""
    cells, repeats, axes = result.cells, result.repeats, result.axes
    found: list[Effect] = []
    for axis in axes:
        for levels in itertools.combinations(axis.labels, 2):
            made = main_effect(cells, values, repeats, axis.name, levels, unit)
            found.append(_effect(result, [axis], [levels], made, error))
    for one, other in itertools.combinations(axes, 2):
        # Against the first level alone: the interactions between the other levels follow from these.
        for high, right in itertools.product(one.labels[1:], other.labels[1:]):
            levels = ((one.labels[0], high), (other.labels[0], right))
            made = interaction(cells, values, repeats, (one.name, other.name), levels, unit)
            found.append(_effect(result, [one, other], levels, made, error))
    return _corrected([effect for effect in found if effect.n or effect.dropped], error)


def _effect(
    result: StudyResult, axes: Sequence[Axis], levels: Sequence[tuple[str, str]], made: Differences, error: float
) -> Effect:
    values = [value for _, value in made.values]
    flips = sign_flip(values) if values else None
    return Effect(
        axes=[axis.name for axis in axes],
        first=[low for low, _ in levels],
        second=[high for _, high in levels],
        n=len(values),
        unit=made.unit,
        mean=fmean(values) if values else None,
        median=median(values) if values else None,
        interval=mean_interval(values, 1 - error),
        p=flips.p if flips else None,
        adjusted=None,
        smallest=flips.smallest if flips else None,
        verdict="no claim",
        more=_more(made, values, error),
        detectable=detectable(values, error),
        dropped=made.dropped,
        aliases=result.aliases.get(effect_name([axis.name for axis in axes], result.axes), []),
    )


def _corrected(effects: Sequence[Effect], error: float) -> list[Effect]:
    tested = [effect for effect in effects if effect.p is not None]
    adjusted = iter(holm([effect.p for effect in tested if effect.p is not None]))
    found: list[Effect] = []
    for effect in effects:
        now = msgspec.structs.replace(effect, adjusted=next(adjusted) if effect.p is not None else None)
        verdict = _verdict(now, error)
        settled = verdict in {"higher", "lower"}
        found.append(msgspec.structs.replace(now, verdict=verdict, more=0 if settled else now.more))
    return found


def _verdict(effect: Effect, error: float) -> Verdict:
    """A claim needs a small corrected p *and* an interval without zero. Too few units can never give one."""
    if effect.interval is None or effect.adjusted is None or effect.n < least_units(error):
        return "no claim"
    if effect.adjusted <= error:
        if effect.interval.low > 0:
            return "higher"
        if effect.interval.high < 0:
            return "lower"
    return "not settled"


def _more(made: Differences, values: Sequence[float], error: float) -> int | None:
    """Further repeats until a difference as large as the one seen would be found; None where that is out of reach."""
    needed = units_needed(values, error)
    counts = [repeat for repeat, _ in made.values]
    if needed is None or not counts:
        return None
    each = len(counts) / len(set(counts))  # units that a repeat brings
    more = max(1, math.ceil(needed / each) - len(set(counts)))
    return more if more <= _FAR else None


def curves(result: StudyResult, *, by: By = "updates", error: float = 0.05) -> list[CellCurve]:
    """The learning curve of every cell, of its best score so far and of its current one, with bands for the mean."""
    runs = [run for run in result.runs if comparable(run, "best")]
    scores: tuple[Literal["best", "current"], ...] = ("best", "current")
    return [
        CellCurve(cell.key, score, _bands([run for run in runs if run.cell == cell.key], score, by, error))
        for cell in result.cells
        for score in scores
    ]


def _bands(runs: Sequence[RunResult], score: Literal["best", "current"], by: By, error: float) -> list[Band]:
    """A cell's curve as far as all its runs go, so that no place has fewer runs than another."""
    runs = [run for run in runs if any(value_of(point, score) is not None for point in run.curve)]
    if not runs:
        return []
    first = max(spent(run.curve[0], by) for run in runs)
    last = common(runs, by) or 0
    step = 1 if by == "updates" else max(1, (last - first) // _GRID)
    grid = sorted({*range(first, last + 1, step), last})
    rows = [[value_at(run, score, by, x) for run in runs] for x in grid]
    whole = [(x, [value for value in row if value is not None]) for x, row in zip(grid, rows, strict=True)]
    whole = [(x, row) for x, row in whole if len(row) == len(runs)]
    bounds = mean_bands([row for _, row in whole], 1 - error) if len(runs) > 1 and whole else []
    return [
        Band(x, len(row), fmean(row), median(row), *(bounds[number] if bounds else (None, None)))
        for number, (x, row) in enumerate(whole)
    ]


def _notes(
    result: StudyResult,
    runs: Sequence[RunResult],
    values: Values,
    score: Score,
    by: By,
    at: float | None,
    error: float,
) -> list[str]:
    """Everything a reader must know before believing a figure."""
    notes: list[str] = []
    if at is not None and score != "test":
        ends = sorted({reached(run, by) for run in runs})
        notes.append(f"All runs are compared at {at:g} {by}; they ended at {_range(ends)} {by}.")
    elif score == "test":
        for unit in ("updates", "trials"):
            ends = sorted({reached(run, unit) for run in runs if not run.early})
            if len(ends) > 1:
                notes.append(
                    f"Test scores are those of the ends of the runs, which lie at {_range(ends)} {unit}: "
                    f"they are not compared at an equal budget of {unit}."
                )
    for state in ("failed", "stopped", "under way", "waiting", "not begun"):
        left = [run for run in result.runs if run.state == state]
        if left:
            why = f" ({left[0].why})" if left[0].why else ""
            notes.append(f"{len(left)} of {len(result.runs)} runs left out: {state}{why}.")
    lacking = [run for run in result.runs if run.state == "done" and run not in runs]
    if lacking:
        notes.append(f"{len(lacking)} runs left out: they have no {score} score.")
    beyond = [run for run in runs if (run.cell, run.repeat) not in values]
    if beyond:
        notes.append(f"{len(beyond)} runs left out: they have no score at {at or 0:g} {by}.")
    early = [run for run in runs if run.early and at is not None and reached(run, by) < at and score != "test"]
    if early:
        notes.append(f"{len(early)} runs ended earlier by their own rule; their last score stands for what follows.")
    if result.repeats < least_units(error):
        notes.append(
            f"With {result.repeats} repeats, two single cells cannot be told apart at an error of {error:g}: that "
            f"takes {least_units(error)}. Effects over several pairs of cells can."
        )
    if result.aliases:
        notes.append("This is a fraction of the design: an effect stands for itself and its aliases together.")
    return notes


def _range(values: Sequence[int]) -> str:
    if not values:
        return "no"
    return f"{values[0]:,}" if len(values) == 1 else f"{values[0]:,} to {values[-1]:,}"
