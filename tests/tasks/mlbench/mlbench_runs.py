"""Runs candidates on the small competitions of `worlds/mlbench`, in sandboxes; many in one go, since starting an
evaluator costs more than a trial.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from pathlib import Path

from loopwright.execution.process import ProcessExecutor
from loopwright.execution.protocol import Limits, Source
from loopwright.trial import Split, Trial, TrialSpec

WORLD = Path(__file__).parents[2] / "worlds" / "mlbench"
Run = Callable[..., dict[str, Trial]]


def trials(
    task: str,
    texts: Mapping[str, str],
    *,
    split: Split = "validation",
    limits: Limits | None = None,
    options: Mapping[str, object] | None = None,
) -> dict[str, Trial]:
    """`trials("houses", {"name": text, ...}, split="test")`: one recorded trial of each candidate, by its name."""

    async def all_of_them() -> dict[str, Trial]:
        limit = limits or Limits(seconds=20, memory=4096)
        executor = ProcessExecutor(f"small_competitions.py:{task}", WORLD, limits=limit, options=options)
        try:
            await executor.start()
            found: dict[str, Trial] = {}
            for name, text in texts.items():
                source = Source(name, {"pipeline.py": text.encode()}, "pipeline.py", [("pipeline.py", "fit_predict")])
                found[name] = await executor.run(source, TrialSpec(name, split, 0, 1, record=True))
            return found
        finally:
            await executor.close()

    return asyncio.run(all_of_them())
