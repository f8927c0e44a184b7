"""Laws of the token limit: it is never passed, what was cut is said in place, and what matters most stays longest."""

from __future__ import annotations

import math
import re

import msgspec
import pytest
from episodes import crash, pong, question
from hypothesis import given, settings
from hypothesis import strategies as st

from loopwright.errors import SettingsError
from loopwright.evidence import Evidence, Horizon, estimate
from loopwright.evidence.fit import share_out
from loopwright.evidence.pieces import Piece, middle, shrink, squeeze
from loopwright.feedback import Feedback
from loopwright.trace import Call, Failure, Step, Trace
from loopwright.trial import Trial, TrialSpec

COUNTERS = {
    "estimate": estimate,
    "characters": len,
    "bytes": lambda text: len(text.encode("utf-8", "surrogatepass")),
    "words": lambda text: len(text.split()),
    "thirds": lambda text: math.ceil(len(text) / 3),
}
TEXTS = st.one_of(
    st.text(max_size=30),
    st.builds(lambda text, times: text * times, st.text(min_size=1, max_size=20), st.integers(1, 300)),
)
LEAVES = st.one_of(st.none(), st.integers(), st.floats(), TEXTS)
VALUES = st.one_of(LEAVES, st.dictionaries(st.text(max_size=5), LEAVES, max_size=4), st.lists(LEAVES, max_size=4))
CALLS = st.builds(
    Call,
    st.sampled_from(["f", "g"]),
    st.lists(st.tuples(st.sampled_from("ab"), VALUES, st.integers(-1, 5)), max_size=2),
    VALUES,
    st.integers(-1, 3),
    st.one_of(st.none(), st.builds(Failure, st.just("ValueError"), TEXTS, TEXTS)),
)
STEPS = st.builds(Step, VALUES, VALUES, st.one_of(st.none(), st.floats()), st.lists(CALLS, max_size=6))
TRIALS = st.builds(
    Trial,
    st.builds(TrialSpec, st.just("c"), st.just("train"), st.integers(0, 99), st.integers()),
    st.builds(Feedback, st.floats(-1e9, 1e9), TEXTS, st.dictionaries(st.text(max_size=5), st.floats(), max_size=3)),
    st.one_of(
        st.none(),
        st.builds(
            Trace,
            st.one_of(st.lists(STEPS, max_size=5), st.builds(lambda step, n: [step] * n, STEPS, st.integers(1, 60))),
            st.one_of(st.none(), st.builds(Failure, st.just("E"), TEXTS, TEXTS)),
            TEXTS,
            TEXTS,
        ),
    ),
)
HORIZONS = st.builds(
    Horizon,
    st.one_of(st.integers(1, 30), st.just("full")),
    st.sampled_from(["start", "end", "reward", "random"]),
    st.sampled_from(["episode", "window"]),
)


@settings(max_examples=150, deadline=None)
@given(st.lists(TRIALS, max_size=4), HORIZONS, st.integers(1, 1500), st.sampled_from(sorted(COUNTERS)))
def test_evidence_never_passes_its_token_limit(trials, horizon, tokens, counter):
    count = COUNTERS[counter]
    evidence = Evidence.of(trials, horizon, tokens=tokens, count=count)
    assert count(evidence.text) == evidence.tokens <= tokens
    evidence.text.encode()
    whole = Evidence.of(trials, horizon, tokens=10**9, count=count)
    assert not whole.cut
    assert (evidence.text == whole.text) == (not evidence.cut)


@settings(max_examples=25, deadline=None)
@given(st.lists(TRIALS, max_size=3), HORIZONS, st.integers(1, 1500), st.integers())
def test_evidence_is_a_function_of_its_arguments_and_survives_storage(trials, horizon, tokens, seed):
    evidence = Evidence.of(trials, horizon, tokens=tokens, seed=seed)
    assert Evidence.of(trials, horizon, tokens=tokens, seed=seed).text == evidence.text
    stored = msgspec.msgpack.decode(msgspec.msgpack.encode(evidence.sections))
    assert "\n\n".join(section["text"] for section in stored) == evidence.text


@pytest.mark.parametrize("tokens", [200, 700, 2000, 6000])
def test_first_last_and_rewarded_steps_stay_when_the_middle_is_cut(tokens):
    trial = pong(400)
    evidence = Evidence.of([trial], tokens=tokens)
    shown = [int(first) for first in re.findall(r"^(\d+)(?:-\d+)?\|", evidence.text, re.MULTILINE)]
    gaps = re.findall(r"^\.\.\. (\d+) steps? \((\d+)(?:-(\d+))?\) left out \.\.\.$", evidence.text, re.MULTILINE)
    assert evidence.cut
    if not shown:
        assert "steps left out" in evidence.text
        return
    assert shown[0] == 1
    assert shown[-1] == 400
    for number, first, last in gaps:
        assert int(number) == int(last or first) - int(first) + 1
    assert sum(int(number) for number, _, _ in gaps) + len(shown) == 400
    assert trial.trace is not None
    rewarded = {i + 1 for i, step in enumerate(trial.trace.steps) if step.reward}
    if tokens >= 2000:
        assert rewarded <= set(shown)


def test_most_of_a_generous_limit_is_used():
    for tokens in (1000, 3000, 6000):
        assert Evidence.of([pong(400)], tokens=tokens).tokens > 0.9 * tokens


def test_long_texts_are_cut_in_the_middle_before_steps_are():
    trial = question(text="begin " + "very long " * 2000 + "end")
    evidence = Evidence.of([trial], tokens=600)
    assert "begin" in evidence.text
    assert "end\n" in evidence.text
    assert re.search(r"characters left out", evidence.text)
    assert "output: 'A'" in evidence.text
    assert "call 2" in evidence.text


