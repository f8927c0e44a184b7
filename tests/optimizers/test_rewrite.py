"""The shortest question: one part in turn, one message, and any single fence is the answer."""

from __future__ import annotations

from typing import Any

import msgspec
from test_parts import PROGRAM, seen

from loopwright.llm.protocol import Ask, Reply
from loopwright.optimizers.protocol import Optimizer, Proposal, View
from loopwright.optimizers.rewrite import Rewrite
from loopwright.testing import OptimizerConformance
from loopwright.testing.optimizers import candidate

VIEW = View(1, candidate(["PROMPT"]), seen(), "Hit.")


class Driver(OptimizerConformance):
    def make(self, **settings: Any) -> Optimizer:
        return Rewrite(**{"model": "m", **settings})


def test_the_question_is_one_short_message_with_the_text_the_goal_and_what_must_stay() -> None:
    _, rounds = Driver().drive(VIEW, lambda ask: Reply(["NO CHANGE"]), repairs=0)
    (message,) = rounds[0][0].messages
    said = message["content"]
    assert message["role"] == "user"
    assert "```\nAnswer the question {question} in one word.\n```" in said
    assert "What is wanted: Hit." in said
    assert said.endswith("Give the whole new text between ``` and ```, with {question} in it.")
    assert "### parameter" not in said
    assert len(said) - len(VIEW.evidence.text) < 700


def test_a_fence_without_a_name_is_the_new_text() -> None:
    for text in ("```\nOne word: {question}\n```", "Better:\n```plaintext\nOne word: {question}\n```\nThat is all."):
        results, _ = Driver().drive(VIEW, lambda ask, text=text: Reply([text]))
        (result,) = results
        assert isinstance(result, Proposal)
        assert result.texts == {"PROMPT": "One word: {question}"}


def test_samples_are_drawn_in_one_request_and_twins_dropped() -> None:
    def answer(ask: Ask) -> Reply:
        assert ask.n == 3
        return Reply([f"```\n{word} {{question}}\n```" for word in ("a", "b", "a")])

    results, _ = Driver().drive(VIEW, answer, samples=3)
    assert [each.texts["PROMPT"] for each in results if isinstance(each, Proposal)] == ["a {question}", "b {question}"]


def test_the_parts_take_turns_and_code_keeps_its_signature() -> None:
    names = list(PROGRAM.texts)
    for step, name in enumerate(names, 1):
        view = View(step, PROGRAM, seen(), "Hit.")
        _, rounds = Driver().drive(view, lambda ask: Reply(["NO CHANGE"]), repairs=0)
        said = rounds[0][0].messages[0]["content"]
        parameter = PROGRAM.artifact.parameters[step - 1]
        assert PROGRAM.texts[name] in said
        assert not parameter.signature or f"Keep `{parameter.signature}`." in said
    again = msgspec.structs.replace(VIEW, step=7)
    assert Driver().drive(again, lambda ask: Reply(["NO CHANGE"]), repairs=0)[1]
