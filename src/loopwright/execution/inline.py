"""Runs trials in this very process: for trusted code and for debugging with breakpoints. Nothing is isolated.

A candidate run here can read the task's answers, the keys in the environment and the user's files, can change the
scorer and can end the process. Time limits hold for `program.run` only. `isolation = "process"` (`process`) is the
default.
"""

from __future__ import annotations

import asyncio
import contextlib
import random
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Awaitable, Mapping
from pathlib import Path

from loopwright.errors import BudgetExhausted, LoopwrightError, ModelError
from loopwright.execution.local import LocalProgram
from loopwright.execution.program import ProgramFailure, ProgramProxy
from loopwright.execution.protections import Protection
from loopwright.execution.protocol import AskModel, Limits, Source, TaskCard
from loopwright.feedback import Feedback
from loopwright.llm.cache import request_hash
from loopwright.llm.protocol import Ask, Reply
from loopwright.seeding import derive
from loopwright.tasks.task import StepRecorder, Task, TrialHandle, load_task
from loopwright.trace import Trace
from loopwright.trial import Trial, TrialSpec, Usage


class InlineExecutor:
    """An `execution.protocol.Executor` without isolation; one trial at a time, in a thread beside the event loop.

    `task` is a name as `load_task` takes it, or a `Task` itself.
    """

    def __init__(
        self,
        task: str | Task,
        root: Path,
        *,
        limits: Limits | None = None,
        options: Mapping[str, object] | None = None,
    ) -> None:
        self._named = task
        self._root = root
        self._limits = limits or Limits()
        self._options = options
        self._task: Task | None = None
        self._turn = asyncio.Lock()

    async def start(self) -> TaskCard:
        """Load the task into this process; its card. Raises `TaskError`."""
        if isinstance(self._named, str):
            with contextlib.chdir(self._root):  # as the evaluator has it, so that the same relative paths are found
                self._task = load_task(self._named, self._root, self._options)
        else:
            self._task = self._named
        return self._task.card()

    async def run(self, source: Source, spec: TrialSpec, ask: AskModel | None = None) -> Trial:
        """Run one trial. Cancelling gives up waiting, but cannot stop the code that runs."""
        async with self._turn:
            loop = asyncio.get_running_loop()
            return await loop.run_in_executor(None, self._trial, source, spec, loop, ask)

    async def close(self) -> None:
        """Nothing was started."""

    def protections(self) -> list[Protection]:
        """None holds, and it is said."""
        return [Protection("isolation", False, "inline: candidates run in this process, with everything it can do")]

    def _trial(self, source: Source, spec: TrialSpec, loop: asyncio.AbstractEventLoop, ask: AskModel | None) -> Trial:
        assert self._task is not None
        models = _Models(ask, loop)
        recorder = StepRecorder() if spec.record else None
        handle = TrialHandle(spec, ask=models.ask, aask=models.aask, recorder=recorder)
        started, used = time.perf_counter(), time.process_time()
        with tempfile.TemporaryDirectory(prefix="loopwright-inline-") as folder:
            program = LocalProgram(source, Path(folder).resolve(), self._limits, recorder)
            state = random.getstate()
            random.seed(derive(spec.seed, "program"))
            try:
                feedback = self._task.run(ProgramProxy(program), spec, handle)
            except ProgramFailure as error:
                feedback = Feedback.failed(error.kind, error.failure.text(), floor=self._task.floor)
            except BudgetExhausted as error:
                raise (
                    models.fatal or error
                ) from None  # as it was raised, which may say more than that it ends the trial
            finally:
                random.setstate(state)
                program.unload()
        if models.fatal is not None:
            raise models.fatal
        failure = program.last_failure if feedback.error is not None else None
        trace = Trace(steps=recorder.steps() if recorder is not None else [], failure=failure)
        seconds, cpu = time.perf_counter() - started, time.process_time() - used
        return Trial(spec, feedback, trace, models.usage, seconds, cpu)


class _Models:
    """Model calls of one trial, made on the runner's event loop from the trial's thread."""

    def __init__(self, ask_model: AskModel | None, loop: asyncio.AbstractEventLoop) -> None:
        self._ask_model = ask_model
        self._asked_before: Counter[str] = Counter()
        self._loop = loop
        self._counting = threading.Lock()
        self.usage = Usage()
        self.fatal: BaseException | None = None

    def ask(self, ask: Ask) -> Reply:
        return asyncio.run_coroutine_threadsafe(self._asked(ask), self._loop).result()

    def aask(self, ask: Ask) -> Awaitable[Reply]:
        return asyncio.wrap_future(asyncio.run_coroutine_threadsafe(self._asked(ask), self._loop))

    async def _asked(self, ask: Ask) -> Reply:
        if self._ask_model is None:
            raise ModelError("this run has no model for its agent: give it one with [agent] model")
        try:
            same = request_hash(ask)
            before = self._asked_before[same]
            self._asked_before[same] += 1
            reply = await self._ask_model(ask, before)
        except ModelError:
            raise
        except LoopwrightError as error:
            self.fatal = error
            raise BudgetExhausted(str(error)) from error
        with self._counting:
            self.usage += reply.usage
        return reply
