"""What a run came to, in sentences: validation, test, proposals. For the terminal and for reports.

A result is told only as far as the scores carry it: the best candidate was *chosen* by validation, so the test split,
where there is one, has the word.
"""

from __future__ import annotations

from loopwright.outcomes import MEANINGS
from loopwright.paired import paired
from loopwright.record import RunRecord
from loopwright.wording import change, counted, number


def validation(run: RunRecord) -> list[str]:
    """The start and the best on the validation split."""
    population = run.population
    before, after = population.mean(population.start), population.mean(population.best)
    if before is None or after is None:
        return ["not measured yet" if run.began.card.sizes.get("validation") else "the task has no validation examples"]
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
    both = paired(run.ended.start_test, run.ended.best_test, run.began.card.span)
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
    parts = [f"{count} {kind} ({MEANINGS.get(kind, 'refused')})" for kind, count in refused.most_common()]
    total = counted(kept + sum(refused.values()), "proposal")
    return f"{total}: {kept} accepted" + (f", {', '.join(parts)}" if parts else "")
