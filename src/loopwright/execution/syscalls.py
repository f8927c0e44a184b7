"""The kernel calls that a trial process gives up: a seccomp filter, small enough to read.

Refused are calls which reach around the sandbox's walls or leave something behind in the kernel: sockets of every
family but local ones, namespaces, mounts, tracing, kernel keyrings, System V and POSIX queues, memory files, kernel
programs. A refused call fails with EPERM (or as if the kernel did not know it), so ordinary programs notice
nothing. On a machine whose call numbers are not listed here there is no filter; `available` says so.
"""

from __future__ import annotations

import ctypes
import errno
import platform
import struct
import sys
from functools import cache

_PR_SET_SECCOMP, _MODE_FILTER = 22, 2
_LOAD, _EQUAL, _AT_LEAST, _ANY_BIT, _RETURN = 0x20, 0x15, 0x35, 0x45, 0x06
_ALLOW, _KILL, _ERRNO = 0x7FFF0000, 0x80000000, 0x00050000
_NUMBER, _ARCHITECTURE, _ARGUMENT = 0, 4, 16  # offsets in the kernel's struct seccomp_data
_NEW_NAMESPACE = 0x7E020000  # every CLONE_NEW* flag but the one of time, which shares a bit with signals
_AF_UNIX = 1
_CLONE3 = 435

# name: (x86_64, aarch64)
_REFUSED = {
    "shmget": (29, 194),
    "semget": (64, 190),
    "msgget": (68, 186),
    "ptrace": (101, 117),
    "syslog": (103, 116),
    "pivot_root": (155, 41),
    "chroot": (161, 51),
    "acct": (163, 89),
    "mount": (165, 40),
    "umount2": (166, 39),
    "swapon": (167, 224),
    "swapoff": (168, 225),
    "reboot": (169, 142),
    "init_module": (175, 105),
    "delete_module": (176, 106),
    "quotactl": (179, 60),
    "mq_open": (240, 180),
    "kexec_load": (246, 104),
    "add_key": (248, 217),
    "request_key": (249, 218),
    "keyctl": (250, 219),
    "unshare": (272, 97),
    "perf_event_open": (298, 241),
    "name_to_handle_at": (303, 264),
    "open_by_handle_at": (304, 265),
    "setns": (308, 268),
    "process_vm_readv": (310, 270),
    "process_vm_writev": (311, 271),
    "kcmp": (312, 272),
    "finit_module": (313, 273),
    "memfd_create": (319, 279),
    "kexec_file_load": (320, 294),
    "bpf": (321, 280),
    "userfaultfd": (323, 282),
    "io_uring_setup": (425, 425),
    "io_uring_enter": (426, 426),
    "io_uring_register": (427, 427),
    "open_tree": (428, 428),
    "move_mount": (429, 429),
    "fsopen": (430, 430),
    "fsconfig": (431, 431),
    "fsmount": (432, 432),
    "fspick": (433, 433),
    "pidfd_getfd": (438, 438),
    "mount_setattr": (442, 442),
    "memfd_secret": (447, 447),
}
_MACHINES = {"x86_64": (0, 0xC000003E, 56, 41), "aarch64": (1, 0xC00000B7, 220, 198)}


def available() -> bool:
    """Whether there is a filter for this machine."""
    return sys.platform.startswith("linux") and platform.machine() in _MACHINES


def program(*, local_sockets: bool) -> bytes:
    """The filter as the kernel's instructions. Without `local_sockets` only socket pairs are left."""
    column, architecture, clone, sockets = _MACHINES[platform.machine()]
    refuse = [_step(_RETURN, _ERRNO | errno.EPERM)]
    steps = [
        _step(_LOAD, _ARCHITECTURE),
        _step(_EQUAL, architecture, 1, 0),
        _step(_RETURN, _KILL),
        _step(_LOAD, _NUMBER),
        _step(_AT_LEAST, 0x40000000, 0, 1),  # a second set of call numbers on x86_64
        *refuse,
    ]
    for numbers in _REFUSED.values():
        steps += [_step(_EQUAL, numbers[column], 0, 1), *refuse]
    # The flags of clone3 are out of a filter's sight: without it programs use clone.
    steps += [_step(_EQUAL, _CLONE3, 0, 1), _step(_RETURN, _ERRNO | errno.ENOSYS)]
    steps += [_step(_EQUAL, clone, 0, 4), _step(_LOAD, _ARGUMENT), _step(_ANY_BIT, _NEW_NAMESPACE, 0, 1), *refuse]
    steps += [_step(_RETURN, _ALLOW)]
    family = _AF_UNIX if local_sockets else 0xFFFFFFFF
    steps += [_step(_EQUAL, sockets, 0, 3), _step(_LOAD, _ARGUMENT), _step(_EQUAL, family, 1, 0)]
    steps += [_step(_RETURN, _ERRNO | errno.EAFNOSUPPORT), _step(_RETURN, _ALLOW)]
    return b"".join(steps)


def give_up(filter_: bytes) -> bool:
    """Install a filter in this process and all its children, for good; false where the kernel does not take it.

    The process must have forgone privileges before (`confine.forgo_privileges`).
    """
    prctl, header, _ = ready(filter_)
    return prctl(_PR_SET_SECCOMP, _MODE_FILTER, header, 0, 0) == 0


@cache
def ready(filter_: bytes) -> tuple[ctypes._FuncPointer, ctypes.c_char_p, object]:  # pyright: ignore[reportPrivateUsage]
    """What `give_up` needs: the kernel's call, the filter's head, its instructions. Called before processes are forked,
    it saves each of them the work."""
    instructions = ctypes.create_string_buffer(filter_, len(filter_))
    header = struct.pack(
        "HxxxxxxP" if struct.calcsize("P") == 8 else "HxxI", len(filter_) // 8, ctypes.addressof(instructions)
    )
    return ctypes.CDLL(None, use_errno=True).prctl, ctypes.c_char_p(header), instructions


def _step(code: int, value: int, yes: int = 0, no: int = 0) -> bytes:
    return struct.pack("HBBI", code, yes, no, value)
