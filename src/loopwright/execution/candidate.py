"""The zygote of the candidate processes: runs inside the sandbox, forks one process a trial, and cleans up after it.

It imports the heavy third-party modules that candidates use, once, so that a fork has them for nothing; it never runs a
candidate's code itself. While a trial runs it collects what the trial prints and watches its memory; when the trial is
over it kills everything left in the sandbox and empties its folders, or says that it could not (`clean` false), and
the evaluator then throws the sandbox away. Talks to `cell` over a SEQPACKET socket, one msgpack list a message:

    in:  ["prepare", modules]   ["start", number, limits, seconds] with the trial's `Ends`   ["end", number, patience]
    out: ["ready"]   ["prepared", failed]   ["output", 1 or 2, bytes]   ["done", number, status, cpu, reason, clean]
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import os
import re
import resource
import select
import signal
import socket
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec

from loopwright.execution import confine, landlock, serve, syscalls
from loopwright.execution.confine import Confinement
from loopwright.execution.protocol import Limits
from loopwright.execution.wire import Ends

CHUNK = 32_768
WATCH = 0.1  # seconds between two looks at the memory of a trial's processes
CLEANING = 2.0  # seconds within which every process of a trial must be gone
OPEN_FILES = 1024  # the zygote's own limit: no file of its own has a higher number


class _Printed:
    """What a trial wrote to one stream: its beginning and its end, and how much was cut between them."""

    def __init__(self, limit: int) -> None:
        self._half = limit // 2
        self._head = bytearray()
        self._tail = bytearray()
        self._cut = 0

    def add(self, data: bytes) -> None:
        room = self._half - len(self._head)
        if room > 0:
            self._head += data[:room]
            data = data[room:]
        self._tail += data
        surplus = len(self._tail) - self._half
        if surplus > 0:
            del self._tail[:surplus]
            self._cut += surplus

    def data(self) -> bytes:
        cut = f"\n... ({self._cut} bytes were cut here) ...\n".encode() if self._cut else b""
        return bytes(self._head + cut + self._tail)


class _Running:
    """One trial process and what it has printed so far."""

    def __init__(self, number: int, pid: int, pipes: dict[int, int], limits: Limits) -> None:
        self.number = number
        self.pid = pid
        self.pidfd = os.pidfd_open(pid)
        self.pipes = pipes  # read end -> 1 or 2
        self.printed = {1: _Printed(limits.output), 2: _Printed(limits.output)}
        self.limits = limits
        self.reason = ""


class Zygote:
    def __init__(self, control: socket.socket, confinement: Confinement) -> None:
        self._control = control
        self._confinement = confinement
        self._mounts = _mounts()
        self._running: _Running | None = None
        self._prepared: set[str] = set()
        self._decode = msgspec.msgpack.decode
        # Outside a network namespace of its own, a local socket would reach the services of this machine.
        self._filter = syscalls.program(local_sockets=confinement.alone) if syscalls.available() else b""
        if self._filter:
            syscalls.ready(self._filter)
        self._stdin = os.open(os.devnull, os.O_RDONLY)
        self._folder = os.path.join(confinement.scratch[0], "candidate")

    def serve(self) -> None:
        """Answer until the evaluator closes its end."""
        self._send("ready")
        # Until here stderr tells the evaluator why a start failed; nobody reads what imports may print from now on.
        os.dup2(os.open(os.devnull, os.O_WRONLY), 2)
        while True:
            if self._running is None:
                if not self._message():
                    return
            elif not self._watch(self._running):
                return

    def _message(self) -> bool:
        data, fds, _, _ = socket.recv_fds(self._control, 1 << 20, 2)
        if not data:
            return False
        kind, *rest = self._decode(data)
        if kind == "prepare":
            self._prepare(rest[0])
        elif kind == "start":
            self._start(rest[0], msgspec.convert(rest[1], Limits), rest[2], Ends(*fds))
        elif kind == "end" and self._running is not None and self._running.number == rest[0]:
            self._finish(self._running, rest[1])
        return True

    def _send(self, *message: Any) -> None:
        self._control.send(msgspec.msgpack.encode(message))

    def _prepare(self, modules: list[str]) -> None:
        failed: dict[str, str] = {}
        for name in modules:
            if name in self._prepared:
                continue
            self._prepared.add(name)
            try:
                importlib.import_module(name)
            except (Exception, SystemExit) as error:  # noqa: BLE001 - the trial meets it again, as its own failure
                failed[name] = f"{type(error).__name__}: {error}"[:300]
        if modules:
            gc.collect()
            gc.freeze()
        self._send("prepared", failed)

    def _start(self, number: int, limits: Limits, seconds: float, trial: Ends) -> None:
        out, err = os.pipe2(os.O_CLOEXEC), os.pipe2(os.O_CLOEXEC)
        processes = limits.processes if self._confinement.alone else limits.processes + _own_processes()
        pid = os.fork()
        if pid == 0:
            status = 70
            try:
                self._become_trial(limits, seconds, processes, trial, out[1], err[1])
                status = serve.serve(trial, self._folder)
            except BaseException as error:  # noqa: BLE001 - told on the trial's stderr, then the process ends
                with contextlib.suppress(BaseException):
                    print(f"{type(error).__name__}: {error}", file=sys.stderr, flush=True)
            finally:
                os._exit(status)
        for fd in (*trial, out[1], err[1]):
            os.close(fd)
        self._running = _Running(number, pid, {out[0]: 1, err[0]: 2}, limits)

    def _become_trial(self, limits: Limits, seconds: float, processes: int, trial: Ends, out: int, err: int) -> None:
        """In the fork: leave everything of the zygote behind, then confine this process."""
        self._control.close()
        os.dup2(self._stdin, 0)
        os.dup2(out, 1)
        os.dup2(err, 2)
        low, high = sorted(trial)
        for first, end in ((3, low), (low + 1, high), (high + 1, OPEN_FILES)):
            os.closerange(first, end)
        os.setsid()
        signal.signal(signal.SIGPIPE, signal.SIG_DFL)
        confine.limit(limits, seconds=seconds, processes=processes)
        confine.become(self._confinement.uid)
        confine.show_memory()
        confine.die_with_parent()
        confine.forgo_privileges()
        if not self._confinement.alone:
            landlock.restrict(self._confinement.readable, self._confinement.scratch)
        if self._filter:
            syscalls.give_up(self._filter)
        os.mkdir(self._folder)
        os.chdir(self._folder)

    def _watch(self, running: _Running) -> bool:
        """Wait for something to happen to the running trial; false when the evaluator is gone."""
        poller = select.poll()
        for fd in (self._control.fileno(), running.pidfd, *running.pipes):
            poller.register(fd, select.POLLIN)
        watched = time.monotonic()
        while self._running is running:
            for fd, _ in poller.poll(WATCH * 1000):
                if fd == self._control.fileno():
                    if not self._message():
                        self._kill_all()
                        return False
                elif fd == running.pidfd:
                    self._finish(running)
                elif fd in running.pipes and not self._drain(running, fd):
                    poller.unregister(fd)
                if self._running is not running:
                    return True
            if time.monotonic() - watched > WATCH:
                watched = time.monotonic()
                self._weigh(running)
        return True

    def _drain(self, running: _Running, fd: int) -> bool:
        """Take in one piece of output; false at its end."""
        data = os.read(fd, CHUNK)
        running.printed[running.pipes[fd]].add(data)
        return bool(data)

    def _weigh(self, running: _Running) -> None:
        """Kill a trial whose processes together use more memory than one may, or are too many for a limit of root's."""
        pids = self._family()
        if len(pids) < 2:
            return
        used = 0
        for pid in pids:
            with contextlib.suppress(OSError, ValueError, IndexError):
                _, resident, shared = Path("/proc", str(pid), "statm").read_text().split()[:3]
                used += (int(resident) - int(shared)) * os.sysconf("SC_PAGESIZE")
        if used > running.limits.memory << 20:
            running.reason = f"its {len(pids)} processes used {used >> 20} MB together"
        elif len(pids) > running.limits.processes:
            running.reason = f"it ran {len(pids)} processes"
        if running.reason:
            self._kill_all(running.pid)

    def _family(self) -> list[int]:
        """Every process of the trial: all that is in the pid namespace, or all descendants of this one."""
        if self._confinement.alone:
            own = os.getpid()
            return [int(name) for name in os.listdir("/proc") if name.isdigit() and int(name) not in (1, own)]
        return _descendants()

    def _finish(self, running: _Running, patience: float = 0.0) -> None:
        """End the trial: kill what is left of it, collect its output, empty its folders, and report.

        `patience` seconds are given to a process that is dying by itself, so that its own status is seen.
        """
        self._running = None
        ended = bool(select.select([running.pidfd], [], [], patience)[0])
        self._kill_all(running.pid)
        _, status, usage = os.wait4(running.pid, 0)
        clean = self._gone()
        for fd in running.pipes:
            while select.select([fd], [], [], 0)[0] and self._drain(running, fd):
                pass
            os.close(fd)
        os.close(running.pidfd)
        for stream, printed in running.printed.items():
            data = printed.data()
            for start in range(0, len(data), CHUNK):
                self._send("output", stream, data[start : start + CHUNK])
        clean = self._sweep() and clean
        cpu = usage.ru_utime + usage.ru_stime
        self._send("done", running.number, status if ended else None, cpu, running.reason, clean)

    def _kill_all(self, child: int | None = None) -> None:
        """Kill every process of the trial, wherever it has gone."""
        if self._confinement.alone:
            with contextlib.suppress(ProcessLookupError):
                os.kill(-1, signal.SIGKILL)
            return
        if child is not None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(child, signal.SIGKILL)
        for pid in _descendants():
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.kill(pid, signal.SIGKILL)

    def _gone(self) -> bool:
        """Wait until no process of the trial is left; false where some cannot be killed."""
        until = time.monotonic() + CLEANING
        others = self._others_here if self._confinement.alone else self._strays
        while others():
            if time.monotonic() > until:
                return False
            time.sleep(0.0005)
        return True

    def _others_here(self) -> bool:
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        try:
            os.kill(-1, signal.SIGKILL)
        except ProcessLookupError:
            return False
        return True

    def _strays(self) -> bool:
        """Descendants that left the process group: this zygote is their subreaper, so they become its children."""
        with contextlib.suppress(ChildProcessError):
            while os.waitpid(-1, os.WNOHANG)[0]:
                pass
        self._kill_all()
        return bool(_descendants())

    def _sweep(self) -> bool:
        """Empty the scratch folders and look for shared memory left behind; false where something remains."""
        try:
            for folder in self._confinement.scratch:
                _empty(folder, self._mounts)
        except (OSError, RecursionError):
            return False
        return not self._confinement.alone or not _shared_memory()


