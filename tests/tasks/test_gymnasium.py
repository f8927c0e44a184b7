"""Gymnasium environments as tasks: seeds, ends, rewards and limits are the environment's own, errors one sentence."""

from __future__ import annotations

import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import pytest

pytest.importorskip("gymnasium")

import gymnasium
import numpy as np
from gymnasium import spaces as gs

import loopwright as lw
from loopwright.errors import TaskError
from loopwright.settings import Loop
from loopwright.tasks.task import StepRecorder, Task, TrialHandle, load_task
from loopwright.trial import TrialSpec


def run(task: Task, act: Any, *, name: str = "act", index: int = 0, split: Any = "train") -> tuple[Any, list[Any]]:
    spec = TrialSpec("c", split, index, 7, record=True)
    recorder = StepRecorder()
    feedback = task.run(SimpleNamespace(**{name: act}), spec, TrialHandle(spec, recorder=recorder))  # type: ignore[arg-type]
    return feedback, recorder.steps()


def balanced(obs: list[float]) -> int:
    return int(obs[2] + 0.5 * obs[3] > 0)


class Rooms(gymnasium.Env):
    """A corridor of rooms, with every kind of space."""

    observation_space = gs.Dict({"room": gs.Discrete(5), "view": gs.Box(-1, 1, (2,), np.float32)})
    action_space = gs.Tuple((gs.MultiDiscrete([2, 2]), gs.Box(-1, 1, (1,), np.float32)))

    def reset(self, *, seed: int | None = None, options: Any = None) -> Any:
        super().reset(seed=seed)
        self.room = int(self.np_random.integers(0, 3))
        return self._seen(), {}

    def step(self, action: Any) -> Any:
        moves, push = action
        assert self.action_space.contains(action)
        self.room = min(4, self.room + int(moves[0]))
        return self._seen(), float(push[0]) - 1, self.room == 4, False, {}

    def _seen(self) -> Any:
        return {"room": self.room, "view": np.array([self.room / 4, -0.5], np.float32)}


@pytest.fixture(autouse=True)
def rooms() -> Any:
    module = ModuleType("rooms_for_test")
    module.Rooms = Rooms  # type: ignore[attr-defined]
    sys.modules["rooms_for_test"] = module
    gymnasium.register("Rooms-v0", entry_point="rooms_for_test:Rooms", max_episode_steps=30)
    yield
    gymnasium.registry.pop("Rooms-v0")
    del sys.modules["rooms_for_test"]


def test_an_episode_is_the_environments_own() -> None:
    task = lw.tasks.gym("CartPole-v1", act="policy", validation=3)
    feedback, steps = run(task, balanced, name="policy", split="validation", index=2)
    env = gymnasium.make("CartPole-v1")
    obs, _ = env.reset(seed=10_002)
    total = 0.0
    for step in steps:
        assert step.observation == [pytest.approx(number, rel=1e-6) for number in obs.tolist()]
        obs, reward, over, truncated, _ = env.step(step.action)
        assert step.reward == reward
        total += float(reward)
    assert over or truncated
    assert feedback.score == total


def test_equal_seeds_are_equal_episodes_whatever_was_played_before() -> None:
    task = lw.tasks.gym("FrozenLake-v1")
    first = run(task, lambda obs: obs % 4, index=3)
    run(task, lambda obs: 1, index=5)
    assert run(task, lambda obs: obs % 4, index=3) == first
    assert len({str(run(task, lambda obs: obs % 4, index=index)[1]) for index in range(8)}) > 1


def test_splits_share_no_seed() -> None:
    task = lw.tasks.gym("CartPole-v1")
    seeds = [seed for split in ("train", "validation", "test") for seed in task.examples(split)]  # type: ignore[arg-type]
    assert len(set(seeds)) == len(seeds) == 50


def test_a_time_limit_truncates_and_the_score_is_what_was_earned() -> None:
    feedback, steps = run(lw.tasks.gym("CartPole-v1", max_steps=20), balanced)
    assert (feedback.score, len(steps)) == (20, 20)
    assert "was cut off after 20 steps" in feedback.text


def test_an_end_is_an_end() -> None:
    feedback, steps = run(lw.tasks.gym("CartPole-v1"), lambda obs: 0)
    assert "The episode ended after" in feedback.text
    assert len(steps) < 20


