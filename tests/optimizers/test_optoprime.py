"""The optimizer as a generator: what it asks, what it makes of replies, and what it shows a model of the past."""

from __future__ import annotations

import random
from collections.abc import Callable

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loopwright.artifact import Artifact, EditError
from loopwright.errors import SettingsError
from loopwright.evidence import Evidence
from loopwright.evidence.tokens import estimate
from loopwright.feedback import Feedback
from loopwright.llm.protocol import Ask, Reply
from loopwright.loop import LearningLoop
from loopwright.optimizers import KINDS, make_optimizer
from loopwright.optimizers.memory import render_memory, render_scores
from loopwright.optimizers.optoprime import OptoPrime
from loopwright.optimizers.prompt import block, fence_for, messages
from loopwright.optimizers.protocol import Check, Optimizer, Proposal, Proposing, Rejected, Remembered, View
from loopwright.optimizers.replies import parse_reply
from loopwright.search import make_search
from loopwright.testing import world
from loopwright.trial import Trial, TrialSpec

PARENT = Artifact.from_texts(
    {"agent.py": 'PROMPT = "Answer {question}.\\n"\n\n\ndef predict(x):\n    return x\n'}, ["PROMPT", "predict"]
).start
TRIAL = Trial(TrialSpec("c", "train", 0, 0), Feedback(0.25, "expected 2, got 1"))
VIEW = View(3, PARENT, Evidence.of([TRIAL]), goal="Predict well.")


def good(number: int = 1) -> str:
    return f"Why not.\n\n### parameter: predict\n```python\ndef predict(x):\n    return x + {number}\n```"


def check(texts) -> Rejected | None:
    try:
        PARENT.edit(texts)
    except EditError as error:
        return Rejected(error.kind, error.reason)
    return None


def drive(
    optimizer: Optimizer, answer: Callable[[Ask], Reply | list[str]], view: View = VIEW, seed: int = 0
) -> tuple[list[Proposal | Rejected], list[list[Ask]]]:
    """Run an optimizer to its end; also what it asked, round by round."""
    rounds: list[list[Ask]] = []
    proposing = optimizer.propose(view, random.Random(seed), check)
    try:
        asks = next(proposing)
        while True:
            rounds.append(asks)
            got = [answer(ask) for ask in asks]
            asks = proposing.send([each if isinstance(each, Reply) else Reply(each) for each in got])
    except StopIteration as stop:
        return stop.value, rounds


def test_a_good_reply_is_one_proposal_from_one_request() -> None:
    got, rounds = drive(OptoPrime("m", temperature=0.3, max_tokens=99), lambda ask: [good()])
    assert got == [Proposal({"predict": "def predict(x):\n    return x + 1"}, "Why not.")]
    assert len(rounds) == 1
    (ask,) = rounds[0]
    assert (ask.model, ask.n, ask.temperature, ask.max_tokens) == ("m", 1, 0.3, 99)


def test_the_prompt_holds_everything_the_model_may_know() -> None:
    view = msgspec.structs.replace(VIEW, memory=[Remembered(1, "worse", "gate", {"predict": "old text"}, 0.1, 0.2)])
    system, user = messages(view)
    assert "### parameter: greet" in system["content"]
    for words in (
        "Predict well.",
        "def predict(x):",
        "Answer {question}.",
        "{question}",
        VIEW.evidence.text,
        "old text",
    ):
        assert words in user["content"]


def test_the_prompt_begins_with_what_stays() -> None:
    later = msgspec.structs.replace(VIEW, step=9, evidence=Evidence.of([TRIAL, TRIAL]))
    (first, ours), (second, theirs) = messages(VIEW), messages(later)
    assert first == second
    common = next(at for at, (a, b) in enumerate(zip(ours["content"], theirs["content"], strict=False)) if a != b)
    assert common > ours["content"].index("def predict(x):")
    assert messages(VIEW) == messages(VIEW)


