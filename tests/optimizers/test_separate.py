"""Experiences read one by one, and merged: what each reader sees, what the merging call sees, and what it costs."""

from __future__ import annotations

import random
from pathlib import Path
from typing import Any

import msgspec
import pytest
from test_in_a_loop import PROGRAM, TASK

import loopwright as lw
from loopwright.errors import SettingsError
from loopwright.evidence import Evidence
from loopwright.llm.protocol import Ask, Reply
from loopwright.optimizers import make_optimizer
from loopwright.optimizers.asking import Asking
from loopwright.optimizers.protocol import Optimizer, Proposal, Rejected
from loopwright.optimizers.separate import Separate
from loopwright.record import record
from loopwright.settings import Loop
from loopwright.store.events import Answered
from loopwright.testing import OptimizerConformance
from loopwright.testing.optimizers import check_of, views
from loopwright.wiring import optimizer_of

JOINT = views()["many parameters"].evidence
APART = Evidence.about([*JOINT.experiences, JOINT.experiences[0]], combine="separate")
VIEW = msgspec.structs.replace(views()["many parameters"], evidence=APART)


def prompt(number: int) -> str:
    return f"Reason {number}.\n\n### parameter: PROMPT\n```\nSay {number}: {{question}}\n```"


def is_merge(ask: Ask) -> bool:
    return "You merge proposals" in ask.messages[0]["content"]


class Around(OptimizerConformance):
    kind = "optoprime"

    def make(self, **settings: Any) -> Optimizer:
        shared = {"model": "m", **settings}
        return Separate(make_optimizer(self.kind, {**shared, "samples": 1}), Asking(**shared))


class TestAroundOptoPrime(Around):
    kind = "optoprime"


class TestAroundTextGrad(Around):
    kind = "textgrad"


class TestAroundEvolve(Around):
    kind = "evolve"


def test_each_reader_sees_one_experience_and_the_merger_all_proposals() -> None:
    def answer(ask: Ask) -> Reply:
        if is_merge(ask):
            return Reply([prompt(9)])
        return Reply([prompt(1 if "score 1.0" in ask.messages[1]["content"] else 2)])

    (result,), rounds = Around().drive(VIEW, answer)
    readers, (merger,) = rounds
    assert len(readers) == 3
    for ask, experience in zip(readers, APART.experiences, strict=True):
        assert Evidence.about([experience]).text in ask.messages[1]["content"]
        assert "independent trials" not in ask.messages[1]["content"]
    said = merger.messages[1]["content"]
    assert said.count("## Proposal ") == 2  # two of the three were equal
    for words in ("Reason 1.", "Reason 2.", "Say 1", "Say 2", "score 0", "score 1"):
        assert words in said
    assert isinstance(result, Proposal)
    assert result.texts == {"PROMPT": "Say 9: {question}"}


def test_samples_are_drawn_from_the_merging_call_alone() -> None:
    numbers = iter(range(20))
    results, rounds = Around().drive(VIEW, lambda ask: Reply([prompt(next(numbers)) for _ in range(ask.n)]), samples=3)
    assert [ask.n for asks in rounds for ask in asks] == [1, 1, 1, 3]
    assert len(results) == 3


def test_one_proposal_alone_is_not_merged_and_none_are_rejections() -> None:
    (result,), rounds = Around().drive(VIEW, lambda ask: Reply([prompt(1)]))
    assert len(rounds) == 1
    assert isinstance(result, Proposal)
    results, rounds = Around().drive(VIEW, lambda ask: Reply(["NO CHANGE"]), samples=2)
    assert len(rounds) == 1
    assert [type(each) for each in results] == [Rejected, Rejected]


def test_a_joint_context_is_read_as_ever() -> None:
    view = msgspec.structs.replace(VIEW, evidence=JOINT)
    _, rounds = Around().drive(view, lambda ask: Reply([prompt(1)]))
    assert len(rounds[0]) == 1
    assert JOINT.text in rounds[0][0].messages[1]["content"]


