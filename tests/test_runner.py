"""What the runner adds to the loop: durability, budgets, loudness, answers by hand, stopping cleanly."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest

import loopwright as lw
from loopwright.errors import (
    BudgetExhausted,
    FailingLoudly,
    ModelError,
    SettingsError,
    StoreError,
    TaskError,
    UsageError,
)
from loopwright.store import RunFolder
from loopwright.store.events import Answered, Ended, Proposed, Ran, Updated
from loopwright.testing.model_server import ModelServer, Received, refuse, reply

WORLD = Path(__file__).parent / "worlds" / "number"


def settings(**changes: Any) -> lw.Loop:
    table: dict[str, Any] = {
        "task": "task.py:distance",
        "artifact": {"path": "agent.py", "edit": ["NUMBER"]},
        "optimizer": {"model": "toy"},
        "search": {"accept": "improve"},
        "budget": {"steps": 5},
        "execution": {"isolation": "inline"},
    }
    for name, value in changes.items():
        inner = table
        *path, last = name.split("__")
        for part in path:
            inner = inner.setdefault(part, {})
        inner[last] = value
    return lw.Loop.of(table)


def next_number(prompt: str) -> str:
    """A model that adds one."""
    now = int(re.findall(r"### parameter: NUMBER\n```\w*\n(-?\d+)\n```", prompt)[-1])
    return f"One more.\n\n### parameter: NUMBER\n```\n{now + 1}\n```\n"


def run(folder: Path, loop: lw.Loop, model: Any = next_number, **options: Any) -> lw.Outcome:
    return lw.run(loop, folder / "run", root=WORLD, models={"toy": model}, **options)


def events(folder: Path, kind: type) -> list[Any]:
    journal = RunFolder(folder / "run").journal(readonly=True)
    return [entry.event for entry in journal.entries() if isinstance(entry.event, kind)]


def test_a_loop_learns_and_writes_the_best_down(tmp_path: Path) -> None:
    outcome = run(tmp_path, settings(budget__steps=9))
    assert outcome.best_validation == 0.0
    assert outcome.best_test == [0.0, 0.0]
    assert outcome.start_test == [-7.0, -7.0]
    best = (tmp_path / "run" / "best" / "agent.py").read_bytes()
    assert best == (WORLD / "agent.py").read_bytes().replace(b'NUMBER = "0"', b'NUMBER = "7"')
    assert len(events(tmp_path, Updated)) == 9


def test_running_again_in_the_same_folder_changes_nothing(tmp_path: Path) -> None:
    first = run(tmp_path, settings())
    before = RunFolder(tmp_path / "run").journal(readonly=True).canonical()
    calls: list[str] = []
    again = run(tmp_path, settings(), model=lambda prompt: calls.append(prompt) or "")
    assert again == first
    assert calls == []
    assert RunFolder(tmp_path / "run").journal(readonly=True).canonical() == before


def test_resume_with_a_larger_budget_goes_on(tmp_path: Path) -> None:
    run(tmp_path, settings(budget__steps=3))
    outcome = lw.resume(tmp_path / "run", budget={"steps": 8}, models={"toy": next_number})
    assert outcome.steps == 8
    assert outcome.best_validation == 0.0


def test_the_folder_of_another_loop_is_refused_and_kept(tmp_path: Path) -> None:
    run(tmp_path, settings())
    before = (tmp_path / "run" / "journal.db").read_bytes()
    with pytest.raises(StoreError, match=r"another loop \(search.accept differs\)"):
        run(tmp_path, settings(search__accept="always"))
    assert (tmp_path / "run" / "journal.db").read_bytes() == before
    with pytest.raises(StoreError, match="not the folder of a run"):
        lw.resume(tmp_path / "nothing")


def test_answers_by_hand_are_waited_for_and_used(tmp_path: Path) -> None:
    loop = settings(optimizer__model="ask", budget__steps=2)
    for turn in range(2):
        with pytest.raises(lw.Waiting) as waiting:
            run(tmp_path, loop)
        (question,) = waiting.value.questions
        text = question.read_text()
        assert "### parameter: NUMBER" in text
        assert "you answered" in text
        answer = f"### parameter: NUMBER\n```\n{3 + turn}\n```\n"
        question.with_name(f"{question.stem}.reply.md").write_text(answer)
    outcome = run(tmp_path, loop)
    assert outcome.best_validation == -3.0
    answered = events(tmp_path, Answered)
    assert [event.reply.model for event in answered] == ["ask", "ask"]


def test_unusable_replies_are_kept_with_their_reason_and_end_the_run_loudly(tmp_path: Path) -> None:
    with pytest.raises(FailingLoudly, match="3 updates in a row"):
        run(tmp_path, settings(budget__failures=3, budget__steps=50), model=lambda prompt: "I would rather not.")
    refused = events(tmp_path, Proposed)
    assert len(refused) == 3
    assert all(event.refused and event.reason and not event.candidate for event in refused)
    assert any("rather not" in event.reply for event in refused)


def test_a_model_that_always_fails_ends_the_run_and_a_mended_one_lets_it_go_on(tmp_path: Path) -> None:
    def broken(prompt: str) -> str:
        raise RuntimeError("no such luck")

    with pytest.raises(ModelError, match="no such luck"):
        run(tmp_path, settings(), model=broken)
    assert events(tmp_path, Ran)
    assert run(tmp_path, settings()).best_validation == -2.0


def test_a_trial_budget_too_small_for_one_update_is_refused_with_the_amount_needed(tmp_path: Path) -> None:
    with pytest.raises(BudgetExhausted, match=r"budget\.trials = 9 .* needed"):
        run(tmp_path, settings(budget__trials=9))
    assert events(tmp_path, Ran) == []


@pytest.mark.parametrize("calls", [1, 2, 4])
def test_a_call_budget_is_never_passed_and_the_test_is_still_made(tmp_path: Path, calls: int) -> None:
    asked: list[str] = []

    def counting(prompt: str) -> str:
        asked.append(prompt)
        return next_number(prompt)

    outcome = run(tmp_path, settings(budget__calls=calls, budget__steps=50), model=counting)
    assert len(asked) == calls == outcome.usage.calls
    assert outcome.steps == calls
    assert "budget.calls" in outcome.reason
    assert outcome.best_test


def test_calls_of_the_program_count_and_end_the_run_before_the_limit(tmp_path: Path) -> None:
    with ModelServer(lambda received: reply("x" * (1 + received.number % 3))) as server:
        loop = settings(
            task="task.py:chat",
            agent__model=server.model,
            budget__calls=40,
            budget__steps=50,
            search__accept="always",
        )
        outcome = run(tmp_path, loop)
        assert len(server.requests) + outcome.steps <= 40
        assert outcome.usage.calls <= 40
        assert outcome.best_test


def test_an_agent_model_that_refuses_every_call_stops_the_run(tmp_path: Path) -> None:
    with ModelServer(lambda received: refuse(401, "who are you")) as server:
        loop = settings(task="task.py:chat", agent__model=server.model, budget__failures=4)
        with pytest.raises(FailingLoudly, match=r"4 trials in a row.*who are you"):
            run(tmp_path, loop)
        assert len(server.requests) <= 6


def test_an_unreachable_endpoint_and_a_missing_key_are_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(ModelError, match="OPENAI_API_KEY"):
        run(tmp_path, settings(optimizer__model="openai/gpt-5.1"))
    assert events(tmp_path, Ran) == []
    with pytest.raises(SettingsError, match="provider"):
        lw.run(settings(optimizer__model="opnai/gpt"), tmp_path / "other", root=WORLD)


def test_the_stop_file_ends_a_run_after_the_update_under_way(tmp_path: Path) -> None:
    def stopping(prompt: str) -> str:
        (tmp_path / "run" / "stop").touch()
        return next_number(prompt)

    outcome = run(tmp_path, settings(budget__steps=50), model=stopping)
    assert outcome.steps == 1
    assert "stop file" in outcome.reason
    assert outcome.best_test


def test_a_task_that_cannot_be_loaded_leaves_no_half_run(tmp_path: Path) -> None:
    with pytest.raises(TaskError, match="chta"):
        run(tmp_path, settings(task="task.py:chta"))
    run(tmp_path, settings())


def test_replies_of_the_server_reach_the_journal_byte_for_byte(tmp_path: Path) -> None:
    def answer(received: Received) -> str:
        return next_number("\n".join(message["content"] for message in received.messages))

    with ModelServer(answer) as server:
        run(tmp_path, settings(optimizer__model=server.model, budget__steps=2))
        sent = [received.body["messages"] for received in server.requests]
    answered = events(tmp_path, Answered)
    assert [event.ask.messages for event in answered] == sent
    assert isinstance(events(tmp_path, Ended)[-1], Ended)


@pytest.mark.parametrize("draw", ["order", "shuffle", "failures", "contrast"])
def test_the_number_of_slots_changes_nothing_but_times(tmp_path: Path, draw: str) -> None:
    journals = []
    for slots in (1, 16):
        loop = settings(
            execution__isolation="process",
            execution__slots=slots,
            evidence__batch={"size": 3, "draw": draw},
            optimizer__model="toy",
            search__branches=3,
            budget__steps=6,
        )
        lw.run(loop, tmp_path / str(slots), root=WORLD, models={"toy": next_number})
        rows = RunFolder(tmp_path / str(slots)).journal(readonly=True).canonical()
        journals.append([row for row in rows if row[0] >= 0])  # the settings themselves differ in the slots
    assert journals[0] == journals[1]


def test_a_trial_run_again_gets_the_score_it_had(tmp_path: Path) -> None:
    outcome = run(tmp_path, settings())
    for index, score in enumerate(outcome.best_test):
        trial = lw.rerun(tmp_path / "run", split="test", index=index)
        assert trial.score == score
        assert trial.trace is not None
        assert trial.trace.steps
    with pytest.raises(UsageError, match="2 examples"):
        lw.rerun(tmp_path / "run", split="test", index=2)


def test_changed_limits_are_kept_and_the_stop_file_is_forgotten(tmp_path: Path) -> None:
    run(tmp_path, settings(budget__steps=1))
    (tmp_path / "run" / "stop").touch()
    assert lw.resume(tmp_path / "run", budget={"steps": 3}, models={"toy": next_number}).steps == 3
    assert lw.resume(tmp_path / "run", models={"toy": next_number}).steps == 3


def test_an_earlier_run_can_be_replayed_without_paying(tmp_path: Path) -> None:
    def answer(received: Received) -> str:
        return next_number("\n".join(message["content"] for message in received.messages))

    with ModelServer(answer) as server:
        first = run(tmp_path, settings(optimizer__model=server.model))
        count = server.count
        again = lw.run(settings(optimizer__model=f"replay/{tmp_path / 'run'}"), tmp_path / "again", root=WORLD)
        assert server.count == count
    assert (again.best, again.best_test, again.steps) == (first.best, first.best_test, first.steps)
    assert again.usage.calls == 0


def test_surrogates_that_a_program_prints_or_returns_do_not_end_an_inline_run(tmp_path: Path) -> None:
    (tmp_path / "agent.py").write_text('NUMBER = "0"\ndef guess(question):\n    return "\\ud800" * 3\n')
    (tmp_path / "task.py").write_text(
        "import loopwright as lw\n"
        "@lw.task(train=[1, 2], validation=[1], test=[1])\n"
        "def t(program, example, trial):\n    return 0.5, str(program.guess('q'))\n"
    )
    outcome = lw.run(settings(task="task.py:t"), tmp_path / "run", root=tmp_path, models={"toy": next_number})
    assert outcome.steps == 5  # whatever the trials came to, each is in the journal


@pytest.mark.parametrize("isolation", ["inline", "process"])
def test_a_function_of_the_program_called_run_is_told_apart_from_a_command(tmp_path: Path, isolation: str) -> None:
    (tmp_path / "agent.py").write_text('NUMBER = "0"\ndef run(text):\n    return 1.0\n')
    (tmp_path / "task.py").write_text(
        "import loopwright as lw\n"
        "@lw.task(train=[1], validation=[1], test=[1])\n"
        "def t(program, example, trial):\n    return program.run('hello')\n"
    )
    loop = settings(task="task.py:t", execution__isolation=isolation, budget__steps=1)
    lw.run(loop, tmp_path / "run", root=tmp_path, models={"toy": next_number})
    texts = {event.trial.feedback.text for event in events(tmp_path, Ran)}
    assert all("takes a command as a list of words" in text for text in texts), texts


@pytest.mark.parametrize("isolation", ["inline", "process"])
def test_values_of_any_kind_are_shown_alike_after_a_resume(tmp_path: Path, isolation: str) -> None:
    """A trace read back from the journal makes the evidence that it made at first, or a resume would find another."""
    (tmp_path / "agent.py").write_text(
        "def table(x):\n    return {1: (x, 2), None: [x], (3, 4): {5}, '1': b'6', 2.5: True, 'nan': float('nan')}\n"
        "def answer(x):\n    return len(table(x))\n"
    )
    (tmp_path / "task.py").write_text(
        "import loopwright as lw\n\n\n@lw.task(train=[1, 2])\n"
        "def count(program, x, trial):\n    return float(program.answer(x)), 'counted'\n"
    )
    loop = lw.Loop.of(
        {
            "task": "task.py:count",
            "artifact": {"path": "agent.py", "edit": ["table", "answer"]},
            "optimizer": {"kind": "ask"},
            "execution": {"isolation": isolation},
            "budget": {"steps": 1},
        }
    )
    with pytest.raises(lw.Waiting) as waiting:
        lw.run(loop, tmp_path / "run", root=tmp_path)
    (question,) = waiting.value.questions
    asked = question.read_text()
    assert "table(x=" in asked
    question.with_name(f"{question.stem}.reply.md").write_text("NO CHANGE")
    lw.resume(tmp_path / "run")
    assert question.read_text() == asked
