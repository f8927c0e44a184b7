"""From a study's folder to its `StudyResult`: every run read from its journal, whatever state it is in.

Nothing is written, and a study that another process is running may be read.
"""

from __future__ import annotations

from pathlib import Path

from loopwright.errors import LoopwrightError
from loopwright.record import RunRecord, Update, record
from loopwright.store.run_folder import RunFolder
from loopwright.study.definition import Study
from loopwright.study.design import aliases_of, cells_of
from loopwright.study.folder import StudyFolder
from loopwright.study.plan import Planned, planned
from loopwright.study.results import Point, RunResult, State, StudyResult
from loopwright.trial import Usage

# The reasons of an end that a larger budget would not change, as `LearningLoop` words them.
_EARLY = ("the validation score reached the target", "no new best candidate in")


def collect(folder: str | Path) -> StudyResult:
    """Everything measured so far in a study's folder. Raises `UsageError` where it is none."""
    place = StudyFolder(folder)
    saved = place.load()
    return collected(saved.study, place)


def collected(study: Study, place: StudyFolder) -> StudyResult:
    """As `collect`, for a study that may want more (or other) runs than its folder has."""
    cells = cells_of(study.axes, study.design)
    order = {cell.key: number for number, cell in enumerate(cells)}
    failures = place.load().failures if place.exists() else {}
    runs = [result_of(run, place.path, failures.get(run.tag, "")) for run in planned(study)]
    return StudyResult(
        name=study.name,
        axes=study.axes,
        cells=cells,
        repeats=study.repeats,
        runs=sorted(runs, key=lambda run: (order[run.cell], run.repeat)),
        aliases=aliases_of(study.axes, study.design),
        loop=study.loop,
        folder=str(place.path),
    )


def result_of(run: Planned, study: Path, failure: str = "") -> RunResult:
    """One planned run as it stands. `failure` is why it last ended with an error, "" where it did not."""
    folder = run.folder(study)
    seen: RunRecord | None = None
    if RunFolder(folder).exists():
        try:
            seen = record(folder)
        except LoopwrightError as error:
            failure = failure or str(error)
    state, why = _state(seen, failure)
    ended = seen.ended if seen else None
    return RunResult(
        cell=run.cell.key,
        repeat=run.repeat,
        seed=run.loop.seed,
        folder=str(folder.relative_to(study)),
        state=state,
        why=why,
        early=state == "done" and why.startswith(_EARLY),
        curve=curve(seen) if seen else [],
        start_test=ended.start_test if ended else [],
        best_test=ended.best_test if ended else [],
    )


def _state(seen: RunRecord | None, failure: str) -> tuple[State, str]:
    if seen is not None and seen.folder.owner() is not None:
        return "under way", ""
    if failure:
        return "failed", failure
    if seen is None:
        return "not begun", ""
    if seen.ended is not None:
        return "done", seen.ended.reason
    return ("waiting", "") if seen.folder.open_questions() else ("stopped", "")


def curve(run: RunRecord) -> list[Point]:
    """A run's course: one point before the first update and one after each complete one. Empty before the first."""
    population = run.population
    start = population.mean(population.start)
    if start is None and run.began.card.sizes["validation"]:
        return []
    spent, trials, seconds = _spent(run.opening)
    points = [Point(0, trials, spent.calls, spent.tokens, spent.usd, seconds, None, start, start)]
    current = population.start
    for update in run.updates:
        if update.updated is None:
            break
        usage, more, took = _spent(update)
        spent, trials, seconds = spent + usage, trials + more, seconds + took
        done = update.updated
        if done.accepted or done.reverted:
            current = done.accepted or done.parent
        points.append(
            Point(
                update.step,
                trials,
                spent.calls,
                spent.tokens,
                spent.usd,
                seconds,
                update.batch_score,
                population.mean(current),
                done.best_score,
            )
        )
    return points


def _spent(update: Update) -> tuple[Usage, int, float]:
    used = [trial.usage for trial in update.trials] + [each.reply.usage for each in update.answered]
    return sum(used, Usage()), len(update.trials), update.seconds
