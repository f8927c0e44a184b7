"""Laws of rendering: every value of a trace can be read back from the table, in few characters."""

from __future__ import annotations

import math

import episodes
import pytest
import reading
from hypothesis import given, settings
from hypothesis import strategies as st

from loopwright.evidence import Evidence, Horizon
from loopwright.evidence.table import WIDEST
from loopwright.feedback import Feedback
from loopwright.trace import Call, Failure, Step, Trace
from loopwright.trial import Trial, TrialSpec

PLENTY = 10**7


def rendered(*steps: Step) -> str:
    trial = Trial(TrialSpec("c", "train", 0, 0), Feedback(0.0), Trace(list(steps)))
    return Evidence.of([trial], tokens=PLENTY).text


@pytest.mark.parametrize("seed", range(3))
def test_a_pong_episode_of_400_steps_is_kept_whole_in_25_000_characters(seed):
    trial = episodes.pong(400, seed)
    text = Evidence.of([trial], Horizon("full"), tokens=PLENTY).text
    assert len(text) <= 25_000
    table = reading.rows(text)
    assert len(table) == 400
    assert trial.trace is not None
    for row, step in zip(table, trial.trace.steps, strict=True):
        fields = {name: cell for name, cell in row.items() if name.split(".")[0] in {"Player", "Enemy", "Ball"}}
        assert reading.gather(fields, "") == step.observation
        assert reading.value(row["action"]) == step.action
        assert reading.value(row["reward"]) == step.reward
        aim, choice = step.calls
        assert reading.value(row["predict_ball_trajectory->"]) == aim.output
        assert reading.value(row["select_action->"]) == choice.output
        assert row["predict_ball_trajectory(obs)"] == row["select_action(obs)"] == "@observation"
        assert row["select_action(aim)"] == "@predict_ball_trajectory->"


WORDS = st.one_of(
    st.text(max_size=12),
    st.sampled_from(
        ["", "None", "nan", "@x", "a|b", "a\nb", "3", "-", "x ", "13-20", "'", "{}", "True story", "a=b", "!"]
    ),
)
LEAVES = st.one_of(st.none(), st.booleans(), st.integers(-(2**63), 2**64), st.floats(), WORDS, st.just({}), st.just([]))
VALUES = st.recursive(
    LEAVES,
    lambda inner: st.one_of(
        st.dictionaries(st.one_of(st.sampled_from("xyz"), WORDS), inner, max_size=3), st.lists(inner, max_size=3)
    ),
    max_leaves=6,
)
OBSERVATIONS = st.one_of(VALUES, st.dictionaries(st.sampled_from(["Ball", "x", "step", "action"]), VALUES, max_size=3))


@settings(max_examples=300, deadline=None)
@given(st.lists(st.tuples(OBSERVATIONS, VALUES, st.sampled_from([None, 0.0, 0.5])), min_size=4, max_size=8))
def test_any_plain_values_can_be_read_back_from_the_table(turns):
    text = rendered(*(Step(*turn) for turn in turns))
    if "\n    " in text:
        return  # a cell wider than the table allows stands below it
    table = reading.rows(text)
    for row, (observation, action, reward) in zip(table, turns, strict=True):
        shown = {name: cell for name, cell in row.items() if name.split("[")[0].split(".")[0] not in {"step", "reward"}}
        acted = {name: cell for name, cell in shown.items() if name.split("[")[0].split(".")[0] == "action"}
        given_ = {name: cell for name, cell in shown.items() if name not in acted}
        under = reading.gather(given_, "observation")
        bare = {name: cell for name, cell in given_.items() if name.split("[")[0].split(".")[0] != "observation"}
        got = reading.gather(bare, "")
        if isinstance(got, dict):
            got |= under if isinstance(under, dict) else {}
        elif not any(bare.values()):
            got = under
        if observation is not None or any(given_.values()):
            assert repr(got) == repr(_sorted_like(got, observation))
        assert repr(reading.gather(acted, "action")) == repr(_sorted_like(reading.gather(acted, "action"), action))
        assert row.get("reward", "") == ("" if reward is None else repr(reward))


