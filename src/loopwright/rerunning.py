"""Run single trials of a finished or stopped run's candidates again: to look at one closely, or to film it.

Nothing is written to the run's folder, and nothing is learned from it.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

from loopwright.errors import UsageError
from loopwright.record import record
from loopwright.seeding import derive
from loopwright.trial import Split, Trial, TrialSpec
from loopwright.wiring import make_executor

_SPLITS: tuple[Split, ...] = ("test", "validation", "train")


def rerun(folder: str | Path, *, candidate: str = "best", split: Split | None = None, index: int = 0) -> Trial:
    """One trial of a candidate ("best", "start", "current" or an id), with its trace. `split` is "test" unless said
    otherwise, and "validation" or "train" where a task has no test examples.

    The seed is the one that the run itself uses for this example of the validation or test split, so the same program
    gets the same score. Programs that call a model cannot be run again here. Raises `LoopwrightError`s.
    """
    return asyncio.run(rerun_async(folder, candidate=candidate, split=split, index=index))


async def rerun_async(
    folder: str | Path, *, candidate: str = "best", split: Split | None = None, index: int = 0
) -> Trial:
    """`rerun` for code that runs in an event loop already."""
    run = record(Path(folder))
    sizes = run.began.card.sizes
    filled: list[Split] = [each for each in _SPLITS if sizes[each]]
    played = split or filled[0]  # there always is a training example
    size = sizes[played]
    if not 0 <= index < size:
        raise UsageError(f"the {played} split has {size} examples; there is none with the index {index}")
    source = run.candidate(candidate).source()
    spec = TrialSpec(source.id, played, index, derive(run.loop.seed, played, index), record=True)
    executor = make_executor(run.loop, Path(run.root or "."))
    try:
        await executor.start()
        return await executor.run(source, spec)
    finally:
        await executor.close()
