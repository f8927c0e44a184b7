"""One sandbox as its evaluator worker sees it: started, prepared, one trial at a time, thrown away when in doubt."""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Sequence
from typing import Any

import msgspec

from loopwright.errors import ExecutionError
from loopwright.execution.protocol import Limits
from loopwright.execution.sandbox import Walls, cage
from loopwright.execution.wire import Ends, connection

START_LIMIT = 60.0  # seconds for a zygote to come up, and for its imports
STARTS = 4
END_LIMIT = 6.0  # seconds for a trial's processes to be gone


class Outcome(msgspec.Struct, frozen=True):
    """How a trial's process ended. `status` as `os.wait` gives it, None where we ended it ourselves."""

    status: int | None
    cpu: float = 0.0
    reason: str = ""
    stdout: bytes = b""
    stderr: bytes = b""


class Cell:
    """A sandboxed zygote. Raises `ExecutionError` where it cannot be started."""

    def __init__(self, slot: int, limits: Limits, visible: Sequence[str], walls: Walls) -> None:
        self._slot = slot
        self._limits = limits
        self._visible = visible
        self._walls: Walls = walls
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._folder: str | None = None
        self._prepared: set[str] = set()
        self._number = 0
        self.trials = 0

    def prepare(self, modules: Sequence[str]) -> None:
        """Have a living zygote that has imported `modules`."""
        if self._process is None or self._process.poll() is not None:
            self._start()
        new = [m for m in modules if m not in self._prepared]
        if not new:
            return
        self._prepared.update(new)
        if self._request("prepare", new) is None:
            self._start()  # an import killed it: the trial will show why, without the preparation

    def begin(self, seconds: float) -> Ends:
        """Fork a trial process; gives our side of the connection to it."""
        ours, theirs = connection()
        self._number += 1
        self.trials += 1
        message = msgspec.msgpack.encode(["start", self._number, self._limits, seconds])
        try:
            for attempt in (1, 2):
                try:
                    assert self._control is not None
                    socket.send_fds(self._control, [message], theirs)
                    break
                except OSError:
                    if attempt == 2:
                        ours.close()
                        raise ExecutionError("a sandbox died as soon as it was started") from None
                    self._start()
        finally:
            theirs.close()
        return ours

    def end(self, patience: float = 0.0) -> Outcome:
        """End the trial, wait until nothing of it is left, and tell how it ended.

        `patience` seconds are given to a process that is dying by itself, so that its own status is seen.
        """
        out: dict[int, bytearray] = {1: bytearray(), 2: bytearray()}
        outcome = Outcome(None, reason="its sandbox was killed")
        clean = False
        try:
            assert self._control is not None
            self._control.settimeout(END_LIMIT)
            with contextlib.suppress(BrokenPipeError):
                self._control.send(msgspec.msgpack.encode(["end", self._number, patience]))
            while data := self._control.recv(1 << 20):
                kind, *rest = msgspec.msgpack.decode(data)
                if kind == "output":
                    out[rest[0]] += rest[1]
                elif kind == "done" and rest[0] == self._number:
                    _, status, cpu, reason, clean = rest
                    outcome = Outcome(status, cpu, reason)
                    break
        except OSError:
            pass  # the zygote is dead or stuck: the outcome says so, and the sandbox is thrown away
        if not clean:
            self.close()
        return msgspec.structs.replace(outcome, stdout=bytes(out[1]), stderr=bytes(out[2]))

    def close(self) -> None:
        """Kill the sandbox with everything in it."""
        if self._control is not None:
            self._control.close()
            self._control = None
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self._process.pid, signal.SIGKILL)
            self._process.kill()
            self._process.wait()
            self._process = None
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
            self._folder = None
        self._prepared.clear()
        self.trials = 0

    def _start(self) -> None:
        """Start a zygote; again where it died without a word, as when something from outside killed it."""
        told: str | None = ""
        for _ in range(STARTS):
            told = self._started()
            if told is None:
                return
            if told:
                break
        raise ExecutionError(f"the sandbox for candidates cannot be started: {told or 'it gave no reason'}")

    def _started(self) -> str | None:
        """Try to start a zygote; its last words where that fails."""
        self.close()
        how = cage(self._slot, self._limits, self._visible, self._walls)
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._folder = how.folder
        with theirs:
            self._process = subprocess.Popen(
                [*how.command, str(theirs.fileno()), msgspec.json.encode(how.confinement).decode()],
                env=how.environment,
                pass_fds=[theirs.fileno()],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=subprocess.PIPE,
                start_new_session=True,
            )
        self._control = ours
        ours.settimeout(START_LIMIT)
        if self._next() == ["ready"]:
            return None
        process, self._process = self._process, None
        process.kill()
        return " | ".join(process.communicate()[1].decode("utf-8", "replace").strip().splitlines()[-3:])

    def _request(self, *message: Any) -> list[Any] | None:
        assert self._control is not None
        self._control.settimeout(START_LIMIT)
        try:
            self._control.send(msgspec.msgpack.encode(message))
        except OSError:
            return None
        return self._next()

    def _next(self) -> list[Any] | None:
        assert self._control is not None
        try:
            data = self._control.recv(1 << 20)
        except OSError:
            return None
        return msgspec.msgpack.decode(data) if data else None
