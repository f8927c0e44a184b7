"""Any Gymnasium environment as a task: `lw.tasks.gym("CartPole-v1", act="policy")`.

    task = "loopwright.tasks:gym"
    [task_options]
    env = "CartPole-v1"

An example is a seed, a trial one episode, the score its sum of rewards. The optimizer is told the spaces in words and
what the environment says of itself. `gymnasium` is the extra `gym`; what an environment needs beyond it, and modules
that register environments of your own (`env = "my_module:Maze-v0"`), are its user's business. What values pass is in
`spaces`.
"""

from __future__ import annotations

import inspect
import math
import re
from collections.abc import Mapping
from importlib import import_module
from typing import Any

from loopwright.errors import TaskError
from loopwright.tasks.episode import episodes
from loopwright.tasks.spaces import checked, described, plain
from loopwright.tasks.task import Task, told

# Where the seeds of each split begin; a split has fewer than lie between.
FIRST_SEED = {"train": 0, "validation": 10_000, "test": 20_000}
LONGEST = 10_000  # steps of an episode, where neither the environment nor the user limits it
MOST_WORDS = 4_000  # characters of an environment's own description
# The worst reward of a step in Gymnasium's own environments that have negative ones; `floor` says it for others.
WORST = {
    "Acrobot": -1.0,
    "CliffWalking": -100.0,
    "CliffWalkingSlippery": -100.0,
    "MountainCar": -1.0,
    "MountainCarContinuous": -0.1,
    "Pendulum": -16.2736045,
    "Taxi": -10.0,
}
ONCE = {"Blackjack": -1.0}  # the same for a whole episode


def gym(
    env: str,
    *,
    act: str = "act",
    options: Mapping[str, Any] | None = None,
    train: int = 20,
    validation: int = 10,
    test: int = 20,
    max_steps: int | None = None,
    repeats: int = 1,
    floor: float | None = None,
    ceiling: float | None = None,
    goal: str = "",
    describe: bool = True,
) -> Task:
    """A task of the environment with the id `env`, played by the program's function `act(observation) -> action`.

    `options` go to `gymnasium.make`. `train`, `validation` and `test` are how many seeds each split has. `max_steps`
    replaces the environment's own time limit; an episode that it cuts off is *truncated*, not over, and scored by
    what it earned. `repeats` episodes make one trial. `floor` is the lowest score there can be, given to trials that
    fail: known for Gymnasium's own environments, else 0, and a lower score stops the run and says so; `ceiling` is
    the highest, where there is one. `goal` is put
    before the description of the spaces, and `describe` adds the environment's docstring to it.

    Raises `TaskError` in one sentence where the environment cannot be made, or has a space without a plain form.
    """
    gymnasium = _gymnasium()
    made: list[Any] = [_make(gymnasium, env, options or {}, max_steps)]
    first = made[0]
    limit: int | None = getattr(first.spec, "max_episode_steps", None)
    for split, count in (("train", train), ("validation", validation), ("test", test)):
        if not 0 <= count <= FIRST_SEED["validation"]:
            raise TaskError(f"{split} = {count}: a split has 0 to {FIRST_SEED['validation']:,} seeds")

    def make() -> GymEnvironment:
        return GymEnvironment(made.pop() if made else _make(gymnasium, env, options or {}, max_steps))

    return episodes(
        make,
        act=act,
        train=range(train),
        validation=range(FIRST_SEED["validation"], FIRST_SEED["validation"] + validation),
        test=range(FIRST_SEED["test"], FIRST_SEED["test"] + test),
        max_steps=limit or max_steps or LONGEST,
        goal=_goal(env, first, act, limit or LONGEST, goal, describe=describe),
        repeats=repeats,
        floor=_floor(env, limit or LONGEST) if floor is None else floor,
        ceiling=ceiling,
        name=env,
    )