def test_the_present_texts_are_read_back_from_the_prompt_as_unchanged() -> None:
    _, user = messages(VIEW)
    shown = user["content"].split("# The parameters as they are now")[1].split("# How the program")[0]
    result = parse_reply(shown, PARENT)
    assert isinstance(result, Rejected)
    assert result.kind == "unchanged"


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        ("I changed it.", "no block"),
        ("### parameter: predict\n```python\ndef predict(x):\n", "not closed"),
        ("### parameter: predict\n```python\ndef predict(x, y):\n    return x\n```", "signature"),
        ("### parameter: predict\n```python\ndef predict(x):\n    return (\n```", "no valid Python"),
    ],
)
def test_a_refused_reply_gets_another_turn_that_shows_the_reason(bad: str, words: str) -> None:
    got, rounds = drive(OptoPrime("m"), lambda ask: [good() if len(ask.messages) > 2 else bad])
    assert isinstance(got[0], Proposal)
    assert len(rounds) == 2
    (again,) = rounds[1]
    assert again.messages[:2] == rounds[0][0].messages
    assert again.messages[2]["role"] == "assistant"
    assert words in again.messages[3]["content"]


@pytest.mark.parametrize("repairs", [0, 1, 3])
def test_a_reply_that_stays_bad_is_asked_for_as_often_as_set(repairs: int) -> None:
    got, rounds = drive(OptoPrime("m", repairs=repairs), lambda ask: ["nothing"])
    assert len(rounds) == 1 + repairs
    assert isinstance(got[0], Rejected)
    assert got[0].kind == "unparsable"
    assert got[0].text == "nothing"


@pytest.mark.parametrize("reply", ["I'm sorry, but I can't help with that.", "NO CHANGE"])
def test_a_refusal_or_no_change_gets_no_further_turn(reply: str) -> None:
    got, rounds = drive(OptoPrime("m", repairs=5), lambda ask: [reply])
    assert len(rounds) == 1
    assert isinstance(got[0], Rejected)
    assert got[0].kind in {"refusal", "unchanged"}


def test_a_reply_cut_at_its_limit_is_refused_and_told() -> None:
    replies = [Reply([good()], finish="length"), Reply([good()])]
    got, rounds = drive(OptoPrime("m"), lambda ask: replies.pop(0))
    assert isinstance(got[0], Proposal)
    assert "cut" in rounds[1][0].messages[3]["content"]


def test_only_the_cut_one_of_several_is_refused() -> None:
    reply = Reply([good(1), good(2)], finish="length", finishes=["stop", "length"])
    got, _ = drive(OptoPrime("m", samples=2, repairs=0), lambda ask: reply)
    assert [type(each) for each in got] == [Proposal, Rejected]


def test_samples_are_one_request_and_twins_are_dropped() -> None:
    got, rounds = drive(OptoPrime("m", samples=4), lambda ask: [good(1), good(2), good(1), good(3)][: ask.n])
    assert [ask.n for ask in rounds[0]] == [4]
    assert [each.texts["predict"][-1] for each in got if isinstance(each, Proposal)] == ["1", "2", "3"]


def test_only_the_bad_samples_are_mended_at_once() -> None:
    def answer(ask: Ask) -> list[str]:
        return [good(1), "bad", good(2), "worse"] if len(ask.messages) == 2 else [good(ask.seed or 0)]

    got, rounds = drive(OptoPrime("m", samples=4), answer)
    assert [len(asks) for asks in rounds] == [1, 2]
    assert all(isinstance(each, Proposal) for each in got)
    assert len(got) == 4


@pytest.mark.parametrize("texts", [[], [good()], [good(n) for n in range(9)]])
def test_fewer_or_more_texts_than_wanted_are_borne(texts: list[str]) -> None:
    got, _ = drive(OptoPrime("m", samples=3), lambda ask: texts if len(ask.messages) == 2 else [""])
    assert 1 <= len(got) <= 3


def test_equal_seeds_ask_equally_and_others_do_not() -> None:
    first, again, other = (drive(OptoPrime("m"), lambda ask: ["x"], seed=seed)[1] for seed in (1, 1, 2))
    assert first == again
    assert first != other


@given(st.lists(st.text(max_size=300), min_size=1, max_size=5))
@settings(max_examples=100, deadline=None)
def test_no_reply_crashes_and_at_most_samples_come_back(replies: list[str]) -> None:
    got, rounds = drive(OptoPrime("m", samples=3, repairs=2), lambda ask: replies[: ask.n])
    assert 1 <= len(got) <= 3
    assert len(rounds) <= 3


