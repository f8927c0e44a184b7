"""The baseline without a model: `mutate` on every game, in both of the paper's conditions, five seeds each.

    python case_studies/atari/random_edits.py            # runs what is not in results/random-edits.csv yet
    python case_studies/atari/random_edits.py --table    # the table beside the paper's

`mutate` does not read the evidence, so how much of it is shown cannot matter to it. The two conditions of a game
therefore get different seeds: whatever difference they show is chance, and tells how large a difference of five trials
against five must be before it says anything. As many updates as the paper's table has a column for, each with one
evaluation of the child; a child is kept where it is not worse. Fewer episodes than the paper's where they only repeat
one another (`EPISODES`), and the paper's own step limits but for Asterix. The programs are made from the starting
policy's own pieces, so they run in this process.
"""

from __future__ import annotations

import argparse
import csv
import tempfile
import time
from itertools import combinations, product
from pathlib import Path
from statistics import fmean, stdev

from conditions import GAMES, write
from curves import paper
from replay import RESULTS, scores

import loopwright as lw
from loopwright.settings import Loop

UPDATES = 9
FEWER = {"spaceinvaders": 4, "freeway": 4, "enduro": 4}  # the games that take the longest
SEEDS = 5
EPISODES = {"pong": 1, "freeway": 1}
STEPS = {"asterix": 4000}
FILE = RESULTS / "random-edits.csv"
COLUMNS = ["game", "shown", "seed", "cpu_seconds", "scores"]


def settings(game: str, shown: int, seed: int, folder: Path) -> Loop:
    """The condition's loop with `mutate` and this study's limits."""
    changes: dict[str, object] = {
        "seed": seed,
        "budget.steps": updates(game),
        "budget.failures": 1000,  # an edit that breaks the program is a part of the game
        "search.accept": "not-worse",
        "search.target": None,
        "search.revert": None,
        "execution.isolation": "inline",
    }
    if game in EPISODES:
        changes["task_options.episodes"] = EPISODES[game]
    if game in STEPS:
        changes["task_options.max_steps"] = STEPS[game]
    return Loop.load(write(f"{game}-{shown}", folder, "mutate"), changes)


def updates(game: str) -> int:
    return FEWER.get(game, UPDATES)


def run_all() -> None:
    """Run what is missing, the quick games first; every finished run is written down at once."""
    done = {(row["game"], row["shown"], row["seed"]) for row in rows()}
    if not FILE.exists():
        FILE.write_text(",".join(COLUMNS) + "\n", encoding="utf-8")
    quick, slow = (([game for game in GAMES if (game in FEWER) == late]) for late in (False, True))
    for number, game in [*product(range(SEEDS), quick), *product(range(SEEDS), slow)]:
        for place, shown in enumerate((1, GAMES[game].long)):
            seed = 2 * number + place
            if (game, str(shown), str(seed)) not in done:
                run_one(game, shown, seed)


def run_one(game: str, shown: int, seed: int) -> None:
    """One run, in a folder that is removed again; its scores go to the end of the file."""
    began = time.process_time()
    with tempfile.TemporaryDirectory(prefix="random-edits-") as temporary:
        folder = Path(temporary)
        loop = settings(game, shown, seed, folder / "loop")
        lw.run(loop, folder / "run", root=folder / "loop")
        found = ["" if score is None else f"{score:g}" for _, score, _ in scores(folder / "run")]
    spent = f"{time.process_time() - began:.1f}"
    with FILE.open("a", newline="", encoding="utf-8") as handle:
        csv.writer(handle, lineterminator="\n").writerow([game, shown, seed, spent, " ".join(found)])
    print(game, shown, seed, f"{spent} s", found[0], "->", best(found), flush=True)


def rows() -> list[dict[str, str]]:
    if not FILE.exists():
        return []
    with FILE.open(encoding="utf-8") as handle:
        return list(csv.DictReader(handle))


def best(found: list[str]) -> float:
    return max(float(score) for score in found if score)


def table() -> str:
    """Markdown: a row a condition; mean and standard error of the best score, and the paper's after as many updates."""
    theirs = paper()
    lines = [
        "| game | steps shown | updates | start | `mutate`, best so far: mean ± SE (each) | paper, best so far: mean |",
        "| --- | ---: | ---: | ---: | --- | ---: |",
    ]
    for game, condition in GAMES.items():
        for shown in (1, condition.long):
            runs = [row for row in rows() if row["game"] == game and row["shown"] == str(shown)]
            if not runs:
                continue
            # A score that is missing is an update without a new policy; the first is the start's.
            each = [best(row["scores"].split(" ")) for row in runs]
            start = fmean(float(row["scores"].split(" ")[0]) for row in runs)
            error = f" ± {stdev(each) / len(each) ** 0.5:.3g}" if len(each) > 1 else ""
            listed = ", ".join(f"{score:g}" for score in sorted(each))
            lines.append(
                f"| {game} | {shown} | {updates(game)} | {start:.4g} | {fmean(each):.4g}{error} ({listed}) "
                f"| {theirs[f'{game}-{shown}'][updates(game)]:g} |"
            )
    return "\n".join(lines)


def chance(game: str) -> tuple[float, float] | None:
    """(paper's difference between its conditions, share of all splits of our runs into halves that differ as much)."""
    each = [best(row["scores"].split(" ")) for row in rows() if row["game"] == game]
    if len(each) < 2 * SEEDS:
        return None
    theirs = paper()
    gap = theirs[f"{game}-{GAMES[game].long}"][updates(game)] - theirs[f"{game}-1"][updates(game)]
    splits = list(combinations(range(len(each)), SEEDS))
    wide = sum(
        abs(fmean(each[i] for i in half) - fmean(each[i] for i in range(len(each)) if i not in half)) >= abs(gap)
        for half in splits
    )
    return gap, wide / len(splits)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--table", action="store_true", help="print the table of what was run, run nothing")
    if not parser.parse_args().table:
        run_all()
    print(table())
    for game in GAMES:
        if (found := chance(game)) is not None:
            print(
                f"{game}: the paper's conditions differ by {found[0]:+.4g}; so do {found[1]:.0%} of splits of our ten"
            )


if __name__ == "__main__":
    main()