class GymEnvironment:
    """A Gymnasium environment as a `loopwright.tasks.episode.Environment`: plain observations, checked actions."""

    def __init__(self, env: Any) -> None:
        self._env = env
        self._step = 0

    def reset(self, seed: int) -> Any:
        """Begin the episode of a seed; the environment's randomness starts anew with it."""
        self._step = 0
        return plain(self._env.observation_space, self._env.reset(seed=seed)[0])

    def step(self, action: Any) -> tuple[Any, float, bool, bool]:
        """Play one step: (observation, reward, terminated, truncated). Raises `InvalidAction`."""
        observation, reward, over, truncated, _ = self._env.step(checked(self._env.action_space, action))
        self._step += 1
        earned = float(reward)
        if not math.isfinite(earned):
            raise ValueError(f"the environment gave the reward {earned} at step {self._step}")
        return plain(self._env.observation_space, observation), earned, bool(over), bool(truncated)

    def close(self) -> None:
        self._env.close()


def _gymnasium() -> Any:
    try:
        return import_module("gymnasium")
    except ImportError:
        raise TaskError("Gymnasium environments need the package gymnasium: pip install 'loopwright[gym]'") from None


def _make(gymnasium: Any, env: str, options: Mapping[str, Any], max_steps: int | None) -> Any:
    """The environment with its time limit. Raises `TaskError` in one sentence, whatever went wrong."""
    if max_steps is not None and max_steps < 1:
        raise TaskError(f"max_steps = {max_steps}: an episode has at least one step")
    limit = {} if max_steps is None else {"max_episode_steps": max_steps}
    try:
        made = gymnasium.make(env, disable_env_checker=True, **limit, **options)
    except gymnasium.error.DependencyNotInstalled as error:
        raise TaskError(f"the environment '{env}' needs a package that is not installed: {_line(error)}") from None
    except gymnasium.error.UnregisteredEnv as error:
        raise TaskError(f"there is no environment '{env}': {_line(error)}") from None
    except gymnasium.error.DeprecatedEnv as error:
        raise TaskError(f"the environment '{env}' is no longer there: {_line(error)}") from None
    except ModuleNotFoundError as error:
        module = error.name or env.partition(":")[0]
        raise TaskError(f"the environment '{env}' needs the module '{module}', which is not installed") from None
    except Exception as error:  # what an environment raises when it is made: told as a TaskError
        raise TaskError(f"the environment '{env}' cannot be made: {told(error)}") from error
    for space in (made.observation_space, made.action_space):
        described(space)
    return made


def _floor(env: str, limit: int) -> float:
    name = re.sub(r"-v\d+$", "", env.rpartition(":")[2])
    return ONCE[name] if name in ONCE else WORST.get(name, 0.0) * limit


def _goal(env: str, made: Any, act: str, limit: int, goal: str, *, describe: bool) -> str:
    threshold = getattr(made.spec, "reward_threshold", None)
    solved = f" A mean score of {threshold:g} counts as solved." if threshold is not None else ""
    parts = [
        goal or f"Improve a policy that acts in the environment {env}.",
        f"At every step `{act}(obs)` is given the observation and returns an action. The score of an episode is the "
        f"sum of its rewards. An episode ends when the environment says so, after {limit:,} steps at most.{solved}",
        f"The observation is {described(made.observation_space)}",
        f"The action is {described(made.action_space)}",
    ]
    if describe and (words := _own_words(made)):
        parts.append(f"What the environment says of itself:\n\n{words}")
    return "\n\n".join(parts)


def _own_words(made: Any) -> str:
    """An environment's docstring up to where it speaks of its code. ("ndarray" in it: plain values are given.)"""
    doc = type(made.unwrapped).__doc__ or ""
    if doc == getattr(type(made.unwrapped).__mro__[1], "__doc__", None):
        return ""  # inherited: it says nothing of this one
    doc = inspect.cleandoc(doc)
    doc = re.split(r"(?m)^#+ *(?:arguments|references?|version history|vectorized|information)\b", doc, flags=re.I)[0]
    doc = doc.strip()
    return doc if len(doc) <= MOST_WORDS else doc[:MOST_WORDS].rpartition("\n")[0] + "\n..."


def _line(error: Exception) -> str:
    """A message on one line, without its last full stop."""
    return " ".join(str(error).split()).rstrip(".")
