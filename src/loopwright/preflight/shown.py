"""Checks of what the optimizer is shown: does it differ, does the horizon hold what was earned, how large is it?"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Hashable, Sequence
from typing import Any

from loopwright.evidence import Evidence, Horizon
from loopwright.evidence.cut import cut
from loopwright.evidence.records import Experience
from loopwright.llm.tokens import estimate_prompt
from loopwright.optimizers import View
from loopwright.optimizers.prompt import messages
from loopwright.preflight.finding import Finding
from loopwright.preflight.sample import Sample
from loopwright.preflight.windows import window_of
from loopwright.seeding import generator
from loopwright.trial import Trial

_PLACES = 5  # windows drawn of each trial where their place is drawn
_MEMORY = 4_000  # tokens that memory may take in a prompt
_FEW = 0.25  # a smaller share of horizons that teach something is a warning


def same_feedback(sample: Sample) -> Finding:
    """`same-feedback`: whether feedback tells one trial from another."""
    trials = [*sample.train, *sample.validation]
    shown = Counter(_feedback(trial, sample.loop.evidence.feedback) for trial in trials)
    details = {"trials": len(trials), "different": len(shown)}
    if len(trials) < 2:
        return Finding("same-feedback", "note", "too few trials to tell whether feedback differs", details=details)
    if all(trial.feedback.error is not None for trial in trials):
        return Finding("same-feedback", "note", "cannot be told: every trial of the start failed", details=details)
    if len(shown) > 1:
        text = f"{len(trials)} trials got {len(shown)} different feedbacks"
        return Finding("same-feedback", "ok", text, details=details)
    text = f"all {len(trials)} trials got the very same feedback, score {trials[0].score:g}"
    advice = (
        "let the score grade what is partly right, and let the text say what was wrong: there is nothing to learn from"
    )
    return Finding("same-feedback", "error", text, advice, details)


def _feedback(trial: Trial, show: str) -> Hashable:
    feedback = trial.feedback
    numbers = (feedback.score, tuple(sorted(feedback.metrics.items())))
    return (numbers if show != "text" else None, feedback.text if show != "score" else None)


def horizon(sample: Sample) -> Finding:
    """`horizon`: in how many horizons anything was earned. One that ends before any reward teaches nothing."""
    setting = sample.loop.evidence.horizon
    rewards = [_rewards(trial) for trial in sample.train]
    if not any(len(each) > 1 for each in rewards):
        text = "a trial is one step here, so every horizon holds all of it"
        return Finding("horizon", "ok", text)
    earned = [_earned(experience) for experience in _windows(sample.train, setting)]
    share = sum(earned) / len(earned)
    whole = sum(any(each) for each in rewards) / len(rewards)
    details = {"horizons": len(earned), "share": share, "share_of_whole_trials": whole, "steps": setting.steps}
    text = f"{share:.0%} of {len(earned)} horizons hold a step that earned something; {whole:.0%} of whole trials do"
    if not whole:
        return Finding(
            "horizon", "ok", "no step is rewarded by itself: the score at the end is the feedback", details=details
        )
    if share >= _FEW:
        return Finding("horizon", "ok", text, details=details)
    first = [next(place for place, reward in enumerate(each, 1) if reward) for each in rewards if any(each)]
    advice = (
        f"the first reward comes at step {min(first)} to {max(first)} (n = {len(first)} trials): use a longer "
        'evidence.horizon.steps, or where = "reward"'
    )
    if setting.feedback == "window" and not share:
        return Finding("horizon", "error", text, advice, details)
    return Finding("horizon", "warning", text, advice, details)


def _windows(trials: Sequence[Trial], setting: Horizon) -> list[Experience]:
    draws = _PLACES if setting.where in {"reward", "random"} else 1
    return [
        cut(trial, setting, generator(n, "preflight", place))
        for place, trial in enumerate(trials)
        for n in range(draws)
    ]


def _rewards(trial: Trial) -> list[float]:
    steps = trial.trace.steps if trial.trace is not None else []
    return [step.reward if step.reward and math.isfinite(step.reward) else 0.0 for step in steps]


def _earned(experience: Experience) -> bool:
    return any(step.reward for step in experience.steps)


def evidence(sample: Sample) -> Finding:
    """`evidence`: its tokens at several batch sizes and horizons, against the limit of the settings."""
    wanted = sample.loop.evidence
    sizes = sorted({size for size in (1, 3, 5, wanted.batch.size) if size <= len(sample.train)})
    horizons = dict.fromkeys([Horizon(1), Horizon(25), Horizon(), wanted.horizon])
    if not any(len(_rewards(trial)) > 1 for trial in sample.train):
        horizons = dict.fromkeys([wanted.horizon])
    table: list[dict[str, Any]] = [
        {"steps": each.steps, "where": each.where, "batch": size, "tokens": _size(sample, each, size)}
        for each in horizons
        for size in sizes
    ]
    limit, size = wanted.tokens, min(wanted.batch.size, len(sample.train))
    tokens = _size(sample, wanted.horizon, size)
    details = {"tokens": tokens, "limit": limit, "table": table}
    text = f"the evidence of an update has about {tokens:,} tokens (batch of {size}); evidence.tokens = {limit:,}"
    if tokens > limit:
        return Finding(
            "evidence", "warning", f"{text}, so {1 - limit / tokens:.0%} of it is cut", _smaller(table, limit), details
        )
    return Finding("evidence", "ok", text, details=details)


def _size(sample: Sample, horizon: Horizon, size: int) -> int:
    wanted = sample.loop.evidence
    made = Evidence.of(sample.train[:size], horizon, show=wanted.feedback, staged=wanted.staged, tokens=10**9)
    return made.tokens


def _smaller(table: Sequence[dict[str, Any]], limit: int) -> str:
    fitting = [row for row in table if row["tokens"] <= limit]
    if not fitting:
        return "raise evidence.tokens, or let trials record less"
    best = max(fitting, key=lambda row: row["tokens"])
    return (
        f"raise evidence.tokens, or show less: horizon.steps = {best['steps']} with batch.size = {best['batch']} "
        f"has about {best['tokens']:,} tokens"
    )


def window(sample: Sample) -> Finding:
    """`window`: whether the whole prompt and its answer fit the context of the optimizer's model."""
    optimizer = sample.loop.optimizer
    model = optimizer.asked()
    if not model:
        return Finding("window", "ok", f"optimizer '{optimizer.kind}' asks no model, so there is no context to fill")
    size = sample.window or window_of(model)
    tokens = prompt_tokens(sample)
    needed = tokens + optimizer.max_tokens
    details = {"prompt": tokens, "answer": optimizer.max_tokens, "window": size}
    text = f"a prompt has about {tokens:,} tokens and its answer up to {optimizer.max_tokens:,}"
    if size is None:
        return Finding(
            "window", "note", f"{text}; the context of '{model}' is not known", "give it by --window N", details
        )
    text = f"{text}; the context of '{model}' is {size:,}"
    if needed > size:
        return Finding(
            "window",
            "error",
            text,
            "lower evidence.tokens, optimizer.max_tokens or the batch, or use another model",
            details,
        )
    if needed > 0.8 * size:
        return Finding("window", "warning", text, "leave some room: programs grow as they are edited", details)
    return Finding("window", "ok", text, details=details)


def prompt_tokens(sample: Sample) -> int:
    """The tokens of a prompt with this evidence and a full memory, as `optoprime` asks; others ask about as much."""
    wanted = sample.loop.evidence
    shown = Evidence.of(
        sample.train[: wanted.batch.size],
        wanted.horizon,
        show=wanted.feedback,
        staged=wanted.staged,
        tokens=wanted.tokens,
    )
    view = View(1, sample.artifact.start, shown, sample.card.goal)
    return estimate_prompt(messages(view)) + (_MEMORY if sample.loop.optimizer.memory else 0)
