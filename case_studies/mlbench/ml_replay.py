"""Replay the answers of a condition: `python case_studies/mlbench/ml_replay.py house-prices-one`.

The answers were written by hand from the evidence alone, through `loopwright ask` and `loopwright tell`; they lie in
`answers/CONDITION/NN.md`, one a question, refused ones included. `--keep RUN` goes the other way: it copies the answers
of a run that was answered by hand into that folder. How answers are kept and told again: `case_studies/by_hand.py`.

`results/CONDITION.csv` has the validation score of every update, `results/CONDITION-test.csv` what the start and the
best came to on the test rows.
"""

from __future__ import annotations

import argparse
import csv
import sys
import tempfile
from pathlib import Path

sys.path.append(str(Path(__file__).parents[1]))  # for by_hand, where this file is run as a script

import by_hand
from ml_conditions import names, parts, write

from loopwright.record import record

HERE = Path(__file__).parent
ANSWERS = HERE / "answers"
RESULTS = HERE / "results"


def put(condition: str, run: Path, folder: Path = RESULTS) -> list[Path]:
    """Write what a run came to into files of numbers; gives their paths."""
    scores = by_hand.put_scores(by_hand.scores(run), folder / f"{condition}.csv")
    test = folder / f"{condition}-test.csv"
    found = record(run)
    with test.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(["candidate", "update", "metric", "value"])
        for trial in found.tested:
            which = "best" if trial.spec.candidate == found.population.best else "start"
            update = found.population.nodes[trial.spec.candidate].step
            writer.writerows(
                [which, update, name, f"{value:g}"] for name, value in sorted(trial.feedback.metrics.items())
            )
    return [scores, test]


def main() -> None:
    parser = argparse.ArgumentParser(description="Replay the answers of a condition, or keep those of a run.")
    parser.add_argument("condition", help=f"{', '.join(names())}, or all")
    parser.add_argument("--keep", type=Path, metavar="RUN", help="copy this run's answers, and write down its scores")
    given = parser.parse_args()
    if given.condition == "all":
        chosen = [name for name in names() if (ANSWERS / name).is_dir()]
    else:
        parts(given.condition)
        chosen = [given.condition]
    if given.keep:
        print(f"kept {by_hand.keep(given.keep, ANSWERS / given.condition)} answers in {ANSWERS / given.condition}")
        for path in put(given.condition, given.keep):
            print(f"wrote {path}")
        return
    sys.exit(max([_replay(name) for name in chosen], default=0))


def _replay(condition: str) -> int:
    """Run a condition with its kept answers, print its scores; 0 where they are those that were written down."""
    with tempfile.TemporaryDirectory() as temporary:
        place = Path(temporary)
        run = by_hand.replayed(write(condition, place / "loop"), ANSWERS / condition)
        for number, score, outcome in by_hand.scores(run):
            print(f"{condition} update {number:2d}  {'-' if score is None else f'{score:.5g}':>9}  {outcome}")
        fresh = put(condition, run, place)
        kept = [RESULTS / path.name for path in fresh]
        if not all(path.exists() for path in kept):
            print(f"{condition}: nothing to compare with in {RESULTS}")
            return 0
        same = all(a.read_text() == b.read_text() for a, b in zip(fresh, kept, strict=True))
        print(f"{condition}: {'the same scores as recorded' if same else f'NOT the scores recorded in {RESULTS}'}")
        return 0 if same else 1


if __name__ == "__main__":
    main()
