"""The tasks of reasoning-gym: `lw.tasks.reasoning_gym("chain_sum")`, over a hundred of them, for users without data.

    task = "loopwright.tasks:reasoning_gym"
    [task_options]
    name = "chain_sum"

Each makes its questions from a seed and checks answers with a verifier of its own. The program is called as
`answer(question, llm)` and gives a text; what it does in between (ask the model, or compute) is what is improved. The
package is the extra `reasoning-gym`. Not here: what a question of a task looks like (`loopwright init --template
reasoning` writes a loop that shows some).
"""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Callable
from dataclasses import fields
from importlib import import_module
from typing import Any, TypedDict, cast

from loopwright.errors import TaskError, nearest
from loopwright.feedback import Feedback
from loopwright.seeding import derive
from loopwright.tasks.task import Task
from loopwright.trial import Split

Maker = Callable[[dict[str, Any]], Any]  # a configuration in, a dataset out
LONGEST = 20_000  # characters of an answer that a verifier is given
DRAWS = 30  # questions drawn for each one wanted, before a task is said to have too few different ones

# Verifiers that evaluate the answer as Python, and so would run code that a program under test returns.
_AS_LITERAL = {"string_insertion", "spiral_matrix", "binary_matrix", "n_queens"}
_AS_FORMULA = {
    "simple_integration",
    "intermediate_integration",
    "polynomial_multiplication",
    "puzzle24",
    "countdown",
}
# Without "Integral": an integral that is only written down is not one that was found, though the verifier takes it.
_FUNCTIONS = {
    *("exp", "log", "ln", "sqrt", "pi", "sin", "cos", "tan", "sec", "csc", "cot", "asin", "acos", "atan"),
    *("sinh", "cosh", "tanh"),
}


class Question(TypedDict):
    """One example: the text, and what the verifier needs (with the answer, where the task knows one)."""

    question: str
    entry: dict[str, Any]


def reasoning_gym(
    name: str, *, train: int = 20, validation: int = 20, test: int = 40, seed: int = 0, **config: Any
) -> Task:
    """The task `name` of reasoning-gym; `config` goes to it, such as `max_terms = 3` of "chain_sum".

    `train`, `validation` and `test` are how many questions each split has; no question is in two of them, and the same
    `seed` gives the same ones. The score is that of the task's verifier, from 0 to 1, and the feedback says what was
    expected where the task knows it. Raises `TaskError`: the extra is missing, there is no such task (the nearest is
    named) or option, or the task does not have so many different questions.
    """
    make = _maker(name)
    _check(name, make, config)
    sizes: dict[Split, int] = {"train": train, "validation": validation, "test": test}
    for split, count in sizes.items():
        if count < 0:
            raise TaskError(f"{split} = {count}: a split has no fewer than 0 questions")

    def load() -> dict[str, list[Question]]:
        return cast("dict[str, list[Question]]", _questions(name, make, config, sizes, seed))

    # Made when first needed; holds no question, only how one of this kind is checked.
    verifier: list[Any] = []

    def solve(program: Any, row: Question, trial: Any) -> Feedback:
        if not verifier:
            verifier.append(make({**config, "size": 1, "seed": 0}))
        return graded(name, verifier[0], row["entry"], program.answer(row["question"], trial.llm))

    goal = (
        f"Answer questions of the kind '{name.replace('_', ' ')}'. The program is given the question as a text and "
        "returns the answer as a text, in the form that the question asks for and with nothing else. An exact verifier "
        "gives a score from 0 to 1."
    )
    return Task(solve, train=load, goal=goal, ceiling=1.0, name=name, calls=["answer"])


