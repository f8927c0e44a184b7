"""What several runs share when they run at once, as those of a study do: trial slots, loaded tasks, the pace of
models, and models on this machine.

    async with Pool(slots=16) as pool:
        await asyncio.gather(*(run_async(loop, folder, pool=pool) for loop, folder in runs))

Each run keeps its own journal, budget and cache; its course is the same as alone.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from pathlib import Path
from types import TracebackType

import msgspec

from loopwright.errors import PoolExhausted
from loopwright.execution.protocol import AskModel, Executor, Source, TaskCard
from loopwright.llm.ledger import Ledger
from loopwright.llm.local.runtime import Runtimes
from loopwright.llm.traffic import Traffic
from loopwright.settings import Loop
from loopwright.trial import Trial, TrialSpec


class Pool:
    """Lives in one event loop. At most `slots` trials of all its runs are under way; `traffic` paces their models.

    Runs with the same task, options and limits share one executor, so the task is loaded once, and so is a model file
    on this machine. Where they share a budget, too, `ledger` holds that of their model calls and `trials` is how many
    trials may still be run; a run that would pass either raises `PoolExhausted`.
    """

    def __init__(
        self,
        slots: int,
        *,
        traffic: Traffic | None = None,
        make: Callable[[Loop, Path], Executor] | None = None,
        ledger: Ledger | None = None,
        trials: int | None = None,
    ) -> None:
        """`make` makes an executor of a loop and the folder of its task; by default that of the runner."""
        self.slots = slots
        self.traffic = traffic or Traffic()
        self.ledger = ledger
        self.trials = trials
        self.runtimes = Runtimes()
        self._make = make
        self._turns = asyncio.Semaphore(slots)
        self._shared: dict[bytes, _Shared] = {}

    def executor(self, loop: Loop, root: Path) -> Executor:
        """The executor of a loop's task. Closing it ends nothing: that is the pool's to do."""
        from loopwright.wiring import make_executor

        limits = loop.execution.limits
        key = msgspec.json.encode([str(root.resolve()), loop.task, loop.task_options, loop.execution.isolation, limits])
        if key not in self._shared:
            execution = msgspec.structs.replace(loop.execution, slots=self.slots)
            made = (self._make or make_executor)(msgspec.structs.replace(loop, execution=execution), root)
            self._shared[key] = _Shared(made, self)
        return self._shared[key]

    @contextlib.asynccontextmanager
    async def turn(self) -> AsyncGenerator[None]:
        """A slot for one trial, waited for. Raises `PoolExhausted` where no more trials may be run."""
        async with self._turns:
            if self.trials is not None:
                if self.trials < 1:
                    raise PoolExhausted("no trials are left in the budget that the runs share")
                self.trials -= 1
            yield

    async def close(self) -> None:
        """End every process of every executor; idempotent."""
        for shared in self._shared.values():
            await shared.executor.close()
        self._shared.clear()
        self.runtimes.close()

    async def __aenter__(self) -> Pool:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()


class _Shared:
    """An executor that several runs use: started once, and trials wait for a turn among those of all runs."""

    def __init__(self, executor: Executor, pool: Pool) -> None:
        self.executor = executor
        self._pool = pool
        self._starting = asyncio.Lock()
        self._card: TaskCard | None = None

    async def start(self) -> TaskCard:
        async with self._starting:
            if self._card is None:
                self._card = await self.executor.start()
            return self._card

    async def run(self, source: Source, spec: TrialSpec, ask: AskModel | None = None) -> Trial:
        async with self._pool.turn():
            return await self.executor.run(source, spec, ask)

    async def close(self) -> None:
        """The pool closes it when all runs are done."""