def test_ask_sends_the_same_prompt_to_a_person() -> None:
    got, rounds = drive(make_optimizer("ask"), lambda ask: [good()])
    _, others = drive(make_optimizer("optoprime", {"model": "m"}), lambda ask: [good()])
    assert rounds[0][0].model == "ask"
    assert rounds[0][0].messages == others[0][0].messages
    assert isinstance(got[0], Proposal)


# The memory.

pasts = st.builds(
    Remembered,
    st.integers(0, 50),
    st.sampled_from(["accepted", "worse", "unparsable", "invalid", "refusal", "duplicate", "unchanged"]),
    st.text(max_size=80),
    st.dictionaries(st.sampled_from(["PROMPT", "predict"]), st.text(max_size=300), max_size=2),
    st.none() | st.floats(-1, 1),
    st.none() | st.floats(-1, 1),
)


@given(st.lists(pasts, max_size=12), st.integers(0, 8), st.integers(0, 600))
@settings(max_examples=300, deadline=None)
def test_memory_keeps_to_its_tokens_and_its_number(memory: list[Remembered], entries: int, tokens: int) -> None:
    text = render_memory(memory, PARENT.texts, entries=entries, tokens=tokens)
    assert estimate(text) <= tokens
    assert sum(line.startswith("Update ") for line in text.split("\n")) <= entries


def test_a_question_says_that_the_search_went_back() -> None:
    other = Remembered(2, "accepted", "", {"predict": "def predict(x):\n    return 3"}, candidate="another")
    same = msgspec.structs.replace(other, candidate=PARENT.id)
    asked = [messages(msgspec.structs.replace(VIEW, memory=[each]))[-1]["content"] for each in (other, same)]
    assert ["another version than the one that update 2 made" in text for text in asked] == [True, False]


def test_memory_is_newest_first_and_tells_each_try_once() -> None:
    texts = {"predict": "def predict(x):\n    return 2"}
    memory = [
        Remembered(1, "worse", "", texts, 0.1, 0.2),
        Remembered(2, "accepted", "", {"predict": "def predict(x):\n    return 3"}, 0.3, 0.2),
        Remembered(3, "duplicate", "already tried", texts),
        Remembered(4, "unparsable", "the reply has no block"),
    ]
    text = render_memory(memory, PARENT.texts)
    heads = [line.split(":")[0] for line in text.split("\n") if line.startswith("Update ")]
    assert heads == ["Update 4", "Update 1, 3", "Update 2"]
    assert "no block" in text
    assert "0.3" in text


def test_a_change_in_a_long_text_is_remembered_as_a_diff() -> None:
    now = "\n".join(f"line {n}" for n in range(100))
    text = render_memory([Remembered(1, "worse", "", {"p": now.replace("line 50", "line fifty")})], {"p": now})
    assert "+line fifty" in text
    assert "line 90" not in text


def test_old_texts_go_before_old_headlines_and_what_is_left_out_is_counted() -> None:
    memory = [Remembered(n, "worse", "reason", {"predict": f"{n} " * 300}, 0.5) for n in range(8)]
    text = render_memory(memory, {}, entries=8, tokens=700)
    assert "7 7 7" in text
    assert "older tries are left out" in text or text.count("Update ") == 8


def test_of_older_tries_the_scores_are_shown_and_nothing_else() -> None:
    texts = {"predict": "def predict(x):\n    return 2  # secret"}
    earlier = [
        Remembered(1, "accepted", "secret", texts, 0.25, 0.125),
        Remembered(2, "unparsable", "secret"),
        Remembered(3, "no better", "secret", texts, 0.25, 0.25),
    ]
    newest = Remembered(4, "worse", "mark", {"predict": "def predict(x):\n    return 3"}, 0.0625, 0.25)
    view = msgspec.structs.replace(VIEW, memory=[newest], earlier=earlier)
    asked = messages(view)[-1]["content"]
    assert "update|what became of it|score|its parent's\n3|no better|0.25|0.25\n1|accepted|0.25|0.125" in asked
    assert "secret" not in asked
    assert "mark" in asked
    assert "by their scores alone" not in messages(view, memory=0)[-1]["content"]


