"""Where a candidate zygote runs: the walls around it, and what can be said of them on this machine.

With bubblewrap the zygote sees the system and Python read-only, a private /tmp, nothing of the user's files, no network
and no other process. As root no user namespace is needed: bubblewrap leaves the zygote just the rights it needs to
change user and to clean up, and every trial becomes an unprivileged user of its own. Without bubblewrap a trial
restricts itself as far as the kernel lets it (`landlock`, `syscalls`). What holds is said by `protections`.
"""

from __future__ import annotations

import functools
import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Literal

import msgspec

from loopwright.execution.confine import Confinement
from loopwright.execution.protocol import Limits

# "bwrap-root": bubblewrap, every sandbox a user of its own; "bwrap": bubblewrap in a user namespace; "none".
Walls = Literal["bwrap-root", "bwrap", "none"]

_PACKAGE = Path(__file__).resolve().parents[1]
_SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
_ETC = ("/etc/ld.so.cache", "/etc/ld.so.conf", "/etc/ld.so.conf.d", "/etc/alternatives", "/etc/localtime")
_INSIDE = "/run/loopwright"  # where the sandbox sees this package, and nothing around it
_FIRST_UID = 0x40000000  # far from the users of any system
# How many threads the numerical libraries start: OpenMP, the BLAS implementations, numexpr, and joblib's workers. Slots
# already use every core, and threads that fight for one are many times slower.
_THREADS = (
    "OMP_NUM_THREADS",
    "OPENBLAS_NUM_THREADS",
    "MKL_NUM_THREADS",
    "BLIS_NUM_THREADS",
    "NUMEXPR_NUM_THREADS",
    "LOKY_MAX_CPU_COUNT",
)
# What the zygote may do as root inside: change user, kill and clean up after that user.
_CAPABILITIES = ("CAP_SETUID", "CAP_SETGID", "CAP_KILL", "CAP_DAC_OVERRIDE", "CAP_FOWNER")


class Cage(msgspec.Struct, frozen=True):
    """How to start one zygote: its command up to the control socket's number, environment and confinement."""

    command: list[str]
    environment: dict[str, str]
    confinement: Confinement
    folder: str | None = None  # a folder of the host to remove afterwards


@functools.cache
def walls() -> Walls:
    """The strongest walls that work here, found by trying."""
    for candidate in ("bwrap-root", "bwrap"):
        if work(candidate):
            return candidate
    return "none"


@functools.cache
def work(which: Walls) -> bool:
    """Whether walls of this kind work here."""
    if which == "none":
        return True
    if shutil.which("bwrap") is None or not sys.platform.startswith("linux"):
        return False
    if which == "bwrap-root" and os.geteuid() != 0:
        return False
    # A container's root may have no other users to become.
    become = f"import os; os.setresuid(*[{_FIRST_UID}] * 3); " if which == "bwrap-root" else ""
    command = [*_walls(which, Limits(), ()), sys.executable, "-P", "-s", "-S", "-c", f"{become}print('up')"]
    try:
        tried = subprocess.run(command, capture_output=True, timeout=20, env={"PATH": _path()}, check=False)
    except (OSError, subprocess.TimeoutExpired):
        return False
    return tried.stdout.strip() == b"up"


def cage(slot: int, limits: Limits, visible: Sequence[str], which: Walls) -> Cage:
    """How to start the zygote of `slot`, a number that no other sandbox of this machine uses at the same time.

    `visible` are further Python folders that candidates may import from.
    """
    uid = _FIRST_UID + slot if os.geteuid() == 0 else None
    paths = [*_site_folders(), *visible]
    start = f"import sys; sys.path[:0] = {[_package_root(which)]!r}; sys.path += {paths!r}; "
    start += "from loopwright.execution.candidate import main; main(sys.argv[1:])"
    # Nothing is imported from the working directory or the user's own packages; the environment is ours, not theirs.
    python = [sys.executable, "-P", "-s", "-S", "-c", start]
    if which == "none":
        folder = tempfile.mkdtemp(prefix="loopwright-candidate-")
        if uid is not None and not (readable_by(uid) and _exists(uid)):
            uid = None
        if uid is not None:
            os.chmod(folder, 0o711)
        scratch = os.path.join(folder, "scratch")
        os.mkdir(scratch)
        os.chmod(scratch, 0o777 if uid is not None else 0o700)
        readable = [*_SYSTEM, *_ETC, *_python_folders(visible), str(_PACKAGE)]
        confinement = Confinement(uid=uid, alone=False, scratch=[scratch], readable=readable)
        return Cage(python, _environment(scratch, limits.threads), confinement, folder)
    confinement = Confinement(
        uid=uid if which == "bwrap-root" else None, alone=True, scratch=["/tmp", "/dev/shm", "/var/tmp"]
    )
    return Cage([*_walls(which, limits, visible), *python], _environment("/tmp", limits.threads), confinement)


