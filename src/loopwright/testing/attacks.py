"""Candidates that try to hurt, cheat or stop a run, with what must come of each. Text only: nothing here runs them.

The attacks are in `attacks.toml`, one table each; `loopwright.testing.hostile` runs them in a real loop.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from pathlib import Path

import msgspec

from loopwright.execution.sandbox import walls
from loopwright.trial import Trial

_CONNECTION = """
import fcntl, os, stat, struct, time, msgspec as m
def ours(fd):
    try:
        mode = fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE
    except OSError:
        return False
    return not stat.S_ISREG(os.fstat(fd).st_mode) and mode != os.O_RDONLY
fds = [fd for fd in range(3, 64) if ours(fd)]
def head(length, buffers=0):
    return struct.pack('<BIH', 0xC1, length, buffers)
def frame(value):
    data = m.msgpack.encode(value)
    return [data] if len(data) <= 4096 else [head(len(data)), data]
def write(packets):
    for fd in fds:
        os.set_blocking(fd, True)
        for data in packets:
            while data: data = data[os.write(fd, data[:65536]):]
"""
_FORGER = """
import functools
E = m.msgpack.Ext
write(BYTES)
time.sleep(0.5)
os._exit(0)
"""


class Attack(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One hostile program. `labels` are the labels of its feedback that are right, "" for a trial without an error.

    `tries` says what it does and `by` what contains it, for people. `spared` names a check of what a label does not
    tell. `whole`: `body` is the module, not the body of `double(x)`. `forges`: it is the bytes to be written into the
    connection, or lines that do so with `write`. `walled`: it is contained by bubblewrap alone.
    """

    name: str
    tries: str
    labels: list[str]
    by: str
    body: str
    spared: str = ""
    whole: bool = False
    forges: bool = False
    walled: bool = False

    def program(self, folder: Path) -> str:
        """The module's text; `folder` is that of the task, which one attack looks for."""
        text = self.body.replace("HOME", repr(str(Path.home()))).replace("FOLDER", repr(str(folder)))
        if self.whole:
            return text.rstrip("\n") + "\n"
        if self.forges:
            text = _CONNECTION + (_FORGER.replace("BYTES", text) if "\n" not in text else text)
        return "def double(x):\n" + "\n".join(f"    {line}" for line in text.strip("\n").splitlines()) + "\n"

    def contained(self, trial: Trial) -> bool:
        """Whether what came of it is what must."""
        return (trial.feedback.error or "") in self.labels and (not self.spared or _SPARED[self.spared](trial))


@cache
def attacks() -> tuple[Attack, ...]:
    """Every attack, in the order of the table."""
    data = msgspec.toml.decode(Path(__file__).with_suffix(".toml").read_bytes(), type=dict[str, list[Attack]])
    return tuple(data["attack"])


def attacks_here() -> tuple[Attack, ...]:
    """Those that must be contained with the walls that work on this machine."""
    return tuple(attack for attack in attacks() if not attack.walled or walls() != "none")


def _is_cut(trial: Trial) -> bool:
    printed = trial.trace.stdout if trial.trace is not None else ""
    whole = printed.startswith("flood 0\n") and printed.endswith("flood 9999\n")
    return trial.score == 1.0 and whole and "cut" in printed and len(printed) < 11_000


def _leaves_no_stray(trial: Trial) -> bool:
    return trial.score == 1.0 and not any(b"loopwright-stray" in _read(p) for p in Path("/proc").glob("[0-9]*/cmdline"))


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:  # it has just ended
        return b""


def _sees_nothing(trial: Trial) -> bool:
    """Neither a variable, nor a file, nor a user of this machine is in what it found."""
    return not any(
        word in trial.feedback.text for word in ("secret", "API_KEY", "conftest", "task.py", ".ssh", "root:")
    )


_SPARED: dict[str, Callable[[Trial], bool]] = {
    "scores": lambda trial: trial.score == 1.0,  # it harms nobody, itself included
    "does_not_score": lambda trial: trial.score == 0.0,
    "sees_nothing": _sees_nothing,
    "finds_nothing": lambda trial: trial.feedback.text == "got ([], True)",
    "is_short": lambda trial: len(trial.feedback.text) < 30_000,
    "is_cut": _is_cut,
    "shows_its_source": lambda trial: "raise ValueError('here')" in trial.feedback.text,
    "leaves_no_stray": _leaves_no_stray,
}
