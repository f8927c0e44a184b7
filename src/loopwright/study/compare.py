"""Two candidates run again on the same fresh seeds, and what their paired differences show.

The scores in a run's folder chose the candidates, so they flatter them; fresh seeds do not. Nothing is written to the
runs, and nothing is learned from what is seen here.
"""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
from collections.abc import Awaitable, Mapping, Sequence
from pathlib import Path
from statistics import fmean, median

import msgspec

from loopwright.errors import PoolExhausted, UsageError
from loopwright.execution.protocol import Source
from loopwright.llm.ledger import Ledger, Limits
from loopwright.llm.protocol import Ask, Reply
from loopwright.pool import Pool
from loopwright.record import RunRecord, record
from loopwright.seeding import derive
from loopwright.store.journal import Journal
from loopwright.study.results import Interval, Verdict
from loopwright.study.statistics import least_units, mean_interval, sign_flip, units_needed
from loopwright.trial import Split, Trial, TrialSpec, Usage
from loopwright.wiring import ModelFunction, for_trial, make_gateway


class Side(msgspec.Struct, frozen=True):
    """One of the two: the run it is from, and its files. `name` is as it was asked for."""

    name: str
    run: RunRecord
    source: Source


class Cost(msgspec.Struct, frozen=True):
    """What a comparison will take: exact in trials, the rest by the means of the runs' own trials."""

    trials: int
    usage: Usage
    seconds: float


class Comparison(msgspec.Struct, frozen=True):
    """`second` minus `first` over `n` examples (or repeats, where there is one example).

    `scores` are by side, pair after pair; a failed trial has its task's floor, and `failed` says how many did. `cut`
    says why fewer pairs were run than wanted, "" where all were.
    """

    first: str
    second: str
    n: int
    unit: str
    means: tuple[float, float]
    mean: float
    median: float
    interval: Interval | None
    p: float
    verdict: Verdict
    needed: int | None
    failed: tuple[int, int]
    usage: Usage
    scores: tuple[list[float], list[float]]
    cut: str = ""


def side(text: str) -> Side:
    """`RUN`, which means its best, or `RUN:candidate`. Raises `UsageError`."""
    folder, colon, candidate = text.rpartition(":")
    if not colon or Path(text).is_dir():
        folder, candidate = text, "best"
    run = record(Path(folder))
    return Side(text, run, run.candidate(candidate).source())


def check(one: Side, other: Side, split: Split, examples: int | None) -> int:
    """How many examples will be used. Raises `UsageError` where the two cannot be compared."""
    for name in ("task", "task_options"):
        if getattr(one.run.loop, name) != getattr(other.run.loop, name):
            raise UsageError(f"{one.name} and {other.name} solve different tasks: their settings differ in {name}")
    if one.run.loop.task.partition(":")[0].endswith(".py") and one.run.root != other.run.root:
        raise UsageError(f"{one.name} and {other.name} have task files in different folders; they may not be the same")
    if one.source.id == other.source.id and one.run.loop.agent == other.run.loop.agent:
        raise UsageError(f"{one.name} and {other.name} are the same candidate {one.source.id}; nothing to compare")
    size = one.run.began.card.sizes[split]
    if not size:
        raise UsageError(f"the task has no {split} examples; name another by --split")
    if examples is not None and examples > size:
        raise UsageError(f"the task has {size} {split} examples, not {examples}; use --repeats for more pairs")
    return examples or size


def cost(one: Side, other: Side, pairs: int) -> Cost:
    """By what the runs' own trials took, the candidate's own where it had any."""
    usage, seconds = Usage(), 0.0
    for each in (one, other):
        trials = [
            trial for update in (each.run.opening, *each.run.updates) for trial in update.trials
        ] + each.run.tested
        own = [trial for trial in trials if trial.spec.candidate == each.source.id] or trials
        spent = sum((trial.usage for trial in own), Usage())
        share = pairs / max(1, len(own))
        usage += Usage(
            round(spent.calls * share),
            round(spent.input_tokens * share),
            round(spent.output_tokens * share),
            spent.usd * share,
        )
        seconds += sum(trial.seconds for trial in own) * share / each.run.loop.execution.slots
    return Cost(2 * pairs, usage, seconds)


