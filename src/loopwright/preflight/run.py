"""`preflight(loop)`: take a sample, and let every check speak."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

from loopwright.errors import LoopwrightError
from loopwright.preflight import costs, scores, shown, starting
from loopwright.preflight.finding import Finding, Preflight
from loopwright.preflight.sample import Sample, take_sample
from loopwright.settings import Loop
from loopwright.wiring import ModelFunction

Check = Callable[[Sample], Finding]
BEGIN = "begin"

# Every check under its code, in the order in which they are told. `begin` comes before all: that a sample can be taken.
CHECKS: dict[str, Check] = {
    "start": starting.start,
    "time-limit": starting.time_limit,
    "reach": starting.reach,
    "protections": starting.protections_hold,
    "same-feedback": shown.same_feedback,
    "horizon": shown.horizon,
    "evidence": shown.evidence,
    "window": shown.window,
    "noise": scores.noise,
    "seed": scores.seed,
    "target": scores.target,
    "labels": scores.labels,
    "splits": scores.splits,
    "coverage": scores.coverage,
    "budget": costs.budget,
}


def preflight(loop: Loop, root: str | Path = ".", **options: object) -> Preflight:
    """Check a loop before it is run; the options are those of `preflight_async`."""
    return asyncio.run(preflight_async(loop, root, **options))  # pyright: ignore[reportArgumentType]


async def preflight_async(
    loop: Loop,
    root: str | Path = ".",
    *,
    models: Mapping[str, ModelFunction] | None = None,
    examples: int = 8,
    hope: float | None = None,
    window: int | None = None,
) -> Preflight:
    """Check a loop before it is run. Paths are relative to `root`, as in `run`.

    Runs the starting artifact on up to `examples` train and validation examples each. `hope` is the smallest
    improvement worth finding, in units of the score; `window` the context of the optimizer's model in tokens. What
    keeps the loop from beginning is a finding as well, `begin`; nothing that a user can cause is raised.
    """
    try:
        sample = await take_sample(loop, Path(root), models=models or {}, examples=examples, hope=hope, window=window)
    except LoopwrightError as error:
        return Preflight([Finding(BEGIN, "error", f"the loop cannot begin: {error}", "mend this first")])
    findings = [Finding(BEGIN, "ok", f"task, artifact, optimizer and models were found; {_sizes(sample)}")]
    findings += [check(sample) for check in CHECKS.values()]
    return Preflight(findings, sample.meter.trials, sample.meter.usage, sample.seconds)


def _sizes(sample: Sample) -> str:
    return ", ".join(f"{count} {split}" for split, count in sample.card.sizes.items()) + " examples"
