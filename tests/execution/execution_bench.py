"""An executor with an event loop of its own, for tests of executors; and candidates written as text."""

from __future__ import annotations

import asyncio
import textwrap
import threading
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, TypeVar

from loopwright.execution.process import ProcessExecutor
from loopwright.execution.protocol import Limits, Source
from loopwright.llm.protocol import Ask, Reply
from loopwright.trial import Trial, TrialSpec, Usage

T = TypeVar("T")

TASKS = Path(__file__).parent / "tasks_for_execution"


def source(text: str | bytes, *, traced: list[str] | None = None, **files: str) -> Source:
    content = textwrap.dedent(text).encode() if isinstance(text, str) else text
    more = {f"{name}.py": textwrap.dedent(body).encode() for name, body in files.items()}
    return Source("c", {"agent.py": content, **more}, "agent.py", [("agent.py", name) for name in traced or []])


class Bench:
    """An executor with a loop of its own in a thread, used from plain tests."""

    def __init__(self, task: str, *, root: Path = TASKS, **settings: Any) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self.asked: list[Ask] = []
        self.answer: Callable[[Ask], Awaitable[Reply]] = self._echo
        settings.setdefault("limits", Limits(seconds=1.0, memory=1024, processes=32, disk=8, output=10_000))
        self.executor = self.do(self._made(task, root, settings))
        self.card = self.do(self.executor.start())

    async def _made(self, task: str, root: Path, settings: dict[str, Any]) -> ProcessExecutor:
        return ProcessExecutor(task, root, **settings)

    async def _ask(self, ask: Ask, before: int) -> Reply:
        self.asked.append(ask)
        return await self.answer(ask)

    async def _echo(self, ask: Ask) -> Reply:
        return Reply([f"re: {ask.messages[-1]['content']}"], Usage(1, 2, 3, 0.5))

    def do(self, work: Any) -> Any:
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(60)

    def run(self, candidate: Source, index: int = 0, **spec: Any) -> Trial:
        return self.do(self.executor.run(candidate, TrialSpec("c", "train", index, 7, **spec), self._ask))

    def close(self) -> None:
        try:
            self.do(self.executor.close())
        finally:
            self._loop.call_soon_threadsafe(self._loop.stop)
            self._thread.join()
            self._loop.close()
