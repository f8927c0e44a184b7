"""Every update's candidate of a finished run on all three splits, to see how far learning was only about what was seen.

A run itself scores the test split once, at its end, for its start and its best, so that no choice can depend on it.
What the candidates in between would have scored is asked here, after the run has ended; nothing is written into the
run. The paper calls the gap between them meta-overfitting (arXiv 2603.23994, appendix A.4).
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from statistics import fmean, stdev

import msgspec

from loopwright.errors import UsageError
from loopwright.llm.protocol import Ask, Reply
from loopwright.paired import t95, within
from loopwright.record import RunRecord, record
from loopwright.seeding import derive
from loopwright.trial import Split, TrialSpec
from loopwright.wiring import ModelFunction, for_trial, loose_gateway, make_executor

ALL: tuple[Split, ...] = ("train", "validation", "test")


class Point(msgspec.Struct, frozen=True):
    """The candidate that was current after an update (0: the start), and its scores by split, by example.

    `span` is the largest difference that two scores can have, None where the task does not say.
    """

    step: int
    candidate: str
    scores: dict[Split, list[float]]
    span: float | None = None

    def mean(self, split: Split) -> float | None:
        """The mean score on a split; None where it was not asked for or has no examples."""
        return fmean(self.scores[split]) if self.scores.get(split) else None

    def gap(self, seen: Split = "train", unseen: Split = "test") -> Gap | None:
        """How much better the candidate is on what was seen; None where a split has fewer than two scores."""
        first, second = self.scores.get(seen, []), self.scores.get(unseen, [])
        return Gap.of(first, second, self.span) if len(first) > 1 and len(second) > 1 else None


class Gap(msgspec.Struct, frozen=True):
    """The difference of two means of different examples (seen minus unseen), with its 95 % interval by Welch's t.

    Where all scores of both splits are equal within each, the interval is the difference alone: it knows nothing of
    examples that were not drawn.
    """

    difference: float
    low: float
    high: float

    @classmethod
    def of(cls, seen: Sequence[float], unseen: Sequence[float], span: float | None = None) -> Gap:
        """The gap of two lists of at least two scores each; `span` is the largest that a gap can be, where known."""
        difference = fmean(seen) - fmean(unseen)
        parts = [stdev(scores) ** 2 / len(scores) for scores in (seen, unseen)]
        error = math.sqrt(sum(parts))
        if error == 0:
            return cls(difference, difference, difference)
        freedom = sum(parts) ** 2 / sum(
            part**2 / (len(scores) - 1) for part, scores in zip(parts, (seen, unseen), strict=True)
        )
        half = t95(max(1, int(freedom))) * error
        return cls(difference, *within(difference - half, difference + half, span))


def trajectory(
    folder: str | Path,
    *,
    splits: Sequence[Split] = ALL,
    calls: int | None = None,
    models: Mapping[str, ModelFunction] | None = None,
) -> list[Point]:
    """The current candidate after each update of a run that has ended, with its scores on `splits`.

    Scores that the run knows are taken from it; the others are run now, with the seeds that the run itself uses for
    these examples. Updates that changed nothing share their scores. `calls` limits the model calls of this function,
    where the program makes any; they are not booked on the run. Raises `UsageError` where the run has not ended, and
    other `LoopwrightError`s.
    """
    return asyncio.run(trajectory_async(folder, splits=splits, calls=calls, models=models))


async def trajectory_async(
    folder: str | Path,
    *,
    splits: Sequence[Split] = ALL,
    calls: int | None = None,
    models: Mapping[str, ModelFunction] | None = None,
) -> list[Point]:
    """`trajectory` for code that runs in an event loop already."""
    run = record(Path(folder))
    if run.ended is None:
        raise UsageError(
            f"the run {run.path} has not ended ({run.state()}); what its candidates score on the test split may be "
            "known only after its last choice, so finish it first: 'loopwright resume'"
        )
    path = currents(run)
    root = Path(run.root or ".")
    executor = make_executor(run.loop, root)
    gateway = loose_gateway(run.loop, root, calls, models or {})

    async def trial(spec: TrialSpec) -> float:
        async def ask(ask: Ask, before: int) -> Reply:
            key = f"{spec.candidate}/{spec.split}/{spec.index}/{before}"
            return await gateway.ask(for_trial(run.loop, ask, spec.seed, before), key=key)

        return (await executor.run(run.candidate(spec.candidate).source(), spec, ask)).score

    async def scores(candidate: str, split: Split) -> list[float]:
        indices = range(run.began.card.sizes[split])
        known = [run.population.known(candidate, split, index) if split != "train" else None for index in indices]
        specs = [TrialSpec(candidate, split, i, derive(run.loop.seed, split, i)) for i in indices if known[i] is None]
        # All at once: the executor lets as many run as it has slots.
        fresh = dict(zip([spec.index for spec in specs], await asyncio.gather(*map(trial, specs)), strict=True))
        return [fresh[i] if (score := known[i]) is None else score for i in indices]

    found: dict[str, dict[Split, list[float]]] = {}
    try:
        await executor.start()
        for candidate in dict.fromkeys(path):
            found[candidate] = {split: await scores(candidate, split) for split in splits}
    finally:
        await executor.close()
        await gateway.close()
    span = run.began.card.span
    return [Point(step, candidate, found[candidate], span) for step, candidate in enumerate(path)]


def currents(run: RunRecord) -> list[str]:
    """The current candidate at the start and after each complete update."""
    ids = [run.population.start]
    for update in run.updates:
        done = update.updated
        if done is not None:
            ids.append(done.accepted or (done.parent if done.reverted else ids[-1]))
    return ids


def table(points: Sequence[Point]) -> str:
    """The points as a Markdown table: mean scores by split, and the gap from training to test with its interval."""
    lines = [
        "| update | train | validation | test | train - test (95 % interval) |",
        "| ---: | ---: | ---: | ---: | --- |",
    ]
    for point in points:
        means = [point.mean(split) for split in ALL]
        gap = point.gap()
        told = "" if gap is None else f"{gap.difference:+.3f} ({gap.low:+.3f} to {gap.high:+.3f})"
        cells = ["" if mean is None else f"{mean:.3f}" for mean in means]
        lines.append(f"| {point.step} | {' | '.join(cells)} | {told} |")
    return "\n".join(lines)