def _empty(folder: str | os.PathLike[str], mounts: Sequence[str]) -> None:
    """Remove all that is in a folder, but not what is mounted there: Python itself may lie under /tmp."""
    with os.scandir(folder) as entries:
        for entry in entries:
            if entry.path in mounts:
                continue
            if any(mount.startswith(f"{entry.path}/") for mount in mounts):
                _empty(entry.path, mounts)
            else:
                _remove(entry)


def _remove(entry: os.DirEntry[str]) -> None:
    """Remove a file, or a folder with all that is in it. No process is left that could put a link in our way."""
    if not entry.is_dir(follow_symlinks=False):
        os.unlink(entry.path)
        return
    with os.scandir(entry.path) as inside:
        for inner in inside:
            _remove(inner)
    os.rmdir(entry.path)


def _mounts() -> list[str]:
    """Where something is mounted, as this process sees it."""
    lines = os.fsdecode(Path("/proc/self/mountinfo").read_bytes()).splitlines()
    # A blank in a path is written as an octal escape there.
    return [re.sub(r"\\(\d{3})", lambda code: chr(int(code[1], 8)), line.split(" ")[4]) for line in lines]


def _shared_memory() -> bool:
    """Whether System V objects exist in this ipc namespace: the first line of each list is its head."""
    for kind in ("shm", "sem", "msg"):
        with contextlib.suppress(OSError):
            if Path("/proc/sysvipc", kind).read_bytes().count(b"\n") > 1:
                return True
    return False


