"""Every run of a study of batch sizes as a row: `python case_studies/bbeh/bbeh_runs.py work/local/study`.

`--keep NAME` also writes the rows to `results/NAME.csv`. What can be said of the differences, `loopwright study show`
says. Numbers are read from the runs' journals; nothing is run.
"""

from __future__ import annotations

import argparse
import csv
from collections import Counter
from pathlib import Path
from statistics import fmean
from typing import Any

from bbeh_baselines import share, told

from loopwright.record import record
from loopwright.study.collect import collect
from loopwright.tasks.bbeh import bbeh

RESULTS = Path(__file__).parent / "results"
COLUMNS = [
    "task", "batch", "seed", "updates", "proposals", "usable", "accepted",
    "validation_start", "validation_best", "test_start", "test_best", "test_questions", "calls", "tokens",
]  # fmt: skip


def runs(folder: Path) -> list[dict[str, object]]:
    """The finished runs of a study, one row each. Raises `UsageError` where the folder holds no study."""
    found: list[dict[str, object]] = []
    for result in collect(folder).runs:
        if result.state != "done":
            continue
        run = record(folder / result.folder)
        proposed = [each for update in run.updates for each in update.proposed]
        first, last = result.curve[0], result.curve[-1]
        cells = [
            run.loop.task_options["name"],
            run.loop.evidence.batch.size,
            result.seed,
            last.update,
            len(proposed),
            sum(not each.refused for each in proposed),
            run.accepted(),
            _told(first.best),
            _told(last.best),
            _told(fmean(result.start_test)),
            _told(fmean(result.best_test)),
            len(result.best_test),
            last.calls,
            last.tokens,
        ]
        found.append(dict(zip(COLUMNS, cells, strict=True)))
    return found


def table(rows: list[dict[str, object]]) -> str:
    """The rows as Markdown."""
    lines = [
        "| task | batch | seed | updates | proposals usable | accepted | validation: start, best | test: start, best |",
        "| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    lines += [
        f"| `{row['task']}` | {row['batch']} | {row['seed']} | {row['updates']} "
        f"| {row['usable']} of {row['proposals']} | {row['accepted']} "
        f"| {row['validation_start']}, {row['validation_best']} | {row['test_start']}, {row['test_best']} |"
        for row in rows
    ]
    return "\n".join(lines)


def constants(folder: Path) -> str:
    """What the most common answer of the train split scores on the same test questions, a line for each task."""
    found: dict[str, str] = {}
    for result in collect(folder).runs:
        if result.state == "done":
            options: dict[str, Any] = record(folder / result.folder).loop.task_options
            task = bbeh(**options)
            answer = Counter(row["target"] for row in task.examples("train")).most_common(1)[0][0]
            found[options["name"]] = (
                f'{options["name"]}: always "{answer}" scores {told(*share(answer, task.examples("test")))}'
            )
    return "\n".join(found.values())


def _told(score: float | None) -> str:
    return "" if score is None else f"{score:.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", type=Path)
    parser.add_argument("--keep", metavar="NAME", help="write results/NAME.csv, too")
    given = parser.parse_args()
    rows = runs(given.study)
    print(f"{table(rows)}\n\n{constants(given.study)}")
    if given.keep:
        with (RESULTS / f"{given.keep}.csv").open("w", newline="", encoding="utf-8") as handle:
            writer = csv.DictWriter(handle, COLUMNS, lineterminator="\n")
            writer.writeheader()
            writer.writerows(rows)


if __name__ == "__main__":
    main()
