"""Runs trials in isolation: the main process's side of `isolation = "process"`, the default.

`ProcessExecutor` starts one evaluator (`evaluator`), which holds the task, and in it one worker a slot, each with a
sandbox for candidates. This process never sees an example or runs a line of the task's or the candidate's code; it
hands out trials, answers the model calls made inside them, and replaces what dies or does not answer in time.
"""

from __future__ import annotations

import asyncio
import contextlib
import fcntl
import itertools
import os
import re
import signal
import socket
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO

import msgspec

from loopwright import errors
from loopwright.errors import ExecutionError, LoopwrightError, ModelError, TaskError
from loopwright.execution import confine, sandbox
from loopwright.execution.link import (
    Answered,
    Asked,
    Began,
    Done,
    End,
    Failed,
    Fork,
    Forked,
    FromZygote,
    Loaded,
    Refused,
    Run,
    Setup,
    Unpacker,
    packed,
)
from loopwright.execution.protections import Protection, protections
from loopwright.execution.protocol import AskModel, Limits, Source, TaskCard
from loopwright.execution.slots import Job, Slot, Slots
from loopwright.execution.worker import Tray, Worker
from loopwright.feedback import Feedback
from loopwright.llm.cache import request_hash
from loopwright.trial import Trial, TrialSpec, Usage

START_LIMIT = 300.0  # seconds for the task to load, and for a sandbox with its imports
OUTPUT_LIMIT = 1 << 20  # bytes of the evaluator's own output that are kept, to tell why it died
GRACE = 8.0  # seconds after the time limit in which a worker must have answered
# A trial whose worker died is run again. What it died of by itself (a segmentation fault in the task) will come again;
# a kill from outside will not, so more of them are forgiven.
OWN_DEATHS, KILLS = 2, 6

_SECRET = re.compile(r"(API_?KEY|TOKEN|SECRET|PASSWORD|PASSWD|CREDENTIAL|ACCESS_KEY|PRIVATE_KEY)", re.IGNORECASE)
_sandboxes = itertools.count()


