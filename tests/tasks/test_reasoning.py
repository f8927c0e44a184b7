"""Tasks of reasoning-gym: seeded and disjoint splits, its own verifiers, and no answer that a verifier would run."""

from __future__ import annotations

import importlib.util
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import loopwright as lw
from loopwright.errors import TaskError
from loopwright.tasks import reasoning
from loopwright.tasks.reasoning import graded, harmless
from loopwright.tasks.task import Task, load_task

# One test, below, is about the package's absence; all others need it.
HERE = importlib.util.find_spec("reasoning_gym") is not None
needed = pytest.mark.skipif(not HERE, reason="needs loopwright[reasoning-gym]")


def questions(task: Task) -> dict[str, list[str]]:
    return {split: [row["question"] for row in task.examples(split)] for split in ("train", "validation", "test")}


def score(task: Task, place: int, answer: object) -> lw.Feedback:
    row = task.examples("train")[place]
    program = SimpleNamespace(answer=lambda question, llm: answer)
    return task(program, row, SimpleNamespace(llm=None))


@needed
def test_there_are_over_a_hundred_tasks_by_name() -> None:
    assert len(reasoning.names()) > 100


@needed
def test_splits_are_seeded_and_share_no_question() -> None:
    made = questions(lw.tasks.reasoning_gym("chain_sum", train=8, validation=5, test=7))
    assert [len(part) for part in made.values()] == [8, 5, 7]
    assert len({question for part in made.values() for question in part}) == 20
    assert questions(lw.tasks.reasoning_gym("chain_sum", train=8, validation=5, test=7)) == made
    other = questions(lw.tasks.reasoning_gym("chain_sum", train=8, validation=5, test=7, seed=1))
    assert not set(other["train"]) & set(made["train"])


@needed
def test_the_score_is_the_verifiers_and_the_feedback_says_what_was_expected() -> None:
    task = lw.tasks.reasoning_gym("chain_sum", train=2, max_terms=2)
    expected = task.examples("train")[0]["entry"]["answer"]
    assert score(task, 0, expected).score == 1.0
    assert score(task, 0, int(expected)).score == 1.0
    wrong = score(task, 0, "about ten")
    assert wrong.score < 0.1
    assert f"A right answer is {expected!r}" in wrong.text
    assert "must be a text, not list" in score(task, 0, [expected]).text
    assert "at most 20,000" in score(task, 0, "9" * 30_000).text


@needed
@pytest.mark.parametrize(
    "name", ["graph_color", "rubiks_cube", "prime_factorization", "boxnet", "sudoku", "zebra_puzzles"]
)
def test_any_nonsense_is_worth_little_and_told(name: str) -> None:
    task = lw.tasks.reasoning_gym(name, train=1, validation=0, test=0)
    for answer in ["", "nonsense", ")(", "42", "{}", "\x00"]:
        got = score(task, 0, answer)
        assert 0 <= got.score < 0.5
        assert got.text


@needed
def test_a_task_is_named_in_a_loop_file_with_its_options(tmp_path: Path) -> None:
    spec = "loopwright.tasks:reasoning_gym"
    task = load_task(spec, tmp_path, {"name": "gcd", "train": 3, "validation": 2, "test": 2, "max_value": 40})
    assert len(task.examples("train")) == 3
    assert task.card().sizes == {"train": 3, "validation": 2, "test": 2}
    assert "verifier" in task.card().goal
    with pytest.raises(TaskError, match="needs name"):
        load_task(spec, tmp_path, {})


@needed
@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"name": "chain_sums"}, "did you mean 'chain_sum'"),
        ({"name": "composite"}, "no task 'composite'"),
        ({"name": "chain_sum", "max_term": 3}, "did you mean 'max_terms'"),
        ({"name": "chain_sum", "min_terms": 5, "max_terms": 2}, "cannot be made with these options"),
        ({"name": "chain_sum", "test": -1}, "no fewer than 0"),
    ],
)
def test_wrong_options_are_told_in_one_sentence(options: dict[str, Any], said: str) -> None:
    with pytest.raises(TaskError, match=said) as caught:
        lw.tasks.reasoning_gym(**options)
    assert "\n" not in str(caught.value)


@needed
def test_too_few_different_questions_are_told() -> None:
    few = lw.tasks.reasoning_gym("chain_sum", train=400, min_terms=2, max_terms=2, min_digits=1, max_digits=1)
    with pytest.raises(TaskError, match="too few different questions"):
        few.examples("train")


ATTACKS = [
    "__import__('os').system('true')",
    "open('/tmp/loopwright-broken','w')",
    "().__class__.__base__.__subclasses__()",
    "exec(chr(112))",
    "x.func",
    "[print(1)]",
    "(lambda: 1)()",
]


@pytest.mark.parametrize("answer", ATTACKS)
@pytest.mark.parametrize("name", sorted(reasoning._AS_LITERAL | reasoning._AS_FORMULA))
def test_no_verifier_is_given_an_answer_that_calls_something(name: str, answer: str) -> None:
    assert not harmless(name, answer) or ("(" not in answer and name in reasoning._AS_LITERAL)


@needed
@pytest.mark.parametrize("name", sorted(reasoning._AS_LITERAL | reasoning._AS_FORMULA))
def test_right_answers_of_evaluating_verifiers_still_pass(name: str) -> None:
    task = lw.tasks.reasoning_gym(name, train=4, validation=0, test=0)
    for place, row in enumerate(task.examples("train")):
        answer = str(row["entry"]["answer"])
        # The verifier takes an integral that is only written down for one that was found.
        assert score(task, place, answer).score == (0.0 if "Integral(" in answer else 1.0), row


@needed
def test_an_answer_that_is_a_program_is_not_run(tmp_path: Path) -> None:
    mark = tmp_path / "ran"
    task = lw.tasks.reasoning_gym("spiral_matrix", train=1, validation=0, test=0)
    assert score(task, 0, f"[open({str(mark)!r}, 'w')]").score == 0.0
    assert not mark.exists()


def test_a_missing_package_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    def missing(name: str) -> Any:
        raise ImportError(name)

    monkeypatch.setattr(reasoning, "import_module", missing)
    with pytest.raises(TaskError, match=r"pip install 'loopwright\[reasoning-gym\]'"):
        lw.tasks.reasoning_gym("chain_sum")


class Failing:
    def score_answer(self, answer: str, entry: dict[str, Any]) -> float:
        raise KeyError(answer)


def test_a_verifier_that_fails_is_an_answer_that_cannot_be_read() -> None:
    got = graded("any", Failing(), {"answer": "7"}, "seven")
    assert got.score == 0.0
    assert got.text == "the verifier cannot read the answer 'seven' (KeyError). A right answer is '7'."
