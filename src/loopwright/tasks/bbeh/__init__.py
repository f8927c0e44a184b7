"""BIG-Bench Extra Hard as tasks: 23 sets of hard questions with exact answers.

    task = "loopwright.tasks.bbeh:bbeh"
    task_options = { name = "boolean_expressions", split = "shuffled", scorer = "benchmark" }

The questions are not part of this package: `loopwright data pull bbeh` fetches them. `starting` gives the files of
starting artifacts. The paper's study of batch sizes (arXiv 2603.23994, section 6) used eight of these tasks (`EIGHT`).
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any, Literal, get_args

from loopwright.errors import TaskError, nearest
from loopwright.feedback import Feedback
from loopwright.tasks.bbeh.catalogue import EIGHT as EIGHT
from loopwright.tasks.bbeh.catalogue import TASKS as TASKS
from loopwright.tasks.bbeh.catalogue import entry
from loopwright.tasks.bbeh.scorers import SCORERS, Scorer
from loopwright.tasks.bbeh.splits import SPLITS, TRAIN, VALIDATION, Split, split_rows
from loopwright.tasks.task import Task, TrialHandle

Agent = Literal["model", "program"]
Form = Literal["prompt", "few_shot", "program"]
QUOTED = 300  # characters of a wrong answer that the feedback quotes


def bbeh(
    name: str,
    *,
    split: Split = "paper",
    scorer: Scorer = "strict",
    agent: Agent = "model",
    shots: int = 0,
    seed: int = 0,
    train: int = TRAIN,
    validation: int = VALIDATION,
    test: int | None = None,
    longest: int | None = None,
    reveal: bool = True,
) -> Task:
    """One task of the benchmark; an example is a question, the score 1 or 0.

    The program has a function `answer(question, llm)` that gives the answer as a text; with `agent = "program"` it is
    `answer(question)` and no model is there: it must solve the question with code. With `shots`, so many questions of
    the train split with their answers are handed over as a third argument, never the question asked itself.

    `split` is "paper" (first 15 train, next 10 validation, rest test), "shuffled" or "stratified" (both by `seed`);
    `train`, `validation` and `test` are how many questions each has. With `longest`, only questions of at most so many
    characters are taken, for models that read slowly or little: an easier task, whose scores are no scores of the
    benchmark. `scorer` is "strict" (the paper's) or "benchmark"
    (the benchmark's own); the other one's verdict is recorded as a metric. The feedback tells the expected answer, as
    the paper's does, unless `reveal` is off. Raises `TaskError`, and `DataError` where the questions are not here.
    """
    known = entry(name)
    for option, value, choices in (
        ("split", split, SPLITS),
        ("scorer", scorer, tuple(SCORERS)),
        ("agent", agent, get_args(Agent)),
    ):
        if value not in choices:
            raise TaskError(f"{option} = '{value}' is none of a BBEH task's{nearest(value, choices)}")
    if agent == "program" and shots:
        raise TaskError('shots are questions for a model; a program has none: drop shots or set agent = "model"')
    if not 0 <= shots < train:
        raise TaskError(f"shots = {shots}: they come from the train split, which has {train} questions")
    taken = [row for row in rows(name) if longest is None or len(row["input"]) <= longest]
    if longest is not None and len(taken) <= train + validation:
        raise TaskError(
            f"longest = {longest}: {name} has {len(taken)} questions of at most so many characters, and "
            f"{train} are for training and {validation} for validation; allow longer ones, or fewer"
        )
    data = split_rows(taken, split, seed=seed, train=train, validation=validation, test=test)

    def run(program: Any, row: dict[str, str], trial: TrialHandle) -> Feedback:
        return judged(_ask(program, row, trial, agent, data["train"], shots), row["target"], scorer, reveal)

    model = "" if agent == "model" else " There is no model: the program must work the answer out of the text."
    goal = (
        f"Answer questions of the task {name}: {known.asks}. The answer is {known.answer}, and nothing else counts "
        f"as right.{model} Other questions of the same kind will be asked; what helps only with those seen is worth "
        "nothing."
    )
    return Task(run, **data, goal=goal, ceiling=1.0, name=f"bbeh/{name}", calls=["answer"])


def judged(got: object, expected: str, scorer: Scorer = "strict", reveal: bool = True) -> Feedback:
    """The feedback to an answer: 1 or 0 by `scorer`, with the other scorer's verdict as a metric of its name."""
    wanted = f" The expected answer is {expected!r}." if reveal else ""
    if not isinstance(got, str):
        kind = "nothing" if got is None else f"a value of the type {type(got).__name__}"
        return Feedback(0.0, f"The answer must be a text, not {kind}.{wanted}")
    right = {each: judge(got, expected) for each, judge in SCORERS.items()}
    other = next(each for each in SCORERS if each != scorer)
    metrics = {other: float(right[other])}
    if right[scorer]:
        return Feedback(1.0, "The answer is correct.", metrics)
    quoted = repr(got) if len(got) <= QUOTED else f"{got[:QUOTED]!r}... ({len(got):,} characters)"
    form = " It says the right thing in a form that does not count." if right[other] and reveal else ""
    return Feedback(0.0, f"The answer {quoted} is wrong.{form}{wanted}", metrics if reveal else {})


def rows(name: str) -> list[dict[str, str]]:
    """All questions of a task in the order of the data set: {"input", "target"}. Raises `TaskError`, `DataError`."""
    from loopwright.data import read

    entry(name)
    try:
        table: Any = json.loads(read("bbeh", f"{name}.json.gz"))
        return [{"input": row["input"], "target": row["target"]} for row in table["examples"]]
    except (ValueError, KeyError, TypeError) as error:
        raise TaskError(f"the questions of {name} cannot be read: {type(error).__name__}: {error}") from None


def starting(form: Form = "prompt") -> Path:
    """The file of a starting artifact; each has the function `answer` that the tasks call.

    "prompt": the paper's two parts, `PROMPT` and `extract_answer`; "few_shot": the same with worked examples from the
    train split (`shots`), and `show` that writes one; "program": a program without a model (`agent = "program"`).
    Raises `TaskError`.
    """
    if form not in get_args(Form):
        raise TaskError(f"there is no starting artifact of the form '{form}'{nearest(form, get_args(Form))}")
    return Path(__file__).parent / "agents" / f"{form}.py"


def _ask(
    program: Any, row: dict[str, str], trial: TrialHandle, agent: Agent, train: Sequence[dict[str, str]], shots: int
) -> object:
    if agent == "program":
        return program.answer(row["input"])
    if not shots:
        return program.answer(row["input"], trial.llm)
    others = [each for each in train if each["input"] != row["input"]]
    pairs = [{"question": each["input"], "answer": each["target"]} for each in others[:shots]]
    return program.answer(row["input"], trial.llm, pairs)