class ProcessExecutor:
    """An `execution.protocol.Executor`. `task` is "path/task.py:name" under `root`, or "package.module:name".

    `paths` are further folders that candidates and the task may import from, `options` are handed to the task where it
    is made by a function. `walls` are the strongest that work here unless given.
    """

    def __init__(
        self,
        task: str,
        root: Path,
        *,
        slots: int = 1,
        limits: Limits | None = None,
        paths: Sequence[Path] = (),
        options: Mapping[str, object] | None = None,
        walls: sandbox.Walls | None = None,
    ) -> None:
        self._setup = Setup(
            task,
            str(root.resolve()),
            dict(options or {}),
            limits or Limits(),
            [str(p.resolve()) for p in paths],
            walls or sandbox.walls(),
        )
        self._slots = Slots(slots, self._drop)
        self._zygote: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._printed: IO[bytes] | None = None
        self._unpacker: Unpacker[FromZygote] = Unpacker(FromZygote)
        self._talking = asyncio.Lock()
        self._runs = itertools.count(1)
        # uid of a sandbox must be its own on this machine: by process and by executor
        self._sandbox = (os.getpid() % (1 << 22)) * 256
        self._numbers = [next(_sandboxes) % 256 for _ in range(slots)]
        self._card: TaskCard | None = None
        self._closed = False

    async def start(self) -> TaskCard:
        """Load the task in its evaluator; its card. Raises `TaskError`, `ExecutionError`."""
        if not sys.platform.startswith("linux"):
            raise ExecutionError('isolation = "process" needs Linux; run trusted code with isolation = "inline"')
        async with self._talking:
            self._card = await self._start_evaluator()
        return self._card

    async def run(self, source: Source, spec: TrialSpec, ask: AskModel | None = None) -> Trial:
        """Run one trial; waits for a free slot. Cancelling kills the trial's worker with everything under it."""
        job = Job(Run(next(self._runs), source, spec))
        slot = await self._slots.enter(job)
        try:
            deaths: Counter[bool] = Counter()
            while True:
                try:
                    return await self._attempt(slot, job, ask)
                except ConnectionError:
                    if self._closed:
                        raise ExecutionError("this executor has been closed") from None
                    status = await self._replace(slot)
                    killed = status is None or status == signal.SIGKILL
                    deaths[killed] += 1
                    if deaths[killed] == (KILLS if killed else OWN_DEATHS):
                        return self._lost(spec, status, deaths[killed])
                except TimeoutError:
                    await self._replace(slot)
                    return self._late(spec)
        except BaseException as error:
            # A worker may still be at a trial that nobody waits for: cancelled, or ended by an error of main's own.
            if not isinstance(error, TaskError):
                self._drop(slot)
            raise
        finally:
            self._slots.leave(slot)

    async def close(self) -> None:
        """End every process that was started; idempotent."""
        self._closed = True
        for slot in self._slots.all:
            self._drop(slot)
        if self._control is not None:
            with contextlib.suppress(OSError):
                self._control.shutdown(socket.SHUT_RDWR)  # whoever waits for an answer of the evaluator notices
        async with self._talking:
            self._stop_evaluator()

    def protections(self) -> list[Protection]:
        """What holds on this machine, in plain words."""
        return protections(self._setup.limits, self._setup.walls)

    # -- one trial ----------------------------------------------------------------------------------------------------

    async def _attempt(self, slot: Slot, job: Job, ask: AskModel | None) -> Trial:
        if slot.worker is None:
            await self._replace(slot)
        worker = slot.worker
        assert worker is not None
        slot.hand(job)
        asking: set[asyncio.Task[None]] = set()
        fatal: list[BaseException] = []
        usage: list[Usage] = []
        asked: Counter[str] = Counter()
        limit = START_LIMIT
        loop = asyncio.get_running_loop()
        until = loop.time() + limit
        try:
            while True:
                async with asyncio.timeout_at(until):
                    message = await worker.receive()
                if isinstance(message, Began):
                    self._slots.begin(slot)
                    asked.clear()
                    usage.clear()
                    until = loop.time() + self._setup.limits.seconds + GRACE
                elif isinstance(message, Asked):
                    same = request_hash(message.ask)
                    task = asyncio.create_task(self._ask(worker, ask, message, asked[same], fatal, usage))
                    asked[same] += 1
                    asking.add(task)
                    task.add_done_callback(asking.discard)
                elif isinstance(message, Done):
                    self._forget_output()
                    if fatal:
                        raise fatal[0]
                    if message.trial.spec != job.run.spec:
                        raise ExecutionError("a worker gave the result of another trial than the one it was asked for")
                    return msgspec.structs.replace(message.trial, usage=sum(usage, Usage()))
                else:
                    raise fatal[0] if fatal else _error(message)
        finally:
            for task in asking:
                task.cancel()

    async def _ask(
        self,
        worker: Worker,
        ask: AskModel | None,
        asked: Asked,
        before: int,
        fatal: list[BaseException],
        usage: list[Usage],
    ) -> None:
        answer: Answered | Refused
        try:
            if ask is None:
                raise ModelError("this run has no model for its agent: give it one with [agent] model")
            reply = await ask(asked.ask, before)
            usage.append(reply.usage)
            answer = Answered(asked.number, reply)
        except ModelError as error:
            answer = Refused(asked.number, "ModelError", str(error))
        except Exception as error:  # noqa: BLE001 - ends the trial; raised from `run`
            fatal.append(error)
            answer = Refused(asked.number, "BudgetExhausted", str(error))
        worker.send(answer)

    def _lost(self, spec: TrialSpec, status: int | None, times: int) -> Trial:
        how = f" by signal {os.WTERMSIG(status)}" if status is not None and os.WIFSIGNALED(status) else ""
        text = f"the evaluator's process died{how} while it ran this trial, {times} times"
        return Trial(spec, Feedback.failed("task", text, floor=self._floor), seconds=0.0)

    def _late(self, spec: TrialSpec) -> Trial:
        seconds = self._setup.limits.seconds
        text = f"the trial's time limit of {seconds:g} s passed and its evaluator did not answer; it was killed"
        return Trial(spec, Feedback.failed("timeout", text, floor=self._floor), seconds=seconds + GRACE)

    @property
    def _floor(self) -> float:
        return self._card.floor if self._card is not None else 0.0

    # -- processes ----------------------------------------------------------------------------------------------------

    async def _replace(self, slot: Slot) -> int | None:
        """Give a slot a new worker; the exit status of the one before, where it had died by itself."""
        self._drop(slot)
        forked, sock, tray = await self._fork(slot)
        worker = Worker(forked.pid, tray)
        await worker.connect(sock)
        slot.worker = worker
        return forked.ended

    def _drop(self, slot: Slot) -> None:
        """Forget a slot's worker and have it killed, with everything under it."""
        worker = slot.worker
        if worker is None:
            return
        self._slots.lose(slot)
        worker.hang_up()  # it ends by itself, if it can
        if self._control is not None:
            with contextlib.suppress(OSError):  # the zygote is dead, and its workers with it
                self._control.send(packed(End(slot.number)))

    async def _fork(self, slot: Slot) -> tuple[Forked, socket.socket, Tray]:
        """Have a slot's worker forked, by a new evaluator where the one there was is dead."""
        async with self._talking:
            for _ in range(KILLS):
                if self._closed:
                    raise ExecutionError("this executor has been closed")
                if self._control is None:
                    await self._start_evaluator()
                with contextlib.suppress(ConnectionError):
                    return await self._forked(slot)
                self._stop_evaluator()
        raise ExecutionError("the evaluator was killed again and again while it forked a worker")

    async def _forked(self, slot: Slot) -> tuple[Forked, socket.socket, Tray]:
        assert self._control is not None
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        tray = Tray()
        try:
            with theirs:
                message = packed(Fork(slot.number, self._sandbox + self._numbers[slot.number]))
                socket.send_fds(self._control, [message], [theirs.fileno(), tray.theirs.fileno()])
            answer = await self._answer()
            if isinstance(answer, Forked):
                return answer, ours, tray
            raise _error(answer) if isinstance(answer, Failed) else ExecutionError("the evaluator is confused")
        except BaseException:
            ours.close()
            tray.close()
            raise

    async def _start_evaluator(self) -> TaskCard:
        for _ in range(KILLS):
            if self._closed:
                break
            try:
                return await self._load()
            except ConnectionError:
                told = self._tail()
                if self._stop_evaluator() != -signal.SIGKILL:
                    raise TaskError(
                        f"task '{self._setup.task}' ended its process while it was loaded: {told}"
                    ) from None
        raise ExecutionError("the evaluator was killed again and again while it loaded the task")

    async def _load(self) -> TaskCard:
        """Start the evaluator and have it load the task. Raises `ConnectionError` where it dies."""
        self._stop_evaluator()
        if self._setup.walls == "none":
            confine.hide_memory()  # candidates run as the same user, and the keys are in our environment
        ours, theirs = socket.socketpair()
        self._printed = tempfile.TemporaryFile()  # noqa: SIM115 - lives as long as the evaluator
        fcntl.fcntl(self._printed, fcntl.F_SETFL, os.O_APPEND)  # so that it can be emptied while it is written to
        with theirs:
            self._zygote = subprocess.Popen(
                [sys.executable, "-P", "-m", "loopwright.execution.evaluator", str(theirs.fileno())],
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=self._printed,
                stderr=self._printed,
                cwd=self._setup.root,
                env=_environment(self._setup.visible),
                start_new_session=True,
            )
        ours.setblocking(False)
        self._control = ours
        self._unpacker = Unpacker(FromZygote)
        loop = asyncio.get_running_loop()
        try:
            await loop.sock_sendall(ours, packed(self._setup))
            async with asyncio.timeout(START_LIMIT):
                answer = await self._answer()
        except TimeoutError:
            raise TaskError(f"task '{self._setup.task}' was not loaded within {START_LIMIT:g} s") from None
        if isinstance(answer, Loaded):
            return answer.card
        self._stop_evaluator()
        raise _error(answer) if isinstance(answer, Failed) else ExecutionError("the evaluator is confused")

    async def _answer(self) -> FromZygote:
        assert self._control is not None
        while True:
            data = await asyncio.get_running_loop().sock_recv(self._control, 1 << 18)
            if not data:
                raise ConnectionResetError("the evaluator is dead")
            for message in self._unpacker.feed(data):
                return message

    def _stop_evaluator(self) -> int | None:
        """End the evaluator; the exit status of one that had died by itself."""
        status = None
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._zygote is not None:
            # It goes when its connection closes; its workers die with it, and their sandboxes with them.
            try:
                status = self._zygote.wait(1.0)
            except subprocess.TimeoutExpired:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(self._zygote.pid, signal.SIGKILL)
                self._zygote.wait()
            self._zygote = None
        if self._printed is not None:
            self._printed.close()
            self._printed = None
        return status

    def _forget_output(self) -> None:
        """Keep what a talkative task prints from filling the disk in a long run."""
        if self._printed is not None and os.fstat(self._printed.fileno()).st_size > OUTPUT_LIMIT:
            self._printed.truncate(0)

    def _tail(self) -> str:
        """The last lines that the evaluator printed."""
        if self._printed is None:
            return ""
        self._printed.seek(0, os.SEEK_END)
        self._printed.seek(max(0, self._printed.tell() - 2000))
        return " | ".join(self._printed.read().decode("utf-8", "replace").strip().splitlines()[-4:])


def _error(failed: Failed) -> LoopwrightError:
    kind = getattr(errors, failed.kind, ExecutionError)
    return kind(failed.message)


def _environment(paths: Sequence[str]) -> dict[str, str]:
    """The evaluator's environment: ours without anything that looks like a secret; only main talks to models."""
    kept = {name: value for name, value in os.environ.items() if not _SECRET.search(name)}
    package = str(Path(__file__).resolve().parents[2])
    before = [kept["PYTHONPATH"]] if kept.get("PYTHONPATH") else []
    return {**kept, "PYTHONPATH": os.pathsep.join([package, *paths, *before]), "PYTHONHASHSEED": "0"}
