"""What a trial process does to itself before any code of the candidate runs: limits, another user, no way back.

Everything here is irrevocable for the process that calls it. The walls around it (namespaces, what is visible of the
file system) are built by `sandbox`.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import resource
import signal
from functools import cache

import msgspec

from loopwright.execution.protocol import Limits

_KINDS = (
    resource.RLIMIT_CORE,
    resource.RLIMIT_CPU,
    resource.RLIMIT_AS,
    resource.RLIMIT_FSIZE,
    resource.RLIMIT_NOFILE,
    resource.RLIMIT_NPROC,
    resource.RLIMIT_MSGQUEUE,
    resource.RLIMIT_MEMLOCK,
)
_PR_SET_PDEATHSIG, _PR_SET_DUMPABLE, _PR_SET_CHILD_SUBREAPER, _PR_SET_NO_NEW_PRIVS = 1, 4, 36, 38


class Confinement(msgspec.Struct, frozen=True):
    """How this sandbox confines its trials.

    `uid`: the user they become. `alone`: a pid namespace of its own, so that everything in it may be killed. `scratch`:
    folders to empty; the first is where trials run. `readable`: all that they may read besides, where no wall says so.
    """

    uid: int | None
    alone: bool
    scratch: list[str]
    readable: list[str] = []


@cache
def _prctl() -> ctypes._FuncPointer:  # pyright: ignore[reportPrivateUsage]
    return ctypes.CDLL(None, use_errno=True).prctl


@cache
def _most(kind: int) -> int:
    """The hard limit under which this process was started."""
    return resource.getrlimit(kind)[1]


def prepare() -> None:
    """Load what the calls below need, once, before processes are forked."""
    _prctl()
    for kind in _KINDS:
        _most(kind)


def die_with_parent() -> None:
    """Be killed when the thread that forked this process ends. Lost when the user id changes: call it again then."""
    _prctl()(_PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)


def hide_memory() -> None:
    """No other process of the same user may trace this one or read its memory."""
    _prctl()(_PR_SET_DUMPABLE, 0, 0, 0, 0)


def show_memory() -> None:
    """Undo `hide_memory` in a fork: without it a process may not even list its own files under /proc."""
    _prctl()(_PR_SET_DUMPABLE, 1, 0, 0, 0)


def adopt_orphans() -> None:
    """Become the parent of descendants whose own parent has died, so that they can be found and killed."""
    _prctl()(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def forgo_privileges() -> None:
    """No program started from here on gains rights by being set-uid."""
    _prctl()(_PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0)


def become(uid: int | None) -> None:
    """Give up root for an unprivileged user of this sandbox alone; without an id, stay who we are."""
    if uid is not None:
        os.setgroups([])
        os.setresgid(uid, uid, uid)
        os.setresuid(uid, uid, uid)


def limit(limits: Limits, *, seconds: float, processes: int) -> None:
    """Hard limits of this process and its children. `processes` counts everything of this user that NPROC counts."""
    mega = 1 << 20
    cpu = int(seconds) + 2
    wanted = (0, cpu, limits.memory * mega, limits.disk * mega, limits.files, processes, 0, 0)
    for kind, value in zip(_KINDS, wanted, strict=True):
        hard = _most(kind)
        value = value if hard == resource.RLIM_INFINITY else min(value, hard)
        with contextlib.suppress(ValueError, OSError):  # a kernel without this limit: the others still hold
            resource.setrlimit(kind, (value, value))
