"""What a starting agent with a model scores before anything is learned, in training, validation and test.

    python case_studies/bbeh/bbeh_start.py disambiguation_qa prompt --model local/qwen2.5-coder-0.5b --test 20

The forms are those of `loopwright.tasks.bbeh.starting`, and `small`: the agent of the local study, whose replies are
short. Every question is one model call; `--test` says how many questions of the test split are asked, the first ones,
`--reply` where replies are cut, `--chars` how long a question may be. Prints a row of a table: shares of right answers
with Wilson's 95 % interval.
"""

from __future__ import annotations

import argparse
import resource
import tempfile
from collections.abc import Mapping
from pathlib import Path

import bbeh_local
from bbeh_baselines import told

import loopwright as lw
from loopwright.tasks.bbeh import starting
from loopwright.tasks.bbeh.splits import SPLITS
from loopwright.trajectories import ALL, Point
from loopwright.wiring import ModelFunction

EDIT = {"prompt": ["PROMPT", "extract_answer"], "few_shot": ["PROMPT", "extract_answer"], "small": ["PROMPT"]}
SHOTS = 3
REPLY = 1024  # tokens, where nothing else is said; those of `small` are as short as in the study


def started(
    task: str,
    form: str,
    model: str,
    *,
    folder: Path,
    split: str = "paper",
    test: int | None = None,
    reply: int | None = None,
    chars: int | None = None,
    models: Mapping[str, ModelFunction] | None = None,
) -> Point:
    """The scores of a starting agent by split. It is a run of no update, and the training questions asked after it.

    `reply` is the longest reply in tokens, `chars` the longest question that is asked at all.
    """
    folder.mkdir(parents=True, exist_ok=True)
    text = bbeh_local.AGENT if form == "small" else starting("few_shot" if form == "few_shot" else "prompt").read_text()
    (folder / "agent.py").write_text(text, encoding="utf-8")
    options: dict[str, str | int] = {"name": task, "split": split, "shots": SHOTS if form == "few_shot" else 0}
    options |= {name: value for name, value in (("test", test), ("longest", chars)) if value is not None}
    tokens = reply or (bbeh_local.REPLY if form == "small" else REPLY)
    loop = {
        "task": "loopwright.tasks.bbeh:bbeh",
        "task_options": options,
        "artifact": {"path": "agent.py", "edit": EDIT[form]},
        "agent": {"model": model, "temperature": 0, "max_tokens": tokens},
        "optimizer": {"kind": "mutate"},
        "budget": {"steps": 0},
        "local": {"threads": 1},
        "execution": {"slots": 1, "limits": {"seconds": 300}},
    }
    lw.run(lw.Loop.of(loop), folder / "run", root=folder, models=models)
    return lw.trajectory(folder / "run", models=models)[0]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("task")
    parser.add_argument("form", choices=sorted(EDIT))
    parser.add_argument("--model", required=True)
    parser.add_argument("--split", choices=SPLITS, default="paper")
    parser.add_argument("--test", type=int, metavar="N", help="so many test questions (all, unless said)")
    parser.add_argument("--reply", type=int, metavar="TOKENS", help="the longest reply")
    parser.add_argument("--chars", type=int, help="ask only questions of at most so many characters")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as temporary:
        point = started(
            given.task,
            given.form,
            given.model,
            folder=Path(temporary),
            split=given.split,
            test=given.test,
            reply=given.reply,
            chars=given.chars,
        )
    used = resource.getrusage(resource.RUSAGE_CHILDREN)  # local models run in a process of their own
    cells = [told(round(sum(point.scores[each])), len(point.scores[each])) for each in ALL]
    sizes = " + ".join(str(len(point.scores[each])) for each in ALL)
    print("| task, split | form | model | questions | train | validation | test | CPU seconds |")
    print("| --- |" + " --- |" * 7)
    print(
        f"| `{given.task}`, {given.split} | {given.form} | {given.model} | {sizes} | {' | '.join(cells)} "
        f"| {used.ru_utime + used.ru_stime:.0f} |"
    )


if __name__ == "__main__":
    main()
