"""Cut a trial to the credit horizon: `Trial` in, `Experience` out. Nothing is rendered here."""

from __future__ import annotations

import math
import random
import sys

import msgspec

from loopwright.evidence.horizon import Horizon, rewarded, window
from loopwright.evidence.records import Experience
from loopwright.feedback import Feedback
from loopwright.trace import Trace
from loopwright.trial import Trial


def cut(trial: Trial, horizon: Horizon, rng: random.Random, ceiling: float | None = None) -> Experience:
    """What `horizon` leaves of `trial`; a pure function of its arguments and the state of `rng`.

    `ceiling` is the highest score a trial can have, None where the task does not know one.

    With `feedback = "episode"` the feedback and the exception are those of the whole trial, as the paper's code has it.
    With "window" the score is the sum of the rewards inside the window; a trial without rewards is scored at its end,
    so its feedback belongs to its last step and is shown if the window holds that step. What the program printed
    cannot be told apart by step, so it is shown only where the window is the whole trial.
    """
    trace = trial.trace or Trace()
    rewards = [step.reward for step in trace.steps]
    start, stop = window(horizon, rewards, rng)
    whole, ends = stop - start == len(rewards), stop == len(rewards)
    notes: list[str] = []
    before = len(trial.spec.begun)
    if before:
        notes.append(f"The steps before step {before + 1} were played by earlier versions of the program.")
    if not whole and horizon.where == "reward" and not rewarded(rewards):
        notes.append("No step of this trial was rewarded; these are its last steps.")
    feedback, failure, gained = trial.feedback, trace.failure, None
    if horizon.feedback == "window":
        inside = [reward for reward in rewards[start:stop] if reward is not None and math.isfinite(reward)]
        gained = _total(inside) if inside else None
        failure = failure if ends else None
        if not whole:
            feedback = _of_window(trial.feedback, gained, ends=ends)
            if feedback is not trial.feedback:
                notes.append("The score and feedback of the whole trial are not shown.")
    printed = trace.stdout or trace.stderr
    if printed and not whole:
        count = len(trace.stdout) + len(trace.stderr)
        notes.append(f"{count:,} printed characters are not shown: they cannot be told apart by step.")
    return Experience(
        example=trial.spec.index,
        seed=trial.spec.seed,
        window=(before + start, before + stop, before + len(rewards)),
        steps=trace.steps[start:stop],
        first_call=sum(len(step.calls) for step in trace.steps[:start]),
        feedback=feedback,
        window_reward=gained,
        failure=failure,
        stdout=trace.stdout if whole else "",
        stderr=trace.stderr if whole else "",
        left_out=" ".join(notes),
        perfect=ceiling is not None and feedback is trial.feedback and not feedback.error and trial.score >= ceiling,
    )


def _total(rewards: list[float]) -> float:
    try:
        return math.fsum(rewards)
    except OverflowError:  # finite rewards may have no finite sum; a score must have one
        return math.copysign(sys.float_info.max, sum(rewards))


def _of_window(feedback: Feedback, gained: float | None, *, ends: bool) -> Feedback:
    """The feedback of a window that is not the whole trial."""
    if ends and (gained is None or feedback.error is not None):
        return feedback if gained is None else msgspec.structs.replace(feedback, score=gained, metrics={})
    if gained is None:
        return Feedback(0.0, "No reward is known inside this window; the feedback came after it.")
    return Feedback(gained)
