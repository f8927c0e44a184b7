"""What starting artifacts, and a reference that a person wrote, score on every split: the zero line of the ML studies.

    python case_studies/mlbench/baselines.py                                            # about two CPU minutes
    python case_studies/mlbench/baselines.py --page docs/case-studies/ml-pipelines.md   # into that page

Every trial runs in the sandbox, as in a loop. Intervals are 95 % of the sampling error over the rows that were
predicted; that of the folds is of their mean, taken as independent. Docstrings do not change a score, so they are full
here.
"""

from __future__ import annotations

import argparse
import asyncio
import sys
from pathlib import Path
from statistics import fmean
from typing import NamedTuple

from ml_conditions import FACTORIES
from ml_table import beaten

from loopwright.execution.process import ProcessExecutor
from loopwright.execution.protocol import Limits, Source
from loopwright.tasks.mlbench import COMPETITIONS, starting
from loopwright.tasks.task import SPLITS
from loopwright.trial import Trial, TrialSpec

HERE = Path(__file__).parent
METRICS = {"spaceship-titanic": ("accuracy",), "house-prices": ("mae", "rmsle")}
FORMAT = {"accuracy": "{:.4f} ± {:.4f}", "mae": "{:,.0f} ± {:,.0f}", "rmsle": "{:.4f} ± {:.4f}"}


class Line(NamedTuple):
    """One artifact under one protocol: its trials by split."""

    task: str
    protocol: str
    artifact: str
    trials: dict[str, list[Trial]]


def artifacts(task: str) -> dict[str, str]:
    """The texts to be scored, by what they are called."""
    found = {
        f"{structure} function{'s' if structure == 'many' else ''}, {code}": starting(task, structure, "full", code)
        for code in ("stub", "working")
        for structure in ("one", "many")
    }
    return {**found, "reference": (HERE / "reference" / f"{task}.py").read_text(encoding="utf-8")}


async def measured(task: str, protocol: str) -> list[Line]:
    """Every artifact of a task under a protocol, one trial after the other."""
    limits = Limits(seconds=300, memory=4096)
    name = f"loopwright.tasks.mlbench:{FACTORIES[task]}"
    executor = ProcessExecutor(name, HERE, limits=limits, options={"protocol": protocol})
    try:
        card = await executor.start()
        lines: list[Line] = []
        for artifact, text in artifacts(task).items():
            source = Source(artifact, {"pipeline.py": text.encode()}, "pipeline.py")
            trials = {
                split: [await executor.run(source, TrialSpec(artifact, split, k, 0)) for k in range(card.sizes[split])]
                for split in SPLITS
            }
            lines.append(Line(task, protocol, artifact, trials))
            print(f"{task}, {protocol}: {artifact}", file=sys.stderr)
        return lines
    finally:
        await executor.close()


def table(lines: list[Line]) -> str:
    """Markdown: a row for each artifact, protocol and metric."""
    rows = [
        "| task, protocol | starting artifact | metric | folds (mean) | validation | test | teams beaten |",
        "| --- | --- | --- | ---: | ---: | ---: | --- |",
    ]
    for line in lines:
        for metric in METRICS[line.task]:
            cells = [_cell(metric, line.trials[split]) for split in SPLITS]
            place = "".join(beaten(trial.feedback.metrics, metric) for trial in line.trials["test"])
            rows.append(
                f"| {line.task}, {line.protocol} | {line.artifact} | {metric} | {' | '.join(cells)} | {place} |"
            )
    return "\n".join(rows)


def _cell(metric: str, trials: list[Trial]) -> str:
    if not trials:
        return "no answers known"
    failed = [trial.feedback.text for trial in trials if trial.feedback.error]
    if failed:
        raise SystemExit(f"a trial failed: {failed[0]}")
    error = sum(trial.feedback.metrics[f"se_{metric}"] ** 2 for trial in trials) ** 0.5 / len(trials)
    return FORMAT[metric].format(fmean(trial.feedback.metrics[metric] for trial in trials), 1.96 * error)


def main() -> None:
    parser = argparse.ArgumentParser(description="Score every starting artifact on every split.")
    parser.add_argument("--page", type=Path, metavar="FILE", help="write the table between the marks of this page")
    given = parser.parse_args()
    lines = [
        line
        for task in COMPETITIONS
        for protocol in ("mlagentbench", "kaggle")
        for line in asyncio.run(measured(task, protocol))
    ]
    print(table(lines))
    if given.page is not None:
        sys.path.append(str(HERE.parents[1] / "benchmarks"))
        from measure import machine, write_between

        write_between(given.page, "baselines", f"Measured on {machine()}.\n\n{table(lines)}")


if __name__ == "__main__":
    main()
