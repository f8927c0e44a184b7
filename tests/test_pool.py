"""Runs that share a pool: each as alone, and never more trials at once than there are slots."""

from __future__ import annotations

import asyncio
import re
from pathlib import Path

import pytest

import loopwright as lw
from loopwright.execution.protocol import AskModel, Executor, Source, TaskCard
from loopwright.store import RunFolder
from loopwright.trial import Trial, TrialSpec
from loopwright.wiring import make_executor

WORLD = Path(__file__).parent / "worlds" / "number"


def settings(seed: int, isolation: str = "process") -> lw.Loop:
    return lw.Loop.of(
        {
            "task": "task.py:distance",
            "seed": seed,
            "artifact": {"path": "agent.py", "edit": ["NUMBER"]},
            "optimizer": {"model": "toy"},
            "evidence": {"batch": {"size": 3}},
            "budget": {"steps": 4},
            "execution": {"isolation": isolation},
        }
    )


def next_number(prompt: str) -> str:
    now = int(re.findall(r"### parameter: NUMBER\n```\w*\n(-?\d+)\n```", prompt)[-1])
    return f"One more.\n\n### parameter: NUMBER\n```\n{now + 1}\n```\n"


def course(folder: Path) -> list[tuple[int, int, str]]:
    return RunFolder(folder).journal(readonly=True).canonical()


class Counting:
    """Counts the trials under way in an executor, of whatever run, and how often it was started and closed."""

    most = together = started = closed = 0

    def __init__(self, inner: Executor) -> None:
        self.inner = inner

    async def start(self) -> TaskCard:
        Counting.started += 1
        return await self.inner.start()

    async def run(self, source: Source, spec: TrialSpec, ask: AskModel | None = None) -> Trial:
        Counting.together += 1
        Counting.most = max(Counting.most, Counting.together)
        try:
            return await self.inner.run(source, spec, ask)
        finally:
            Counting.together -= 1

    async def close(self) -> None:
        Counting.closed += 1
        await self.inner.close()


@pytest.mark.parametrize("slots", [1, 3])
def test_runs_in_a_pool_take_the_course_they_take_alone(tmp_path: Path, slots: int) -> None:
    Counting.most = Counting.together = Counting.started = Counting.closed = 0

    async def together() -> None:
        async with lw.Pool(slots, make=lambda loop, root: Counting(make_executor(loop, root))) as pool:
            runs = (
                lw.run_async(
                    settings(seed), tmp_path / f"pool{seed}", root=WORLD, models={"toy": next_number}, pool=pool
                )
                for seed in range(4)
            )
            await asyncio.gather(*runs)

    asyncio.run(together())
    assert Counting.most == slots
    assert (Counting.started, Counting.closed) == (1, 1)
    for seed in (0, 3):
        lw.run(settings(seed), tmp_path / f"alone{seed}", root=WORLD, models={"toy": next_number})
        assert course(tmp_path / f"alone{seed}") == course(tmp_path / f"pool{seed}")