def test_long_proposals_share_the_room_and_none_is_left_out() -> None:
    long = Evidence.about(APART.experiences, combine="separate", tokens=600)
    view = msgspec.structs.replace(VIEW, evidence=long)
    numbers = iter(range(9))

    def answer(ask: Ask) -> Reply:
        return Reply([prompt(1) if is_merge(ask) else prompt(next(numbers)).replace("Say", "word " * 900)])

    _, rounds = Around().drive(view, answer)
    said = rounds[-1][0].messages[1]["content"]
    assert said.count("## Proposal ") == 3
    assert said.count("characters left out") == 3


def test_the_evidence_tells_its_contexts_and_each_keeps_to_the_limit() -> None:
    assert [each.text for each in APART.contexts()] == [Evidence.about([one]).text for one in APART.experiences]
    assert APART.text.count("# Context ") == 3
    for each in APART.contexts():
        assert each.text in APART.text
    small = Evidence.about(APART.experiences, combine="separate", tokens=60)
    assert all(each.tokens <= 60 for each in small.contexts())
    assert small.cut
    assert JOINT.contexts() == [JOINT]


def loop(**changes: Any) -> Loop:
    table: dict[str, Any] = {
        "task": "task.py:doubled",
        "artifact": {"path": "program.py", "edit": ["FACTOR"]},
        "evidence": {"batch": {"size": 3, "combine": "separate"}},
        "optimizer": {"model": "mine"},
        "search": {"accept": "improve"},
        "budget": {"steps": 1},
        "execution": {"isolation": "inline"},
    }
    return Loop.of({**table, **changes})


def test_in_a_run_what_was_shown_is_what_was_read(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    (tmp_path / "task.py").write_text(TASK)
    numbers = iter("345")

    def model(asked: str) -> str:
        factor = "2" if "You merge proposals" in asked else next(numbers)
        return f"So.\n\n### parameter: FACTOR\n```\n{factor}\n```"

    outcome = lw.run(loop(), tmp_path / "run", root=tmp_path, models={"mine": model})
    assert outcome.best_validation == 0.0
    update = record(tmp_path / "run").updates[0]
    asks = [event.ask for event in update.answered if isinstance(event, Answered)]
    assert len(asks) == 4
    assert update.showed is not None
    for ask in asks[:3]:
        read = ask.messages[1]["content"].split("# How the program did with these parameters\n\n")[1]
        assert read.split("\n\n# Your answer")[0] in update.showed.text


def test_where_it_makes_no_sense_it_is_refused(tmp_path: Path) -> None:
    for kind in ("mutate", "opro"):
        with pytest.raises(SettingsError, match=f"makes no sense with optimizer.kind = '{kind}'"):
            optimizer_of(loop(optimizer={"kind": kind, "model": "m"}), tmp_path)
    with pytest.raises(SettingsError, match="needs a model"):
        optimizer_of(loop(optimizer={"kind": "loopwright.optimizers.mutate:Mutate"}), tmp_path)
    with pytest.raises(SettingsError, match="combine"):
        loop(evidence={"batch": {"combine": "apart"}})


def test_a_person_is_asked_each_by_itself_and_then_to_merge(tmp_path: Path) -> None:
    person = optimizer_of(loop(optimizer={"kind": "ask"}), tmp_path)
    proposing = person.propose(VIEW, random.Random(0), check_of(VIEW.parent))
    first = next(proposing)
    assert [ask.model for ask in first] == ["ask"] * 3
    (merge,) = proposing.send([Reply([prompt(n)]) for n in range(3)])
    assert merge.model == "ask"
    assert is_merge(merge)


def test_one_execution_an_update_needs_no_merging(tmp_path: Path) -> None:
    alone = loop(evidence={"batch": {"size": 1, "combine": "separate"}})
    assert not isinstance(optimizer_of(alone, tmp_path), Separate)
