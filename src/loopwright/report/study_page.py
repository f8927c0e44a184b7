"""The page of a study: its head in words, and what `study_data` gives beneath."""

from __future__ import annotations

import itertools
import re
from typing import Any

from loopwright.report.page import render
from loopwright.report.settings_part import part
from loopwright.report.study_data import study_data
from loopwright.report.texts import TextPool
from loopwright.study.analysis import analyse, curves
from loopwright.study.results import Effect, Score, StudyResult
from loopwright.study.tables import (
    FORMATS,
    Table,
    by_level,
    cells_table,
    change_of,
    curves_table,
    effects_table,
    protocol,
)
from loopwright.wording import counted, money, number

ROOM = 1_000_000


def study_page(result: StudyResult, *, error: float = 0.05) -> str:
    """The report of a study as one HTML text. Pure. `error` is the chance of any false claim in a table."""
    return render("study", _head(result, error), study_data(result, error=error), TextPool(ROOM))


def study_tables(result: StudyResult, *, error: float = 0.05) -> dict[str, str]:
    """The tables of a study in every form by file name, those of `loopwright study show --tables`.

    Cells and effects are given for the best validation score and, where there is one, for the test score.
    """
    scores: list[Score] = ["best", *(["test"] if any(run.best_test for run in result.runs) else [])]
    named: dict[str, Table] = {
        "protocol": protocol(result),
        "curves": curves_table(curves(result, error=error), "updates"),
    }
    for score in scores:
        found = analyse(result, score=score, error=error)
        named[f"cells-{score}"], named[f"effects-{score}"] = cells_table(result, found), effects_table(found)
        for one, other in itertools.combinations(result.axes, 2):
            named[f"levels-{score}-{plain(one.name)}-{plain(other.name)}"] = by_level(
                result, found, one.name, other.name
            )
    return {f"{name}.{kind}": form(table) for name, table in named.items() for kind, form in FORMATS.items()}


def plain(name: str) -> str:
    """A name that a file may have."""
    return re.sub(r"[^\w.]+", "-", name).strip("-.") or "axis"


def _head(result: StudyResult, error: float) -> dict[str, Any]:
    tone, verdict = _verdict(result, error)
    done = sum(run.state == "done" for run in result.runs)
    return {
        "title": result.name,
        "eyebrow": f"study {result.folder}".strip(),
        "tone": tone,
        "verdict": verdict,
        "state": f"{done} of {counted(len(result.runs), 'run')} done.",
        "facts": _facts(result, done),
        "settings": _settings(result, error),
        "tabs": [
            {"id": "overview", "name": "Overview", "count": None},
            {"id": "effects", "name": "Effects", "count": None},
            {"id": "cells", "name": "Cells", "count": len(result.cells)},
            {"id": "runs", "name": "Runs", "count": len(result.runs)},
            {"id": "settings", "name": "Settings", "count": None},
        ],
        "footer": f"Made by loopwright from {result.folder or 'results'}. This file fetches nothing.",
    }


def _verdict(result: StudyResult, error: float) -> tuple[str, str]:
    """The claims about the test score where there is one, else about the best validation score so far."""
    score: Score = "test" if any(run.best_test for run in result.runs) else "best"
    found = analyse(result, score=score, error=error)
    claims = [effect for effect in found.effects if effect.verdict in {"higher", "lower"}]
    what = "the final test score" if score == "test" else "the best validation score"
    if not claims:
        tested = sum(effect.verdict == "not settled" for effect in found.effects)
        why = f"none of {counted(tested, 'effect')} is settled" if tested else "there are too few runs to say anything"
        return "none", f"Nothing is shown to change {what}: {why}."
    told = "; ".join(_claim(effect) for effect in claims[:3])
    more = f"; {len(claims) - 3} more" if len(claims) > 3 else ""
    return "good", f"What changes {what}: {told}{more}."


def _claim(effect: Effect) -> str:
    interval = effect.interval
    assert interval is not None, "a claim has an interval"
    size = f"{effect.mean:+.3g} ({interval.level:.0%} interval {interval.low:+.3g} to {interval.high:+.3g}, "
    size += f"n = {effect.n})"
    return f"{' × '.join(effect.axes)} {change_of(effect)}: {size}".replace("->", "→").replace(" -", " −")


def _facts(result: StudyResult, done: int) -> list[dict[str, str]]:
    ends = [run.curve[-1] for run in result.runs if run.curve]
    usd, tokens = sum(end.usd for end in ends), sum(end.tokens for end in ends)
    spent, what = (
        (money(usd), "spent") if usd else (f"{tokens:,}", "tokens") if tokens else ("nothing", "no model called")
    )
    bests = [end.best for end in ends if end.best is not None]
    levels = " × ".join(str(len(axis.labels)) for axis in result.axes)
    return [
        _fact("Design", levels or "1", f"levels of {len(result.axes)} axes; {counted(len(result.cells), 'cell')}"),
        _fact("Repeats", str(result.repeats), "of each cell, with paired seeds"),
        _fact("Runs done", f"{done:,}", f"of {len(result.runs):,}"),
        _fact("Best of all runs", number(max(bests)) if bests else "–", "mean validation score of one run's best"),
        _fact("Trials", f"{sum(end.trials for end in ends):,}", "test trials apart"),
        _fact("Models", spent, what),
    ]


def _fact(name: str, value: str, more: str) -> dict[str, str]:
    return {"name": name, "value": value.replace("-", "−"), "more": more}


def _settings(result: StudyResult, error: float) -> list[dict[str, Any]]:
    parts = [part("Study", {"name": result.name, "repeats": result.repeats, "error": error, "folder": result.folder})]
    parts += [part(f"Axis {axis.name}", axis.settings) for axis in result.axes]
    if result.aliases:
        parts.append(part("Effects that cannot be told apart", result.aliases))
    if result.loop:
        parts.append(part("Loop, where no axis says otherwise", result.loop))
    return parts
