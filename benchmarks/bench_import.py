"""CPU of `import loopwright` in a fresh interpreter, above that of an interpreter that imports nothing."""

from __future__ import annotations

import os
import subprocess
import sys
from statistics import median

from measure import Row, alone


def import_cpu(python: str, statement: str, repeats: int) -> tuple[float, float]:
    """Median CPU seconds of a process that runs `statement`: above one that does nothing, and in all.

    The two are measured in turn, so that noise of the machine meets both. Raises `OSError` where the statement fails.
    """
    bare: list[float] = []
    full: list[float] = []
    _process_cpu(python, statement)  # writes the byte code
    for _ in range(repeats):
        bare.append(_process_cpu(python, "pass"))
        full.append(_process_cpu(python, statement))
    return median(full) - median(bare), median(full)


def _process_cpu(python: str, statement: str) -> float:
    process = subprocess.Popen([python, "-c", statement], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise OSError(f"{python} -c {statement!r} ended with exit code {process.returncode}")
    return usage.ru_utime + usage.ru_stime


def rows(quick: bool) -> list[Row]:
    own, whole = import_cpu(sys.executable, "import loopwright", 5 if quick else 15)
    measured = f"{own:.3f} s CPU above a bare interpreter ({whole:.3f} s with it)"
    return [Row("`import loopwright`, fresh interpreter", measured, "<= 0.10 s", own <= 0.10)]


if __name__ == "__main__":
    alone(rows, __doc__)
