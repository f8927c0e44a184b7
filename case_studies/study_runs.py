"""Every finished run of a study as a row: `python case_studies/study_runs.py studies/local-model`.

`--keep FILE` also writes the rows, which are CSV, to a file. What can be said of the differences, `loopwright study
show` says. Numbers are read from the runs' journals; nothing is run.
"""

from __future__ import annotations

import argparse
import csv
import io
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import fmean

from loopwright.record import RunRecord, record
from loopwright.study.collect import collect
from loopwright.study.results import RunResult

Row = dict[str, object]


def finished(folder: Path) -> Iterator[tuple[RunResult, RunRecord]]:
    """The finished runs of a study. Raises `UsageError` where the folder holds none."""
    for result in collect(folder).runs:
        if result.state == "done":
            yield result, record(folder / result.folder)


def measures(result: RunResult, run: RunRecord) -> Row:
    """What one run came to; scores are means, to three digits."""
    proposed = [each for update in run.updates for each in update.proposed]
    first, last = result.curve[0], result.curve[-1]
    return {
        "seed": result.seed,
        "updates": last.update,
        "proposals": len(proposed),
        "usable": sum(not each.refused for each in proposed),
        "accepted": run.accepted(),
        "validation_start": _told(first.best),
        "validation_best": _told(last.best),
        "test_start": _told(fmean(result.start_test)),
        "test_best": _told(fmean(result.best_test)),
        "test_questions": len(result.best_test),
        "calls": last.calls,
        "tokens": last.tokens,
    }


def as_csv(rows: Sequence[Row]) -> str:
    """The rows as the text of a CSV file."""
    out = io.StringIO()
    writer = csv.DictWriter(out, list(rows[0]), lineterminator="\n")
    writer.writeheader()
    writer.writerows(rows)
    return out.getvalue()


def _told(score: float | None) -> str:
    return "" if score is None else f"{score:.3f}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("study", type=Path)
    parser.add_argument("--keep", type=Path, metavar="FILE", help="write the rows to this CSV file, too")
    given = parser.parse_args()
    levels = {cell.key: cell.levels for cell in collect(given.study).cells}
    rows = [{**levels[result.cell], **measures(result, run)} for result, run in finished(given.study)]
    if not rows:
        raise SystemExit(f"no run of {given.study} is done yet")
    print(as_csv(rows), end="")
    if given.keep is not None:
        given.keep.write_text(as_csv(rows), encoding="utf-8")


if __name__ == "__main__":
    main()
