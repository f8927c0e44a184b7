"""The evaluator process: holds the task with its examples and scorer, and never the keys or the candidate's code.

Started as `python -m loopwright.execution.evaluator FD`. It loads the task once and forks one worker a slot, so
that data is shared; the zygote itself only forks and reaps. A worker runs one trial at a time against a sandbox of
its own, asks the main process for model calls, and ends with it: when main is gone every worker and sandbox is
killed.
"""

from __future__ import annotations

import asyncio
import contextlib
import gc
import os
import queue
import random
import resource
import select
import signal
import socket
import sys
import threading
import time
from concurrent.futures import Future
from pathlib import Path
from typing import Any, NoReturn

from loopwright.errors import BudgetExhausted, LoopwrightError, ModelError
from loopwright.execution import confine
from loopwright.execution.cell import Cell
from loopwright.execution.link import (
    Answered,
    Asked,
    Began,
    Done,
    End,
    Failed,
    Fork,
    Forked,
    FromWorker,
    FromZygote,
    Loaded,
    Run,
    Setup,
    ToWorker,
    ToZygote,
    Unpacker,
    packed,
)
from loopwright.execution.loading import top_level_imports
from loopwright.execution.program import ProgramFailure, ProgramProxy, cut
from loopwright.execution.remote import RemoteProgram
from loopwright.execution.worker import taken
from loopwright.feedback import Feedback
from loopwright.llm.protocol import Ask, Reply
from loopwright.seeding import derive
from loopwright.tasks.task import StepRecorder, Task, TrialHandle, load_task, told
from loopwright.trace import Trace
from loopwright.trial import Trial

PATIENCE = 0.4  # seconds after the time limit within which the candidate may still say where it was
RECYCLE = 500  # trials after which a sandbox is replaced
ATTEMPTS = 3  # a trial whose process was killed, maybe from outside, is run again


class _Main:
    """A worker's connection to the main process: trials come in, model calls go out. Ends the process with main."""

    def __init__(self, sock: socket.socket, tray: socket.socket) -> None:
        self._socket = sock
        self._tray = tray
        self._sending = threading.Lock()
        self._replies: dict[int, Future[Reply]] = {}
        self._numbers = 0
        self._runs: queue.SimpleQueue[Run] = queue.SimpleQueue()
        self.cell: Cell | None = None

    def start(self) -> None:
        threading.Thread(target=self._read, daemon=True).start()

    def next_run(self) -> Run:
        """Wait for the next trial that main lets this worker begin. What main has taken back is forgotten."""
        number = taken(self._tray)
        while number is not None:
            run = self._runs.get()
            if run.number == number:
                return run
        threading.Event().wait()  # main is gone: the thread that reads ends this process
        raise AssertionError("unreachable")

    def send(self, message: FromWorker) -> None:
        with self._sending:
            self._socket.sendall(packed(message))

    def submit(self, ask: Ask) -> Future[Reply]:
        future: Future[Reply] = Future()
        with self._sending:
            self._numbers += 1
            self._replies[self._numbers] = future
            self._socket.sendall(packed(Asked(self._numbers, ask)))
        return future

    def ask(self, ask: Ask) -> Reply:
        """A model call, waited for. Raises `ModelError`, `BudgetExhausted`."""
        return self.submit(ask).result()

    async def aask(self, ask: Ask) -> Reply:
        return await asyncio.wrap_future(self.submit(ask))

    def _read(self) -> None:
        unpacker: Unpacker[ToWorker] = Unpacker(ToWorker)
        try:
            while data := self._socket.recv(1 << 16):
                for message in unpacker.feed(data):
                    self._take(message)
        except OSError:
            pass  # main is gone, as at the end of the stream
        finally:
            if self.cell is not None:
                self.cell.close()
            os._exit(0)

    def _take(self, message: ToWorker) -> None:
        if isinstance(message, Run):
            self._runs.put(message)
            return
        future = self._replies.pop(message.number, None)
        if future is None:
            return
        with contextlib.suppress(Exception):  # a future that was cancelled: nobody waits any more
            if isinstance(message, Answered):
                future.set_result(message.reply)
            else:
                kind = BudgetExhausted if message.kind == "BudgetExhausted" else ModelError
                future.set_exception(kind(message.message))


