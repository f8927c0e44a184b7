"""The trial process: loads a candidate and answers the evaluator's calls until the evaluator hangs up.

Runs inside the sandbox, already confined (`candidate`), and shares its memory with the candidate's code: nothing
here may be trusted by anybody outside. It blocks on its pipe while plain functions are called, one after the
other; a call of a coroutine function starts an event loop, in which further calls overlap, until none is left.
While the program waits for a handle's answer (`trial.llm`), whichever thread waits reads for all.
"""

from __future__ import annotations

import os
import random
import select
import signal
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any, NoReturn, TextIO, cast

import msgspec

from loopwright.execution.frames import (
    ANSWER,
    CALL,
    CALLBACK,
    COMMAND,
    LOADED,
    PIN,
    RAISE,
    REFUSE,
    RETURN,
    SHOW,
    VALUE,
)
from loopwright.execution.loading import Loaded, write_files
from loopwright.execution.program import TrialTimeout, kind_of, returned, run_command
from loopwright.execution.protocol import Source
from loopwright.execution.values import SCALARS, copier
from loopwright.execution.wire import BODY_LIMIT, Closed, Ends, Unsendable, Wire
from loopwright.feedback import ErrorKind
from loopwright.trace import Call, Failure
from loopwright.trace.record import Tracer


class HandleError(Exception):
    """A function that the task handed over (such as `trial.llm`) failed. The class is named as the original error."""


class _Loading(msgspec.Struct):
    """What the first frame says."""

    source: Source
    record: bool
    seed: int
    seconds: float
    output: int


