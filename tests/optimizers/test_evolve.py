"""Operators are drawn by their weights, `fix` where the parent fails; and what is not new is refused."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loopwright.artifact import Artifact
from loopwright.errors import SettingsError
from loopwright.evidence import Evidence
from loopwright.llm.protocol import Ask, Reply
from loopwright.optimizers import make_optimizer
from loopwright.optimizers.evolve import Evolve
from loopwright.optimizers.form import EDITS, WHOLE
from loopwright.optimizers.novelty import bare, distance
from loopwright.optimizers.protocol import Optimizer, Proposal, Rejected, Remembered, View
from loopwright.testing import OptimizerConformance
from loopwright.testing.optimizers import views

VIEW = views()["a past"]
ALONE = views()["many parameters"]
FAILING = views()["every trial failed"]


class Driver(OptimizerConformance):
    def make(self, **settings: Any) -> Optimizer:
        return Evolve(**{"model": "m", **settings})


def drive(answer, view: View = VIEW, seed: int = 0, **given: Any) -> tuple[list, list[list[Ask]]]:
    return Driver().drive(view, answer, seed=seed, **given)


def test_operators_come_by_their_weights() -> None:
    rng = random.Random(1)
    optimizer = Evolve("m", weights={"diff": 0.6, "full": 0.3, "crossover": 0.1})
    drawn = Counter(optimizer.operator(VIEW, rng) for _ in range(4_000))
    assert abs(drawn["diff"] / 4_000 - 0.6) < 0.04
    assert abs(drawn["crossover"] / 4_000 - 0.1) < 0.03
    assert {optimizer.operator(ALONE, rng) for _ in range(100)} == {"diff", "full"}
    assert {optimizer.operator(FAILING, rng) for _ in range(20)} == {"fix"}
    assert Evolve("m", weights={"crossover": 1.0}).operator(ALONE, rng) == "full"


def test_a_parent_that_fails_in_half_of_its_trials_is_mended() -> None:
    half = Evidence.about([FAILING.evidence.experiences[0], VIEW.evidence.experiences[0]])
    third = Evidence.about([*half.experiences, VIEW.evidence.experiences[1]])
    rng = random.Random(0)
    optimizer = Evolve("m")
    assert optimizer.operator(msgspec.structs.replace(VIEW, evidence=half), rng) == "fix"
    assert optimizer.operator(msgspec.structs.replace(VIEW, evidence=third), rng) != "fix"


def test_each_operator_asks_in_its_own_form_and_samples_of_one_are_one_request() -> None:
    _, rounds = drive(lambda ask: Reply(["NO CHANGE"] * ask.n), samples=12)
    assert 1 < len(rounds[0]) <= 3
    assert sum(ask.n for ask in rounds[0]) == 12
    for ask in rounds[0]:
        system = ask.messages[0]["content"]
        assert (EDITS in system) == ("small, well-aimed" in system)
        assert (WHOLE in system) == ("different way" in system or "joins what is good" in system)


def test_inspirations_are_shown_with_their_scores_and_as_many_as_set() -> None:
    def shown(**given: Any) -> list[str]:
        _, rounds = drive(lambda ask: Reply(["NO CHANGE"]), weights={"diff": 1.0}, **given)
        text = rounds[0][0].messages[1]["content"]
        return [line for line in text.split("\n") if line.startswith("Score ")]

    assert shown(inspirations=2) == ["Score 0.75:", "Score 0.5:"]
    assert shown(inspirations=1) == ["Score 0.75:"]
    assert shown(inspirations=0) == []
    assert shown(inspirations=2, inspiration_tokens=0) == []
    _, rounds = drive(lambda ask: Reply(["NO CHANGE"]), weights={"crossover": 1.0})
    assert "# The other version to join it with" in rounds[0][0].messages[1]["content"]


def test_a_known_version_is_refused_and_asked_for_again_with_the_reason() -> None:
    parent, better = VIEW.parent.texts["extract"], VIEW.others[1][0].texts["extract"]
    reworded = {
        "the present version": parent.replace("    return", "    # a comment\n    return").replace("The", "An"),
        f"version {VIEW.others[1][0].id}": better.replace("return reply.strip()", "return (reply.strip( ))  # said"),
    }
    for name, text in reworded.items():
        reply = f"New!\n\n### parameter: extract\n```python\n{text}\n```"
        (result,), rounds = drive(lambda ask, reply=reply: Reply([reply]), weights={"full": 1.0})
        assert isinstance(result, Rejected)
        assert result.kind == "duplicate"
        assert name in result.reason
        assert len(rounds) == 2
        assert "really different" in rounds[1][0].messages[-1]["content"]


def test_what_memory_holds_is_known_too() -> None:
    view = msgspec.structs.replace(VIEW, memory=[Remembered(3, "worse", "", {"PROMPT": "Be  brief: {question}"})])
    reply = "### parameter: PROMPT\n```\nbe brief: {question}\n```"
    (result,), _ = drive(lambda ask: Reply([reply]), view, repairs=0)
    assert isinstance(result, Rejected)
    assert "update 3" in result.reason


def test_a_higher_novelty_refuses_what_differs_in_a_few_words() -> None:
    reply = "### parameter: PROMPT\n```\nAnswer the question {question} in two words.\n```"
    view = views()["one text"]
    (kept,), _ = drive(lambda ask: Reply([reply]), view, repairs=0, weights={"full": 1.0})
    assert isinstance(kept, Proposal)
    (refused,), _ = drive(lambda ask: Reply([reply]), view, repairs=0, weights={"full": 1.0}, novelty=0.5)
    assert isinstance(refused, Rejected)
    assert "a few words" in refused.reason


@given(st.text(max_size=60), st.text(max_size=60), st.booleans())
@settings(max_examples=200, deadline=None)
def test_distance_is_symmetric_bounded_and_zero_for_equals(one: str, other: str, python: bool) -> None:
    kinds = {"p": python}
    there = distance({"p": one}, {"p": other}, ["p"], kinds)
    assert there == distance({"p": other}, {"p": one}, ["p"], kinds)
    assert 0.0 <= there <= 1.0
    assert distance({"p": one}, {"p": one}, ["p"], kinds) == 0.0


def test_only_what_says_nothing_is_ignored() -> None:
    code = "def f(x):\n    return x + 1"
    assert bare(code, python=True) == bare('def f(x):\n    """Doc."""\n    # why\n    return (x + 1)', python=True)
    for other in ("def f(x):\n    return x + 2", "def f(x):\n    return 1 + x", "def f(y):\n    return y + 1"):
        assert bare(code, python=True) != bare(other, python=True)
    assert distance({"p": "a b"}, {"p": "b a"}, ["p"], {"p": False}) > 0


def test_settings_that_cannot_be_meant_are_refused() -> None:
    for given_, words in [
        ({"weights": {"diff": -1.0}}, "negative"),
        ({"weights": {"diff": 0.0}}, "more than 0"),
        ({"novelty": 1.0}, "below 1"),
        ({"inspirations": -1}, "at least 0"),
        ({"weights": {"dif": 1.0}}, "dif"),
    ]:
        with pytest.raises(SettingsError, match=words):
            make_optimizer("evolve", {"model": "m"}, given_)


def test_the_default_weights_are_no_shared_object() -> None:
    assert Evolve("m").weights is not Evolve("m").weights
    assert Artifact.from_texts("x").start  # the package works beside it
