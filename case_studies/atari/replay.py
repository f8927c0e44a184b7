"""Replay the answers of a condition: `python case_studies/atari/replay.py pong-1` gives the scores again.

The answers were written by hand from the evidence alone, through `loopwright ask` and `loopwright tell`; they lie in
`answers/CONDITION/NN.md`, one a question, refused ones included. `--keep RUN` goes the other way: it copies the answers
of a run that was answered by hand into that folder. How answers are kept and told again: `case_studies/by_hand.py`.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))  # for by_hand, where this file is run as a script

import by_hand
from by_hand import Row, scores
from conditions import names, write

HERE = Path(__file__).parent
ANSWERS = HERE / "answers"
RESULTS = HERE / "results"


def replayed(condition: str, folder: Path) -> Path:
    """The run folder of a condition run with its kept answers. Raises `SystemExit` where there are none."""
    return by_hand.replayed(write(condition, folder), ANSWERS / condition)


def keep(run: Path, condition: str) -> int:
    """Copy the answers of a run into the repository; gives their number."""
    return by_hand.keep(run, ANSWERS / condition)


def put_scores(condition: str, rows: list[Row], folder: Path = RESULTS) -> Path:
    """Write the scores beside the others, for the tables."""
    return by_hand.put_scores(rows, folder / f"{condition}.csv")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("condition", help=", ".join(names()))
    parser.add_argument("--keep", type=Path, metavar="RUN", help="copy this run's answers, and write down its scores")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where to run (a temporary folder unless said)")
    given = parser.parse_args()
    if given.condition not in names():
        raise SystemExit(f"there is no condition '{given.condition}'; there are {', '.join(names())}")
    if given.keep:
        print(f"kept {keep(given.keep, given.condition)} answers in {ANSWERS / given.condition}")
        print(f"wrote {put_scores(given.condition, scores(given.keep))}")
        return
    with tempfile.TemporaryDirectory() as temporary:
        run = replayed(given.condition, given.out or Path(temporary) / "loop")
        rows = scores(run)
    for number, score, outcome in rows:
        print(f"update {number:2d}  {'-' if score is None else f'{score:g}':>8}  {outcome}")
    kept = RESULTS / f"{given.condition}.csv"
    if kept.exists():
        same = (
            kept.read_text(encoding="utf-8") == put_scores(given.condition, rows, Path(tempfile.mkdtemp())).read_text()
        )
        print("the same scores as recorded" if same else f"NOT the scores recorded in {kept}")
        sys.exit(0 if same else 1)


if __name__ == "__main__":
    main()