async def compare(
    one: Side,
    other: Side,
    *,
    split: Split = "test",
    examples: int | None = None,
    repeats: int = 1,
    seed: int = 0,
    limits: Limits | None = None,
    error: float = 0.05,
    models: Mapping[str, ModelFunction] | None = None,
) -> Comparison:
    """Run both on the same examples and fresh seeds. Where `limits` end it early, the pairs that are complete count."""
    count = check(one, other, split, examples)
    wanted = [(index, derive(seed, "compare", index, repeat)) for repeat in range(repeats) for index in range(count)]
    ledger = Ledger(limits or Limits())
    done: dict[tuple[int, int], Trial] = {}
    cut = ""
    with tempfile.TemporaryDirectory() as scratch, contextlib.ExitStack() as stack:
        async with Pool(one.run.loop.execution.slots, ledger=ledger) as pool:
            runners = [
                await _Runner.open(each, pool, stack, Path(scratch) / f"{number}.db", models or {})
                for number, each in enumerate((one, other))
            ]
            work = [
                asyncio.create_task(_into(done, (place, number), runner.run(split, index, seed)))
                for place, (index, seed) in enumerate(wanted)
                for number, runner in enumerate(runners)
            ]
            try:
                await asyncio.gather(*work)
            except PoolExhausted as stopped:
                cut = str(stopped)
            finally:
                for task in work:
                    task.cancel()
                await asyncio.gather(*work, return_exceptions=True)
                for runner in runners:
                    await runner.close()
    whole = [place for place in range(len(wanted)) if (place, 0) in done and (place, 1) in done]
    if not whole:
        raise UsageError(f"not one pair could be run: {cut}")
    return _compared(
        one, other, [wanted[p][0] for p in whole], [[done[p, n] for p in whole] for n in (0, 1)], error, cut
    )


class _Runner:
    """Runs one side's trials, with its run's own model for `trial.llm`."""

    def __init__(self, side: Side, pool: Pool, journal: Journal, models: Mapping[str, ModelFunction]) -> None:
        loop = side.run.loop
        optimizer = msgspec.structs.replace(loop.optimizer, kind="mutate", model="")  # nobody is asked to optimize
        budget = msgspec.structs.replace(loop.budget, calls=None, tokens=None, usd=None)
        self.loop = msgspec.structs.replace(loop, optimizer=optimizer, budget=budget)
        self.side = side
        self.executor = pool.executor(loop, Path(side.run.root or "."))
        self.gateway = make_gateway(self.loop, journal, models, pool.traffic, pool.ledger, pool.runtimes)

    @classmethod
    async def open(
        cls, side: Side, pool: Pool, stack: contextlib.ExitStack, path: Path, models: Mapping[str, ModelFunction]
    ) -> _Runner:
        made = cls(side, pool, stack.enter_context(contextlib.closing(Journal(path))), models)
        await made.executor.start()
        return made

    async def run(self, split: Split, index: int, seed: int) -> Trial:
        async def ask(ask: Ask, before: int) -> Reply:
            key = f"compare/{split}/{index}/{seed}/{before}"
            return await self.gateway.ask(for_trial(self.loop, ask, seed, before), key=key, account=())

        return await self.executor.run(self.side.source, TrialSpec(self.side.source.id, split, index, seed), ask)

    async def close(self) -> None:
        await self.gateway.close()


async def _into(done: dict[tuple[int, int], Trial], place: tuple[int, int], work: Awaitable[Trial]) -> None:
    done[place] = await work


def _compared(
    one: Side, other: Side, indices: Sequence[int], trials: Sequence[Sequence[Trial]], error: float, cut: str
) -> Comparison:
    """Repeats of one example are averaged first: they are not independent of each other."""
    scores = [[trial.score for trial in side] for side in trials]
    differences = [after - before for before, after in zip(*scores, strict=True)]
    groups = [
        [d for d, at in zip(differences, indices, strict=True) if at == index] for index in dict.fromkeys(indices)
    ]
    values = [fmean(group) for group in groups] if len(groups) > 1 else differences
    interval, p = mean_interval(values, 1 - error), sign_flip(values).p
    return Comparison(
        first=one.name,
        second=other.name,
        n=len(values),
        unit="examples" if len(groups) > 1 else "repeats of one example",
        means=(fmean(scores[0]), fmean(scores[1])),
        mean=fmean(values),
        median=median(values),
        interval=interval,
        p=p,
        verdict=_verdict(interval, p, len(values), error),
        needed=units_needed(values, error),
        failed=(_failed(trials[0]), _failed(trials[1])),
        usage=sum((trial.usage for side in trials for trial in side), Usage()),
        scores=(scores[0], scores[1]),
        cut=cut,
    )


def _verdict(interval: Interval | None, p: float, n: int, error: float) -> Verdict:
    if interval is None or n < least_units(error):
        return "no claim"
    if p <= error and interval.low > 0:
        return "higher"
    return "lower" if p <= error and interval.high < 0 else "not settled"


def _failed(trials: Sequence[Trial]) -> int:
    return sum(trial.feedback.error is not None for trial in trials)
