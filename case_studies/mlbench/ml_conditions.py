"""The paper's ML conditions (arXiv 2603.23994, section 4) as loop files: two tasks, each with two starting artifacts.

A condition is a task and the structure of its artifact: `spaceship-titanic-one`, `spaceship-titanic-many`,
`house-prices-one`, `house-prices-many`. As in the paper, docstrings are full, bodies are empty, every child is kept and
the best by validation is tested once at the end.

    python case_studies/mlbench/ml_conditions.py house-prices-many DIR     writes DIR/loop.toml and DIR/pipeline.py

What differs: six updates instead of twenty; the paper showed the optimizer the validation score, here it is shown the
scores of a threefold cross-validation on the rows to learn from. Spaceship Titanic is tested on the last 20 % of the
train file, since nobody has the competition's answers.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from loopwright.tasks.mlbench import COMPETITIONS, editable, starting

FACTORIES = {"spaceship-titanic": "SpaceshipTitanic", "house-prices": "HousePrices"}
PROTOCOL = {"spaceship-titanic": "mlagentbench", "house-prices": "kaggle"}
UPDATES = 6

LOOP = """\
# {name}: a condition of arXiv 2603.23994 (section 4). Written by case_studies/mlbench/ml_conditions.py.
task = "loopwright.tasks.mlbench:{factory}"
seed = 0

[task_options]
protocol = "{protocol}"
folds = 3

[artifact]
path = "pipeline.py"
edit = {edit}

[evidence]
horizon = {{ steps = "full" }}
batch = {{ size = 3, draw = "order" }}       # all folds: scores of different updates can be compared

[optimizer]
kind = "{kind}"
memory = 5

[search]
accept = "always"       # the best by validation is tested at the end

[budget]
steps = {updates}

[execution]
slots = 1

[execution.limits]
seconds = 300
memory = 4096
"""


def names() -> list[str]:
    """Every condition by its name."""
    return [f"{task}-{structure}" for task in COMPETITIONS for structure in ("one", "many")]


def parts(name: str) -> tuple[str, str]:
    """A condition's task and structure. Raises `SystemExit` with a sentence for a name that is none."""
    if name not in names():
        raise SystemExit(f"there is no condition '{name}'; there are {', '.join(names())}")
    task, _, structure = name.rpartition("-")
    return task, structure


def write(name: str, folder: Path, *, kind: str = "ask", docs: str = "full", code: str = "stub") -> Path:
    """Write a condition's loop file and starting artifact into a new or empty folder; gives the loop file."""
    task, structure = parts(name)
    if folder.exists() and any(folder.iterdir()):
        raise SystemExit(f"{folder} holds files already; name a new folder")
    folder.mkdir(parents=True, exist_ok=True)
    loop = LOOP.format(
        name=name,
        factory=FACTORIES[task],
        protocol=PROTOCOL[task],
        edit=json.dumps(editable(task, structure)),
        kind=kind,
        updates=UPDATES,
    )
    (folder / "loop.toml").write_text(loop, encoding="utf-8")
    (folder / "pipeline.py").write_text(starting(task, structure, docs, code), encoding="utf-8")
    return folder / "loop.toml"


def main() -> None:
    parser = argparse.ArgumentParser(description="Write a condition's loop file and starting artifact.")
    parser.add_argument("condition", help=", ".join(names()))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--optimizer", default="ask", metavar="KIND", help="ask (the default), optoprime, ...")
    parser.add_argument("--docs", default="full", help="full (the default) or none")
    parser.add_argument("--code", default="stub", help="stub (the default) or working")
    given = parser.parse_args()
    loop = write(given.condition, given.folder, kind=given.optimizer, docs=given.docs, code=given.code)
    print(f"next:  loopwright run {loop} --out {given.folder / 'run'}")


if __name__ == "__main__":
    main()
