"""Run every benchmark and print one table: what, measured, goal.

    python benchmarks/run.py                      # all, some minutes
    python benchmarks/run.py --quick              # fewer repeats
    python benchmarks/run.py --only slots trace   # some
    python benchmarks/run.py --markdown docs/reference/benchmarks.md

The last writes the tables between the markers of a page of the documentation, one for each benchmark that ran, with the
moment of it, and leaves the rest of the page alone; the table of hostile candidates goes into `hostile.md` beside it.
"""

from __future__ import annotations

import argparse
import sys
from importlib import import_module
from pathlib import Path

from measure import Row, machine, table, write_between

BENCHMARKS = ("import", "trace", "evidence", "bookkeeping", "isolation", "hostile", "slots", "waiting", "atari", "ml")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer repeats")
    parser.add_argument("--only", nargs="+", choices=BENCHMARKS, default=BENCHMARKS, metavar="NAME")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the tables into this page too")
    options = parser.parse_args()
    found: list[Row] = []
    print(machine(), flush=True)
    for name in options.only:
        print(f"bench_{name} ...", file=sys.stderr, flush=True)
        head = machine()
        bench = import_module(f"bench_{name}")
        rows: list[Row] = bench.rows(options.quick)
        found += rows
        if options.markdown is not None:
            write_between(options.markdown, f"bench {name}", f"Measured on {head}.\n\n{table(rows, markdown=True)}")
            if name == "hostile":
                bench.write(options.markdown.with_name("hostile.md"), head)
    print(table(found))


if __name__ == "__main__":
    main()
