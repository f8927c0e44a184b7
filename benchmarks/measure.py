"""What every benchmark here shares: a row of the table, medians, and the line that says where and when it was measured.

Each `bench_*.py` has a function `rows(quick)` and runs alone; `run.py` runs all of them. The machine may be shared and
noisy: figures are medians of repeats, and CPU seconds or ratios wherever the wall clock is not the question.
"""

from __future__ import annotations

import argparse
import datetime
import os
import platform
import re
import statistics
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import NamedTuple


class Row(NamedTuple):
    """One line of the table. `measured` says unit and spread in words; `met` is None where there is no goal."""

    what: str
    measured: str
    goal: str = ""
    met: bool | None = None


def median_of(measure: Callable[[], float], repeats: int) -> float:
    """The median of some repeats of a measurement."""
    return statistics.median(measure() for _ in range(repeats))


def cpu_of(work: Callable[[], object]) -> float:
    """CPU seconds of this process, all threads, for one call."""
    began = time.process_time()
    work()
    return time.process_time() - began


def machine() -> str:
    """Where and when: cores, Python, system, load, date."""
    cores = len(os.sched_getaffinity(0))
    load = os.getloadavg()[0]
    return (
        f"{cores} shared core{'s' if cores > 1 else ''}, {_processor()}, Python {platform.python_version()}, "
        f"{platform.system()} {platform.release().split('-')[0]}, load {load:.1f}, "
        f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M} UTC"
    )


def _processor() -> str:
    try:
        with open("/proc/cpuinfo", encoding="utf-8") as file:
            names = [line.partition(":")[2].strip() for line in file if line.startswith("model name")]
    except OSError:
        names = []
    return names[0] if names else platform.machine()


def table(rows: Sequence[Row], *, markdown: bool = False) -> str:
    """The rows as aligned text or as a Markdown table."""
    lines = [("what", "measured", "goal", "met")]
    lines += [(row.what, row.measured, row.goal, {None: "", True: "yes", False: "no"}[row.met]) for row in rows]
    if markdown:
        cells = [[cell.replace("|", "\\|") for cell in line] for line in lines]
        cells.insert(1, ["---"] * 4)
        return "\n".join(f"| {' | '.join(line)} |" for line in cells)
    widths = [max(len(line[column]) for line in lines) for column in range(4)]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in lines
    )


def write_between(page: Path, mark: str, text: str) -> None:
    """Replace what stands between `<!-- MARK -->` and `<!-- end -->`. Raises `ValueError` where they are missing."""
    whole = page.read_text(encoding="utf-8")
    pattern = re.compile(rf"(<!-- {re.escape(mark)} -->\n).*?(<!-- end -->)", re.DOTALL)
    if not pattern.search(whole):
        raise ValueError(f"{page} has no lines '<!-- {mark} -->' and '<!-- end -->' to write between")
    page.write_text(pattern.sub(lambda found: f"{found[1]}\n{text}\n\n{found[2]}", whole, count=1), encoding="utf-8")


def alone(rows: Callable[[bool], Iterable[Row]], about: str | None) -> None:
    """Run one benchmark from the command line."""
    parser = argparse.ArgumentParser(description=about, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer repeats: seconds and not minutes")
    quick = parser.parse_args().quick
    print(machine())
    print(table(list(rows(quick))))
    sys.stdout.flush()
