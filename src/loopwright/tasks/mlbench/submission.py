"""A candidate's predictions for the competition's test file, in the form that Kaggle takes.

    from loopwright.tasks.mlbench.submission import write_submission
    write_submission("runs/loop-1", "submission.csv")

For Spaceship Titanic this is the only way to a score on that file: nobody but Kaggle has its answers.
"""

from __future__ import annotations

import asyncio
from pathlib import Path

import msgspec

from loopwright.errors import UsageError
from loopwright.execution.protocol import Source
from loopwright.record import record
from loopwright.seeding import derive
from loopwright.settings import Loop
from loopwright.trial import Trial, TrialSpec
from loopwright.wiring import make_executor

_TASKS = "loopwright.tasks.mlbench:"


def write_submission(folder: str | Path, path: str | Path, *, candidate: str = "best") -> Trial:
    """Fit a candidate of a run on the whole train file and write its predictions to `path`; gives the trial.

    `candidate` is "best", "start", "current" or an id. Runs isolated as the run does; the trial's score is that on the
    test file where its answers are known. Raises `UsageError` where the candidate fails or the run is of another task.
    """
    run = record(Path(folder))
    if not run.loop.task.startswith(_TASKS):
        raise UsageError(f"the task '{run.loop.task}' has no submission; those of loopwright.tasks.mlbench have")
    target = Path(path).resolve()
    options = {**run.loop.task_options, "protocol": "kaggle", "metric": None, "submission": str(target)}
    loop = msgspec.structs.replace(run.loop, task_options=options)
    source = run.candidate(candidate).source()
    trial = asyncio.run(_trial(loop, Path(run.root or "."), source))
    if trial.feedback.error is not None:
        raise UsageError(f"the candidate {source.id} failed on the test file: {trial.feedback.text}")
    return trial


async def _trial(loop: Loop, root: Path, source: Source) -> Trial:
    executor = make_executor(loop, root)
    try:
        await executor.start()
        return await executor.run(source, TrialSpec(source.id, "test", 0, derive(loop.seed, "test", 0)))
    finally:
        await executor.close()
