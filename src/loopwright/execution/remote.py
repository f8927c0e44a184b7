"""A candidate in its sandbox, as the task's `program`: every call becomes a frame, every answer is distrusted.

Lives in an evaluator worker. Whatever the other side sends, this side gives a value of plain types or raises
`ProgramFailure` with a label; after a crash, a timeout or a broken protocol every further call raises it again.
"""

from __future__ import annotations

import asyncio
import contextlib
import functools
import inspect
import os
import signal
import threading
import time
from collections.abc import Callable, Generator, Mapping, Sequence
from typing import Any, NoReturn, get_args

import msgspec

from loopwright.errors import BudgetExhausted, ExecutionError, TaskError
from loopwright.execution.cell import Outcome
from loopwright.execution.frames import (
    ANSWER,
    CALL,
    CALLBACK,
    COMMAND,
    LOAD,
    LOADED,
    PIN,
    RAISE,
    REFUSE,
    RETURN,
    SHOW,
    VALUE,
)
from loopwright.execution.program import Parts, ProgramFailure, Recorder, observed, text_of
from loopwright.execution.protocol import Command, Limits, Source
from loopwright.execution.wire import Closed, Ends, Unsendable, Wire, WireError
from loopwright.feedback import ErrorKind
from loopwright.trace import Call, Failure
from loopwright.trace.record import plain

OVERLAPPING = 64  # callbacks of one trial that may wait for an answer at the same time
TASKS = 4096  # the same in an async task, where waiting takes no thread
TRACE_LIMIT = 64 << 20  # bytes of recorded calls that one trial may leave
DYING = 0.5  # seconds for a process that has hung up to be dead
CHATTY = 64  # calls after which a trial that does nothing but call is put on one core with its candidate

_NO_NAMES: dict[str, Any] = {}
_KINDS = frozenset(get_args(ErrorKind)) - {"task", "score", "model"}  # labels that a candidate may give itself


class _Callback(msgspec.Struct, array_like=True):
    """A CALLBACK frame: the program calls the function that was handed over as number `place`."""

    kind: int
    number: int
    place: int
    overlaps: bool
    args: list[Any]
    kwargs: dict[str, Any]


