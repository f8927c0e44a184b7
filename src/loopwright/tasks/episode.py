"""Tasks that are environments: a program acts step by step, and the rewards of one episode are its score.

An example is a seed; one trial is one episode. The program sees observations and gives actions, through one
function of its own (`act`); where several functions make an action, that function calls them. Not here: any
environment.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from statistics import fmean, pstdev
from typing import Any, Literal, Protocol, cast

import msgspec

from loopwright.errors import TaskError
from loopwright.execution.program import observing
from loopwright.feedback import Feedback
from loopwright.tasks.task import Examples, Label, Loader, Task, TrialHandle


class InvalidAction(ValueError):
    """Raised by `Environment.step` for an action it does not take; the message says which it takes.

    It becomes the trial's feedback, because the program chose the action.
    """


class Environment(Protocol):
    """What an episode task plays. One environment serves many trials in turn, each begun by `reset`.

    Equal seeds and equal actions give equal episodes, whatever was played before. An optional `close()` is
    called when the environment is replaced. An optional `go_on(seed)` begins the further episodes of a trial that
    plays several, where they are not episodes of their own, such as the next life of a game. An optional attribute
    `strict = True` promises observations of None, bool, int, float, str, bytes, lists and dicts alone, not of tuples or
    arrays: they are then handed to the program without a look at every value, which large ones are quicker for. Beside
    it, an optional attribute `parts` tells what seldom changes in large observations, so that it need not be sent
    again and again: an object whose `still` and `moving` make up the last observation, `still | moving`. As long as
    nothing in `still` changes, it is the same dict; its values are scalars, dicts or lists of scalars, or lists of
    such.
    """

    def reset(self, seed: int) -> Any:
        """Begin an episode and give its first observation: plain data, not changed later."""
        ...

    def step(self, action: Any) -> tuple[Any, float, bool] | tuple[Any, float, bool, bool]:
        """Play one step: (observation, reward, over), or (observation, reward, over, truncated).

        `truncated` means that a limit of the environment's own ended the episode. Raises `InvalidAction`.
        """
        ...


class Episode(msgspec.Struct, frozen=True):
    """One finished episode: `score` is the sum of its rewards, `lost` of those below zero.

    `ended` says why: the environment was over, it truncated the episode, or the task's `max_steps` were
    played. Where one trial plays several episodes (`repeats`), `scores` has the sum of rewards of each and `score`
    is their mean; everything else is of the first, which the trace shows.
    """

    score: float
    steps: int
    ended: Literal["over", "truncated", "limit"]
    seed: int
    observation: Any = None
    scores: tuple[float, ...] = ()
    lost: float = 0.0

    def text(self) -> str:
        """One line on how it went."""
        why = {"over": "ended", "truncated": "was cut off", "limit": "was stopped at the step limit"}[self.ended]
        first = self.scores[0] if self.scores else self.score
        won = first - self.lost
        apart = f" ({won:g} won, {-self.lost:g} lost)" if won > 0 > self.lost else ""
        text = f"The episode {why} after {self.steps} steps with a total score of {first:g}{apart}."
        if len(self.scores) < 2:
            return text
        spread = f"(standard deviation {pstdev(self.scores):.3g})"
        return f"{text} Over {len(self.scores)} episodes the mean score is {self.score:g} {spread}."


def summed(episode: Episode) -> Feedback:
    """The plain feedback: the sum of rewards, and a line that says so."""
    return Feedback(episode.score, episode.text(), {"steps": float(episode.steps)})


def episodes(
    make_env: Callable[[], Environment],
    *,
    act: str,
    train: Examples | Loader,
    validation: Examples = (),
    test: Examples = (),
    max_steps: int = 10_000,
    goal: str = "",
    feedback: Callable[[Episode], object] = summed,
    arguments: Callable[[Any], tuple[Any, ...] | Mapping[str, Any]] | None = None,
    repeats: int = 1,
    floor: float = 0.0,
    ceiling: float | None = None,
    label: Label | None = None,
    name: str | None = None,
) -> Task:
    """A task whose trials are episodes of the environment that `make_env` gives; its examples are integer
    seeds.

    At every step the program's function `act` is called with the observation, or with what `arguments` makes
    of it: a tuple of positional or a dict of named arguments. `feedback` turns the `Episode` into whatever a
    task may return. The environment is made when first played, and played on for later trials of the same
    process. With `repeats`, a trial plays that many episodes, with the seeds from its example on: its score is their
    mean, and its trace the first.
    """
    if max_steps < 1:
        raise ValueError(f"max_steps must be at least 1, not {max_steps}")
    if repeats < 1:
        raise ValueError(f"repeats must be at least 1, not {repeats}")
    held: list[Environment] = []

    def play(program: Any, example: Any, trial: TrialHandle) -> object:
        if not held:
            held.append(make_env())
        try:
            env = held[0]
            strict = arguments is None and getattr(env, "strict", False)
            choose = observing(program, act, getattr(env, "parts", None)) if strict else getattr(program, act)
            seed = int(example)
            played = [_play(env, choose, seed, env.reset, trial.step if trial.recording else None, trial.begun)]
            if repeats > 1:
                trial.stop_recording()
                begin = cast("Callable[[int], Any]", getattr(env, "go_on", env.reset))
                played += [_play(env, choose, seed + more, begin) for more in range(1, repeats)]
        except InvalidAction as error:
            return Feedback.failed("output", str(error), floor=floor)
        except Exception:
            _close(held)  # whatever happened, the next trial must not inherit it
            raise
        if repeats == 1:
            return feedback(played[0])
        scores = tuple(episode.score for episode in played)
        return feedback(msgspec.structs.replace(played[0], score=fmean(scores), scores=scores))

    def _play(
        env: Environment,
        choose: Callable[..., Any],
        seed: int,
        begin: Callable[[int], Any],
        record: Callable[[Any, Any, float | None], None] | None = None,
        begun: Sequence[Any] = (),
    ) -> Episode:
        observation = begin(seed)
        total = lost = 0.0
        step = 0
        over = truncated = False
        for action in begun:
            turn = env.step(action)
            observation, over = turn[0], turn[2]
            truncated = len(turn) == 4 and turn[3]
            total += turn[1]
            lost += min(turn[1], 0.0)
            step += 1
            if over or truncated:
                raise TaskError(
                    f"an episode that was under way ended at step {step} of {len(begun)} when it was played again; "
                    'horizon.where = "online" needs an environment that repeats itself for equal seeds and actions'
                )
        while not over and not truncated and step < max_steps:
            action = None
            try:
                action = choose(observation) if arguments is None else _given(choose, arguments(observation))
                turn = env.step(action)
            except InvalidAction as error:
                if record:
                    record(observation, action, None)
                raise InvalidAction(f"{act} gave an invalid action at step {step + 1}: {error}") from None
            except Exception:
                if record:  # the step that failed is the one that matters most
                    record(observation, None, None)
                raise
            reward = turn[1]
            if record:
                record(observation, action, reward)
            observation, over = turn[0], turn[2]
            truncated = len(turn) == 4 and turn[3]
            total += reward
            if reward < 0:
                lost += reward
            step += 1
        ended = "over" if over else "truncated" if truncated else "limit"
        return Episode(total, step, ended, seed, observation, lost=lost)

    return Task(
        play,
        train=train,
        validation=validation,
        test=test,
        goal=goal,
        floor=floor,
        ceiling=ceiling,
        label=label,
        name=name or "episodes",
        calls=[act],
        continues=True,
    )


def _given(choose: Callable[..., Any], given: tuple[Any, ...] | Mapping[str, Any]) -> Any:
    if isinstance(given, tuple):
        return choose(*given)
    return choose(**given)


def _close(held: list[Environment]) -> None:
    env = held.pop()
    close = cast("Callable[[], None] | None", getattr(env, "close", None))
    if close is not None:
        close()
