"""The credit horizon: how much of one execution the optimizer sees. Only the setting and its window are here.

An execution may have one step (a question is answered) or thousands (a game is played). Showing all of it is dear, and
buries the one step that mattered; showing one step hides consequences that come later. The horizon is that choice, made
plain: a length (`steps`), a place (`where`), and whose feedback goes with it (`feedback`).

The paper (arXiv 2603.23994, section 5 and appendix D.5) compares two lengths, one step and a whole rollout, and calls
the choice the *credit horizon*. Its one-step condition, as its released code ran it, shows the first observation and
action of a fresh episode, together with the score of whole episodes: here `Horizon(1, "start", "episode")`. Its
multi-step condition on Pong is `Horizon(400, "start", "episode")`. The length of the trace and the scope of the
feedback are two settings here, so that a study can tell their effects apart.

Applying a horizon to a trial is in `cut`; how many trials are combined is the other choice, `Batch`.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from typing import Any, Literal, cast

import msgspec

from loopwright.errors import SettingsError, nearest

Where = Literal["start", "end", "reward", "random", "online"]
Scope = Literal["episode", "window"]
_WHERE = ("start", "end", "reward", "random", "online")
_SCOPE = ("episode", "window")


class Horizon(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How much of one execution goes into the evidence: `horizon = { steps = 25, where = "end" }` in a settings file.

    `steps` is the length of the window in steps of the trial (a step is one observation, action and reward; for Atari
    that is one decision, four frames), or "full".

    `where` places the window: "start" from the first step; "end" up to the last; "reward" back from a step that was
    rewarded, drawn among all with a reward other than zero; "random" anywhere, each place alike; "online" moves it on
    by its own length with every update, through one episode that goes on with each new program (see `online`).

    `feedback` is "episode": score, text, metrics and exception of the whole execution, however short the window; or
    "window": only what was earned inside the window.

    Raises `SettingsError` for values outside these.
    """

    steps: int | Literal["full"] = "full"
    where: Where = "start"
    feedback: Scope = "episode"

    def __post_init__(self) -> None:
        # The types are checked by msgspec for a file; here also for a person who calls Horizon("25").
        steps = cast("Any", self.steps)
        if steps != "full" and (not isinstance(steps, int) or isinstance(steps, bool) or steps < 1):
            raise SettingsError(f'horizon: steps is {steps!r}; it must be a whole number of at least 1, or "full"')
        _known("horizon", "where", self.where, _WHERE)
        if self.where == "online" and steps == "full":
            raise SettingsError(
                'horizon: where = "online" moves a window on with every update, so steps must be a number'
            )
        _known("horizon", "feedback", self.feedback, _SCOPE)


def window(horizon: Horizon, rewards: Sequence[float | None], rng: random.Random) -> tuple[int, int]:
    """The steps that `horizon` leaves of an execution, as `(start, stop)`: 0-based, `stop` excluded.

    `rewards` has one entry a step, `None` where a step earned nothing that is known. For n steps,
    `0 <= start <= stop <= n`, and the window is `min(steps, n)` long with one exception: a window that reaches back
    from a reward stops at the first step of the trial, so it is `min(steps, place of the reward)` long, and its last
    step always is the rewarded one. Where no step was rewarded, "reward" is the same as "end" (`rewarded` tells).
    Nothing is drawn from `rng` for "start", "online" and "end". For "online" the steps
    are those since the episode was taken up, so its window is their beginning.
    """
    n = len(rewards)
    length = n if horizon.steps == "full" else min(horizon.steps, n)
    if horizon.where in {"start", "online"} or length == n:
        return 0, length
    if horizon.where == "random":
        start = rng.randrange(n - length + 1)
        return start, start + length
    places = rewarded(rewards) if horizon.where == "reward" else []
    stop = rng.choice(places) + 1 if places else n
    return max(0, stop - length), stop


def rewarded(rewards: Sequence[float | None]) -> list[int]:
    """The steps (0-based) that earned something: a reward that is a number other than zero."""
    return [i for i, reward in enumerate(rewards) if reward and not math.isnan(reward)]


def _known(setting: str, name: str, value: str, known: Sequence[str]) -> None:
    if value not in known:
        raise SettingsError(
            f"{setting}: {name} is {value!r}; it must be one of {', '.join(known)}{_hint(value, known)}"
        )


def _hint(value: object, known: Sequence[str]) -> str:
    hint = nearest(str(value), known)
    return hint if "did you mean" in hint else ""
