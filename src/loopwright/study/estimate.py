"""What a study will cost, told before it is run: trials at most, the rest by finished runs or by a short probe.

The probe runs the starting artifact of each different task, artifact and agent a few times. It asks the agent's model,
never the optimizer's: what its calls cost is estimated from the evidence that the probe gives, with the longest reply.
"""

from __future__ import annotations

import contextlib
import math
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path

import msgspec

from loopwright.artifact import Artifact
from loopwright.budget import trials_of_end, trials_of_opening, trials_of_update
from loopwright.evidence import Evidence
from loopwright.evidence.tokens import estimate as tokens_of
from loopwright.llm.prices import Prices, price_of
from loopwright.llm.protocol import Ask, Reply
from loopwright.pool import Pool
from loopwright.record import record
from loopwright.seeding import derive
from loopwright.settings import Loop
from loopwright.store.journal import Journal
from loopwright.store.run_folder import RunFolder
from loopwright.study.definition import Study
from loopwright.study.plan import Planned, planned
from loopwright.trial import Trial, TrialSpec, Usage
from loopwright.wiring import ModelFunction, for_trial, make_gateway

_PROBES = 3  # trials of the starting artifact


class Estimate(msgspec.Struct, frozen=True):
    """For the runs that are missing. `trials` is the most they can take; `seconds` is wall time with all slots.

    `how` says, in sentences, where each figure comes from and what is not in it.
    """

    runs: int
    done: int
    trials: int
    usage: Usage
    seconds: float
    how: list[str]


class _Probe(msgspec.Struct, frozen=True):
    """What the starting artifact's trials took on average, and the evidence they make at this horizon and batch."""

    trials: list[Trial]
    opening_and_end: int
    update: int


async def estimate(
    study: Study, folder: Path, *, root: Path, models: Mapping[str, ModelFunction] | None = None
) -> Estimate:
    """Estimate what is still to be run. Runs a few trials where no run of a cell has finished, and writes nothing."""
    missing: list[Planned] = []
    finished: dict[str, list[Usage]] = {}
    times: dict[str, list[float]] = {}
    for run in planned(study):
        found = _finished(run, folder)
        if found is None:
            missing.append(run)
        else:
            finished.setdefault(run.cell.key, []).append(found[0])
            times.setdefault(run.cell.key, []).append(found[1])
    usage, seconds, trials = Usage(), 0.0, 0
    probed: dict[bytes, _Probe] = {}
    calls_unknown = False
    async with Pool(study.slots) as pool:
        for run in missing:
            probe = await _probe(run.loop, root, pool, probed, models or {})
            most = probe.opening_and_end + run.loop.budget.steps * probe.update
            trials += min(most, run.loop.budget.trials or most)
            if run.cell.key in finished:
                known = finished[run.cell.key]
                usage += _mean(known)
                seconds += sum(times[run.cell.key]) / len(known) / study.slots
            else:
                count = min(most, run.loop.budget.trials or most)
                usage += _times(_mean([trial.usage for trial in probe.trials]), count)
                usage += _optimizer(run.loop, probe)
                seconds += count * sum(trial.seconds for trial in probe.trials) / len(probe.trials) / study.slots
                calls_unknown = calls_unknown or bool(run.loop.optimizer.asked())
    how = ["Trials are an upper bound."]
    if finished:
        how.append("Cells with finished runs: model calls and time as those took on average.")
    if probed:
        how.append(f"Other cells: by {_PROBES} trials of each starting artifact; a better one may take longer.")
    if calls_unknown:
        how.append(
            "The optimizer's calls: one for each proposal, its prompt as long as the evidence of a first update, its "
            "reply as long as optimizer.max_tokens. Repairs, and the time that its model takes, are not in it."
        )
    return Estimate(len(missing), sum(map(len, finished.values())), trials, usage, seconds, how)


def _finished(run: Planned, folder: Path) -> tuple[Usage, float] | None:
    """A finished run's model calls and seconds of work; None where it is still to be run."""
    place = RunFolder(run.folder(folder))
    if not place.exists():
        return None
    with contextlib.closing(place.journal(readonly=True)) as journal:
        if journal.began() is None:
            return None
        spent = journal.spent()
    seen = record(place.path)
    if seen.ended is None or seen.loop.budget != run.loop.budget:
        return None
    return spent, sum(update.seconds for update in (seen.opening, *seen.updates)) + sum(t.seconds for t in seen.tested)


async def _probe(
    loop: Loop, root: Path, pool: Pool, known: dict[bytes, _Probe], models: Mapping[str, ModelFunction]
) -> _Probe:
    key = msgspec.json.encode([loop.task, loop.task_options, loop.artifact, loop.agent])
    executor = pool.executor(loop, root)
    card = await executor.start()
    ends = trials_of_opening(card) + trials_of_end(card)
    if key in known:
        return msgspec.structs.replace(known[key], opening_and_end=ends, update=trials_of_update(loop, card))
    settings = loop.artifact
    paths = [Path(path) for path in settings.paths]
    artifact = Artifact.load(paths, settings.edit, include=settings.include, root=root, max_chars=settings.max_chars)
    source = artifact.start.source()
    silent = msgspec.structs.replace(loop, optimizer=msgspec.structs.replace(loop.optimizer, kind="mutate", model=""))
    found: list[Trial] = []
    with tempfile.TemporaryDirectory() as scratch, contextlib.closing(Journal(Path(scratch) / "probe.db")) as journal:
        gateway = make_gateway(silent, journal, models, pool.traffic, None, pool.runtimes)
        try:
            for index in range(min(_PROBES, card.sizes["train"])):
                seed = derive(loop.seed, "probe", index)

                async def ask(ask: Ask, before: int, seed: int = seed) -> Reply:
                    return await gateway.ask(
                        for_trial(loop, ask, seed, before), key=f"probe/{seed}/{before}", account=()
                    )

                found.append(await executor.run(source, TrialSpec(source.id, "train", index, seed, record=True), ask))
        finally:
            await gateway.close()
    known[key] = _Probe(found, ends, trials_of_update(loop, card))
    return known[key]


def _optimizer(loop: Loop, probe: _Probe) -> Usage:
    """All optimizer calls of a run: an estimate of the prompt, and the longest reply."""
    model = loop.optimizer.asked()
    if not model:
        return Usage()
    size = loop.evidence.batch.size
    trials = [probe.trials[place % len(probe.trials)] for place in range(size)]
    prompt = tokens_of(Evidence.of(trials, loop.evidence.horizon, tokens=loop.evidence.tokens).text)
    calls = loop.budget.steps * loop.optimizer.samples
    usage = Usage(calls, calls * prompt, calls * loop.optimizer.max_tokens)
    price = Prices({name: price_of(name, row) for name, row in loop.prices.items()}).find(model)
    each = Usage(1, prompt, loop.optimizer.max_tokens)
    return msgspec.structs.replace(usage, usd=calls * price.usd(each) if price else 0.0)


def _mean(usages: Sequence[Usage]) -> Usage:
    total, n = sum(usages, Usage()), max(1, len(usages))
    return Usage(
        math.ceil(total.calls / n), math.ceil(total.input_tokens / n), math.ceil(total.output_tokens / n), total.usd / n
    )


def _times(usage: Usage, count: int) -> Usage:
    return Usage(usage.calls * count, usage.input_tokens * count, usage.output_tokens * count, usage.usd * count)
