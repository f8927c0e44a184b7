"""Laws of the credit horizon: where a window may lie, and what a trial keeps of it."""

from __future__ import annotations

import random

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopwright.errors import SettingsError
from loopwright.evidence import Horizon, cut, window
from loopwright.feedback import Feedback
from loopwright.trace import Call, Failure, Step, Trace
from loopwright.trial import Trial, TrialSpec

REWARDS = st.lists(st.sampled_from([None, 0.0, 1.0, -1.0]), max_size=40)
HORIZONS = st.builds(
    Horizon,
    st.one_of(st.integers(1, 50), st.just("full")),
    st.sampled_from(["start", "end", "reward", "random"]),
)


@given(HORIZONS, REWARDS, st.integers())
def test_window_lies_inside_the_trial_and_has_the_length_asked_for(horizon, rewards, seed):
    n = len(rewards)
    start, stop = window(horizon, rewards, random.Random(seed))
    assert 0 <= start <= stop <= n
    length = n if horizon.steps == "full" else min(horizon.steps, n)
    places = [i + 1 for i, reward in enumerate(rewards) if reward]
    if horizon.where == "reward" and places and length < n:
        assert stop in places
        assert stop - start == min(length, stop)
    else:
        assert stop - start == length
        assert horizon.where != "start" or start == 0
        assert horizon.where not in {"end", "reward"} or stop == n


@given(HORIZONS, REWARDS, st.integers())
def test_window_depends_on_its_arguments_alone(horizon, rewards, seed):
    assert window(horizon, rewards, random.Random(seed)) == window(horizon, rewards, random.Random(seed))


def test_random_and_reward_windows_reach_every_place():
    rewards = [0.0, 1.0, None, 0.0, -1.0, 0.0]
    rng = random.Random(0)
    assert {window(Horizon(2, "random"), rewards, rng)[0] for _ in range(200)} == {0, 1, 2, 3, 4}
    assert {window(Horizon(2, "reward"), rewards, rng) for _ in range(200)} == {(0, 2), (3, 5)}
    assert window(Horizon(4, "reward"), [0.0, 1.0, 0.0, 0.0, 0.0], rng) == (0, 2)


@pytest.mark.parametrize("steps", [0, -1, True, 2.5, "all", None])
def test_steps_other_than_a_positive_number_or_full_are_refused(steps):
    with pytest.raises(SettingsError, match="steps"):
        Horizon(steps)


def test_unknown_words_are_refused_with_the_nearest():
    with pytest.raises(SettingsError, match="did you mean 'start'"):
        Horizon(1, "strat")  # type: ignore[arg-type]
    with pytest.raises(SettingsError, match="window"):
        Horizon(1, "start", "windows")  # type: ignore[arg-type]
    with pytest.raises(msgspec.ValidationError, match="wher"):
        msgspec.convert({"steps": 3, "wher": "end"}, Horizon)
    with pytest.raises(SettingsError):
        msgspec.convert({"steps": 0}, Horizon)


def test_setting_reads_from_toml():
    setting = msgspec.toml.decode(b'steps = 25\nwhere = "end"', type=Horizon)
    assert setting == Horizon(25, "end")
    assert msgspec.toml.decode(b'steps = "full"', type=Horizon) == Horizon()


def trial(rewards: list[float | None], **more: object) -> Trial:
    steps = [Step({"t": i}, i, reward, [Call("f", [], i)]) for i, reward in enumerate(rewards)]
    feedback = Feedback(7.0, "whole episode", {"length": float(len(rewards))})
    return Trial(TrialSpec("c", "train", 3, 9), feedback, Trace(steps, **more))  # type: ignore[arg-type]


def test_episode_feedback_stays_whole_however_short_the_window():
    """The paper's one-step condition as its code ran it: one step of trace, feedback of the whole episode."""
    got = cut(trial([0.0, 1.0, 5.0]), Horizon(1, "start", "episode"), random.Random(0))
    assert got.window == (0, 1, 3)
    assert [step.action for step in got.steps] == [0]
    assert got.feedback == Feedback(7.0, "whole episode", {"length": 3.0})
    assert got.window_reward is None


def test_window_feedback_tells_only_what_the_window_earned():
    got = cut(
        trial([0.5, 1.0, 5.0], failure=Failure("ValueError", "late")), Horizon(2, feedback="window"), random.Random(0)
    )
    assert got.feedback.score == got.window_reward == 1.5
    assert "whole" not in got.feedback.text
    assert not got.feedback.metrics
    assert got.failure is None
    last = cut(trial([None, None, None]), Horizon(1, "end", "window"), random.Random(0))
    assert last.feedback.text == "whole episode"
    first = cut(trial([None, None, None]), Horizon(1, "start", "window"), random.Random(0))
    assert first.feedback.score == 0.0
    assert "whole" not in first.feedback.text


def test_rewards_without_a_finite_sum_still_give_a_score():
    got = cut(trial([1e308, 1e308]), Horizon(feedback="window"), random.Random(0))
    assert got.window_reward is not None
    assert 1e308 < got.window_reward < float("inf")


def test_calls_before_the_window_are_counted_and_printing_is_not_split():
    got = cut(trial([0.0] * 5, stdout="hello"), Horizon(2, "end"), random.Random(0))
    assert got.first_call == 3
    assert got.stdout == ""
    assert "5 printed characters" in got.left_out
    assert cut(trial([0.0] * 5, stdout="hello"), Horizon(), random.Random(0)).stdout == "hello"


def test_falling_back_from_reward_to_end_is_said():
    got = cut(trial([0.0] * 5), Horizon(2, "reward"), random.Random(0))
    assert got.window == (3, 5, 5)
    assert "No step of this trial was rewarded" in got.left_out
