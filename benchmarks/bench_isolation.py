"""What isolation costs: for a trial that does nothing, for one call into the candidate, and for a game on the emulator.

Wall times matter here, because a trial waits for them; where the machine is shared they are upper bounds, and the CPU
seconds beside them are the steadier figure.
"""

from __future__ import annotations

import asyncio
import time
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path
from statistics import median
from typing import Any

from measure import Row, alone
from world.task import endless

from loopwright.execution.process import ProcessExecutor
from loopwright.execution.protocol import Limits, Source
from loopwright.tasks.atari import GAMES, game_record
from loopwright.trial import Trial, TrialSpec

WORLD = Path(__file__).parent / "world"
ATARI_STEPS = 4_000  # where the paper's evaluation of most games ends
GUESSER = """\
drawn = 0


def act(obs):
    global drawn
    drawn = (drawn * 1103515245 + 12345) & 0x7FFFFFFF
    return (drawn >> 16) % {actions}
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


class Overheard:
    """The emulator, with what it was made to play written down: each frame's action, None for a game begun anew."""

    def __init__(self, ale: Any) -> None:
        self._ale = ale
        self.frames: list[Any] = []

    def act(self, code: Any) -> float:
        self.frames.append(code)
        return self._ale.act(code)

    def restoreState(self, state: Any) -> None:
        self.frames.append(None)
        self._ale.restoreState(state)

    def __getattr__(self, name: str) -> Any:
        return getattr(self._ale, name)


class Replay:
    """The game that the guesser plays, to be played again, frame by frame, on the emulator alone."""

    def __init__(self, game: str) -> None:
        policy: dict[str, Any] = {}
        exec(guesser(game), policy)
        env = endless(game)
        env.reset(0)
        self._ale, self._start = env._ale, env._starts[0]
        env._ale = overheard = Overheard(self._ale)
        observation, self.score = env.reset(0), 0.0
        for _ in range(ATARI_STEPS):
            observation, reward, _, _ = env.step(policy["act"](observation))
            self.score += reward
        self._frames, self._memory = overheard.frames, self._ale.getRAM().tobytes()

    def microseconds(self) -> float:
        """CPU time of an agent step of it: no objects, no policy, nothing around. It must end as it did."""
        ale, start = self._ale, self._start
        act = ale.act
        began = time.process_time()
        for code in self._frames:
            if code is None:
                ale.reset_game()
                ale.restoreState(start)
            else:
                act(code)
        used = time.process_time() - began
        assert ale.getRAM().tobytes() == self._memory, "the replay went another way"
        return used / ATARI_STEPS * 1e6


def bare(game: str) -> tuple[float, list[float]]:
    """The score of the game, and microseconds of an agent step in each of some replays of it."""
    replay = Replay(game)
    return replay.score, [replay.microseconds() for _ in range(3)]


def guesser(game: str) -> str:
    return GUESSER.format(actions=len(game_record(game).actions))


async def played(game: str, repeats: int, *, record: bool) -> list[Trial]:
    """Isolated trials of a policy that guesses: whole observations, sticky actions, from the fork to the clearing up.

    A policy that thinks would add its own time.
    """
    source = Source(game, {"policy.py": guesser(game).encode()}, "policy.py")
    executor = ProcessExecutor("task.py:game", WORLD, options={"name": game, "steps": ATARI_STEPS})
    try:
        await executor.start()
        return [await executor.run(source, TrialSpec(game, "train", 0, 0, record=record)) for _ in range(repeats)]
    finally:
        await executor.close()


def game_row(game: str, repeats: int) -> Row:
    """Steps in isolation against the bare emulator's for the very same game, in turn.

    Each time in new processes, since one may be slower than another by a tenth for all its life. The best of each
    counts: all of them do the same work, and whatever disturbs a shared machine only adds to it.
    """
    emulator: list[float] = []
    ours: dict[bool, list[float]] = {False: [], True: []}
    for _ in range(repeats):
        with ProcessPoolExecutor(1, get_context("spawn")) as pool:
            score, replayed = pool.submit(bare, game).result()
        emulator += replayed
        for record, found in ours.items():
            trials = asyncio.run(played(game, 4, record=record))
            assert all(trial.feedback.error is None and trial.score == score for trial in trials), trials
            found += [trial.cpu / ATARI_STEPS * 1e6 for trial in trials[1:]]  # the first loads the game
    share, recorded = (min(emulator) / min(found) for found in ours.values())
    return Row(
        f"{game} under full isolation, steps per CPU second against the bare emulator",
        f"{share:.0%} ({min(ours[False]):.0f} us a step, bare {min(emulator):.0f}; recording all: {recorded:.0%})",
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
