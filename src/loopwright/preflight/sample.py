"""A few trials of the starting artifact: what every check looks at."""

from __future__ import annotations

import asyncio
import contextlib
import tempfile
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path

import msgspec

from loopwright.artifact import Artifact
from loopwright.budget import Meter
from loopwright.evidence.batch import Batch, draw
from loopwright.execution.protocol import Executor, TaskCard
from loopwright.llm.protocol import Ask, Reply
from loopwright.seeding import derive
from loopwright.settings import Loop
from loopwright.store import Journal
from loopwright.store.events import Ran
from loopwright.trial import Trial, TrialSpec
from loopwright.wiring import ModelFunction, for_trial, make_executor, make_gateway, optimizer_of

AskAgent = Callable[[Ask, str, TrialSpec, int], Awaitable[Reply]]


class Sample(msgspec.Struct, frozen=True):
    """What was run. `train` has traces; `again` are the same examples as its first ones with other seeds.

    `twin` is the first of `train` once more, seed and all; None where nothing was run. `hope` is the smallest
    improvement that the user wants to see, None where not said; `window` the model's context in tokens, likewise.
    """

    loop: Loop
    card: TaskCard
    artifact: Artifact
    train: list[Trial]
    again: list[Trial]
    twin: Trial | None
    validation: list[Trial]
    meter: Meter
    seconds: float
    hope: float | None = None
    window: int | None = None

    @property
    def trials(self) -> list[Trial]:
        return [*self.train, *self.again, *([self.twin] if self.twin else []), *self.validation]


async def take_sample(
    loop: Loop,
    root: Path,
    *,
    models: Mapping[str, ModelFunction],
    examples: int,
    hope: float | None,
    window: int | None,
) -> Sample:
    """Run the starting artifact on up to `examples` examples of train and of validation, four of train a second time.

    The agent's model calls are paid and count against the loop's own budget. Raises `LoopwrightError`.
    """
    began = time.monotonic()
    artifact = Artifact.load(
        [Path(path) for path in loop.artifact.paths],
        loop.artifact.edit,
        include=loop.artifact.include,
        root=root,
        max_chars=loop.artifact.max_chars,
    )
    optimizer_of(loop, root)
    with tempfile.TemporaryDirectory(prefix="loopwright-preflight-") as folder:
        async with contextlib.AsyncExitStack() as stack:
            journal = stack.enter_context(contextlib.closing(Journal(Path(folder) / "journal.db")))
            gateway = make_gateway(loop, journal, models)
            stack.push_async_callback(gateway.close)
            executor = make_executor(loop, root)
            stack.push_async_callback(executor.close)
            card = await executor.start()

            async def ask(ask: Ask, trial: str, spec: TrialSpec, before: int) -> Reply:
                asked = for_trial(loop, ask, spec.seed, before)
                return await gateway.ask(asked, key=f"{trial}/{before}", account=(trial,))

            specs = _specs(loop, card, artifact.start.id, examples)
            groups = await _run(specs, artifact, executor, ask)
    meter = Meter()
    for trial in [trial for group in groups for trial in group]:
        meter.add(Ran(trial))
    train, again, twin, validation = groups
    seconds = time.monotonic() - began
    return Sample(
        loop, card, artifact, train, again, twin[0] if twin else None, validation, meter, seconds, hope, window
    )


def _specs(loop: Loop, card: TaskCard, start: str, examples: int) -> list[list[TrialSpec]]:
    """Train, some of it with other seeds, one exactly again, validation."""
    size = min(card.sizes["train"], max(loop.evidence.batch.size, examples))
    indices = draw(Batch(size, "shuffle"), n=card.sizes["train"], step=1, seed=loop.seed) if size else []
    train = [TrialSpec(start, "train", index, derive(loop.seed, "trial", 1, index), record=True) for index in indices]
    again = [msgspec.structs.replace(spec, seed=derive(loop.seed, "preflight", spec.index)) for spec in train[:4]]
    validation = [
        TrialSpec(start, "validation", index, derive(loop.seed, "validation", index), "validation")
        for index in range(min(card.sizes["validation"], examples))
    ]
    return [train, again, train[:1], validation]


async def _run(
    specs: Sequence[Sequence[TrialSpec]], artifact: Artifact, executor: Executor, ask: AskAgent
) -> list[list[Trial]]:
    source = artifact.start.source()

    async def one(group: int, spec: TrialSpec) -> Trial:
        name = f"{group}/{spec.split}/{spec.index}"
        return await executor.run(source, spec, lambda asked, before: ask(asked, name, spec, before))

    return [list(await asyncio.gather(*(one(number, spec) for spec in group))) for number, group in enumerate(specs)]