class _Worker:
    """Runs trials of one slot, one after the other."""

    def __init__(self, task: Task, setup: Setup, fork: Fork, main: _Main) -> None:
        self._task = task
        self._setup = setup
        self._main = main
        self._cell = main.cell = Cell(fork.sandbox, setup.limits, setup.visible, setup.walls)
        self._cores = sorted(os.sched_getaffinity(0))
        self._core = self._cores[fork.slot % len(self._cores)] if len(self._cores) > 1 else None
        self._program: RemoteProgram | None = None
        self._modules: set[str] = set()  # what programs need for this task's values: imported before they are forked

    def serve(self) -> NoReturn:
        signal.signal(signal.SIGALRM, self._alarm)
        while True:
            run = self._main.next_run()
            try:
                self._main.send(self._answer(run))
            except LoopwrightError as error:
                self._main.send(Failed(type(error).__name__, str(error)))
            if self._cell.trials >= RECYCLE:
                self._cell.close()

    def _answer(self, run: Run) -> Done:
        for attempt in range(1, ATTEMPTS + 1):
            self._cell.prepare([*top_level_imports(run.source.files), *sorted(self._modules)])
            self._main.send(Began())
            trial, killed = self._trial(run)
            if not killed or attempt == ATTEMPTS:
                return Done(trial)
        raise AssertionError("unreachable")

    def _trial(self, run: Run) -> tuple[Trial, bool]:
        """One attempt, and whether its process was killed by something that may not have been the candidate."""
        spec, limits = run.spec, self._setup.limits
        started, used = time.perf_counter(), _cpu()
        recorder = StepRecorder() if spec.record else None
        handle = TrialHandle(spec, ask=self._main.ask, aask=self._main.aask, recorder=recorder)
        self._program = program = RemoteProgram(
            self._cell.begin(limits.seconds),
            run.source,
            limits,
            ended=self._cell.end,
            recorder=recorder,
            overlapping=(handle.llm, handle.allm),
            cpu=self._core,
            seed=derive(spec.seed, "program"),
        )
        _seed(derive(spec.seed, "task"))
        signal.setitimer(signal.ITIMER_REAL, limits.seconds + PATIENCE)
        try:
            program.start()
            feedback = self._task.run(ProgramProxy(program), spec, handle)
        except ProgramFailure as error:
            feedback = Feedback.failed(error.kind, error.failure.text(), floor=self._task.floor)
        finally:
            signal.setitimer(signal.ITIMER_REAL, 0)
            outcome = program.end()
            self._modules |= program.modules
            self._program = None
            if self._core is not None:
                os.sched_setaffinity(0, self._cores)
        if program.exhausted is not None:
            raise program.exhausted
        trace = Trace(
            steps=recorder.steps() if recorder is not None else [],
            failure=program.last_failure if feedback.error is not None else None,
            stdout=cut(outcome.stdout, limits.output + 100),
            stderr=cut(outcome.stderr, limits.output + 100),
        )
        killed = feedback.error == "crash" and outcome.status in (None, signal.SIGKILL)
        seconds, cpu = time.perf_counter() - started, _cpu() - used + outcome.cpu
        return Trial(spec, feedback, trace, seconds=seconds, cpu=cpu), killed

    def _alarm(self, signum: int, frame: object) -> None:
        # Again soon, for tasks that swallow what is raised; a worker that hangs on is killed by main.
        signal.setitimer(signal.ITIMER_REAL, 0.2)
        if self._program is not None:
            self._program.time_out()


