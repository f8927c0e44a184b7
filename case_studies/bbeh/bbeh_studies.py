"""The studies of batch size on BIG-Bench Extra Hard: writes one into a folder, ready for `loopwright study run`.

    python case_studies/bbeh/bbeh_studies.py updates DIR --agent openai/gpt-5-mini --optimizer openai/gpt-5.1
    loopwright study run DIR/study.toml --out DIR/study

`updates` is the paper's (arXiv 2603.23994, section 6): batch sizes 1, 3, 5 and 15 at 15 updates each, so that a larger
batch also sees more trials. `trials` has the same sizes at 45 training trials each: 45, 15, 9 and 3 updates. What
differs between the two is how much was seen. `local` and `local-trials` are the same two questions asked of models on
this machine, without a key and much smaller: `bbeh_local.py`.
"""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import bbeh_local

from loopwright.tasks.bbeh import EIGHT, starting

SIZES = (1, 3, 5, 15)
UPDATES = 15
TRIALS = 45  # of training

HEAD = """\
# Batch size on BIG-Bench Extra Hard at a fixed number of {fixed}. Written by case_studies/bbeh/bbeh_studies.py.
name = "bbeh-{name}"
repeats = 3
slots = 8
runs = 4
"""

LOOP = """
[loop]
task = "loopwright.tasks.bbeh:bbeh"

[loop.task_options]
name = "{task}"
split = "paper"             # first 15 train, next 10 validation, rest test
scorer = "strict"

[loop.artifact]
path = "agent.py"           # the paper's two parts
edit = ["PROMPT", "extract_answer"]

[loop.agent]
model = "{agent}"
temperature = 0
max_tokens = 2048

[loop.optimizer]
kind = "optoprime"
model = "{optimizer}"
memory = 0

[loop.evidence]
batch = {{ draw = "shuffle" }}
tokens = 30_000

[loop.search]
accept = "always"           # validation chooses the best at the end
"""

NAMES = ("updates", "trials", "local", "local-trials")


def study_text(name: str, agent: str, optimizer: str) -> str:
    """A study file. Raises `SystemExit` for a name that is none."""
    hosted = LOOP.format(task=EIGHT[0], agent=agent, optimizer=optimizer)
    tasks = f"task_options.name = {json.dumps(EIGHT)}"
    if name == "updates":
        axes = f"\n[axes]\n{tasks}\nevidence.batch.size = {list(SIZES)}\n"
        head = HEAD.format(fixed="updates", name=name)
        return head + axes + hosted + f"\n[loop.budget]\nsteps = {UPDATES}\n"
    if name == "trials":
        levels = "\n".join(
            f"b{size} = {{ evidence.batch.size = {size}, budget.steps = {TRIALS // size} }}" for size in SIZES
        )
        axes = f"\n[axes]\n{tasks}\n\n[axes.batch]\n{levels}\n"
        return HEAD.format(fixed="training trials", name=name) + axes + hosted
    if name in ("local", "local-trials"):
        return bbeh_local.local_study(name, agent, optimizer)
    raise SystemExit(f"there is no study '{name}'; there are {', '.join(NAMES)}")


def write(name: str, folder: Path, agent: str, optimizer: str) -> Path:
    """Write a study file and its starting agent into a new or empty folder; gives the study file."""
    text = study_text(name, agent, optimizer)
    if folder.exists() and any(folder.iterdir()):
        raise SystemExit(f"{folder} holds files already; name a new folder")
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "study.toml").write_text(text, encoding="utf-8")
    own = bbeh_local.AGENT if name.startswith("local") else starting("prompt").read_text(encoding="utf-8")
    (folder / "agent.py").write_text(own, encoding="utf-8")
    if name.startswith("local"):
        (folder / bbeh_local.OPTIMIZER.name).write_bytes(bbeh_local.OPTIMIZER.read_bytes())
    return folder / "study.toml"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("name", choices=NAMES)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--agent", default="local/qwen2.5-coder-0.5b", metavar="MODEL")
    parser.add_argument("--optimizer", default="local/qwen2.5-coder-1.5b", metavar="MODEL")
    given = parser.parse_args()
    path = write(given.name, given.folder, given.agent, given.optimizer)
    print(f"next:  loopwright study run {path} --out {given.folder / 'study'}")


if __name__ == "__main__":
    main()