def _sorted_like(got: object, want: object) -> object:
    """`want` with the keys of its dicts in the order of `got`, which is free."""
    if isinstance(want, dict) and isinstance(got, dict) and set(got) == set(want):
        return {key: _sorted_like(got[key], want[key]) for key in got}
    if isinstance(want, list) and isinstance(got, list) and len(got) == len(want):
        return [_sorted_like(a, b) for a, b in zip(got, want, strict=True)]
    return want


def test_equal_steps_are_folded_into_a_range():
    text = rendered(*(Step({"x": 1 if i < 3 or i > 12 else i % 2, "y": 5}, 0, 0.0) for i in range(20)))
    assert "\n14-20|1\n" in text + "\n"
    assert len(reading.rows(text)) == 20


def test_a_constant_is_said_once():
    text = rendered(*(Step({"x": i, "name": "forty two"}, "NOOP", 0.0) for i in range(30)))
    assert text.count("forty two") == text.count("NOOP") == 1


def test_floats_keep_every_digit():
    values = [0.1 + 0.2, 1 / 3, math.pi, 1e-300, -0.0]
    table = reading.rows(rendered(*(Step({"x": x}, 0, None) for x in values)))
    assert [repr(reading.value(row["x"])) for row in table] == list(map(repr, values))


def test_what_repeats_the_step_before_is_said_once():
    rewards = [0.0, 1.0, -1.0, 0.5, 2.0]
    steps = [
        Step({"x": i, "reward": before}, 0, now)
        for i, (before, now) in enumerate(zip([7.0, *rewards[:-1]], rewards, strict=True))
    ]
    text = rendered(*steps)
    assert "observation.reward is reward of the step before; first: 7.0" in text
    assert [row["observation.reward"] for row in reading.rows(text)] == ["7.0", "0.0", "1.0", "-1.0", "0.5"]


def test_lists_of_records_become_columns():
    steps = [Step({"Cars": [{"x": i, "y": j} for j in range(i % 3)]}, i, 0.0) for i in range(6)]
    text = rendered(*steps)
    assert "Cars[1].x" in text
    for row, step in zip(reading.rows(text), steps, strict=True):
        got = reading.gather({name: cell for name, cell in row.items() if name.startswith("Cars")}, "")
        assert got == step.observation


def test_many_records_stay_in_one_cell():
    steps = [Step({"bricks": [{"x": i * j} for j in range(80)]}, 0, 0.0) for i in range(5)]
    assert "bricks[0]" not in rendered(*steps)


def test_a_long_cell_stands_below_the_table_in_full():
    long = "word " * WIDEST
    text = rendered(*(Step({"page": f"{i} {long}", "i": i}, i, 0.0) for i in range(5)))
    assert text.count(long.strip()) == 5
    assert "Step 3, page:" in text


def test_an_input_that_stands_elsewhere_is_named_not_repeated():
    """By identity for outputs of calls, by equality for (parts of) the observation; another value is shown."""
    steps = []
    for i in range(5):
        ball = {"x": i, "y": 2 * i}
        calls = [
            Call("aim", [("ball", dict(ball), -1), ("speed", 3 + i, -1)], [i, i]),
            Call("move", [("target", [i, i], 2 * i)], i, 2 * i),
        ]
        steps.append(Step({"Ball": ball}, i, 0.0, calls))
    table = reading.rows(rendered(*steps))
    assert [row["aim(ball)"] for row in table] == ["@Ball"] * 5
    assert [row["aim(speed)"] for row in table] == ["3", "4", "5", "6", "7"]
    assert [row["move(target)"] for row in table] == ["@aim->"] * 5
    assert [row["move inside"] for row in table] == ["@aim"] * 5


def test_a_small_value_is_named_by_its_origin_only_where_it_always_is_that():
    """Small numbers exist once, so one that came from a call once may be another the next time."""
    steps = []
    for i in range(6):
        calls = [Call("aim", [], i), Call("move", [("target", i if i % 2 else 7, 2 * i if i % 2 else -1)], i)]
        steps.append(Step({"t": i + 50}, 0, 0.0, calls))
    assert [row["move(target)"] for row in reading.rows(rendered(*steps))] == ["7", "1", "7", "3", "7", "5"]