class _Zygote:
    """Loads the task, forks workers and reaps them. Single-threaded, so that its forks are sound."""

    def __init__(self, control: socket.socket) -> None:
        self._control = control
        self._setup: Setup | None = None
        self._task: Task | None = None
        self._workers: dict[int, int] = {}

    def serve(self) -> None:
        unpacker: Unpacker[ToZygote] = Unpacker(ToZygote)
        while True:
            select.select([self._control], [], [])
            data, fds, _, _ = socket.recv_fds(self._control, 1 << 16, 4)
            if not data:
                return
            for message in unpacker.feed(data):
                if isinstance(message, Setup):
                    self._send(self._load(message))
                elif isinstance(message, End):
                    self._end(message.slot)
                else:
                    self._fork(message, socket.socket(fileno=fds.pop(0)), socket.socket(fileno=fds.pop(0)))

    def _send(self, message: FromZygote) -> None:
        self._control.sendall(packed(message))

    def _load(self, setup: Setup) -> FromZygote:
        try:
            # A worker must not find its task changed by what another trial did: each fork starts from this one.
            self._task = load_task(setup.task, Path(setup.root), setup.options)
            card = self._task.card()
        except LoopwrightError as error:
            return Failed(type(error).__name__, str(error))
        except (Exception, SystemExit) as error:  # noqa: BLE001 - the user's code: told in main as a TaskError
            return Failed("TaskError", f"task '{setup.task}' cannot be loaded: {told(error)}")
        self._setup = setup
        if setup.walls == "none":
            confine.hide_memory()  # candidates run as the same user
        gc.collect()
        gc.freeze()
        return Loaded(card)

    def _fork(self, fork: Fork, sock: socket.socket, tray: socket.socket) -> None:
        ended = self._end(fork.slot)
        assert self._task is not None
        assert self._setup is not None
        pid = os.fork()
        if pid == 0:
            try:
                confine.die_with_parent()
                self._control.close()
                main = _Main(sock, tray)
                main.start()
                _Worker(self._task, self._setup, fork, main).serve()
            except BaseException as error:  # noqa: BLE001 - told on stderr, which main keeps; then the worker ends
                with contextlib.suppress(BaseException):
                    print(f"the evaluator's worker failed: {told(error)}", file=sys.stderr, flush=True)
            finally:
                os._exit(1)
        sock.close()
        tray.close()
        self._workers[fork.slot] = pid
        self._send(Forked(pid, ended))

    def _end(self, slot: int) -> int | None:
        """Kill a slot's worker and with it its sandbox; its exit status."""
        pid = self._workers.pop(slot, None)
        if pid is None:
            return None
        ended, status = os.waitpid(pid, os.WNOHANG)
        if not ended:
            os.kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
            return None
        return status

    def close(self) -> None:
        for slot in list(self._workers):
            self._end(slot)


def _cpu() -> float:
    """CPU seconds of this process and of its children that have ended (commands of the task)."""
    own, children = resource.getrusage(resource.RUSAGE_SELF), resource.getrusage(resource.RUSAGE_CHILDREN)
    return own.ru_utime + own.ru_stime + children.ru_utime + children.ru_stime


def _seed(seed: int) -> None:
    """The task's draws from the global generators follow from the trial's seed too."""
    random.seed(seed)
    numpy: Any = sys.modules.get("numpy")
    if numpy is not None:
        numpy.random.seed(seed & 0xFFFFFFFF)


def main(arguments: list[str]) -> None:
    """The process: its argument is the number of the control socket."""
    control = socket.socket(fileno=int(arguments[0]))
    confine.prepare()
    confine.die_with_parent()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C in a terminal reaches the whole group: main decides
    zygote = _Zygote(control)
    with contextlib.suppress(OSError):  # main is gone
        zygote.serve()
    zygote.close()


if __name__ == "__main__":
    main(sys.argv[1:])