def graded(name: str, verifier: Any, entry: dict[str, Any], got: object) -> Feedback:
    """The verifier's score of an answer, and what was expected.

    `got` is untrusted: an answer that a verifier would evaluate as a program, or fails on, is worth 0 and said to be
    unreadable.
    """
    if isinstance(got, int | float) and not isinstance(got, bool):
        got = str(got)
    if not isinstance(got, str):
        return Feedback(0.0, f"the answer must be a text, not {type(got).__name__}. {_expected(entry)}".strip())
    text = got.strip()
    if len(text) > LONGEST:
        return Feedback(0.0, f"the answer has {len(text):,} characters; a verifier reads at most {LONGEST:,}")
    if not harmless(name, text):
        return Feedback(0.0, f"the verifier cannot read the answer {_short(text)}. {_expected(entry)}".strip())
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            score = min(1.0, max(0.0, float(verifier.score_answer(text, entry))))
    except Exception as error:  # noqa: BLE001 - verifiers differ in what they raise on nonsense: told as feedback
        problem = f"the verifier cannot read the answer {_short(text)} ({type(error).__name__})"
        return Feedback(0.0, f"{problem}. {_expected(entry)}".strip())
    if score >= 1.0:
        return Feedback(score, "right")
    word = "partly right" if score > 0.1 else "wrong"
    return Feedback(score, f"the answer {_short(text)} is {word}. {_expected(entry)}".strip())


def harmless(name: str, answer: str) -> bool:
    """Whether the verifier of `name` may be given this answer: where it would evaluate it, only plain values pass."""
    if name in _AS_LITERAL:
        if "(" not in answer:
            return True  # nothing can be called
        try:
            ast.literal_eval(answer)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            return False
        return True
    if name in _AS_FORMULA:
        words = set(re.findall(r"[^\W\d]\w*", answer))
        plain = re.fullmatch(r"[\w\s+\-*/^().,=]*", answer, flags=re.ASCII) is not None
        attribute = re.search(r"\.\s*[^\W\d]", answer) is not None
        return plain and not attribute and all(len(word) == 1 or word in _FUNCTIONS for word in words)
    return True


def names() -> list[str]:
    """The tasks that can be made by name alone. Raises `TaskError` where the extra is missing."""
    factory = _package("reasoning_gym.factory")
    return sorted(name for name in factory.DATASETS if name != "composite")


def _maker(name: str) -> Maker:
    """A function from a configuration to a dataset."""
    known = names()
    if name not in known:
        raise TaskError(f"reasoning-gym has no task '{name}'{nearest(name, known)}")
    create: Any = _package("reasoning_gym.factory").create_dataset

    def make(config: dict[str, Any]) -> Any:
        return create(name, **config)

    return make


def _check(name: str, make: Maker, config: dict[str, Any]) -> None:
    """Refuse what the task cannot be made with."""
    accepted = {field.name for field in fields(_package("reasoning_gym.factory").DATASETS[name][1])} - {"seed", "size"}
    for option in config:
        if option not in accepted:
            raise TaskError(f"[task_options] {option} is no option of the task '{name}'{nearest(option, accepted)}")
    try:
        make({**config, "size": 1, "seed": 0})
    except Exception as error:
        reason = str(error) or type(error).__name__
        raise TaskError(f"the task '{name}' cannot be made with these options: {reason}") from error


def _questions(
    name: str, make: Maker, config: dict[str, Any], sizes: dict[Split, int], seed: int
) -> dict[Split, list[Question]]:
    """The questions of all splits; each only once."""
    seen: set[str] = set()
    splits: dict[Split, list[Question]] = {}
    for split, count in sizes.items():
        made = make({**config, "size": max(1, count * DRAWS), "seed": derive(seed, name, split) >> 34})
        found: list[Question] = []
        for place in range(count * DRAWS):
            if len(found) == count:
                break
            entry: dict[str, Any] = made[place]
            question = str(entry["question"])
            if question not in seen:
                seen.add(question)
                found.append({"question": question, "entry": entry})
        if len(found) < count:
            raise TaskError(
                f"the task '{name}' has too few different questions: {len(seen)} were found for {sum(sizes.values())}; "
                "ask for fewer, or change its options"
            )
        splits[split] = found
    return splits


def _package(module: str) -> Any:
    try:
        return import_module(module)
    except ImportError:
        raise TaskError("this task needs the package reasoning-gym: pip install 'loopwright[reasoning-gym]'") from None


def _expected(entry: dict[str, Any]) -> str:
    answer = entry.get("answer")
    return f"A right answer is {_short(str(answer))}." if answer is not None else ""


def _short(text: str) -> str:
    return repr(text if len(text) <= 400 else f"{text[:300]} ... {text[-60:]}")
