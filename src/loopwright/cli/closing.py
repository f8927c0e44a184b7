"""What is said when a run ends: why, what it brought, what was refused, and what one can do next."""

from __future__ import annotations

import re

from loopwright.cli.text import quoted
from loopwright.record import RunRecord
from loopwright.summary import proposals, test, validation
from loopwright.wording import counted, duration, spent


def closing(run: RunRecord) -> list[str]:
    """The last lines of a run that has ended."""
    assert run.ended is not None
    return [
        f"Ended: {run.ended.reason}.",
        "",
        *_named("validation", validation(run)),
        *_named("test", [test(run)]),
        *_named("proposals", [proposals(run)]),
        *_named("spent", [f"{counted(run.meter.trials, 'trial')}, {spent(run.meter.usage)}, {duration(run.seconds)}"]),
        "",
        *next_commands(run),
    ]


def next_commands(run: RunRecord) -> list[str]:
    """How to see the run, apply its best, and continue it."""
    folder = quoted(run.path)
    commands = [(f"loopwright show {folder}", "see what happened")]
    if run.population.best != run.population.start:
        commands.append((f"loopwright apply {folder}", "write the best into your files"))
    if further := _further(run):
        commands.append((f"loopwright resume {folder} --set {further}", "go further"))
    size = max(len(command) for command, _ in commands)
    return [f"  {command.ljust(size)}  {what}" for command, what in commands]


def _further(run: RunRecord) -> str:
    """The limit that ended the run, doubled; "" where it was no limit that ended it."""
    reason = run.ended.reason if run.ended is not None else ""
    if len(run.updates) >= run.loop.budget.steps:
        return f"budget.steps={len(run.updates) * 2}"
    limit = re.search(r"budget\.(\w+) = ([\d.]+)", reason)
    return f"budget.{limit[1]}={float(limit[2]) * 2:g}" if limit else ""


def _named(name: str, values: list[str]) -> list[str]:
    return [f"{name if index == 0 else '':<12}{value}" for index, value in enumerate(values)]
