"""Write a condition's loop file and starting policy into a folder: `python case_studies/atari/write.py pong-1 DIR`."""

from __future__ import annotations

import argparse
from pathlib import Path

from conditions import names, write


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("condition", help=", ".join(names()))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--optimizer", default="ask", metavar="KIND", help="ask (the default), mutate, optoprime, ...")
    given = parser.parse_args()
    loop = write(given.condition, given.folder, given.optimizer)
    print(f"next:  loopwright run {loop} --out {given.folder / 'run'}")


if __name__ == "__main__":
    main()
