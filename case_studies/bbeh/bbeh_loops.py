"""Loops on BIG-Bench Extra Hard, answered by hand, as data: `TASK-bK` is a task and a program, K trials an update.

    python case_studies/bbeh/bbeh_loops.py boolean_expressions-b5 DIR     # writes DIR/loop.toml and DIR/program.py

A program must work the answer out of the question's text; there is no model in it. Data, splits and the strict scorer
are those of arXiv 2603.23994 (section 6); that the agent is a program is ours. As there, every child is kept and the
number of updates is fixed, so that a larger batch sees more trials.
"""

from __future__ import annotations

import argparse
from pathlib import Path

from loopwright.tasks.bbeh import starting

# Three of those that a program can solve; all but multistep_arithmetic are among the paper's eight.
TASKS = ("boolean_expressions", "multistep_arithmetic", "dyck_languages")
BATCHES = (1, 5)
UPDATES = 10

LOOP = """\
# {task}, {size} trial{s} an update, answered by a program. Written by case_studies/bbeh/bbeh_loops.py.
task = "loopwright.tasks.bbeh:bbeh"
seed = 0

[task_options]
name = "{task}"
agent = "program"       # answer(question) without a model
split = "paper"         # first 15 train, next 10 validation, the other 175 test
scorer = "strict"

[artifact]
path = "program.py"
edit = ["program.py"]   # the whole file

[evidence]
batch = {{ size = {size}, draw = "shuffle" }}

[optimizer]
kind = "{kind}"
memory = 5

[search]
accept = "always"       # validation chooses the best at the end

[budget]
steps = {updates}

[execution.limits]
seconds = 60            # one takes under a second on a free core; a busy machine must not change a score
"""


def names() -> list[str]:
    """Every loop by its name."""
    return [f"{task}-b{size}" for task in TASKS for size in BATCHES]


def loop_text(name: str, kind: str = "ask") -> str:
    """A loop file. Raises `SystemExit` with a sentence for a name that is none."""
    if name not in names():
        raise SystemExit(f"there is no loop '{name}'; there are {', '.join(names())}")
    task, _, size = name.rpartition("-b")
    return LOOP.format(task=task, size=size, s="" if size == "1" else "s", kind=kind, updates=UPDATES)


def write(name: str, folder: Path, kind: str = "ask") -> Path:
    """Write a loop file and its starting program into a new or empty folder; gives the loop file."""
    text = loop_text(name, kind)
    if folder.exists() and any(folder.iterdir()):
        raise SystemExit(f"{folder} holds files already; name a new folder")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "loop.toml").write_text(text, encoding="utf-8")
    (folder / "program.py").write_bytes(starting("program").read_bytes())
    return folder / "loop.toml"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", help=", ".join(names()))
    parser.add_argument("folder", type=Path)
    parser.add_argument("--optimizer", default="ask", metavar="KIND", help="ask (the default), mutate, optoprime, ...")
    given = parser.parse_args()
    loop = write(given.name, given.folder, given.optimizer)
    print(f"next:  loopwright run {loop} --out {given.folder / 'run'}")


if __name__ == "__main__":
    main()
