"""The three starting artifacts in loops, as a loop file names them: they run, are asked as said, can be improved."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from questions import made_up

import loopwright as lw
from loopwright.record import record
from loopwright.tasks import bbeh as package
from loopwright.tasks.bbeh import starting


@pytest.fixture(autouse=True)
def own(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "rows", lambda name: made_up())


def loop(form: str, edit: list[str], **options: Any) -> lw.Loop:
    return lw.Loop.of(
        {
            "task": "loopwright.tasks.bbeh:bbeh",
            "task_options": {"name": "boolean_expressions", "test": 5, **options},
            "artifact": {"path": "agent.py", "edit": edit},
            "agent": {"model": "agent"} if form != "program" else {},
            "optimizer": {"model": "writer"},
            "budget": {"steps": 1},
            "execution": {"isolation": "inline"},
        }
    )


def run(tmp_path: Path, form: str, edit: list[str], says: Any, answer: str, **options: Any) -> lw.Outcome:
    (tmp_path / "agent.py").write_bytes(starting(form).read_bytes())  # type: ignore[arg-type]
    models = {"agent": says, "writer": lambda _: answer}
    return lw.run(loop(form, edit, **options), tmp_path / "run", root=tmp_path, models=models)


def block(name: str, text: str) -> str:
    return f"Better.\n\n### parameter: {name}\n```\n{text}\n```\n"


def test_the_prompt_agent_fails_loudly_without_its_word_and_learns_to_have_it(tmp_path: Path) -> None:
    asked: list[str] = []

    def agent(prompt: str) -> str:
        asked.append(prompt)
        return "(A)"

    better = block("extract_answer", "def extract_answer(reply):\n    return reply.split('Answer:')[-1].strip()")
    outcome = run(tmp_path, "prompt", ["PROMPT", "extract_answer"], agent, better)
    assert outcome.start_validation == 0
    assert outcome.best_validation == 0.7
    (trial,) = record(tmp_path / "run").update(1).batch
    assert trial.feedback.error == "exception"
    assert "IndexError" in trial.feedback.text
    assert all("Question: What is" in prompt for prompt in asked)


def test_the_few_shot_agent_shows_solved_questions_of_training_alone(tmp_path: Path) -> None:
    asked: list[str] = []

    def agent(prompt: str) -> str:
        asked.append(prompt)
        return "I think so. Answer: (A)"

    outcome = run(tmp_path, "few_shot", ["PROMPT", "show", "extract_answer"], agent, "NO CHANGE", shots=2)
    assert outcome.start_validation == 0.7
    train = [row["input"] for row in made_up()[:15]]
    for prompt in asked:
        assert prompt.count("Answer: (A)") == 2
        parts = prompt.split("Question: ")[1:]
        assert all(part.partition("\nAnswer:")[0].strip() in train for part in parts[:2])
        assert parts[2].strip() not in [part.partition("\nAnswer:")[0].strip() for part in parts[:2]]


def test_the_program_is_replaced_as_a_whole_and_no_model_is_there(tmp_path: Path) -> None:
    program = (
        "import re\n\n\ndef answer(question):\n"
        "    n = int(re.search(r'is (\\d+)', question)[1])\n"
        "    options = dict(re.findall(r'\\((.)\\) (\\d+)', question))\n"
        "    return next(f'({letter})' for letter, value in options.items() if int(value) == n + 7)"
    )
    outcome = run(tmp_path, "program", ["agent.py"], None, block("agent.py", program), agent="program")
    assert outcome.start_validation == 0.7
    assert outcome.best_validation == 1.0
    assert outcome.best_test == [1.0] * 5
