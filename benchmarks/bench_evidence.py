"""How much an optimizer must read of a 400-step Pong episode, played on the real emulator by the starting policy."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from statistics import median

from measure import Row, alone

from loopwright.artifact import Artifact
from loopwright.evidence import Evidence
from loopwright.execution.process import ProcessExecutor
from loopwright.tasks.atari import starting
from loopwright.trial import Trial, TrialSpec

STEPS = 400
PARTS = ["predict_ball_trajectory", "select_action"]


async def episode(steps: int) -> Trial:
    """A recorded, isolated episode of the starting policy."""
    policy = starting("pong")
    source = Artifact.load([Path(policy.name)], PARTS, root=policy.parent).start.source()
    executor = ProcessExecutor("loopwright.tasks.atari:Pong", policy.parent, options={"max_steps": steps})
    try:
        await executor.start()
        return await executor.run(source, TrialSpec(source.id, "train", 0, 0, record=True))
    finally:
        await executor.close()


def rows(quick: bool) -> list[Row]:
    trial = asyncio.run(episode(STEPS))
    assert trial.feedback.error is None, trial.feedback.text
    assert trial.trace is not None
    assert len(trial.trace.steps) == STEPS
    times: list[float] = []
    for _ in range(3 if quick else 15):
        began = time.process_time()
        evidence = Evidence.of([trial], tokens=1_000_000)
        times.append(time.process_time() - began)
    assert not evidence.cut, "nothing may be left out of what is counted here"
    chars = len(evidence.text)
    calls = sum(len(step.calls) for step in trial.trace.steps)
    return [
        Row(
            "evidence of a 400-step Pong episode, nothing left out",
            f"{chars:,} characters, {evidence.tokens:,} tokens (estimated), {calls:,} calls; "
            f"made in {median(times) * 1e3:.0f} ms CPU",
            "<= 25,000 characters",
            chars <= 25_000,
        )
    ]


if __name__ == "__main__":
    alone(rows, __doc__)