class _Server:
    def __init__(self, ends: Ends, folder: str) -> None:
        self._wire = Wire(ends, resolve=self._handle, full=self._make_room)
        self._folder = folder
        self._sending = threading.Lock()
        self._reading = threading.Lock()
        self._arrived = threading.Condition()
        self._answers: dict[int, list[Any]] = {}
        self._futures: dict[int, Any] = {}  # callbacks awaited in the event loop
        self._calls: deque[list[Any]] = deque()  # calls that arrived while somebody else was reading
        self._requests = 0
        self._handles: dict[int, Callable[..., Any]] = {}
        self._loop: Any = None
        self._looping = False
        self._idle: Any = None  # set in the loop when no call is awaited any more
        self._awaited: set[int] = set()
        self._tasks: set[Any] = set()
        self._busy = False
        self._main = threading.get_ident()
        self._deadline = 0.0
        self._output = 100_000
        self._loaded: Loaded | None = None
        self._get: Callable[[str], Any] = lambda name: None  # `Loaded.get`
        self._tracer: Tracer | None = None
        self._still: Callable[[], dict[str, Any]] = dict  # makes what stands still in observations

    def load(self) -> None:
        loading = msgspec.convert(self._wire.receive()[1], _Loading)
        write_files(loading.source.files, self._folder)
        self._output = loading.output
        self._deadline = time.monotonic() + loading.seconds
        signal.signal(signal.SIGALRM, self._alarm)
        signal.setitimer(signal.ITIMER_REAL, max(0.01, loading.seconds))
        _seed(loading.seed)
        self._tracer = Tracer() if loading.record else None
        self._loaded = Loaded(loading.source, Path(self._folder), self._tracer)
        self._get = self._loaded.get
        failure = None
        self._busy = True
        try:
            self._loaded.load()
        except BaseException as error:  # noqa: BLE001 - told to the evaluator
            told = self._loaded.failure(error)
            failure = [kind_of(error), _text(told.type), _text(told.message), _text(told.where)]
        self._busy = False
        _flush()
        self._wire.send((LOADED, 0, failure, self._loaded.signatures()))

    def run(self) -> None:
        """Answer calls until the evaluator hangs up."""
        calls, reading, receive = self._calls, self._reading, self._wire.receive
        answer, show = self._answer, self._show
        while True:
            if calls:
                frame = calls.popleft()
            elif reading.acquire(False):
                try:
                    frame = receive()
                finally:
                    reading.release()
            else:
                self._until(lambda: bool(calls))
                continue
            if frame[0] == CALL:
                answer(frame[1], frame[2], None, frame)
            elif frame[0] == SHOW:
                answer(frame[1], frame[2], show, frame)
            else:
                self._dispatch(frame)
            del frame  # what it held is given back at once, while it still is in the processor's caches

    # -- calls into the program ---------------------------------------------------------------------------------------

    def _dispatch(self, frame: list[Any]) -> None:
        kind = frame[0]
        if kind == CALL:
            self._answer(frame[1], frame[2], None, frame)
        elif kind == SHOW:
            self._answer(frame[1], frame[2], self._show, frame)
        elif kind in (ANSWER, REFUSE):
            self._deliver(frame)
        elif kind == VALUE:
            self._answer(frame[1], frame[2], lambda f: self._get(f[2]), frame)
        elif kind == COMMAND:
            self._answer(frame[1], str(frame[2][:1]), self._command, frame)
        elif kind == PIN:
            os.sched_setaffinity(0, frame[2])

    def _show(self, frame: list[Any]) -> Any:
        if len(frame) == 5:
            self._still = copier(frame[4])
        observation = self._still()  # made anew each time: the function may change what it is given
        observation.update(frame[3])
        return self._get(frame[2])(observation)

    def _command(self, frame: list[Any]) -> Any:
        _, _, argv, stdin, seconds, env = frame
        remaining = max(0.05, self._deadline - time.monotonic() - 0.05)
        seconds = remaining if seconds is None else min(seconds, remaining)
        return run_command(
            argv,
            folder=Path(self._folder),
            stdin=stdin,
            seconds=seconds,
            env={**os.environ, **env},
            output=self._output,
        )

    def _answer(self, number: int, name: str, act: Callable[[list[Any]], Any] | None, frame: list[Any]) -> None:
        """Do something of the program's, call its function `name` unless told what, and send what came of it."""
        outer, self._busy = self._busy, True
        try:
            if time.monotonic() > self._deadline:
                raise TrialTimeout("the trial's time is over")
            value = self._get(name)(*frame[3], **frame[4]) if act is None else act(frame)
            kind = cast("type[Any]", type(value))
            awaited = kind not in SCALARS and hasattr(kind, "__await__")
        except BaseException as error:  # noqa: BLE001 - told to the evaluator
            self._busy = outer
            self._raise(number, error)
            return
        self._busy = outer
        if awaited:
            self._await(number, name, value)
            return
        if kind in SCALARS and self._tracer is None:  # what `_return` does, in short; part of a line is flushed later
            try:
                with self._sending:
                    self._wire.send((RETURN, number, value))
                return
            except (OverflowError, UnicodeEncodeError, MemoryError, Unsendable):
                pass  # the long way finds a form for it, or the words for a refusal
        self._return(number, name, value)

    def _return(self, number: int, name: str, value: Any) -> None:
        _flush()
        try:
            with self._sending:
                if self._tracer is None:
                    self._wire.send_values((RETURN, number), (value,))
                else:
                    self._send_traced((RETURN, number), (value,))
        except Unsendable as error:
            self._tell(number, "output", returned(name, error))
        except MemoryError:
            self._tell(number, "memory", Failure("MemoryError", f"what {name}() returned takes too much memory"))
        except Closed:
            raise
        except BaseException as error:  # noqa: BLE001 - a hostile value may raise anything: told to the evaluator
            text = f"what {name}() returned could not be read: {type(error).__name__}"
            self._tell(number, "output", Failure("TypeError", text))

    def _raise(self, number: int, error: BaseException) -> None:
        assert self._loaded is not None
        _flush()
        if isinstance(error, TrialTimeout):
            signal.setitimer(signal.ITIMER_REAL, 0)
        self._tell(number, kind_of(error), self._loaded.failure(error))

    def _tell(self, number: int, kind: ErrorKind, failure: Failure) -> None:
        head = (RAISE, number, kind, _text(failure.type), _text(failure.message), _text(failure.where))
        with self._sending:
            if self._tracer is None:
                self._wire.send(head)
            else:
                self._send_traced(head, ())

    def _send_traced(self, head: tuple[Any, ...], values: tuple[Any, ...]) -> None:
        """Send with the calls recorded since the last answer; with fewer of them where they take too much room."""
        assert self._tracer is not None
        raw = self._tracer.packed()
        if len(raw) > BODY_LIMIT // 2:
            calls = msgspec.msgpack.decode(raw, type=list[Call])
            said = Call("(not recorded)", [("calls", len(calls) - 20, -1)], "they took too much room")
            raw = msgspec.msgpack.encode([*calls[:20], said])
            if len(raw) > BODY_LIMIT // 2:
                raw = msgspec.msgpack.encode([said])
        self._wire.send_values(head, (*values, raw))

    # -- coroutine functions ------------------------------------------------------------------------------------------

    def _await(self, number: int, name: str, awaitable: Any) -> None:
        """Answer with what `awaitable` gives: in the event loop that runs, or in one that runs until none is left."""
        if self._looping:
            self._begin(number, name, awaitable)
            return
        import asyncio

        if self._loop is None:
            self._loop = asyncio.new_event_loop()
            asyncio.set_event_loop(self._loop)
        loop, ours = self._loop, self._wire.fileno()
        self._looping = True
        self._idle = asyncio.Event()
        try:
            loop.add_reader(ours, self._readable)
            self._begin(number, name, awaitable)
            loop.run_until_complete(self._idle.wait())
        except TrialTimeout as error:
            for waiting in list(self._awaited):
                self._raise(waiting, error)
        finally:
            self._looping = False
            loop.remove_reader(ours)

    def _begin(self, number: int, name: str, awaitable: Any) -> None:
        self._awaited.add(number)
        task = self._loop.create_task(self._coroutine(number, name, awaitable))
        self._tasks.add(task)  # the loop itself keeps no strong reference
        task.add_done_callback(self._tasks.discard)

    async def _coroutine(self, number: int, name: str, awaitable: Any) -> None:
        try:
            value = await awaitable
        except BaseException as error:  # noqa: BLE001 - told to the evaluator
            self._raise(number, error)
        else:
            self._return(number, name, value)
        finally:
            self._awaited.discard(number)
            if not self._awaited:
                self._idle.set()

    def _readable(self) -> None:
        """Called by the event loop: take in every frame that is there, unless a thread is at it."""
        if not self._reading.acquire(blocking=False):
            return
        try:
            while select.select([self._wire], [], [], 0)[0]:
                self._sort(self._wire.receive())
        except Closed:
            os._exit(0)
        finally:
            self._reading.release()
        while self._calls:
            self._dispatch(self._calls.popleft())

    # -- handles: calls out of the program ----------------------------------------------------------------------------

    def _handle(self, number: int, name: str, is_async: bool) -> Callable[..., Any]:
        if number not in self._handles:

            def handle(*args: Any, **kwargs: Any) -> Any:
                return self._callback(number, args, kwargs)

            async def async_handle(*args: Any, **kwargs: Any) -> Any:
                return await self._async_callback(number, args, kwargs)

            made = async_handle if is_async else handle
            made.__name__ = made.__qualname__ = name
            self._handles[number] = made
        return self._handles[number]

    def _ask(self, handle: int, overlaps: bool, args: tuple[Any, ...], kwargs: dict[str, Any], future: Any) -> int:
        with self._sending:
            self._requests += 1
            number = self._requests
            if future is not None:
                self._futures[number] = future
            self._wire.send_values((CALLBACK, number, handle, overlaps), (list(args), kwargs))
        return number

    def _callback(self, handle: int, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        _flush()
        alone = threading.get_ident() == self._main and not self._looping
        number = self._ask(handle, not alone, args, kwargs, None)
        return _outcome(self._wait(number))

    def _wait(self, number: int) -> list[Any]:
        """The answer to request `number`."""
        nested = threading.get_ident() == self._main and not self._looping
        while True:
            self._until(lambda: number in self._answers or (nested and bool(self._calls)))
            if number in self._answers:
                return self._answers.pop(number)
            self._dispatch(self._calls.popleft())  # the task calls the program from inside one of its own handles

    def _until(self, ready: Callable[[], bool]) -> None:
        """Wait until `ready`; one of the waiting threads reads for all."""
        while True:
            with self._arrived:
                while not ready():
                    if self._reading.acquire(blocking=False):
                        break
                    self._arrived.wait(0.2)
                else:
                    return
            self._take_in()

    def _make_room(self) -> None:
        """The evaluator takes in nothing more: it may be sending itself, and wait for us."""
        if self._reading.acquire(blocking=False):
            self._take_in(or_room=True)
        else:
            self._wire.wait()

    def _take_in(self, *, or_room: bool = False) -> None:
        """Wait for a frame, or for room to send, and put it where it belongs. Gives `_reading` back, which the caller
        holds."""
        try:
            if not or_room or self._wire.wait():
                self._sort(self._wire.receive())
        except Closed:
            os._exit(0)
        finally:
            self._reading.release()
            if self._looping:
                self._loop.call_soon_threadsafe(self._readable)

    def _sort(self, frame: list[Any]) -> None:
        if frame[0] in (ANSWER, REFUSE):
            self._deliver(frame)
        else:
            with self._arrived:
                self._calls.append(frame)
                self._arrived.notify_all()

    def _deliver(self, frame: list[Any]) -> None:
        future = self._futures.pop(frame[1], None)
        if future is not None:
            self._loop.call_soon_threadsafe(_settle, future, frame)
        else:
            with self._arrived:
                self._answers[frame[1]] = frame
                self._arrived.notify_all()

    async def _async_callback(self, handle: int, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        import asyncio

        loop = asyncio.get_running_loop()
        if loop is not self._loop:  # a loop of the program's own: its thread waits
            return await loop.run_in_executor(None, lambda: self._blocking(handle, args, kwargs))
        future: asyncio.Future[Any] = loop.create_future()
        self._ask(handle, True, args, kwargs, future)
        return _outcome(await future)

    def _blocking(self, handle: int, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        return _outcome(self._wait(self._ask(handle, True, args, kwargs, None)))

    # -- the deadline -------------------------------------------------------------------------------------------------

    def _alarm(self, signum: int, frame: object) -> None:
        # Again soon: a program that swallows the exception meets it once more, until the evaluator kills it.
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        if self._busy or self._awaited:
            raise TrialTimeout("the trial's time is over")


def _settle(future: Any, frame: list[Any]) -> None:
    if not future.done():
        future.set_result(frame)


def _outcome(frame: list[Any]) -> Any:
    if frame[0] == ANSWER:
        return frame[2]
    _fail(frame[2], frame[3])
    return None


def _fail(kind: str, message: str) -> NoReturn:
    raise type(kind, (HandleError,), {"__module__": "builtins"})(message)


def _text(text: str) -> str:
    """Without lone surrogates, which have no form on the wire."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _flush() -> None:
    for stream in (sys.stdout, sys.stderr):
        try:  # noqa: SIM105 - `suppress` costs as much as everything else that a call does here
            stream.flush()
        except Exception:  # noqa: BLE001 - the program may have closed or replaced it; its output is lost
            pass


def _seed(seed: int) -> None:
    """The same candidate and trial give the same draws, also from the global generators."""
    random.seed(seed)
    numpy = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed(seed & 0xFFFFFFFF)


_streams: list[TextIO] = []


def prepare() -> None:
    """Do once, before trial processes are forked, what each of them would have to do: every page of memory that it
    need not write to is one that need not be copied."""
    reading, writing = os.pipe()  # streams remember what kind of file they are on
    kept = [os.dup(fd) for fd in (1, 2)]
    for fd in (1, 2):
        os.dup2(writing, fd)
        _streams.append(open(fd, "w", buffering=1, encoding="utf-8", errors="replace", closefd=False))  # noqa: SIM115
        os.dup2(kept[fd - 1], fd)
    for fd in (reading, writing, *kept):
        os.close(fd)
    # Records are described to msgspec when the first one is made.
    msgspec.convert(
        {"source": {"id": "", "files": {}}, "record": False, "seed": 0, "seconds": 1.0, "output": 1}, _Loading
    )


def serve(ends: Ends, folder: str) -> int:
    """Serve one trial over `ends`, with `folder` as the candidate's own; gives the exit status of the process.

    `prepare` must have been called, in this process or in the one that it was forked from.
    """
    sys.stdout, sys.stderr = sys.__stdout__, sys.__stderr__ = _streams
    server = _Server(ends, folder)
    try:
        server.load()
        server.run()
    except Closed:
        _flush()
        return 0
    return 0
