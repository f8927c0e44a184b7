"""Scores per update beside the paper's at the same update, as a table and a picture.

    python case_studies/atari/curves.py                                   # the table, from results/*.csv
    python case_studies/atari/curves.py --picture docs/pictures/atari-answered.svg    # needs matplotlib

The paper's numbers are means of the best score so far over five trials, so the best so far of ours stands beside them;
ours are one trial each, answered by hand through ask/tell, and every single score is shown, too.
"""

from __future__ import annotations

import argparse
import csv
from itertools import accumulate
from pathlib import Path
from typing import NamedTuple

from conditions import FULL, GAMES, names
from replay import HERE, RESULTS

SHOWN = (0, 1, 2, 4, 7, 9, 10)


class Curve(NamedTuple):
    """Scores by update, from 0 (the starting policy); None where an update brought no policy."""

    condition: str
    scores: list[float | None]

    @property
    def best(self) -> list[float]:
        """The best score so far."""
        start = self.scores[0]
        assert start is not None
        return list(accumulate((start if score is None else score for score in self.scores), max))


def measured(folder: Path = RESULTS) -> list[Curve]:
    """The answered conditions that have results, in the order of the conditions."""
    curves: list[Curve] = []
    for name in names():
        path = folder / f"{name}.csv"
        if path.exists():
            with path.open(encoding="utf-8") as handle:
                rows = list(csv.DictReader(handle))
            curves.append(Curve(name, [float(row["score"]) if row["score"] else None for row in rows]))
    return curves


def paper() -> dict[str, dict[int, float]]:
    """The paper's best-so-far means by condition and number of updates."""
    with (HERE / "paper.csv").open(encoding="utf-8") as handle:
        rows = list(csv.DictReader(line for line in handle if not line.startswith("#")))
    return {
        row["condition"]: {int(column): float(value) for column, value in row.items() if column.isdigit() and value}
        for row in rows
    }


def table(curves: list[Curve]) -> str:
    """Markdown: a row for each condition and who answered, a column for each number of updates."""
    theirs = paper()
    lines = [
        "| condition | | " + " | ".join(f"after {update}" if update else "start" for update in SHOWN) + " |",
        "| --- | --- |" + " ---: |" * len(SHOWN),
    ]
    for curve in curves:
        lines.append(_row(curve.condition, "answered by hand, each score", dict(enumerate(curve.scores))))
        lines.append(_row("", "best so far", dict(enumerate(curve.best))))
        if curve.condition in theirs:
            lines.append(_row("", "paper, best so far, mean of its trials", dict(theirs[curve.condition])))
    return "\n".join(lines)


def _row(condition: str, who: str, scores: dict[int, float | None] | dict[int, float]) -> str:
    cells = ["" if (score := scores.get(update)) is None else f"{score:.4g}" for update in SHOWN]
    return f"| {condition} | {who} | {' | '.join(cells)} |"


def draw(curves: list[Curve], path: Path) -> None:
    """One panel a game: every score as a dot, the best so far as a line, the paper's dashed."""
    import matplotlib

    matplotlib.use("svg")
    matplotlib.rcParams["svg.hashsalt"] = "atari"  # the same picture for the same numbers
    from matplotlib import pyplot

    theirs = paper()
    games = [game for game in GAMES if any(_game(curve) == game and FULL not in curve.condition for curve in curves)]
    figure, axes = pyplot.subplots(1, len(games), figsize=(4.2 * len(games), 3.6), squeeze=False)
    for axis, game in zip(axes[0], games, strict=True):
        colours = iter(("tab:blue", "tab:orange"))
        for curve in (curve for curve in curves if _game(curve) == game and FULL not in curve.condition):
            colour, shown = next(colours), curve.condition.partition("-")[2]
            axis.plot(range(len(curve.best)), curve.best, color=colour, label=f"{shown} shown, by hand, best so far")
            dots = [(update, score) for update, score in enumerate(curve.scores) if score is not None]
            axis.plot(*zip(*dots, strict=True), ".", color=colour)
            line = sorted((update, score) for update, score in theirs[curve.condition].items() if update <= 10)
            axis.plot(*zip(*line, strict=True), "--", color=colour, alpha=0.6, label=f"{shown} shown, paper's mean")
        axis.set(title=game, xlabel="updates")
        axis.legend(fontsize=7)
    axes[0][0].set_ylabel("score under the paper's protocol")
    figure.tight_layout()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, metadata={"Date": None})


def _game(curve: Curve) -> str:
    return curve.condition.partition("-")[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--picture", type=Path, metavar="FILE.svg")
    given = parser.parse_args()
    curves = measured()
    if not curves:
        raise SystemExit(f"there are no results in {RESULTS}; keep those of a run with replay.py CONDITION --keep RUN")
    print(table(curves))
    if given.picture:
        draw(curves, given.picture)


if __name__ == "__main__":
    main()
