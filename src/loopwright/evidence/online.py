"""Online learning: an update after every window of a *running* episode, which goes on with the program just updated.

With `horizon = { steps = 1, where = "online" }` the first update sees step 1 of an episode. The program is changed, the
second update sees step 2 of the same episode, reached by what the first program did, and so on: the condition that the
paper (arXiv 2603.23994, section 5) describes as one-step, where its released code shows the first step of a fresh
episode every time (`where = "start"`).

An episode is held as the actions that were taken in it, no more: a trial that goes on with it plays them again, then
lets its program act (environments give equal episodes for equal seeds and actions). So nothing of an environment has
to be kept, a run resumes from its journal alone, and a child is compared with its parent from the same moment on. Each
training example has a running episode of its own. One that ends within the window begins anew; one whose program
failed stays where it is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from loopwright.evidence.horizon import Horizon
from loopwright.trial import Trial

# What was played so far of each training example's episode, by its index: the actions. Absent or empty: its beginning.
Running = Mapping[int, Sequence[Any]]


def onward(horizon: Horizon, trials: Sequence[Trial]) -> dict[int, list[Any]]:
    """Where the episodes of an update's trials stand after it; empty unless the horizon is online."""
    if horizon.where != "online":
        return {}
    return {trial.spec.index: _after(trial, horizon) for trial in trials}


def _after(trial: Trial, horizon: Horizon) -> list[Any]:
    begun = list(trial.spec.begun)
    if trial.feedback.error is not None:
        return begun
    steps = trial.trace.steps if trial.trace is not None else []
    assert horizon.steps != "full"  # refused by Horizon
    if len(steps) <= horizon.steps:
        return []
    return begun + [step.action for step in steps[: horizon.steps]]
