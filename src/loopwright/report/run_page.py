"""The page of one run: its head in words, which stands there without any script, and the data beneath."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, cast

from loopwright.record import RunRecord
from loopwright.report.film import Film
from loopwright.report.page import render
from loopwright.report.run_data import run_data
from loopwright.report.settings_part import part
from loopwright.report.texts import TextPool
from loopwright.summary import proposals, test, validation
from loopwright.wording import change, counted, duration, money, number

# The most that the long texts of a page may take, in bytes: with all else a page stays well under 15 MB.
ROOM = 11_000_000
_MINUS = re.compile(r"(?<!\w)-(?=\d)")


def run_page(run: RunRecord, *, film: Film | None = None, room: int = ROOM) -> str:
    """The report of a run as one HTML text. Pure but for the state of the run's lock."""
    pool = TextPool(room)
    data = run_data(run, pool)
    data["film"] = film
    return render("run", _head(run, left_out=int(data["left_out"])), data, pool)


def _head(run: RunRecord, *, left_out: int) -> dict[str, Any]:
    tone, verdict = _verdict(run)
    kept = f" {counted(left_out, 'long text')} had no room and stand in the run's folder alone." if left_out else ""
    return {
        "title": run.began.card.name,
        "eyebrow": f"run {run.path}",
        "tone": tone,
        "verdict": _MINUS.sub("−", verdict.replace("->", "→")),
        "state": f"{run.state()[:1].upper()}{run.state()[1:]}.",
        "facts": _facts(run),
        "settings": _settings(run),
        "tabs": [
            {"id": "overview", "name": "Overview", "count": None},
            {"id": "updates", "name": "Updates", "count": len(run.updates)},
            {"id": "candidates", "name": "Candidates", "count": len(run.population.candidates) + len(run.pending)},
            {"id": "examples", "name": "Examples", "count": None},
            {"id": "spend", "name": "Spend", "count": None},
            {"id": "settings", "name": "Settings", "count": None},
        ],
        "footer": f"Made by loopwright {run.began.version} from {run.path}. This file fetches nothing.{kept}",
    }


def _verdict(run: RunRecord) -> tuple[str, str]:
    """What the scores carry, in a sentence: the test split has the word once it was run."""
    if run.ended is not None and (run.ended.start_test or run.ended.best == run.population.start):
        told = test(run)
        tone = "good" if "; better by" in told else "bad" if "; worse than" in told else "none"
        return tone, f"Test score {told}."
    population = run.population
    before, after = population.mean(population.start), population.mean(population.best)
    told = validation(run)[0]
    if before is None or after is None:
        return "none", f"No score yet: {told}."
    gain = f" ({change(after - before)})" if population.best != population.start else ""
    ending = "no test examples" if run.ended is not None else "not tested yet"
    return "none", f"Validation score {told}{gain}; {ending}."


def _facts(run: RunRecord) -> list[dict[str, str]]:
    population, usage = run.population, run.meter.usage
    best, n = population.mean(population.best), len(population.scores(population.best, "validation"))
    cost = money(usage.usd) if usage.usd else f"{usage.tokens:,}" if usage.calls else "nothing"
    spent = f"{usage.calls:,} calls, {usage.tokens:,} tokens" if usage.calls else "no model was called"
    start = number(population.mean(population.start))
    return [
        _fact("Best on validation", number(best), f"start {start}; mean, n = {n}" if best is not None else "not run"),
        _fact("Updates", f"{len(run.updates):,}", f"of {run.loop.budget.steps:,}; {run.accepted()} accepted"),
        _fact("Candidates", f"{len(population.candidates) + len(run.pending):,}", proposals(run).partition(":")[0]),
        _fact("Trials", f"{run.meter.trials:,}", "runs of a candidate on one example"),
        _fact("Models", cost, spent if usage.usd or not usage.calls else f"tokens in {counted(usage.calls, 'call')}"),
        _fact(
            "Time",
            duration(run.seconds),
            "minutes and seconds on the clock" if run.seconds < 3600 else "hours, minutes, seconds",
        ),
    ]


def _fact(name: str, value: str, more: str) -> dict[str, str]:
    return {"name": name, "value": _MINUS.sub("−", value), "more": _MINUS.sub("−", more)}


def _settings(run: RunRecord) -> list[dict[str, Any]]:
    """Every setting that was in force, and what the task and the artifact say of themselves."""
    card, artifact = run.began.card, run.artifact
    table = run.loop.data()
    tables = {name: cast("Mapping[str, Any]", value) for name, value in table.items() if isinstance(value, Mapping)}
    parts = [part("Loop", {name: value for name, value in table.items() if name not in tables})]
    parts += [part(f"[{name}]", value) for name, value in tables.items() if value]
    task = {
        "name": card.name,
        "goal": card.goal,
        "floor": card.floor,
        "ceiling": card.ceiling,
        "calls": card.calls,
        **card.sizes,
    }
    parts.append(part("Task", task))
    parameters = {each.name: f"{each.what}, {each.file}:{each.line}" for each in artifact.parameters}
    parts.append(part("Editable parts", parameters))
    parts.append(part("Run", {"folder": str(run.path.resolve()), "root": run.root, "version": run.began.version}))
    return parts
