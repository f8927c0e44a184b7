"""Replay kept answers: `python case_studies/bbeh/bbeh_replay.py boolean_expressions-b5` gives the scores again.

The answers were written by hand from the evidence alone, through `loopwright ask` and `loopwright tell`; they lie in
`answers/NAME/NN.md`, and no question of the benchmark is in them. `--keep RUN` copies the answers of a run there, and
refuses one that quotes a question. What stands in `results/NAME.csv` is, for every update, the share of right answers
in training, validation and test; the test is asked after the run has ended.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))  # for by_hand, where this file is run as a script

import by_hand
from bbeh_loops import names, write

from loopwright.store.run_folder import RunFolder
from loopwright.tasks.bbeh import rows
from loopwright.trajectories import Point, trajectory

HERE = Path(__file__).parent
ANSWERS = HERE / "answers"
RESULTS = HERE / "results"
QUOTE = 40  # so many characters in a row of a question are a quotation


def quotations(name: str, run: Path) -> list[str]:
    """The answers of a run that hold a piece of a question of their task."""
    questions = "\n".join(row["input"] for row in rows(name.rpartition("-b")[0]))
    pieces = {questions[i : i + QUOTE] for i in range(len(questions) - QUOTE)}
    found: list[str] = []
    for path in sorted(RunFolder(run).ask_folder.glob("*.reply.md")):
        text = path.read_text(encoding="utf-8")
        hit = next((text[i : i + QUOTE] for i in range(len(text) - QUOTE) if text[i : i + QUOTE] in pieces), None)
        if hit is not None:
            found.append(f"{path.name}: {hit!r}")
    return found


def put(points: Sequence[Point], path: Path) -> Path:
    """Write the shares of right answers by update to a CSV file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(["update", "train", "validation", "test"])
        for point in points:
            shares = (point.mean(split) for split in ("train", "validation", "test"))
            writer.writerow([point.step, *("" if share is None else f"{share:.4f}" for share in shares)])
    return path


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", help=", ".join(names()))
    parser.add_argument("--keep", type=Path, metavar="RUN", help="copy this run's answers, and write down its scores")
    parser.add_argument("--out", type=Path, metavar="DIR", help="where to run (a temporary folder unless said)")
    given = parser.parse_args()
    if given.name not in names():
        raise SystemExit(f"there is no loop '{given.name}'; there are {', '.join(names())}")
    kept = RESULTS / f"{given.name}.csv"
    if given.keep:
        if quoted := quotations(given.name, given.keep):
            raise SystemExit("these answers quote the benchmark, which must not be published:\n" + "\n".join(quoted))
        print(f"kept {by_hand.keep(given.keep, ANSWERS / given.name)} answers in {ANSWERS / given.name}")
        print(f"wrote {put(trajectory(given.keep), kept)}")
        return
    with tempfile.TemporaryDirectory() as temporary:
        place = given.out or Path(temporary) / "loop"
        run = by_hand.replayed(write(given.name, place), ANSWERS / given.name)
        made = put(trajectory(run), place / "scores.csv").read_text(encoding="utf-8")
    print(made, end="")
    if kept.exists():
        same = kept.read_text(encoding="utf-8") == made
        print("the same scores as recorded" if same else f"NOT the scores recorded in {kept}")
        sys.exit(0 if same else 1)


if __name__ == "__main__":
    main()
