"""Runs that are answered by hand, through `loopwright ask` and `loopwright tell`: keep their answers, replay them.

A run is determined by its settings and its answers, so telling the same answers gives the same candidates and scores.
Answers lie in one folder a condition as `NN.md`, one a question, refused ones included. Used by the case studies'
own scripts; which conditions there are is their business.
"""

from __future__ import annotations

import csv
import shutil
import sys
from pathlib import Path

import loopwright as lw
from loopwright.cli.tell import put_answer
from loopwright.record import record
from loopwright.settings import Loop
from loopwright.store.run_folder import RunFolder

# (update, score, what became of it): 0 is the starting artifact; None where the update brought no new candidate.
Row = tuple[int, float | None, str]


def replayed(loop_file: Path, answers: Path) -> Path:
    """The run folder, beside `loop_file`, of its loop run with the answers kept in `answers`.

    The run goes as far as the answers do. Raises `SystemExit` where there are none, or more than the run asks for.
    """
    kept = sorted(answers.glob("[0-9][0-9].md"))
    if not kept:
        raise SystemExit(f"there are no answers in {answers}")
    loop = Loop.load(loop_file)
    run, told = loop_file.parent / "run", 0
    while True:
        try:
            lw.run(loop, run, root=loop_file.parent)
        except lw.Waiting:
            if told == len(kept):
                return run
            for _, place in RunFolder(run).open_questions():
                # A refused answer may have been asked for again, so there can be more answers than updates.
                put_answer(place, kept[told].read_text(encoding="utf-8"))
                told += 1
            print(f"told {kept[told - 1].name}", file=sys.stderr)
        else:
            if told < len(kept):
                raise SystemExit(f"{loop_file}: the run ended after {told} of {len(kept)} answers")
            return run


def keep(run: Path, answers: Path) -> int:
    """Copy the answers of a run into the folder `answers`; gives their number."""
    answers.mkdir(parents=True, exist_ok=True)
    # "0003-2" is a question, "0003-2-1" the turn after a refused answer to it.
    found = sorted(
        RunFolder(run).ask_folder.glob("*.reply.md"),
        key=lambda path: [int(n) for n in path.name.split(".")[0].split("-")],
    )
    for number, path in enumerate(found, start=1):
        shutil.copyfile(path, answers / f"{number:02d}.md")
    return len(found)


def scores(run: Path) -> list[Row]:
    """The validation score of every update's candidate."""
    found = record(run)
    population = found.population
    rows: list[Row] = [(0, population.mean(population.start), "start")]
    for update in found.updates:
        done = update.updated
        if done is None:
            continue
        child = done.accepted or (done.children[0].candidate if done.children else "")
        score = population.mean(child) if child else None
        rows.append((update.step, score, "kept" if done.accepted else done.failure or done.reason))
    return rows


def put_scores(rows: list[Row], path: Path) -> Path:
    """Write the scores to a CSV file."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", newline="", encoding="utf-8") as handle:
        writer = csv.writer(handle, lineterminator="\n")
        writer.writerow(["update", "score", "outcome"])
        writer.writerows([number, "" if score is None else f"{score:g}", outcome] for number, score, outcome in rows)
    return path
