"""BBEH as tasks: the program is asked as the options say, splits do not overlap, and mistakes are named."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from questions import made_up, needs_data

import loopwright as lw
from loopwright.artifact import Artifact
from loopwright.errors import TaskError
from loopwright.tasks import bbeh as package
from loopwright.tasks.bbeh import EIGHT, TASKS, bbeh, judged, rows, starting
from loopwright.tasks.task import TrialHandle
from loopwright.trial import TrialSpec


@pytest.fixture
def own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "rows", lambda name: made_up())


class Program:
    """Answers always the same, and remembers what it was handed."""

    def __init__(self, says: str = "(A)") -> None:
        self.says = says
        self.asked: list[tuple[Any, ...]] = []

    def answer(self, *arguments: Any) -> str:
        self.asked.append(arguments)
        return self.says


def run(task: lw.task, program: Any, split: str = "train", index: int = 0) -> lw.Feedback:
    spec = TrialSpec("c", split, index, 0)
    return task.run(program, spec, TrialHandle(spec))


@pytest.mark.usefixtures("own")
class TestMadeUp:
    def test_the_paper_s_split_is_in_order_and_shows_its_flaw(self) -> None:
        task = bbeh("boolean_expressions")
        assert [len(task.examples(split)) for split in ("train", "validation", "test")] == [15, 10, 15]
        assert [row["input"] for row in task.examples("train")] == [row["input"] for row in made_up()[:15]]
        assert {row["target"] for row in task.examples("train")} == {"(A)"}

    def test_the_other_splits_mend_it(self) -> None:
        shares = {}
        for split in ("shuffled", "stratified"):
            task = bbeh("boolean_expressions", split=split, seed=3)
            parts = [[row["input"] for row in task.examples(name)] for name in ("train", "validation", "test")]
            assert len({each for part in parts for each in part}) == 40
            counts = Counter(row["target"] for row in task.examples("train"))
            assert len(counts) == 2
            shares[split] = counts["(A)"] / 15
        assert shares["stratified"] == pytest.approx(30 / 40, abs=0.05)

    def test_a_split_depends_on_its_seed_alone(self) -> None:
        def drawn(seed: int) -> list[str]:
            return [row["input"] for row in bbeh("nycc", split="shuffled", seed=seed).examples("test")]

        assert drawn(1) == drawn(1)
        assert drawn(1) != drawn(2)

    def test_questions_that_are_too_long_are_in_no_split(self, monkeypatch: pytest.MonkeyPatch) -> None:
        mixed = [
            {**row, "input": row["input"].ljust(900 if n % 4 == 0 else 300, ".")} for n, row in enumerate(made_up())
        ]
        monkeypatch.setattr(package, "rows", lambda name: mixed)
        task = bbeh("nycc", longest=300)
        asked = [row["input"] for split in ("train", "validation", "test") for row in task.examples(split)]
        assert asked == [row["input"] for row in mixed if len(row["input"]) == 300]
        assert len(asked) == 30

    def test_a_program_is_handed_the_question_alone(self) -> None:
        program = Program()
        run(bbeh("boolean_expressions", agent="program"), program)
        assert program.asked == [(made_up()[0]["input"],)]

    def test_an_agent_is_handed_a_model_and_shots_without_its_own_question(self) -> None:
        program = Program()
        run(bbeh("boolean_expressions"), program)
        run(bbeh("boolean_expressions", shots=3), program, index=1)
        assert len(program.asked[0]) == 2
        _, model, shots = program.asked[1]
        assert callable(model)
        assert [shot["question"] for shot in shots] == [made_up()[i]["input"] for i in (0, 2, 3)]
        assert [shot["answer"] for shot in shots] == ["(A)"] * 3

    def test_the_scorer_is_a_setting(self) -> None:
        strictly = run(bbeh("boolean_expressions"), Program("The answer is A"))
        leniently = run(bbeh("boolean_expressions", scorer="benchmark"), Program("The answer is A"))
        assert (strictly.score, strictly.metrics) == (0, {"benchmark": 1.0})
        assert (leniently.score, leniently.metrics) == (1, {"strict": 0.0})

    @pytest.mark.parametrize(
        ("name", "options", "words"),
        [
            ("boolean_expression", {}, "did you mean 'boolean_expressions'"),
            ("nycc", {"split": "papers"}, "did you mean 'paper'"),
            ("nycc", {"scorer": "strickt"}, "did you mean 'strict'"),
            ("nycc", {"agent": "programme"}, "did you mean 'program'"),
            ("nycc", {"agent": "program", "shots": 1}, "no shots|has none"),
            ("nycc", {"shots": 15}, "train split, which has 15"),
            ("nycc", {"train": 30, "validation": 20}, "holds 40"),
            ("nycc", {"longest": 5}, "longest = 5: nycc has 0 questions"),
        ],
    )
    def test_a_mistake_is_named(self, name: str, options: dict[str, Any], words: str) -> None:
        with pytest.raises(TaskError, match=words):
            bbeh(name, **options)


@pytest.mark.parametrize(
    ("got", "words"),
    [
        ("(B)", ["'(B)' is wrong", "'(A)'"]),
        ("A", ["right thing in a form that does not count"]),
        (7, ["type int"]),
        (None, ["nothing"]),
        ("x" * 5000, ["5,000 characters"]),
    ],
)
def test_a_wrong_answer_is_told_in_few_words(got: object, words: list[str]) -> None:
    feedback = judged(got, "(A)")
    assert feedback.score == 0
    assert all(word in feedback.text for word in words), feedback.text
    assert len(feedback.text) < 500
    assert "(A)" not in judged(got, "(A)", reveal=False).text


def test_what_is_not_revealed_cannot_be_read_off_a_metric() -> None:
    assert judged("A", "(A)", reveal=False).metrics == {}


@pytest.mark.parametrize("form", ["prompt", "few_shot", "program"])
def test_a_starting_artifact_has_the_parts_that_its_loops_edit(form: str) -> None:
    edit = {
        "prompt": ["PROMPT", "extract_answer"],
        "few_shot": ["PROMPT", "show", "extract_answer"],
        "program": ["parse", "solve"],
    }
    path = starting(form)
    artifact = Artifact.load([path], edit[form], root=path.parent)
    assert list(artifact.start.texts) == edit[form]


def test_a_form_that_does_not_exist_is_named() -> None:
    with pytest.raises(TaskError, match="did you mean 'program'"):
        starting("programm")  # type: ignore[arg-type]


def test_all_23_tasks_and_the_eight_are_known() -> None:
    assert len(TASKS) == 23
    assert len(EIGHT) == 8
    assert set(EIGHT) < set(TASKS)


# The share of the most common answer in the test split of the data set's own order.
MAJORITY = {
    "dyck_languages": 0.086,
    "geometric_shapes": 0.149,
    "linguini": 0.011,
    "causal_understanding": 0.417,
    "disambiguation_qa": 0.200,
    "boolean_expressions": 0.223,
    "movie_recommendation": 0.126,
    "boardgame_qa": 0.383,
}


@needs_data
class TestRealData:
    @pytest.mark.parametrize("name", sorted(TASKS))
    def test_every_task_is_there(self, name: str) -> None:
        data = rows(name)
        assert len(data) == TASKS[name].count
        assert all(type(row["input"]) is type(row["target"]) is str and row["input"] for row in data)
        assert TASKS[name].short == (max(len(row["input"]) for row in data) < 2000)
        task = bbeh(name)
        assert [len(task.examples(split)) for split in ("train", "validation")] == [15, 10]
        assert len(task.card().goal) < 600

    @pytest.mark.parametrize("name", sorted(MAJORITY))
    def test_the_paper_s_test_splits_have_the_known_majorities(self, name: str) -> None:
        targets = Counter(row["target"] for row in bbeh(name).examples("test"))
        assert targets.most_common(1)[0][1] / targets.total() == pytest.approx(MAJORITY[name], abs=0.0006)

    def test_the_flaw_of_boardgame_qa_and_its_mending(self) -> None:
        def classes(split: str) -> int:
            return len({row["target"] for row in bbeh("boardgame_qa", split=split).examples("train")})

        assert classes("paper") == 1
        assert classes("shuffled") == 3
        counts = Counter(row["target"] for row in bbeh("boardgame_qa", split="stratified").examples("train"))
        assert max(counts.values()) - min(counts.values()) <= 1
        constant = [run(bbeh("boardgame_qa"), Program("disproved"), "test", index).score for index in range(175)]
        assert sum(constant) == 46

    def test_the_benchmark_s_scorer_refuses_a_few_of_its_own_answers(self) -> None:
        """It drops a final full stop from the answer and not from the expected one; 11 of linguini's end in one."""
        refused = {
            name: sum(judged(row["target"], row["target"]).metrics["benchmark"] == 0 for row in rows(name))
            for name in TASKS
        }
        assert {name: count for name, count in refused.items() if count} == {"linguini": 11}
        assert all(judged(row["target"], row["target"]).score == 1 for name in TASKS for row in rows(name))