def _walls(which: Walls, limits: Limits, visible: Sequence[str]) -> list[str]:
    """The bubblewrap command line in front of the command to run."""
    size = str((limits.disk * 2 + 16) << 20)
    argv = [shutil.which("bwrap") or "bwrap", "--unshare-pid", "--unshare-net", "--unshare-ipc", "--unshare-uts"]
    argv += ["--unshare-cgroup-try", "--die-with-parent", "--new-session", "--clearenv"]
    if which == "bwrap":
        argv += ["--unshare-user", "--disable-userns"] if _can_disable_userns() else ["--unshare-user"]
    else:
        argv += ["--cap-drop", "ALL"]
        for capability in _CAPABILITIES:
            argv += ["--cap-add", capability]
    for folder in _SYSTEM:
        if os.path.islink(folder):
            argv += ["--symlink", os.readlink(folder), folder]
        elif os.path.isdir(folder):
            argv += ["--ro-bind", folder, folder]
    argv += ["--perms", "0755", "--dir", "/etc", "--perms", "0755", "--dir", "/var"]
    for file in _ETC:
        argv += ["--ro-bind-try", file, file]
    argv += ["--proc", "/proc", "--dev", "/dev"]
    for folder in ("/tmp", "/var/tmp", "/dev/shm"):
        argv += ["--perms", "1777", "--size", size, "--tmpfs", folder]
    # After the scratch folders: a Python that lives under /tmp stays visible.
    binds = [(folder, folder) for folder in _python_folders(visible)] + [(str(_PACKAGE), f"{_INSIDE}/loopwright")]
    # bubblewrap makes missing parents for their owner alone; every trial is another user.
    parents = dict.fromkeys(str(p) for _, inside in binds for p in reversed(Path(inside).parents) if p != Path("/"))
    for parent in parents:
        argv += ["--perms", "0755", "--dir", parent]
    for folder, inside in binds:
        argv += ["--ro-bind-try", folder, inside]
    argv += ["--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/tmp"]
    for name, value in _environment("/tmp", limits.threads).items():
        argv += ["--setenv", name, value]
    return argv


def _environment(home: str, threads: int) -> dict[str, str]:
    """All that a candidate finds in its environment."""
    return {
        "PATH": _path(),
        "HOME": home,
        "TMPDIR": home,
        "USER": "candidate",
        "LOGNAME": "candidate",
        "LANG": "C.UTF-8",
        "PYTHONHASHSEED": "0",
        "PYTHONDONTWRITEBYTECODE": "1",
        **dict.fromkeys(_THREADS, str(threads)),
    }


def _path() -> str:
    return os.pathsep.join([os.path.dirname(sys.executable), "/usr/local/bin", "/usr/bin", "/bin"])


def _package_root(which: Walls) -> str:
    return str(_PACKAGE.parent) if which == "none" else _INSIDE


def _site_folders() -> list[str]:
    """The folders of installed packages that this interpreter uses; never one that holds the user's own sources."""
    wanted = {sysconfig.get_path("purelib"), sysconfig.get_path("platlib")}
    found = [p for p in sys.path if p.endswith(("site-packages", "dist-packages")) or p in wanted]
    return list(dict.fromkeys(os.path.abspath(p) for p in found if os.path.isdir(p)))


def _python_folders(visible: Sequence[str]) -> list[str]:
    """What must be visible for this interpreter and its packages to work, outermost first."""
    found: dict[str, None] = {}
    for prefix in dict.fromkeys([sys.base_prefix, sys.prefix]):
        for part in ("bin", "lib", "lib64", "libexec", "include", "share", "pyvenv.cfg"):
            path = os.path.join(prefix, part)
            if os.path.exists(path):
                found[path] = None
    found[os.path.dirname(os.path.realpath(sys.executable))] = None
    for folder in (*_site_folders(), *visible):
        found[folder] = None
    covered = ("/usr/", "/lib/", "/lib64/", "/bin/")
    kept: list[str] = []
    for path in found:
        if not path.startswith(covered) and not any(path == k or path.startswith(k + os.sep) for k in kept):
            kept.append(path)
    return kept


@functools.cache
def _can_disable_userns() -> bool:
    told = subprocess.run([shutil.which("bwrap") or "bwrap", "--help"], capture_output=True, text=True, check=False)
    return "--disable-userns" in told.stdout


def _exists(uid: int) -> bool:
    """Whether this user namespace has the user at all."""
    try:
        ranges = [line.split() for line in Path("/proc/self/uid_map").read_text().splitlines()]
    except OSError:
        return True
    return any(int(first) <= uid < int(first) + int(count) for first, _, count in ranges)


def readable_by(uid: int) -> bool:
    """Whether another user can reach this Python and this package (a home of mode 700 forbids it)."""
    for start in (os.path.realpath(sys.executable), os.__file__, str(_PACKAGE), *_site_folders()):
        for path in (Path(start), *Path(start).parents):
            if not os.stat(path).st_mode & (0o001 if path.is_dir() else 0o004):
                return False
    return True
