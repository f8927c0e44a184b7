"""Files and signals out of a trial's reach where there is no bubblewrap: the kernel's Landlock.

A process that restricts itself can from then on read only the folders it names, write only its scratch folder, and (on
kernels that know it) send signals only to its own descendants. It needs no rights to do so, and binds root too.
"""

from __future__ import annotations

import ctypes
import os
import struct
import sys
from collections.abc import Sequence
from functools import cache

_CREATE, _ADD, _RESTRICT = 444, 445, 446  # the same numbers on every machine
_EXECUTE, _WRITE, _READ, _LIST = 1, 2, 4, 8
_SCOPES = 3  # abstract sockets and signals
# What there is to restrict, by the version of the kernel's interface; later ones restrict more.
_FILE_RIGHTS = {1: (1 << 13) - 1, 2: (1 << 14) - 1, 3: (1 << 15) - 1, 5: (1 << 16) - 1}
_DEVICES = ("/dev/null", "/dev/zero", "/dev/full", "/dev/random", "/dev/urandom")
_PROC = ("/proc/self", "/proc/cpuinfo", "/proc/meminfo", "/proc/stat", "/proc/sys/kernel/random")


@cache
def version() -> int:
    """The version of the interface here; 0 where the kernel has none."""
    if not sys.platform.startswith("linux"):
        return 0
    return max(0, _call(_CREATE, None, 0, 1))


def scopes_signals() -> bool:
    """Whether a restricted process cannot signal others."""
    return version() >= 6


def restrict(readable: Sequence[str], writable: Sequence[str]) -> bool:
    """Restrict this process and all its children, for good; false where the kernel does not do it.

    The process must have forgone privileges before (`confine.forgo_privileges`).
    """
    here = version()
    if not here:
        return False
    handled = max(rights for since, rights in _FILE_RIGHTS.items() if since <= here)
    attributes = struct.pack("QQQ", handled, 3 if here >= 4 else 0, _SCOPES if here >= 6 else 0)
    ruleset = _call(_CREATE, attributes, 24 if here >= 6 else 16 if here >= 4 else 8, 0)
    if ruleset < 0:
        return False
    try:
        for path in (*readable, *_PROC):
            _allow(ruleset, path, _EXECUTE | _READ | _LIST)
        for path in _DEVICES:
            _allow(ruleset, path, _READ | _WRITE)
        for path in writable:
            _allow(ruleset, path, handled)
        return _call(_RESTRICT, ruleset, 0) == 0
    finally:
        os.close(ruleset)


def _allow(ruleset: int, path: str, rights: int) -> None:
    try:
        fd = os.open(path, os.O_PATH | os.O_CLOEXEC)
    except OSError:
        return  # what does not exist needs no permission
    try:
        if not os.path.isdir(path):
            rights &= ~_LIST
        _call(_ADD, ruleset, 1, struct.pack("=Qi", rights, fd), 0)
    finally:
        os.close(fd)


def _call(number: int, *arguments: int | bytes | None) -> int:
    return _syscall()(number, *arguments)


@cache
def _syscall() -> ctypes._FuncPointer:  # pyright: ignore[reportPrivateUsage]
    return ctypes.CDLL(None, use_errno=True).syscall