@pytest.mark.parametrize("count", [1, 6])
def test_an_object_that_was_changed_after_a_call_gave_it_is_shown_again(count):
    calls = [Call("plan", [], [1]), Call("act", [("plan", [1, 2], 0)], 5)]
    steps = [Step({"t": i}, i, 0.0, calls) for i in range(count)]
    text = rendered(*steps)
    assert "[1, 2]" in text
    assert "@plan->" not in text
    assert "plan=@1" not in text


def test_a_value_from_an_earlier_step_is_named_by_its_distance():
    steps = [Step({"t": i}, i, 0.0, [Call("plan", [("old", [i - 1], i - 1)], [i])]) for i in range(6)]
    table = reading.rows(rendered(*steps))
    assert [row["plan(old)"] for row in table] == ["[-1]"] + ["@plan-> of the step before"] * 5


def test_a_call_that_raised_shows_its_exception():
    text = Evidence.of([episodes.crash()], tokens=PLENTY).text
    assert "!ZeroDivisionError: division by zero" in text
    assert " --> 13 |" in text


def test_crowded_calls_are_listed_below_the_table():
    steps = [Step({"t": i}, i, 0.0, [Call("f", [("k", k + i, -1)], k * i) for k in range(20)]) for i in range(5)]
    text = rendered(*steps)
    assert text.count("f(k=") == 100
    assert "Step 5, call 20: f(k=23) -> 76" in text


def test_a_question_is_shown_as_fields():
    text = Evidence.of([episodes.question()], tokens=PLENTY).text
    assert "|" not in text
    assert "input question: 'Which letter comes first?'" in text
    assert "extract(reply=@1) -> 'A'" in text
    assert "output: 'A'" in text
    assert "expected 'B', got 'A'" in text


def test_a_single_argument_stands_bare_and_is_named_input():
    text = rendered(Step("Which?", "A", None, [Call("answer", [("question", "Which?", -1)], "A")]))
    assert "input: 'Which?'" in text
    assert "answer(question=@input) -> 'A'" in text


def test_a_long_text_that_comes_again_is_shown_once():
    long, other = "word " * 100, "text " * 100
    calls = [Call("outer", [("q", long, -1)], other), Call("inner", [("p", long + ".", -1)], other, 0)]
    text = rendered(Step({"q": long}, other, None, calls))
    assert text.count(other.strip()) == 1
    assert text.count(long.strip()) == 2
    assert "outer(q=@q) -> @output" in text
    assert "  -> @output" in text
    assert "output:\n    text text" in text


ROWS = [{"id": i, "name": f"passenger {i}", "fare": i / 7} for i in range(60)]


def test_a_long_value_passed_to_every_call_is_shown_once_and_named_in_words_that_find_it():
    calls = [Call("column", [("table", [dict(row) for row in ROWS], -1), ("at", i, -1)], f"c{i}") for i in range(10)]
    text = rendered(Step({"q": "?"}, "A", None, calls))
    assert text.count(repr(ROWS)) == 1
    assert f"call 1: column\n  table:\n    {ROWS!r}\n  at: 0" in text
    for i in range(1, 10):
        assert f"call {i + 1}: column(table=@1 table, at={i}) -> 'c{i}'" in text


def test_only_equal_values_of_one_kind_are_named_by_one_another():
    long = [*range(50)]
    other = [float(i) for i in long]
    calls = [Call("f", [("a", each, -1)], 0) for each in (long, other, str(long), tuple(long))]
    assert "@1 a" not in rendered(Step({"q": "?"}, "A", None, calls))


