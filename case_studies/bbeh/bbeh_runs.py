"""Every run of a study of batch sizes as a row: `python case_studies/bbeh/bbeh_runs.py work/local/study`.

`--keep NAME` also writes the rows to `results/NAME.csv`. What can be said of the differences, `loopwright study show`
says. Numbers are read from the runs' journals; nothing is run.
"""

from __future__ import annotations

import argparse
import sys
from collections import Counter
from pathlib import Path
from typing import Any

sys.path.append(str(Path(__file__).parents[1]))  # for study_runs, where this file is run as a script

import study_runs
from bbeh_baselines import share, told

from loopwright.tasks.bbeh import bbeh

RESULTS = Path(__file__).parent / "results"


def runs(folder: Path) -> list[study_runs.Row]:
    """The finished runs of a study, one row each. Raises `UsageError` where the folder holds no study."""
    return [
        {
            "task": run.loop.task_options["name"],
            "batch": run.loop.evidence.batch.size,
            **study_runs.measures(result, run),
        }
        for result, run in study_runs.finished(folder)
    ]


def table(rows: list[study_runs.Row]) -> str:
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
    for _, run in study_runs.finished(folder):
        options: dict[str, Any] = run.loop.task_options
        task = bbeh(**options)
        answer = Counter(row["target"] for row in task.examples("train")).most_common(1)[0][0]
        found[options["name"]] = (
            f'{options["name"]}: always "{answer}" scores {told(*share(answer, task.examples("test")))}'
        )
    return "\n".join(found.values())


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", type=Path)
    parser.add_argument("--keep", metavar="NAME", help="write results/NAME.csv, too")
    given = parser.parse_args()
    rows = runs(given.study)
    print(f"{table(rows)}\n\n{constants(given.study)}")
    if given.keep:
        (RESULTS / f"{given.keep}.csv").write_text(study_runs.as_csv(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
