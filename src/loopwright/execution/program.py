"""What every form of a running candidate shares: how it fails, how its calls are told, how it runs a command.

The forms are `remote` (in a sandbox of its own, the default) and `local` (in this process). `ProgramFailure` is how any
of them tells a task that the candidate failed; it is the task's business to let it pass.
"""

from __future__ import annotations

import contextlib
import functools
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from loopwright.execution.protocol import Command, Source
from loopwright.execution.tables import Unsendable
from loopwright.feedback import ErrorKind
from loopwright.trace import Call, Failure
from loopwright.trace.record import plain


class ProgramFailure(Exception):
    """The candidate raised, timed out, crashed or gave what cannot be passed on. `kind` labels the feedback."""

    def __init__(self, kind: ErrorKind, failure: Failure) -> None:
        super().__init__(failure.text())
        self.kind: ErrorKind = kind
        self.failure = failure


class TrialTimeout(BaseException):
    """Raised inside a program when its trial's time is over; no `Exception`, so that no retry loop swallows it."""


class Recorder(Protocol):
    """Where a program tells each call made on it; see `loopwright.tasks.task.StepRecorder`."""

    def called(self, observation: Any, action: Any, calls: list[Call] | None = None) -> None: ...


class Engine(Protocol):
    """What stands behind a `ProgramProxy`; the methods are those of `execution.protocol.Program`."""

    def invoke(self, name: str, /, *args: Any, **kwargs: Any) -> Any: ...
    def value(self, name: str) -> Any: ...
    def text(self, name: str) -> str: ...
    def run(
        self, command: Sequence[str], *, stdin: str, seconds: float | None, env: Mapping[str, str] | None
    ) -> Command: ...


class Parts(Protocol):
    """The last observation in two, `still | moving`. The former is the same object while nothing in it changes: by name
    scalars, dicts and lists of scalars, or lists of such."""

    still: dict[str, Any]
    moving: dict[str, Any]


class ProgramProxy:
    """`program` in a task function. Every name but `value`, `text` and `run` is one of the candidate's functions."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("__"):
            raise AttributeError(name)
        return functools.partial(self._engine.invoke, name)

    def value(self, name: str) -> Any:
        """A plain module-level value of the entry file."""
        return self._engine.value(name)

    def text(self, name: str) -> str:
        """The text of one of the candidate's files, as it was handed over."""
        return self._engine.text(name)

    def run(
        self,
        command: Sequence[str],
        *,
        stdin: str = "",
        seconds: float | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Command:
        """Run a command in the candidate's private folder, under the trial's limits."""
        if isinstance(command, str):
            raise TypeError(
                f"program.run takes a command as a list of words, not {command!r}; a function of the program "
                "that is itself called 'run', 'text' or 'value' needs another name"
            )
        return self._engine.run(command, stdin=stdin, seconds=seconds, env=env)


def observing(program: Any, name: str, parts: Parts | None = None) -> Callable[[Any], Any]:
    """The program's function `name`, for calls with one value made of None, bool, int, float, str, bytes, lists and
    dicts alone.

    A program in a sandbox is then called without a look at every value, in the shortest way there is. Where the
    promise is broken, a tuple arrives as a list, a set too, and so on: what msgpack makes of it. With `parts`, which
    have to be those of the value, what stands still is not sent again.
    """
    observe = getattr(getattr(program, "_engine", None), "observe", None)
    return getattr(program, name) if observe is None else functools.partial(observe, name, parts)


def kind_of(error: BaseException) -> ErrorKind:
    """The label of an exception that a program raised."""
    if isinstance(error, MemoryError):
        return "memory"
    if isinstance(error, TrialTimeout):
        return "timeout"
    if isinstance(error, SystemExit | GeneratorExit | KeyboardInterrupt):
        return "crash"
    return "exception"


def observed(args: Sequence[Any], kwargs: Mapping[str, Any], names: Sequence[str] = ()) -> Any:
    """The arguments of a program call as a step's observation: by name, without callables; a single one bare."""
    shown: dict[str, Any] = {}
    for place, value in enumerate(args):
        if not callable(value):
            shown[names[place] if place < len(names) else str(place)] = plain(value)
    shown.update((key, plain(value)) for key, value in kwargs.items() if not callable(value))
    return next(iter(shown.values())) if len(shown) == 1 else shown


def returned(name: str, error: Unsendable) -> Failure:
    """The failure of a program whose `name()` gave a value that cannot be passed on."""
    text = str(error)
    return Failure("TypeError", f"what {name}() returned{text if text.startswith(' ') else f', at {text}'}")


def text_of(source: Source, name: str) -> str:
    """The text of one of a candidate's files. Raises `KeyError` where there is none."""
    if name not in source.files:
        raise KeyError(f"the candidate has no file '{name}'; it has: {', '.join(sorted(source.files))}")
    return source.files[name].decode("utf-8", "replace")


def run_command(
    command: Sequence[str],
    *,
    folder: Path,
    stdin: str,
    seconds: float,
    env: Mapping[str, str],
    output: int,
) -> Command:
    """Run a command to its end or its time limit; its output is cut at `output` characters, and the cut is said."""
    started = time.monotonic()
    process = subprocess.Popen(
        list(command),
        cwd=folder,
        env=dict(env),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    timed_out = False
    try:
        out, err = process.communicate(stdin.encode(), timeout=seconds)
    except subprocess.TimeoutExpired:
        timed_out = True
        _kill_group(process.pid)
        out, err = process.communicate()
    status = 124 if timed_out else process.returncode
    return Command(status, cut(out, output), cut(err, output), timed_out, time.monotonic() - started)


def cut(data: bytes, limit: int) -> str:
    """Output as text, its middle cut out where it is longer than `limit` bytes."""
    text = data.decode("utf-8", "replace")
    if len(text) <= limit:
        return text
    return f"{text[: limit // 2]}\n... ({len(text) - limit} characters cut) ...\n{text[-(limit // 2) :]}"


def _kill_group(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