class RemoteProgram:
    """The engine of a `ProgramProxy` whose candidate is in another process.

    `ended(patience)` ends the trial's process and tells how it ended. `overlapping` are callables which may run at the
    same time as others (model calls); coroutine functions may too, everything else handed over runs one at a time.
    `cpu` is the core to share with the candidate when the two do little but talk, None for never.
    """

    def __init__(
        self,
        ends: Ends,
        source: Source,
        limits: Limits,
        *,
        ended: Callable[[float], Outcome],
        recorder: Recorder | None = None,
        overlapping: Sequence[Callable[..., Any]] = (),
        cpu: int | None = None,
        seed: int = 0,
    ) -> None:
        self._wire = Wire(ends)
        self._source = source
        self._limits = limits
        self._ended = ended
        self._recorder = recorder
        self._overlapping = tuple(overlapping)
        self._cpu = cpu
        self._sending = threading.Lock()
        self._turn = threading.RLock()  # one conversation at a time, also where a task uses threads
        self._handling = threading.Lock()
        self._room = threading.BoundedSemaphore(OVERLAPPING)
        self._handles: list[Callable[..., Any]] = []
        self._futures: dict[int, asyncio.Future[list[Any]]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._number = 0
        self._still: dict[str, Any] | None = None  # what the candidate has of an environment's observations
        self._trace_room = TRACE_LIMIT
        self._loaded = False
        self._broken: ProgramFailure | None = None
        self._signatures: dict[str, list[str]] = {}
        self._started = time.perf_counter()
        self.last_failure: Failure | None = None
        self.outcome: Outcome | None = None
        self.talking = False  # whether the program, not the task, is at work
        self.exhausted: BaseException | None = None
        loading = {
            "source": source,
            "record": recorder is not None,
            "seed": seed,
            "seconds": limits.seconds,
            "output": limits.output,
        }
        self._loading = [LOAD, loading]

    # -- the contract -------------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Send the candidate to its process; it loads while the task prepares its example."""
        try:
            self._wire.send(self._loading)
        except Closed:
            self._gone_quietly()

    def value(self, name: str) -> Any:
        """A plain module-level value of the entry file."""
        return self._converse(VALUE, name, ())

    def text(self, name: str) -> str:
        """The text of one of the candidate's files, as it was handed over."""
        return text_of(self._source, name)

    def run(
        self,
        command: Sequence[str],
        *,
        stdin: str,
        seconds: float | None,
        env: Mapping[str, str] | None,
    ) -> Command:
        """Run a command in the candidate's private folder, under the trial's limits."""
        words = [str(word) for word in command]
        got = self._converse(COMMAND, "run", (words, stdin, seconds, dict(env or {})))
        try:
            return msgspec.convert(got, Command)
        except msgspec.ValidationError as error:
            self._violated(f"the outcome of a command is none: {error}")

    # -- plain tasks --------------------------------------------------------------------------------------------------

    def invoke(self, name: str, /, *args: Any, **kwargs: Any) -> Any:
        if asyncio._get_running_loop() is not None:  # the public one raises, which costs more than the call
            return _Pending(self, name, args, kwargs)
        return self._converse(CALL, name, (list(args), kwargs))

    def observe(self, name: str, parts: Parts | None, observation: Any) -> Any:
        """`invoke` with one observation that is known to be plain; see `loopwright.execution.program.observing`.

        All in one piece: it is called between two steps of an environment, whose work has emptied the processor's
        caches, and then every line, and every function entered, costs several times what it costs in a loop.
        """
        with self._turn:
            usual = self._number > CHATTY and self._recorder is None and self._broken is None
            if not usual:
                if parts is not None and self._number < CHATTY and parts.still | parts.moving != observation:
                    raise TaskError("the environment's `parts` do not make up its observation; see `Environment`")
                return self.invoke(name, observation)
            number = self._number + 1
            try:
                with self._sending:
                    if parts is None:
                        self._wire.send((CALL, number, name, (observation,), _NO_NAMES))
                    elif parts.still is self._still:
                        self._wire.send((SHOW, number, name, parts.moving))
                    else:
                        self._wire.send((SHOW, number, name, parts.moving, parts.still))
                        self._still = parts.still
            except Closed:
                self._gone()
            except (TypeError, OverflowError, UnicodeEncodeError, RecursionError):
                return self.invoke(name, observation)  # not plain after all: it finds a form for it, or says why not
            self._number = number
            self.talking = True
            try:
                frame = self._wire.receive()
            except WireError as error:
                self._lost(error)
            finally:
                self.talking = False
            if len(frame) == 3 and frame[0] == RETURN and frame[1] == number:
                return frame[2]
            return self._taken(self._read_until(number, frame))

    def _converse(self, kind: int, name: str, parts: tuple[Any, ...]) -> Any:
        with self._turn:
            number = self._send(kind, name, parts)
            frame: list[Any] = []
            try:
                frame = self._read_until(number)
                value = self._taken(frame)
            except ProgramFailure:
                if kind == CALL:
                    self._record(name, parts, None, frame)
                raise
            if kind == CALL:
                self._record(name, parts, value, frame)
            return value

    def _send(self, kind: int, name: str, parts: tuple[Any, ...]) -> int:
        if self._broken is not None:
            raise self._broken
        self._number = number = self._number + 1
        if number == CHATTY:
            self._draw_near()
        head = (kind, number) if kind == COMMAND else (kind, number, name)
        try:
            with self._sending:
                self._wire.send_values(head, parts, self._register)
        except Unsendable as error:
            place = str(error)
            raise TypeError(f"an argument of program.{name}() cannot be passed on: args{place}") from None
        except Closed:
            self._gone()
        return number

    def _read_until(self, number: int, frame: list[Any] | None = None) -> list[Any]:
        """Serve the program's callbacks until the answer to `number` is there; `frame` is what came already."""
        self.talking = True
        try:
            while True:
                frame = frame or self._wire.receive()
                if frame[0] in (RETURN, RAISE) and frame[1] == number:
                    return frame
                self._sort(frame)
                frame = None
        except (WireError, IndexError, ValueError, TypeError) as error:
            self._lost(error)
        finally:
            self.talking = False

    def _sort(self, frame: list[Any]) -> None:
        """Everything that is not the answer being waited for. Raises `ValueError` for what should not come."""
        kind = frame[0]
        if kind == CALLBACK:
            self._called_back(frame)
        elif kind == LOADED and not self._loaded:
            self._take_loaded(frame)
        elif kind in (RETURN, RAISE) and type(frame[1]) is int and frame[1] in self._futures:
            future = self._futures.pop(frame[1])
            if not future.done():
                future.set_result(frame)
        else:
            raise ValueError("it sent a frame that nobody asked for")

    def _take_loaded(self, frame: list[Any]) -> None:
        self._loaded = True
        _, _, failure, signatures = frame
        if type(signatures) is dict:
            with contextlib.suppress(msgspec.ValidationError):  # observations then number the arguments
                self._signatures = msgspec.convert(signatures, dict[str, list[str]])
        if failure is not None:
            kind, *told = failure
            self._broken = self._failure(kind, told)
            self._recorder = None  # a program that does not load is given nothing
            raise self._broken

    def _taken(self, frame: list[Any]) -> Any:
        if frame[0] == RETURN:
            try:
                return frame[2]
            except IndexError:
                self._violated("an answer without a value")
        try:
            failure = self._failure(frame[2], frame[3:6])
        except (IndexError, ValueError, TypeError) as error:
            self._violated(str(error))
        if failure.kind == "timeout":
            self._broken = failure
        raise failure

    def _failure(self, kind: Any, told: Any) -> ProgramFailure:
        name, message, where = told
        if kind not in _KINDS or not all(type(text) is str for text in (name, message, where)):
            raise ValueError("a failure that is none")
        self.last_failure = Failure(_short(name, 200), _short(message, 4000), _short(where, 20_000))
        return ProgramFailure(kind, self.last_failure)

    def _record(self, name: str, parts: tuple[Any, ...], value: Any, frame: list[Any]) -> None:
        """Tell the recorder of a call, also of one that failed: what it was given is what the optimizer needs then.

        `frame` is the answer, with the calls made inside at its end; empty where the process died without one.
        """
        if self._recorder is None:
            return
        observation = observed(parts[0], parts[1], self._signatures.get(name, ()))
        rest = frame[3:] if frame and frame[0] == RETURN else frame[6:]
        self._recorder.called(observation, plain(value), self._calls(rest))

    def _calls(self, rest: list[Any]) -> list[Call]:
        if not rest or self._trace_room <= 0:
            return []
        try:
            self._trace_room -= len(rest[0])
            if self._trace_room <= 0:
                return [Call("(not recorded)", [], f"the trial's trace takes more than {TRACE_LIMIT >> 20} MB")]
            return msgspec.msgpack.decode(rest[0], type=list[Call])
        except (msgspec.MsgspecError, TypeError, ValueError, RecursionError) as error:
            self._violated(f"its trace cannot be read: {error}")

    # -- handles ------------------------------------------------------------------------------------------------------

    def _register(self, handle: Callable[..., Any]) -> int:
        for number, known in enumerate(self._handles):
            if known == handle:
                return number
        self._handles.append(handle)
        return len(self._handles) - 1

    def _called_back(self, frame: list[Any]) -> None:
        called = msgspec.convert(frame, _Callback)
        if not 0 <= called.place < len(self._handles):
            raise ValueError("it called a function that was not handed over")
        number, args, kwargs = called.number, called.args, called.kwargs
        handle = self._handles[called.place]
        is_async = inspect.iscoroutinefunction(handle)
        may = is_async or any(handle == known for known in self._overlapping)
        act = functools.partial(self._act, number, handle, args, kwargs)
        if called.overlaps and is_async and self._loop is not None:
            if len(self._tasks) >= TASKS:
                raise ValueError(f"it made more than {TASKS} calls at once")
            task = self._loop.create_task(self._act_async(number, handle, args, kwargs))
            self._tasks.add(task)
            task.add_done_callback(self._tasks.discard)
        elif called.overlaps and may and self._room.acquire(blocking=False):
            threading.Thread(target=self._apart, args=(act,), daemon=True).start()
        elif may:
            act()
        else:
            with self._handling:
                act()

    def _apart(self, act: Callable[[], None]) -> None:
        try:
            act()
        except Exception as error:  # noqa: BLE001 - a thread has nobody to raise to: told when the trial ends
            self.exhausted = error
        finally:
            self._room.release()

    def _act(self, number: int, handle: Callable[..., Any], args: list[Any], kwargs: dict[str, Any]) -> None:
        """Call a handle and send what came of it."""
        talking, self.talking = self.talking, False
        try:
            value = handle(*args, **kwargs)
            if asyncio.iscoroutine(value):
                value = asyncio.run(value)
        except (ProgramFailure, BudgetExhausted, ExecutionError):
            raise
        except Exception as error:  # noqa: BLE001 - told to the program that called the handle
            self._reply((REFUSE, number, type(error).__name__, str(error)[:2000]))
        else:
            self._reply_value(number, value)
        finally:
            self.talking = talking

    async def _act_async(
        self, number: int, handle: Callable[..., Any], args: list[Any], kwargs: dict[str, Any]
    ) -> None:
        try:
            value = await handle(*args, **kwargs)
        except (BudgetExhausted, ExecutionError) as error:
            self.exhausted = error
            self._reply((REFUSE, number, type(error).__name__, str(error)[:2000]))
        except Exception as error:  # noqa: BLE001 - told to the program that called the handle
            self._reply((REFUSE, number, type(error).__name__, str(error)[:2000]))
        else:
            self._reply_value(number, value)

    def _reply_value(self, number: int, value: Any) -> None:
        try:
            with self._sending:
                self._wire.send_values((ANSWER, number), (value,), self._register)
        except Unsendable as error:
            self._reply((REFUSE, number, "TypeError", f"the task's answer{error}"))
        except Closed:
            pass  # noticed by whoever reads

    def _reply(self, frame: Sequence[Any]) -> None:
        try:
            with self._sending:
                self._wire.send(frame)
        except Closed:
            pass  # noticed by whoever reads

    # -- async tasks --------------------------------------------------------------------------------------------------

    async def _invoke_async(self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        loop = asyncio.get_running_loop()
        if self._loop is not loop:
            self._loop = loop
            loop.add_reader(self._wire.fileno(), self._readable)
        parts = (list(args), kwargs)
        future: asyncio.Future[list[Any]] = loop.create_future()
        number = self._send(CALL, name, parts)
        self._futures[number] = future
        frame: list[Any] = []
        try:
            frame = await future
            value = self._taken(frame)
        except ProgramFailure:
            self._record(name, parts, None, frame)
            raise
        self._record(name, parts, value, frame)
        return value

    def _readable(self) -> None:
        """Called by the event loop: take in a frame that is there, and fail all calls where that is impossible."""
        try:
            try:
                self._sort(self._wire.receive())
            except (WireError, IndexError, ValueError, TypeError) as error:
                self._lost(error)
        except Exception as error:  # noqa: BLE001 - passed to everybody who waits
            waiting, self._futures = list(self._futures.values()), {}
            if self._broken is not None and self._loop is not None:
                self._loop.remove_reader(self._wire.fileno())
            for future in waiting:
                if not future.done():
                    future.set_exception(error)

    # -- the end ------------------------------------------------------------------------------------------------------

    def time_out(self) -> NoReturn:
        """The trial's time is over: nothing of the program is believed any more. Raises `ProgramFailure`."""
        at_work = "while the program was running" if self.talking else "while the task's own code was running"
        text = f"the trial's time limit of {self._limits.seconds:g} s passed {at_work}"
        self._fail("timeout", "TimeoutError", text)

    @property
    def modules(self) -> set[str]:
        """What the program's process had to import to take in what the task handed over."""
        return self._wire.modules

    def end(self, patience: float = 0.0) -> Outcome:
        """End the trial's process; how it ended."""
        self._wire.close()
        if self.outcome is None:
            self.outcome = self._ended(patience)
        return self.outcome

    def _gone_quietly(self) -> None:
        with contextlib.suppress(ProgramFailure):  # the first call raises it again
            self._gone()

    def _gone(self) -> NoReturn:
        """The process has hung up: find out why."""
        if self._broken is not None:
            raise self._broken
        outcome = self.end(DYING)
        if time.perf_counter() - self._started > self._limits.seconds:
            self.time_out()
        self._fail(*_death(outcome, self._limits))

    def _lost(self, error: Exception) -> NoReturn:
        """Nothing sensible can be read any more."""
        if isinstance(error, Closed):
            self._gone()
        self._violated(str(error))

    def _violated(self, what: str) -> NoReturn:
        self._fail("protocol", "ProtocolError", f"the program's process broke the protocol: {what}")

    def _fail(self, kind: ErrorKind, name: str, message: str) -> NoReturn:
        self.last_failure = Failure(name, message)
        self._broken = ProgramFailure(kind, self.last_failure)
        raise self._broken

    def _draw_near(self) -> None:
        """Two processes that take turns are fastest on one core: the other need not be woken for every call."""
        if self._cpu is None or time.perf_counter() - self._started > CHATTY * 0.002:
            return
        os.sched_setaffinity(0, {self._cpu})
        self._reply((PIN, 0, [self._cpu]))


class _Pending:
    """A call in an async task that waits to be awaited."""

    def __init__(self, program: RemoteProgram, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> None:
        self._call = (program, name, args, kwargs)

    def __await__(self) -> Generator[Any, Any, Any]:
        program, name, args, kwargs = self._call
        return program._invoke_async(name, args, kwargs).__await__()  # pyright: ignore[reportPrivateUsage]

    def __repr__(self) -> str:
        return f"<call of program.{self._call[1]}(): in an async task write 'await' before it>"


def _short(text: str, limit: int) -> str:
    return text if len(text) <= limit else f"{text[:limit]}... ({len(text)} characters)"


def _death(outcome: Outcome, limits: Limits) -> tuple[ErrorKind, str, str]:
    """How a process died, as a label, a name and a sentence."""
    status = outcome.status
    if outcome.reason and status is not None:
        return "memory", "MemoryError", f"the program was killed: {outcome.reason}; the limit is {limits.memory} MB"
    if status is None:
        return "crash", "Killed", f"the program's process is gone: {outcome.reason or 'it closed its connection'}"
    if os.WIFSIGNALED(status):
        number = os.WTERMSIG(status)
        if number == signal.SIGXCPU:
            return "timeout", "TimeoutError", "the program used up its CPU time"
        if number == signal.SIGXFSZ:
            return "crash", "Killed", f"the program wrote a file larger than {limits.disk} MB"
        try:
            name = signal.Signals(number).name
        except ValueError:
            name = "unknown"
        return "crash", name, f"the program's process was killed by signal {number} ({name})"
    code = os.WEXITSTATUS(status)
    return "crash", "ProcessExit", f"the program ended its process with exit code {code}"