@given(st.lists(pasts, max_size=60), st.integers(0, 400))
@settings(max_examples=100, deadline=None)
def test_the_table_of_scores_keeps_to_its_tokens_and_counts_what_it_leaves_out(
    earlier: list[Remembered], tokens: int
) -> None:
    text = render_scores(earlier, tokens=tokens)
    assert estimate(text) <= tokens
    scored = sum(each.score is not None for each in earlier)
    rows = max(0, text.count("\n") - 1)
    assert rows <= min(30, scored)
    assert not text or (f"({scored - rows} older ones left out)" in text) == (rows < scored)


def test_the_loop_hands_on_older_tries_with_its_memory() -> None:
    seen: list[View] = []

    class Watching(world.Turner):
        def propose(self, view: View, rng: random.Random, check: Check) -> Proposing:
            seen.append(view)
            return (yield from super().propose(view, rng, check))

    def views(**tables: object) -> list[View]:
        seen.clear()
        loop = world.settings(search={"accept": "improve"}, budget={"steps": 9}, **tables)
        world.drive(LearningLoop(loop, world.start(), world.CARD, Watching(), make_search(loop.search)))
        return list(seen)

    for view in views(optimizer={"kind": "mutate", "memory": 3}):
        told = [each.step for each in (*view.earlier, *view.memory)]
        assert told == sorted(told)
        assert len(view.memory) <= 3
        assert not view.earlier or len(view.memory) == 3
    assert seen[-1].earlier
    assert not any(view.earlier or view.memory for view in views(optimizer={"kind": "mutate", "memory": 0}))
    words = views(optimizer={"kind": "mutate", "memory": 3}, evidence={"feedback": "text"})
    assert not any(view.earlier for view in words)


# Prompt blocks, and the registry.


@given(st.text(st.sampled_from("`~#ab \n"), max_size=60))
def test_a_fence_is_longer_than_any_in_its_text(text: str) -> None:
    assert fence_for(text) not in text
    (_, parameter) = PARENT.artifact.parameters
    assert block(parameter, text, python=True).endswith(fence_for(text))


def test_settings_are_checked_by_name_type_and_range() -> None:
    assert make_optimizer("optoprime", {"model": "m", "memory": 2}) == OptoPrime("m", memory=2)
    for given_, said in [
        ({"model": "m", "samples": "two"}, "samples"),
        ({"model": "m", "samples": 0}, "at least 1"),
        ({}, "model"),
    ]:
        with pytest.raises(SettingsError, match=said):
            make_optimizer("optoprime", given_)
    with pytest.raises(SettingsError, match="did you mean 'samples'"):
        make_optimizer("optoprime", {"model": "m"}, {"sample": 2})


def test_a_loop_can_change_its_optimizer_and_nothing_else() -> None:
    shared = {"model": "m", "samples": 3, "memory": 2, "repairs": 0, "temperature": 0.5, "max_tokens": 100}
    made = make_optimizer("mutate", shared)
    assert made.samples == 3  # pyright: ignore[reportAttributeAccessIssue]
    assert make_optimizer("optoprime", shared) == OptoPrime("m", 3, 2, 0.5, 100, 0)
    assert isinstance(make_optimizer(f"{__name__}:Mine", {**shared, "size": 3}), Mine)


def test_an_unknown_kind_names_the_nearest() -> None:
    with pytest.raises(SettingsError, match="did you mean 'optoprime'"):
        make_optimizer("optprime")
    for where in ("no_such_module:X", "loopwright.optimizers.optoprime:Missing", "json:JSONDecoder"):
        with pytest.raises(SettingsError, match=where.partition(":")[0]):
            make_optimizer(where)


def test_a_class_of_ones_own_is_an_optimizer() -> None:
    got = make_optimizer("loopwright.optimizers.optoprime:OptoPrime", {"model": "m"})
    assert got == OptoPrime("m")
    made = make_optimizer(f"{__name__}:Mine", options={"size": 3})
    assert isinstance(made, Mine)
    assert made.size == 3
    with pytest.raises(SettingsError, match="did you mean 'size'"):
        make_optimizer(f"{__name__}:Mine", options={"sise": 3})
    with pytest.raises(SettingsError, match="does not take"):
        make_optimizer(f"{__name__}:Mine")


class Mine:
    def __init__(self, size: int) -> None:
        self.size = size

    def propose(self, view, rng, check): ...


@pytest.mark.parametrize("kind", sorted(KINDS))
def test_every_kind_can_be_made(kind: str) -> None:
    assert callable(make_optimizer(kind, {"model": "m"}).propose)
