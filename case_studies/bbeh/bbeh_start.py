"""What a starting agent with a model scores before anything is learned, on the validation and the test split.

    python case_studies/bbeh/bbeh_start.py disambiguation_qa small --model local/qwen2.5-coder-0.5b --test 20

The forms are those of `loopwright.tasks.bbeh.starting`, and `small`: the agent of the local study, whose replies are
short. Every question is one model call; `--test` says how many questions of the test split are asked, the first ones.
"""

from __future__ import annotations

import argparse
import tempfile
from pathlib import Path

from bbeh_baselines import told
from bbeh_studies import LOCAL_AGENT

import loopwright as lw
from loopwright.tasks.bbeh import starting

EDIT = {"prompt": ["PROMPT", "extract_answer"], "few_shot": ["PROMPT", "extract_answer"], "small": ["PROMPT"]}
SHOTS = 3


def started(task: str, form: str, model: str, *, test: int | None, folder: Path) -> lw.Outcome:
    """A run of no update: it scores the starting agent and ends."""
    folder.mkdir(parents=True, exist_ok=True)
    text = LOCAL_AGENT if form == "small" else starting("few_shot" if form == "few_shot" else "prompt").read_text()
    (folder / "agent.py").write_text(text, encoding="utf-8")
    options = {"name": task, "shots": SHOTS if form == "few_shot" else 0}
    loop = {
        "task": "loopwright.tasks.bbeh:bbeh",
        "task_options": options if test is None else {**options, "test": test},
        "artifact": {"path": "agent.py", "edit": EDIT[form]},
        "agent": {"model": model, "temperature": 0, "max_tokens": 16 if form == "small" else 1024},
        "optimizer": {"kind": "mutate"},
        "budget": {"steps": 0},
        "local": {"threads": 1},
        "execution": {"slots": 1},
    }
    return lw.run(lw.Loop.of(loop), folder / "run", root=folder)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task")
    parser.add_argument("form", choices=sorted(EDIT))
    parser.add_argument("--model", required=True)
    parser.add_argument("--test", type=int)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        outcome = started(given.task, given.form, given.model, test=given.test, folder=Path(temporary))
    validation = 0 if outcome.start_validation is None else round(outcome.start_validation * 10)
    print(f"validation  {told(validation, 10)}")
    print(f"test        {told(round(sum(outcome.start_test)), len(outcome.start_test))}")
    print(f"calls       {outcome.usage.calls}, {outcome.usage.tokens:,} tokens")


if __name__ == "__main__":
    main()