@pytest.mark.parametrize(
    ("env", "act", "low", "high"),
    [
        ("Blackjack-v1", lambda obs: int(obs[0] < 17), -1, 1.5),
        ("FrozenLake-v1", lambda obs: 1, 0, 1),
        ("Pendulum-v1", lambda obs: [-obs[1]], -3255, 0),
    ],
)
def test_environments_of_every_kind_are_played_and_no_score_is_under_their_floor(
    env: str, act: Any, low: float, high: float
) -> None:
    task = lw.tasks.gym(env, train=5)
    for index in range(5):
        feedback, _ = run(task, act, index=index)
        assert feedback.error is None, feedback.text
        assert low <= task.floor <= feedback.score <= high


def test_taxi_with_the_worst_there_is_stays_over_its_floor() -> None:
    name = next(name for name in sorted(gymnasium.registry, reverse=True) if name.startswith("Taxi-v"))
    task = lw.tasks.gym(name, train=2)
    feedback, steps = run(task, lambda obs: 5)  # sets nobody down, again and again
    assert feedback.error is None
    assert feedback.score == task.floor == -10 * len(steps)


def test_dicts_and_tuples_pass_as_plain_values() -> None:
    feedback, steps = run(lw.tasks.gym("Rooms-v0", floor=-60), lambda obs: ([1, 0], 0.25 * obs["view"][0]))
    assert feedback.error is None, feedback.text
    assert feedback.score < 0
    assert steps[0].observation == {"room": steps[0].observation["room"], "view": [pytest.approx(0.5, abs=0.5), -0.5]}


def test_a_wrong_action_is_the_programs_feedback_and_says_where() -> None:
    feedback, _ = run(lw.tasks.gym("Rooms-v0", floor=-60), lambda obs: ([1, 2], 0.0))
    assert feedback.error == "output"
    assert feedback.score == -60
    assert "act gave an invalid action at step 1: the action[0] is [1, 2], out of bounds" in feedback.text


def test_a_score_under_the_floor_says_what_to_declare() -> None:
    with pytest.raises(TaskError, match="declare the lowest score: floor=-"):
        run(lw.tasks.gym("Rooms-v0"), lambda obs: ([0, 0], 0.0))


def test_the_goal_tells_spaces_limit_and_what_the_environment_says() -> None:
    goal = lw.tasks.gym("CartPole-v1", act="policy").goal
    assert "`policy(obs)`" in goal
    assert "The observation is a list of 4 floats, from -4.8 to 4.8, any, " in goal
    assert "The action is an int from 0 to 1" in goal
    assert "after 500 steps at most. A mean score of 475 counts as solved." in goal
    assert "Push cart to the left" in goal
    assert "gymnasium.make" not in goal
    assert lw.tasks.gym("CartPole-v1", goal="Balance it.", describe=False).goal.startswith("Balance it.\n")
    assert "every kind of space" in lw.tasks.gym("Rooms-v0").goal


@pytest.mark.parametrize(
    ("env", "options", "words"),
    [
        ("CartPol-v1", {}, "there is no environment 'CartPol-v1'.*CartPole"),
        ("nowhere_at_all:X-v0", {}, "needs the module 'nowhere_at_all', which is not installed"),
        ("CartPole-v1", {"options": {"colour": "red"}}, "cannot be made: TypeError"),
        ("CartPole-v1", {"max_steps": 0}, "at least one step"),
        ("CartPole-v1", {"train": -1}, "0 to 10,000 seeds"),
    ],
)
def test_what_cannot_be_made_is_told_in_a_sentence(env: str, options: dict[str, Any], words: str) -> None:
    with pytest.raises(TaskError, match=words) as caught:
        lw.tasks.gym(env, **options)
    assert "\n" not in str(caught.value)


def test_without_gymnasium_the_extra_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "gymnasium", None)
    with pytest.raises(TaskError, match=r"pip install 'loopwright\[gym\]'"):
        lw.tasks.gym("CartPole-v1")


def test_a_loop_file_names_it_and_a_run_improves_cartpole(tmp_path: Path) -> None:
    assert load_task("loopwright.tasks:gym", tmp_path, {"env": "CartPole-v1"}).card().sizes["train"] == 20
    from loopwright.cli.init import template, write_new

    write_new(tmp_path / "cart", template("gym"))
    loop = Loop.load(
        tmp_path / "cart" / "loop.toml", {"budget.steps": 4, "task_options.test": 2, "execution.isolation": "inline"}
    )
    outcome = lw.run(loop, tmp_path / "run", root=tmp_path / "cart")
    assert outcome.start_validation is not None
    assert outcome.best_validation is not None
    assert outcome.best_validation > outcome.start_validation
