"""What is said when a run ends: why, what it brought, what was refused, and what one can do next.

A result is told only as far as the scores carry it: the best candidate was *chosen* by validation, so the test split,
where there is one, has the word.
"""

from __future__ import annotations

import re

from loopwright.cli.text import change, counted, duration, number, quoted, spent
from loopwright.paired import paired
from loopwright.record import RunRecord

_REASONS = {
    "worse": "judged no better by the gate",
    "outdone": "outdone by another proposal of its update",
    "unparsable": "could not be read",
    "refusal": "the model declined",
    "invalid": "an edit that the artifact refuses",
    "unchanged": "nothing new in it",
    "duplicate": "proposed before",
}


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


def validation(run: RunRecord) -> list[str]:
    """The start and the best on the validation split."""
    population = run.population
    before, after = population.mean(population.start), population.mean(population.best)
    if before is None or after is None:
        return ["the task has no validation examples"]
    so_far = "" if run.ended is not None else " so far"
    count = counted(len(population.scores(population.start, "validation")), "example")
    if population.best == population.start:
        return [f"{number(before)} ({count}); no candidate was better than the start{so_far}"]
    step = population.nodes[population.best].step
    return [f"{number(before)} -> {number(after)} ({count}); best is {population.best} of update {step}"]


def test(run: RunRecord) -> str:
    """The start and the best on the test split, which the run has used for nothing else."""
    assert run.ended is not None
    if run.ended.best == run.population.start:
        found = run.ended.start_test
        mean = f"{number(sum(found) / len(found))} ({counted(len(found), 'example')}); " if found else ""
        return f"{mean}the best is the start, so nothing was gained"
    both = paired(run.ended.start_test, run.ended.best_test)
    if both is None:
        return "not tested: the task has no test examples"
    head = f"{number(both.first)} -> {number(both.second)} ({counted(both.n, 'example')}, paired)"
    if both.low is None or both.high is None:
        return f"{head}; one example shows nothing"
    interval = f"{change(both.difference)}, 95% interval {change(both.low)} to {change(both.high)}"
    if both.low == both.high:
        interval = f"{change(both.difference)} on every example"
    if both.better:
        return f"{head}; better by {interval}"
    if both.worse:
        return f"{head}; worse than the start: {interval}"
    return f"{head}; not shown to be better than the start: {interval}"


def proposals(run: RunRecord) -> str:
    """How many proposals were kept, and why the others were not."""
    refused = run.refused()
    kept = run.accepted()
    parts = [f"{count} {kind} ({_REASONS.get(kind, 'refused')})" for kind, count in refused.most_common()]
    total = counted(kept + sum(refused.values()), "proposal")
    return f"{total}: {kept} accepted" + (f", {', '.join(parts)}" if parts else "")


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
