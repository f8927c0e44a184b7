"""Scores per update and on the test rows beside the paper's: `python case_studies/mlbench/ml_table.py`.

Made from `results/`. Ours are one run a condition, answered by hand through ask/tell; the paper's are five runs of
twenty updates. House prices' scores are shown without their minus sign. What stands after ± is one standard error over
the rows: of one pipeline, not of the way it was found.
"""

from __future__ import annotations

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

from ml_conditions import UPDATES, names, parts
from ml_replay import HERE, RESULTS

from loopwright.tasks.mlbench import COMPETITIONS

TEST = {"spaceship-titanic": "accuracy", "house-prices": "rmsle"}


class Result(NamedTuple):
    """What a condition came to. `scores` are validation scores by update, None where it brought no new candidate."""

    condition: str
    scores: list[float | None]
    test: dict[str, dict[str, float]]  # "start" and "best": metrics
    best: int  # the update that the best is of


def measured(folder: Path = RESULTS) -> list[Result]:
    """The conditions that have results, in order."""
    found: list[Result] = []
    for name in names():
        if not (folder / f"{name}.csv").exists():
            continue
        scores = [float(row["score"]) if row["score"] else None for row in _rows(folder / f"{name}.csv")]
        test: dict[str, dict[str, float]] = {"start": {}, "best": {}}
        best = 0
        for row in _rows(folder / f"{name}-test.csv"):
            test[row["candidate"]][row["metric"]] = float(row["value"])
            best = int(row["update"]) if row["candidate"] == "best" else best
        found.append(Result(name, scores, test, best))
    return found


def table(results: list[Result]) -> str:
    """Markdown: two rows a condition, ours and the paper's."""
    theirs = {row["condition"]: row for row in _rows(HERE / "paper.csv")}
    updates = " | ".join(str(number) for number in range(1, UPDATES + 1))
    lines = [
        f"| condition | validation: start | {updates} | test: start | test: best (update) | teams beaten |",
        "| --- |" + " ---: |" * (UPDATES + 4),
    ]
    for result in results:
        task = parts(result.condition)[0]
        metric = TEST[task]
        floor = COMPETITIONS[task].floors[metric]  # what a trial that failed is given
        cells = [
            "failed" if score == floor else _cell(None if score is None else abs(score)) for score in result.scores
        ] + [""] * (UPDATES + 1 - len(result.scores))
        start, best = result.test["start"], result.test["best"] or result.test["start"]
        place = beaten(best, metric)
        lines.append(
            f"| {result.condition}, answered by hand | {' | '.join(cells)} | {_cell(start.get(metric))} | "
            f"{_cell(best.get(metric))} ± {_cell(best.get(f'se_{metric}'))} ({result.best}) | "
            f"{place} |"
        )
        row = theirs[result.condition]
        score = f"{row['mean_score']} ({row['best_score']})"
        theirs_beaten = f"{row['mean_percentile']} % ({row['best_percentile']} %)"
        lines.append(f"| paper, mean of 5 (best) | {' | '.join([''] * (UPDATES + 1))} | | {score} | {theirs_beaten} |")
    return "\n".join(lines)


def beaten(metrics: Mapping[str, float], metric: str) -> str:
    """The share of teams beaten as far as it is known: "63.1 %", or "12 to 50 %"; "" where nothing is known."""
    low, high = (metrics.get(f"teams_beaten_{metric}_{end}") for end in ("low", "high"))
    if low is None or high is None:
        return ""
    return f"{low:.1%}".replace("%", " %") if low == high else f"{100 * low:.0f} to {100 * high:.0f} %"


def _rows(path: Path) -> list[dict[str, str]]:
    with path.open(encoding="utf-8") as handle:
        return list(csv.DictReader(line for line in handle if not line.startswith("#")))


def _cell(value: float | None) -> str:
    return "" if value is None else f"{value:.4f}"


if __name__ == "__main__":
    print(table(measured()))