@given(st.text(), st.integers(0, 50))
def test_what_is_cut_in_the_middle_is_counted(text, limit):
    got = middle(text, limit)
    if len(text) <= limit:
        assert got == text
    else:
        head, count, tail = re.fullmatch(
            r"(.*) \.\.\. ([\d,]+) characters left out \.\.\. (.*)", got, re.DOTALL
        ).groups()
        assert text.startswith(head)
        assert text.endswith(tail)
        assert len(head) + int(count.replace(",", "")) + len(tail) == len(text)


def test_a_tiny_limit_keeps_scores_and_heads_of_feedback():
    trials = [question(1), question(2, score=1.0), crash()]
    text = Evidence.of(trials, tokens=130).text
    for part in (
        "score 0.0",
        "score 1.0",
        "expected 'B', got 'A'",
        "the program raised",
        "leaves no room",
        "(mean 0.333333)",
    ):
        assert part in text
    assert "score 1.0" in Evidence.of(trials, tokens=75).text


def test_calls_give_way_before_what_the_program_was_given():
    given = "the question " * 100
    calls = [Call(f"part{i % 30}", [("at", i, -1)], f"token {i}") for i in range(300)]
    trial = Trial(TrialSpec("c", "train", 0, 0), Feedback(0.0), Trace([Step({"q": given}, "A", None, calls)]))
    evidence = Evidence.of([trial], tokens=2_000)
    assert given in evidence.text
    assert re.search(r"\.\.\. \d+ calls \(\d+-\d+\) left out \.\.\.", evidence.text)
    assert "characters left out" in Evidence.of([trial], tokens=700).text


def test_calls_that_the_output_depends_on_stay_longest():
    calls = [Call(f"noise{i % 30}", [("x", i, -1)], i * 1.5) for i in range(300)]
    calls[150] = Call("found", [("x", 5, -1)], "needle")
    calls[200] = Call("answer", [("given", "needle", 150)], "A")
    trial = Trial(TrialSpec("c", "train", 0, 0), Feedback(0.0), Trace([Step({"q": "?"}, "A", None, calls)]))
    evidence = Evidence.of([trial], tokens=400)
    assert "call 151: found(x=5) -> 'needle'" in evidence.text
    assert "call 201: answer(given=@151) -> 'A'" in evidence.text
    assert re.search(r"\.\.\. \d+ calls \(\d+-150\) left out \.\.\.", evidence.text)


def test_one_experience_with_much_to_say_does_not_silence_the_others():
    flood = msgspec.structs.replace(question(1), trace=Trace(stdout="noise " * 50_000))
    evidence = Evidence.of([flood, question(2), question(3)], tokens=1500)
    for place in (1, 2):
        steps = [s for s in evidence.sections if s.experience == place and s.name == "steps"]
        assert "output: 'A'" in steps[0].text
        assert "left out" not in steps[0].text


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=8), st.integers(0, 3000))
def test_shares_are_wholly_used_and_nobody_gets_more_than_it_needs(sizes, limit):
    given_ = share_out(sizes, [1.0] * len(sizes), limit)
    assert all(0 <= share <= size for share, size in zip(given_, sizes, strict=True))
    assert sum(given_) <= limit
    assert sum(given_) > min(limit, sum(sizes)) - len(sizes)


@given(
    st.lists(st.tuples(st.text(max_size=9), TEXTS, st.sampled_from(["fixed", "row", "detail"]))), st.integers(0, 300)
)
def test_pieces_shrink_to_any_limit(parts, tokens):
    pieces = [Piece(text, body, kind) for text, body, kind in parts]
    text, notes = shrink(pieces, tokens, estimate)
    assert estimate(text) <= tokens
    assert estimate(squeeze(text, tokens // 2, estimate)) <= tokens // 2
    assert notes or not text or "left out" not in text or any("left out" in part for piece in parts for part in piece)


def test_templates_are_named_after_the_shape():
    game, asked = pong(30), question()
    assert Evidence.of([asked]).template == "interactive"
    assert Evidence.of([asked, asked]).template == "batch"
    assert Evidence.of([game]).template == "episodic"
    assert Evidence.of([game, game]).template == "batch of episodes"
    assert Evidence.of([game], Horizon(1)).template == "interactive"
    assert Evidence.of([]).text == "No trial was run."


def test_experiences_stand_in_the_order_drawn():
    text = Evidence.of([question(7), question(3), question(5)]).text
    assert re.findall(r"example (\d)", text) == ["7", "3", "5"]


def test_a_longer_horizon_shows_more_and_a_batch_more_still():
    trials = [pong(100, seed) for seed in range(3)]
    sizes = [len(Evidence.of(trials[:1], Horizon(steps)).text) for steps in (1, 25, "full")]
    assert sizes == sorted(set(sizes))
    assert len(Evidence.of(trials, Horizon(25)).text) > 2 * sizes[1]
    assert "Steps 1-25 of 100" in Evidence.of(trials, Horizon(25)).text


def test_an_exception_is_shown_with_its_source_and_not_twice():
    trial = crash()
    assert trial.trace is not None
    assert trial.trace.failure is not None
    assert Evidence.of([trial]).text.count(" --> 13 |") == 1
    told = msgspec.structs.replace(trial, feedback=Feedback.failed("exception", trial.trace.failure.text()))
    assert Evidence.of([told]).text.count(" --> 13 |") == 1


def test_a_limit_below_one_is_refused():
    with pytest.raises(SettingsError, match="tokens is 0"):
        Evidence.of([question()], tokens=0)
