"""Criticism travels from the scored output back, in parallel where the graph allows; then each part is edited."""

from __future__ import annotations

from typing import Any

from test_parts import PROGRAM, seen

from loopwright.llm.protocol import Ask, Reply
from loopwright.optimizers.optoprime import OptoPrime
from loopwright.optimizers.protocol import Optimizer, Proposal, Rejected, View
from loopwright.optimizers.textgrad import TextGrad
from loopwright.testing import OptimizerConformance
from loopwright.testing.optimizers import views

VIEW = View(1, PROGRAM, seen(), "Hit.")


class Driver(OptimizerConformance):
    def make(self, **settings: Any) -> Optimizer:
        return TextGrad(**{"model": "m", **settings})


def drive(answer, view: View = VIEW, **settings: Any) -> tuple[list, list[list[Ask]]]:
    return Driver().drive(view, answer, **settings)


def about(ask: Ask) -> str:
    """The parameter that a question of a critic or an editor is about."""
    said = ask.messages[1]["content"].rpartition("# Your answer")[2]
    return said.rstrip(".").split()[-1].removesuffix(".")


def is_critic(ask: Ask) -> bool:
    return "You criticise" in ask.messages[0]["content"]


def edit(ask: Ask, number: int = 0) -> str:
    name = about(ask)
    texts = {
        "PROMPT": f"Shout {{x}} {number}.",
        "aim": f"def aim(x):\n    return x + {2 + number}",
        "shoot": f"def shoot(at):\n    return at * {3 + number}",
        "act": f"def act(x):\n    return [shoot(aim(x)), PROMPT, {number}]",
        "Tools": f"class Tools:\n    def measure(self, x):\n        return {number}",
    }
    return f"Because.\n\n### parameter: {name}\n```\n{texts[name]}\n```"


def test_users_are_criticised_first_and_their_criticism_is_passed_on() -> None:
    def answer(ask: Ask) -> Reply:
        if is_critic(ask):
            return Reply(["NO CHANGE" if about(ask) == "TONE" else f"{about(ask)} is too slow"])
        return Reply([edit(ask)])

    (result,), rounds = drive(answer)
    assert [[about(ask) for ask in asks] for asks in rounds] == [
        ["TONE", "act"],
        ["PROMPT", "shoot", "Tools"],
        ["aim"],
        ["PROMPT", "aim", "shoot", "act", "Tools"],
    ]
    of_aim = rounds[2][0].messages[1]["content"]
    assert "shoot is too slow" in of_aim
    assert "act is too slow" in of_aim
    assert "Tools is too slow" not in of_aim
    assert all("is too slow" in ask.messages[1]["content"] for ask in rounds[3])
    assert isinstance(result, Proposal)
    assert set(result.texts) == {"PROMPT", "aim", "shoot", "act", "Tools"}
    assert "aim: Because." in result.rationale


def test_a_part_that_is_fine_costs_no_edit_and_where_all_are_nothing_is_proposed() -> None:
    results, rounds = drive(lambda ask: Reply(["No change: it is right."]))
    assert len(rounds) == 3
    assert isinstance(results[0], Rejected)
    assert results[0].kind == "unchanged"


def test_one_edit_that_fails_does_not_spoil_the_others() -> None:
    def answer(ask: Ask) -> Reply:
        if is_critic(ask):
            return Reply(["Bad."])
        return Reply(["I will not say." if about(ask) in {"TONE", "aim"} else edit(ask)])

    (result,), _ = drive(answer, repairs=0)
    assert isinstance(result, Proposal)
    assert set(result.texts) == {"PROMPT", "shoot", "act", "Tools"}


def test_an_editor_may_change_its_own_part_alone() -> None:
    def answer(ask: Ask) -> Reply:
        if is_critic(ask):
            return Reply(["Bad."])
        return Reply(["### parameter: act\n```\ndef act(x):\n    return 9\n```"])

    results, rounds = drive(answer, repairs=1)
    assert isinstance(results[0], Proposal)
    assert set(results[0].texts) == {"act"}
    again = [ask for ask in rounds[-1] if len(ask.messages) > 2]
    assert any("must stay as it is now" in ask.messages[-1]["content"] for ask in again)


def test_samples_are_drawn_for_each_edit_in_one_request_and_put_together() -> None:
    def answer(ask: Ask) -> Reply:
        return Reply(["Bad."] if is_critic(ask) else [edit(ask, n) for n in range(ask.n)])

    view = View(1, PROGRAM.artifact.start, seen())
    results, rounds = drive(lambda ask: Reply(["NO CHANGE"]) if about(ask) == "TONE" else answer(ask), view, samples=3)
    assert len(results) == 3
    assert {ask.n for ask in rounds[-1]} == {3}
    assert [result.texts["aim"][-1] for result in results] == ["2", "3", "4"]
    assert all(ask.n == 1 for asks in rounds[:-1] for ask in asks)


def test_a_critic_reads_less_than_the_one_prompt_of_optoprime() -> None:
    _, rounds = drive(lambda ask: Reply(["NO CHANGE"]))
    (whole,) = next(OptoPrime("m").propose(VIEW, __import__("random").Random(0), lambda texts: None))
    size = len(whole.messages[0]["content"]) + len(whole.messages[1]["content"])
    assert all(sum(len(m["content"]) for m in ask.messages) < size for asks in rounds for ask in asks)


def test_a_silent_critic_is_a_rejection_with_its_reason() -> None:
    for said, kind in (("", "unparsable"), ("<think>hm", "unparsable"), ("I'm sorry, but I can't do that.", "refusal")):
        results, _ = drive(lambda ask, said=said: Reply([said]), views()["one function"])
        assert isinstance(results[0], Rejected)
        assert results[0].kind == kind
