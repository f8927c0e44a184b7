"""What holds on this machine when candidates run, in plain words: for `loopwright preflight` and `run`."""

from __future__ import annotations

import os
import shutil

import msgspec

from loopwright.execution import landlock, syscalls
from loopwright.execution.protocol import Limits
from loopwright.execution.sandbox import Walls, readable_by, walls


class Protection(msgspec.Struct, frozen=True):
    """One protection, whether it holds here, and what that means in plain words."""

    name: str
    holds: bool
    text: str


def protections(limits: Limits | None = None, which: Walls | None = None) -> list[Protection]:
    """What holds with `isolation = "process"`, for the strongest walls that work here unless `which` names others."""
    limits = limits or Limits()
    which = which or walls()
    walled = which != "none"
    other_user = which == "bwrap-root" or (which == "none" and os.geteuid() == 0 and readable_by(1))
    as_root = os.geteuid() == 0 and not other_user
    without = "bubblewrap is not installed" if shutil.which("bwrap") is None else "bubblewrap does not work here"
    user = "root" if as_root else "its user"
    return [
        Protection("processes", True, "the task, its answers and the keys are never in the candidate's process"),
        _files(walled, without, user),
        _network(walled, without),
        _others(walled, without),
        Protection("user", not as_root, _user(other_user, as_root)),
        Protection(
            "limits",
            True,
            f"{limits.seconds:g} s, {limits.memory} MB of memory, {limits.processes} processes, "
            f"{limits.disk} MB a file, {limits.files} open files, {limits.output} characters of output",
        ),
        Protection(
            "kernel calls",
            syscalls.available(),
            "tracing, mounts, namespaces, keyrings and shared memory are refused"
            if syscalls.available()
            else "no filter is known for this machine",
        ),
        Protection("environment", True, "the candidate's environment holds no variable of yours"),
    ]


def _files(walled: bool, without: str, user: str) -> Protection:
    seen = "the candidate sees Python and the system read-only, and none of your files"
    if walled:
        return Protection("files", True, seen)
    if landlock.version():
        return Protection("files", True, f"{seen} (by Landlock; {without})")
    return Protection("files", False, f"{without}: the candidate can read whatever {user} can")


def _network(walled: bool, without: str) -> Protection:
    if walled:
        return Protection("network", True, "the candidate has no network")
    if syscalls.available():
        return Protection("network", True, f"the candidate cannot open a socket (by seccomp; {without})")
    return Protection("network", False, f"{without}: the candidate can use the network")


def _others(walled: bool, without: str) -> Protection:
    if walled:
        return Protection("other processes", True, "the candidate sees none but its own; all die with its trial")
    if landlock.scopes_signals():
        return Protection("other processes", True, f"it can signal none but its own (by Landlock; {without})")
    return Protection("other processes", False, f"{without}: the candidate can signal the processes of its user")


def _user(other_user: bool, as_root: bool) -> str:
    if other_user:
        return "every sandbox runs as an unprivileged user of its own"
    return "the candidate runs as root" if as_root else "the candidate runs as you, and cannot gain privileges"
