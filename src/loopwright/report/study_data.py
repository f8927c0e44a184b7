"""What the report of a study holds, as plain data: its analyses for every score and budget, curves, runs.

Nothing is computed here that `study.analysis` does not compute: a page and `loopwright study show` say the same.
"""

from __future__ import annotations

from typing import Any

import msgspec

from loopwright.study.analysis import analyse, curves
from loopwright.study.results import Analysis, Band, By, CellCurve, Score, StudyResult
from loopwright.study.tables import change_of

_SCORES: tuple[Score, ...] = ("best", "current", "test")
_BUDGETS: tuple[By, ...] = ("updates", "trials", "tokens")


def study_data(result: StudyResult, *, error: float = 0.05) -> dict[str, Any]:
    """Everything the page of a study is made of, as JSON will hold it."""
    tokens = any(run.curve and run.curve[-1].tokens for run in result.runs)
    budgets: list[By] = [by for by in _BUDGETS if by != "tokens" or tokens]
    scores: list[Score] = [score for score in _SCORES if score != "test" or any(run.best_test for run in result.runs)]
    return {
        "kind": "study",
        "error": error,
        "axes": [{"name": axis.name, "labels": axis.labels} for axis in result.axes],
        "cells": [{"key": cell.key, "levels": cell.levels} for cell in result.cells],
        "scores": scores,
        "budgets": budgets,
        "analyses": {
            score: {by: _analysis(analyse(result, score=score, by=by, error=error)) for by in budgets}
            for score in scores
        },
        "curves": {by: _curves(curves(result, by=by, error=error)) for by in budgets},
        "runs": [_run(result, place) for place in range(len(result.runs))],
    }


def _analysis(found: Analysis) -> dict[str, Any]:
    plain = msgspec.to_builtins(found, str_keys=True)
    for effect, written in zip(found.effects, plain["effects"], strict=True):
        written["name"] = " × ".join(effect.axes)
        written["change"] = change_of(effect).replace("->", "→")
    return plain


def _curves(found: list[CellCurve]) -> dict[str, Any]:
    """By score: one x for all cells, and each cell's values there, the last one known standing until the next."""
    made: dict[str, Any] = {}
    for score in ("best", "current"):
        mine = [curve for curve in found if curve.score == score]
        xs = sorted({band.x for curve in mine for band in curve.bands})
        made[score] = {"x": xs, "cells": {curve.cell: _aligned(curve.bands, xs) for curve in mine if curve.bands}}
    return made


def _aligned(bands: list[Band], xs: list[float]) -> dict[str, list[float | int | None]]:
    columns: dict[str, list[float | int | None]] = {name: [] for name in ("mean", "median", "low", "high", "n")}
    at = -1
    for x in xs:
        while at + 1 < len(bands) and bands[at + 1].x <= x:
            at += 1
        there = bands[at] if at >= 0 and x <= bands[-1].x else None
        for name, column in columns.items():
            column.append(getattr(there, name) if there is not None else None)
    return columns


def _run(result: StudyResult, place: int) -> dict[str, Any]:
    run = result.runs[place]
    last = run.curve[-1] if run.curve else None
    return {
        "cell": run.cell,
        "repeat": run.repeat,
        "seed": run.seed,
        "state": run.state,
        "why": run.why,
        "folder": run.folder,
        "start": run.curve[0].best if run.curve else None,
        "best": last.best if last else None,
        "updates": last.update if last else None,
        "trials": last.trials if last else None,
        "tokens": last.tokens if last else None,
        "usd": last.usd if last else None,
        "seconds": last.seconds if last else None,
        "test_start": run.start_test,
        "test_best": run.best_test,
    }
