"""A candidate as a program in this very process, for `inline`: the same contract as a sandboxed one, no protection.

Values pass by copy, as they would between processes: what works here works isolated, and the task's objects stay the
task's. Callables are handed over as they are.
"""

from __future__ import annotations

import inspect
import os
import sys
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

from loopwright.execution.loading import Loaded, write_files
from loopwright.execution.program import (
    ProgramFailure,
    Recorder,
    kind_of,
    observed,
    returned,
    run_command,
    text_of,
)
from loopwright.execution.protocol import Command, Limits, Source
from loopwright.execution.values import Unsendable, copied
from loopwright.trace import Failure
from loopwright.trace.record import Tracer, describe, plain


class LocalProgram:
    """The engine of a `ProgramProxy` whose candidate is in this process, without any protection."""

    def __init__(self, source: Source, folder: Path, limits: Limits, recorder: Recorder | None = None) -> None:
        self._source = source
        self._folder = folder
        self._limits = limits
        self._recorder = recorder
        self._tracer = Tracer() if recorder is not None else None
        self._loaded: Loaded | None = None
        self._broken: ProgramFailure | None = None
        self.last_failure: Failure | None = None
        write_files(source.files, str(folder))

    def value(self, name: str) -> Any:
        """A plain module-level value of the entry file."""
        return self._taken(name, self._guarded(lambda: self._load().get(name)))

    def text(self, name: str) -> str:
        """The text of one of the candidate's files."""
        return text_of(self._source, name)

    def run(
        self,
        command: Sequence[str],
        *,
        stdin: str,
        seconds: float | None,
        env: Mapping[str, str] | None,
    ) -> Command:
        """Run a command in the candidate's folder; the limits hold for time and output only."""
        return run_command(
            command,
            folder=self._folder,
            stdin=stdin,
            seconds=min(seconds or self._limits.seconds, self._limits.seconds),
            env={**os.environ, **(env or {})},
            output=self._limits.output,
        )

    def unload(self) -> None:
        """Forget the program's modules."""
        if self._loaded is not None:
            self._loaded.unload()

    def _load(self) -> Loaded:
        if self._broken is not None:
            raise self._broken
        if self._loaded is None:
            self._loaded = Loaded(self._source, self._folder, self._tracer)
            try:
                self._loaded.load()
            except (Exception, SystemExit) as error:
                self._broken = self._failed(error)
                raise self._broken from error
        return self._loaded

    def _failed(self, error: BaseException) -> ProgramFailure:
        assert self._loaded is not None
        self.last_failure = self._loaded.failure(error)
        return ProgramFailure(kind_of(error), self.last_failure)

    def _guarded(self, act: Callable[[], Any]) -> Any:
        try:
            return act()
        except ProgramFailure:
            raise
        except (Exception, SystemExit) as error:
            raise self._failed(error) from error

    def invoke(self, name: str, /, *args: Any, **kwargs: Any) -> Any:
        """Call the entry file's function `name`."""
        loaded = self._load()
        observation = self._observe(name, args, kwargs)
        try:
            passed, named = copied(list(args)), copied(kwargs)
        except Unsendable as error:
            raise TypeError(f"an argument of program.{name}() cannot be passed on: args{error}") from None
        running = _in_event_loop()
        try:
            result = self._guarded(lambda: loaded.get(name)(*passed, **named))
            if inspect.isawaitable(result):
                if running:
                    return self._awaited(name, result, observation)
                result = self._guarded(lambda: _finish(result))
            result = self._taken(name, result)
        except ProgramFailure:
            self._record(observation, None)
            raise
        self._record(observation, result)
        return _Given(result) if running else result

    def _taken(self, name: str, result: Any) -> Any:
        try:
            return copied(result, callables=False)
        except Unsendable as error:
            self.last_failure = returned(name, error)
            raise ProgramFailure("output", self.last_failure) from None

    async def _awaited(self, name: str, result: Awaitable[Any], observation: Any) -> Any:
        try:
            value = self._taken(name, await result)
        except ProgramFailure:
            self._record(observation, None)
            raise
        except (Exception, SystemExit) as error:
            self._record(observation, None)
            raise self._failed(error) from error
        self._record(observation, value)
        return value

    def _observe(self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        if self._recorder is None:
            return None
        return observed(args, kwargs, self._load().signatures().get(name, ()))

    def _record(self, observation: Any, result: Any) -> None:
        """Tell the recorder of a call; of one that failed, with no result."""
        if self._recorder is not None and self._tracer is not None:
            self._recorder.called(observation, plain(result), self._tracer.take())


class _Given:
    """A value that may be awaited: what a plain function gives inside an async task."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def __await__(self) -> Any:
        return self._value
        yield

    def __repr__(self) -> str:
        return f"<result of a program call: write 'await' before it: {describe(self._value)!r}>"


def _in_event_loop() -> bool:
    asyncio = sys.modules.get("asyncio")
    return asyncio is not None and asyncio._get_running_loop() is not None


def _finish(awaitable: Awaitable[Any]) -> Any:
    import asyncio

    async def wait() -> Any:
        return await awaitable

    return asyncio.run(wait())
