"""What isolation costs: overhead of a trial, of a call into the program, of a call back, and of recording.

Prints a table; run it on a quiet machine: `python benchmarks/bench_execution.py [--quick]`. Wall times of single calls
depend on what else runs; CPU seconds (evaluator and candidate together) do so much less.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import statistics
import tempfile
import time
import timeit
from pathlib import Path
from typing import Any

from loopwright.execution.process import ProcessExecutor
from loopwright.execution.protocol import Limits, Source
from loopwright.execution.sandbox import walls
from loopwright.trace.record import Tracer
from loopwright.trial import Trial, TrialSpec

TASK = """
import time
from loopwright.tasks.task import task

OBSERVATION = {name: dict(x=1, y=2, w=4, h=5, dx=0, dy=1) for name in ("player", "enemy", "ball")}

def timed(calls, act):
    wall = time.perf_counter()
    for _ in range(calls):
        act()
    return 1.0, {"us": (time.perf_counter() - wall) / calls * 1e6}

@task(train=[0])
def nothing(program, example, trial):
    return float(program.act(OBSERVATION) == 3)

@task(train=[0])
def calls(program, example, trial):
    return timed(CALLS, lambda: program.act(OBSERVATION))

@task(train=[0])
def callbacks(program, example, trial):
    program.act(OBSERVATION)
    wall = time.perf_counter()
    program.ask_back(CALLS, lambda value: value)
    return 1.0, {"us": (time.perf_counter() - wall) / CALLS * 1e6}

@task(train=[0])
def arrays(program, example, trial):
    import numpy
    screen = numpy.zeros((210, 160, 3), "u1")
    return timed(CALLS // 10, lambda: program.act(screen))
"""
PROGRAM = """
def act(observation):
    return 3

def ask_back(times, handle):
    for _ in range(times):
        handle(1)
"""


def source(traced: bool) -> Source:
    return Source("bench", {"agent.py": PROGRAM.encode()}, "agent.py", [("agent.py", "act")] if traced else [])


async def trials(root: Path, task: str, *, times: int, record: bool = False) -> tuple[list[Trial], list[float]]:
    """Trials of one task, and the seconds that each took as main sees it; the first ones warm up and are left out."""
    executor = ProcessExecutor(f"task.py:{task}", root, limits=Limits(seconds=300))
    done: list[Trial] = []
    seconds: list[float] = []
    try:
        await executor.start()
        for _ in range(times + 2):
            started = time.perf_counter()
            trial = await executor.run(source(record), TrialSpec("bench", "train", 0, 0, record=record))
            seconds.append(time.perf_counter() - started)
            assert trial.feedback.error is None, trial.feedback
            done.append(trial)
    finally:
        await executor.close()
    return done[2:], seconds[2:]


def us(done: list[Trial]) -> float:
    return min(trial.feedback.metrics["us"] for trial in done)


def cpu(done: list[Trial], calls: int) -> float:
    return min(trial.cpu for trial in done) / calls * 1e6


def tracing() -> float:
    """Microseconds which recording adds to one call with small values; what `packed` does later is counted too."""

    def plain(a: int, b: list[int]) -> int:
        return a

    best = 1e9
    items = [1, 2, 3]
    for _ in range(20):
        tracer = Tracer()
        traced = tracer.wrap(plain, "plain")
        bare = timeit.timeit(lambda: plain(1, items), number=2000)
        wrapped = timeit.timeit(lambda f=traced: f(1, items), number=2000)
        best = min(best, (wrapped - bare) / 2000 * 1e6)
    return best


def packing() -> float:
    def plain(a: int, b: list[int]) -> int:
        return a

    best = 1e9
    for _ in range(20):
        tracer = Tracer()
        traced = tracer.wrap(plain, "plain")
        for _ in range(200):
            traced(1, [2])
        best = min(best, timeit.timeit(tracer.packed, number=1) / 200 * 1e6)
    return best


async def measure(quick: bool) -> list[tuple[str, str, str]]:
    calls, times = (2000, 10) if quick else (10_000, 40)
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        (root / "task.py").write_text(TASK.replace("CALLS", str(calls)))
        empty, seconds = await trials(root, "nothing", times=times)
        talk, _ = await trials(root, "calls", times=3)
        recorded, _ = await trials(root, "calls", times=2, record=True)
        back, _ = await trials(root, "callbacks", times=3)
        screens, _ = await trials(root, "arrays", times=2)
    per_call = cpu(talk, calls)
    return [
        ("isolated trial, overhead, median", f"{statistics.median(seconds) * 1e3:.1f} ms", "<= 25 ms"),
        ("  its CPU, evaluator and candidate", f"{statistics.median(t.cpu for t in empty) * 1e3:.1f} ms", ""),
        ("call into the program, round trip", f"{us(talk):.0f} us", "<= 60 us"),
        ("  its CPU, both sides", f"{per_call:.0f} us", "< 50 us"),
        ("  with a traced function, CPU", f"{cpu(recorded, calls):.0f} us", ""),
        ("  with a 210x160x3 screen", f"{us(screens):.0f} us", ""),
        ("call back to the task, round trip", f"{us(back):.0f} us", "<= 60 us"),
        ("  its CPU, both sides", f"{cpu(back, calls):.0f} us", ""),
        ("steps per CPU second", f"{1e6 / per_call:,.0f}", ""),
        ("recording one call", f"{tracing():.2f} us", "<= 2 us"),
        ("  packing it after the program call", f"{packing():.2f} us", ""),
    ]


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer repetitions")
    arguments = parser.parse_args()
    rows: list[Any] = asyncio.run(measure(arguments.quick))
    load = os.getloadavg()[0]
    print(f"walls: {walls()}; cores: {len(os.sched_getaffinity(0))}; load: {load:.1f}\n")
    print(f"{'what':<42} {'measured':>12}   wanted")
    for what, measured, wanted in rows:
        print(f"{what:<42} {measured:>12}   {wanted}")


if __name__ == "__main__":
    main()