def test_a_call_that_others_are_named_by_is_shown_however_crowded_its_function_is():
    long = "needle " * 50
    calls = [Call("peek", [("at", i, -1)], f"token {i}") for i in range(200)]
    calls[50] = Call("peek", [("at", long, -1)], 0)
    calls[60] = Call("peek", [("at", 60, -1)], [60, 60])
    calls[70] = Call("peek", [("at", [60, 60], 60)], [70, 70])
    calls.append(Call("first", [("text", long, -1)], "?"))
    calls.append(Call("second", [("pair", [70, 70], 70)], "?"))
    text = rendered(Step({"q": "?"}, "A", None, calls))
    assert "call 201: first(text=@51 at) -> '?'" in text
    assert f"call 51: peek\n  at:\n    {long}" in text
    assert "call 202: second(pair=@71) -> '?'" in text
    assert "call 71: peek(at=@61) -> [70, 70]" in text
    assert "call 61: peek(at=60) -> [60, 60]" in text
    assert "(calls 5-50 not shown: 46 of peek)" in text


def test_a_long_value_of_many_steps_is_shown_once_below_the_table_too():
    steps = []
    for i in range(6):
        calls = [Call("f", [("table", ROWS if k else ROWS[: i + 9], -1)], k) for k in range(6)]
        steps.append(Step({"page": "word " * WIDEST if i % 2 else "none", "t": i}, i, 0.0, calls))
    text = rendered(*steps)
    assert text.count(repr(ROWS)) == 1
    assert f"Step 1, call 2: f(table={ROWS!r}) -> 1" in text
    assert text.count("f(table=@table of call 2 of step 1)") == 5 * 6 - 1
    assert text.count("word " * WIDEST) == 1
    assert "Step 4, page:\n    @page of step 2" in text


def test_of_a_function_called_very_often_the_middle_is_counted_and_what_leads_to_the_output_stays():
    calls = [Call("peek", [("at", i, -1)], f"token {i}") for i in range(200)]
    calls[90] = Call("peek", [("at", 90, -1)], None, failure=Failure("IndexError", "at the end"))
    calls[120] = Call("peek", [("at", 120, -1)], "needle" * 3)
    calls.append(Call("answer", [("given", "needle" * 3, 120)], "A"))
    text = rendered(Step({"q": "?"}, "A", None, calls))
    assert "call 4: peek(at=3) -> 'token 3'\n(calls 5-90 not shown: 86 of peek)\ncall 91: peek(at=90) -> !" in text
    assert "call 121: peek(at=120) -> 'needleneedleneedle'" in text
    assert "(calls 122-198 not shown: 77 of peek)\ncall 199: peek(at=198) -> 'token 198'" in text
    assert "call 201: answer(given=@121) -> 'A'" in text


def test_equal_calls_in_a_row_are_folded():
    calls = [Call("f", [("x", 1, -1)], 2) for _ in range(30)]
    assert "calls 1-30: f(x=1) -> 2" in rendered(Step({"q": "?"}, 2, None, calls))


@pytest.mark.parametrize("hostile", ["\ud800", "\x00", 10**5000, [10**5000], {(1, 2): {3}}, b"\xff"], ids=range(6))
def test_values_that_cannot_be_written_are_described(hostile):
    for count in (1, 6):
        text = rendered(*(Step({"x": hostile, "i": i}, hostile, 0.0) for i in range(count)))
        assert text.encode()


def test_values_nested_too_deep_are_described():
    deep: list[object] = []
    for _ in range(100_000):
        deep = [deep]
    for count in (1, 6):
        calls = [Call("f", [("x", deep, -1)], deep)]
        assert "cannot be written" in rendered(*(Step({"x": deep, "i": i}, i, 0.0, calls) for i in range(count)))


def test_a_call_that_fails_shows_what_it_was_given():
    step = Step({"q": "the question"}, None, None, [Call("f", [("x", 1, -1)], None, failure=Failure("KeyError", "7"))])
    trace = Trace([step], failure=Failure("KeyError", "7"))
    text = Evidence.of([Trial(TrialSpec("c", "train", 0, 0), Feedback.failed("exception", "KeyError: 7"), trace)]).text
    assert "input q: 'the question'" in text
    assert "output: none, the program failed" in text
