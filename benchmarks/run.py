"""Run every benchmark and print one table: what, measured, goal.

    python benchmarks/run.py                      # all, some minutes
    python benchmarks/run.py --quick              # fewer repeats
    python benchmarks/run.py --only slots trace   # some
    python benchmarks/run.py --markdown docs/reference/benchmarks.md

The last writes the table between the markers of a page of the documentation, and leaves the rest of the page alone;
the table of hostile candidates goes into `hostile.md` beside it.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from pathlib import Path

from measure import Row, machine, table, write_between

BENCHMARKS = ("import", "trace", "evidence", "bookkeeping", "isolation", "hostile", "slots", "waiting", "atari")


def run(names: Sequence[str], *, quick: bool) -> list[Row]:
    """The rows of the named benchmarks, in order. Says on stderr which one is at work."""
    found: list[Row] = []
    for name in names:
        print(f"bench_{name} ...", file=sys.stderr, flush=True)
        found += import_module(f"bench_{name}").rows(quick)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer repeats")
    parser.add_argument("--only", nargs="+", choices=BENCHMARKS, default=BENCHMARKS, metavar="NAME")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table into this page too")
    options = parser.parse_args()
    head = machine()
    print(head, flush=True)
    rows = run(options.only, quick=options.quick)
    print(table(rows))
    if options.markdown is not None:
        write_between(options.markdown, "ours", f"Measured on {head}.\n\n{table(rows, markdown=True)}")
        if "hostile" in options.only:
            import_module("bench_hostile").write(options.markdown.with_name("hostile.md"), head)


if __name__ == "__main__":
    main()
