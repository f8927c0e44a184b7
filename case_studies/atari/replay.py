"""Replay the answers of a condition: `python case_studies/atari/replay.py pong-1` gives the scores again.

The answers were written by hand from the evidence alone, through `loopwright ask` and `loopwright tell`; they lie in
`answers/CONDITION/NN.md`, one a question, refused ones included. A run is determined by its settings and its answers,
so telling the same ones gives the same candidates and scores. `--keep RUN` goes the other way: it copies the answers of
a run that was answered by hand into that folder.
"""

from __future__ import annotations

import argparse
import csv
import shutil
import sys
import tempfile
from pathlib import Path

from conditions import names, write

import loopwright as lw
from loopwright.cli.tell import put_answer
from loopwright.record import record
from loopwright.settings import Loop
from loopwright.store.run_folder import RunFolder

HERE = Path(__file__).parent
ANSWERS = HERE / "answers"
RESULTS = HERE / "results"


def replayed(condition: str, folder: Path) -> Path:
    """The run folder of a condition run with its kept answers. Raises `SystemExit` where there are none."""
    answers = sorted((ANSWERS / condition).glob("[0-9][0-9].md"))
    if not answers:
        raise SystemExit(f"there are no answers for '{condition}' in {ANSWERS / condition}")
    path = write(condition, folder)
    # A refused answer may have been asked for again, so there can be more answers than updates.
    loop = Loop.load(path)
    run, told = folder / "run", 0
    while True:
        try:
            lw.run(loop, run, root=folder)
        except lw.Waiting:
            if told == len(answers):
                return run
            for _, place in RunFolder(run).open_questions():
                put_answer(place, answers[told].read_text(encoding="utf-8"))
                told += 1
            print(f"told {answers[told - 1].name}", file=sys.stderr)
        else:
            if told < len(answers):
                raise SystemExit(f"{condition}: the run ended after {told} of {len(answers)} answers")
            return run


def keep(run: Path, condition: str) -> int:
    """Copy the answers of a run into the repository; gives their number."""
    place = ANSWERS / condition
    place.mkdir(parents=True, exist_ok=True)
    # "0003-2" is a question, "0003-2-1" the turn after a refused answer to it.
    found = sorted(
        RunFolder(run).ask_folder.glob("*.reply.md"),
        key=lambda path: [int(n) for n in path.name.split(".")[0].split("-")],
    )
    for number, path in enumerate(found, start=1):
        shutil.copyfile(path, place / f"{number:02d}.md")
    return len(found)


def scores(run: Path) -> list[tuple[int, float | None, str]]:
    """(update, score, what became of it): 0 is the starting policy; None where the update brought no new policy."""
    found = record(run)
    population = found.population
    rows: list[tuple[int, float | None, str]] = [(0, population.mean(population.start), "start")]
    for update in found.updates:
        done = update.updated
        if done is None:
            continue
        child = done.accepted or (done.children[0].candidate if done.children else "")
        score = population.mean(child) if child else None
        rows.append((update.step, score, "kept" if done.accepted else done.failure or done.reason))
    return rows


def put_scores(condition: str, rows: list[tuple[int, float | None, str]], folder: Path = RESULTS) -> Path:
    """Write the scores beside the others, for the tables."""
    folder.mkdir(exist_ok=True)
    path = folder / f"{condition}.csv"
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(["update", "score", "outcome"])
        writer.writerows([number, "" if score is None else f"{score:g}", outcome] for number, score, outcome in rows)
    return path


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