def _own_processes() -> int:
    """How many threads this user runs already: without a namespace of its own NPROC counts them too."""
    count = 0
    for name in os.listdir("/proc"):
        with contextlib.suppress(OSError):
            if name.isdigit() and os.stat(f"/proc/{name}").st_uid == os.getuid():
                count += len(os.listdir(f"/proc/{name}/task"))
    return count


def _descendants() -> list[int]:
    """All living descendants of this process."""
    parents: dict[int, int] = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            with contextlib.suppress(OSError, IndexError):
                state, parent = Path("/proc", name, "stat").read_text().rpartition(")")[2].split()[:2]
                if state != "Z":
                    parents[int(name)] = int(parent)
    found, latest = set[int](), {os.getpid()}
    while latest:
        latest = {pid for pid, parent in parents.items() if parent in latest and pid not in found}
        found |= latest
    return list(found)


def main(arguments: list[str], run: Callable[[Zygote], None] = Zygote.serve) -> None:
    """The process: `arguments` are the control socket's number and the confinement as JSON."""
    control = socket.socket(fileno=int(arguments[0]))
    confinement = msgspec.json.decode(arguments[1], type=Confinement)
    confine.prepare()
    confine.die_with_parent()
    confine.hide_memory()
    if not confinement.alone:
        confine.adopt_orphans()
    sys.dont_write_bytecode = True
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, signal.SIG_DFL)
    most = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    resource.setrlimit(
        resource.RLIMIT_NOFILE, (OPEN_FILES if most == resource.RLIM_INFINITY else min(OPEN_FILES, most), most)
    )
    serve.prepare()
    gc.collect()
    gc.freeze()
    with contextlib.suppress(OSError):  # the evaluator is gone: so are we
        run(Zygote(control, confinement))
