"""What isolation costs: for a trial that does nothing, for one call into the candidate, and for a game on the emulator.

Wall times matter here, because a trial waits for them; where the machine is shared they are upper bounds, and the CPU
seconds beside them are the steadier figure.
"""

from __future__ import annotations

import asyncio
import random
import time
from pathlib import Path
from statistics import median

from measure import Row, alone

from loopwright.execution.process import ProcessExecutor
from loopwright.execution.protocol import Limits, Source
from loopwright.tasks.atari import GAMES, game_record
from loopwright.tasks.atari.emulator import REPEAT, Atari
from loopwright.trial import Trial, TrialSpec

WORLD = Path(__file__).parent / "world"
ATARI_STEPS = 2_000
GUESSER = """\
import random


def act(obs):
    return random.randrange({actions})
"""


def candidate(number: int) -> Source:
    """A program of one function; each number is another candidate."""
    text = f"NUMBER = {number}\n\n\ndef same(value):\n    return value\n"
    return Source(str(number), {"agent.py": text.encode()}, "agent.py", [("agent.py", "same")])


async def overheads(repeats: int) -> tuple[list[float], list[Trial], float]:
    """Wall seconds of trials of ever new candidates, the trials, and main's CPU seconds for each of them."""
    executor = ProcessExecutor("task.py:nothing", WORLD)
    await executor.start()
    try:
        walls: list[float] = []
        trials: list[Trial] = []
        await executor.run(candidate(0), TrialSpec("0", "train", 0, 0))
        cpu = time.process_time()
        for number in range(1, repeats + 1):
            began = time.perf_counter()
            trials.append(await executor.run(candidate(number), TrialSpec(str(number), "train", 0, 0, record=True)))
            walls.append(time.perf_counter() - began)
        assert all(trial.score == 1.0 for trial in trials)
        return walls, trials, (time.process_time() - cpu) / repeats
    finally:
        await executor.close()


async def round_trips(repeats: int, *, record: bool) -> tuple[float, float]:
    """Medians of microseconds a call: wall, round trip; CPU of evaluator and candidate together."""
    executor = ProcessExecutor("task.py:calls", WORLD, limits=Limits(seconds=300))
    await executor.start()
    try:
        walls: list[float] = []
        cpus: list[float] = []
        for _ in range(repeats):
            short, long = [
                await executor.run(candidate(0), TrialSpec("0", "train", index, 0, record=record)) for index in (0, 1)
            ]
            assert long.feedback.error is None, long.feedback.text
            walls.append(long.score)
            cpus.append((long.cpu - short.cpu) / 4_000 * 1e6)  # the difference leaves the start of the trial out
        return median(walls), median(cpus)
    finally:
        await executor.close()


def bare_steps(steps: int, game: str) -> float:
    """CPU microseconds of an agent step on the emulator alone: four frames, no objects, no policy, no Python around."""
    console = Atari(game_record(game))
    console.reset(0)
    ale, rng = console._ale, random.Random(0)
    codes = [rng.choice(ale.getMinimalActionSet()) for _ in range(steps)]
    act = ale.act
    began = time.process_time()
    for code in codes:
        for _ in range(REPEAT):
            act(code)
        if ale.game_over():
            ale.reset_game()
    return (time.process_time() - began) / steps * 1e6


async def played(game: str, repeats: int, *, record: bool = False) -> list[Trial]:
    """Isolated trials of a policy that chooses at random: whole observations, sticky actions.

    A policy that thinks would add its own time, and one that loses quickly would count the start of its trials more.
    """
    text = GUESSER.format(actions=len(game_record(game).actions))
    source = Source(game, {"policy.py": text.encode()}, "policy.py")
    executor = ProcessExecutor("task.py:game", WORLD, options={"name": game, "steps": ATARI_STEPS})
    try:
        await executor.start()
        return [await executor.run(source, TrialSpec(game, "train", 0, 0, record=record)) for _ in range(repeats)]
    finally:
        await executor.close()


def game_row(game: str, repeats: int) -> Row:
    """Steps in isolation against the bare emulator's, in turn, so that noise of the machine meets all of them."""
    bare: list[float] = []
    ours: dict[bool, list[float]] = {False: [], True: []}
    for _ in range(repeats):
        bare.append(bare_steps(ATARI_STEPS, game))
        for record, found in ours.items():
            for trial in asyncio.run(played(game, 3, record=record))[1:]:
                assert trial.feedback.error is None, trial.feedback.text
                found.append(trial.cpu / ATARI_STEPS * 1e6)
    share, recorded = (median(bare) / median(found) for found in ours.values())
    return Row(
        f"{game} under full isolation, steps per CPU second against the bare emulator",
        f"{share:.0%} ({median(ours[False]):.0f} us a step, bare {median(bare):.0f}; recording all: {recorded:.0%})",
        ">= 80 %",
        share >= 0.8,
    )


def rows(quick: bool) -> list[Row]:
    walls, trials, main = asyncio.run(overheads(30 if quick else 200))
    overhead = median(walls) * 1e3
    cpu = median(trial.cpu for trial in trials) * 1e3
    wall, used = asyncio.run(round_trips(3 if quick else 9, record=False))
    wall_recorded, _ = asyncio.run(round_trips(3 if quick else 9, record=True))
    return [
        Row(
            "isolated evaluation, overhead per candidate",
            f"{overhead:.1f} ms wall (fastest tenth {sorted(walls)[len(walls) // 10] * 1e3:.1f}), {cpu:.1f} ms CPU of "
            f"evaluator and candidate, {main * 1e3:.1f} ms of main",
            "<= 25 ms median",
            overhead <= 25.0,
        ),
        Row(
            "call of evaluator into candidate, round trip",
            f"{wall:.0f} us wall, {used:.0f} us CPU ({wall_recorded:.0f} us wall where calls are recorded)",
            "<= 60 us",
            wall <= 60.0,
        ),
        *(game_row(game, 1 if quick else 3) for game in GAMES),
    ]


if __name__ == "__main__":
    alone(rows, __doc__)
