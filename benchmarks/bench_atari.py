"""What reading the objects costs beside the bare emulator, and how many of them are right, for each Atari game.

Right means:
every edge within one to three pixels of what is drawn, see `tests/tasks/atari_screens.py`, which the tests use too;
half of the frames are random play, half a small scripted player's.
"""

from __future__ import annotations

import random
import sys
from collections import Counter
from pathlib import Path
from typing import Any

from measure import Row, alone, cpu_of

from loopwright.tasks.atari import GAMES, game_record
from loopwright.tasks.atari.emulator import REPEAT, Atari

sys.path.insert(0, str(Path(__file__).parent.parent / "tests" / "tasks"))

SHARE = 0.95  # steps per CPU second with decoding, against the bare emulator's
RIGHT = 0.99  # boxes that are right, of each category


class Recorded:
    """In the emulator's place: gives the memory that was recorded and plays nothing, so all that is left is ours."""

    def __init__(self, memories: list[bytes], lives: int) -> None:
        self._memories = memories
        self._at = 0
        self._lives = lives

    def act(self, code: Any) -> int:
        return 0

    def getRAM(self, into: Any) -> None:
        self._at = (self._at + 1) % len(self._memories)
        memoryview(into)[:] = self._memories[self._at]

    def game_truncated(self) -> bool:
        return False

    def game_over(self, *, with_truncation: bool = True) -> bool:
        return False

    def lives(self) -> int:
        return self._lives


def speeds(game: str, *, full: bool, steps: int, repeats: int) -> tuple[float, float]:
    """Microseconds of CPU for an agent step: the bare emulator's, and what the environment adds to it.

    The two are measured apart: the second is some percent of the first, less than what a shared machine's noise
    makes of their sum. The best of the repeats counts, as all of them do the same work.
    """
    record = game_record(game)
    env = Atari(record, full=full)
    ale, codes = env._ale, env._codes
    rng = random.Random(0)
    actions = [rng.randrange(len(record.actions)) for _ in range(steps)]

    def emulated() -> None:
        for action in actions:
            code = codes[action]
            for _ in range(REPEAT):
                ale.act(code)

    def read() -> None:
        for action in actions:
            env.step(action)

    memories: list[bytes] = []
    env.reset(0)
    for action in actions:
        env.step(action)
        memories.append(env.ram())
    bare = ours = float("inf")
    for _ in range(repeats):
        env._ale = ale
        env.reset(0)
        bare = min(bare, cpu_of(emulated))
        env._ale = Recorded(memories, ale.lives())
        ours = min(ours, cpu_of(read))
    return 1e6 * bare / steps, 1e6 * ours / steps


def right(game: str, frames_each: int) -> dict[str, tuple[int, int]]:
    """(right, all) of each category of object, over random and scripted play."""
    from atari_play import SCRIPTS, frames
    from atari_screens import compare

    good: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for choose in (None, SCRIPTS[game]):
        for obs, screen in frames(game, frames_each, choose, seed=1000):
            for category, is_right in compare(game, obs, screen):
                good[category] += bool(is_right)
                total[category] += 1
    return {category: (good[category], total[category]) for category in total}


def rows(quick: bool) -> list[Row]:
    found: list[Row] = []
    for game in GAMES:
        steps, repeats = (100, 12) if quick else (200, 40)
        for full in (False, True):
            bare, ours = speeds(game, full=full, steps=steps, repeats=repeats)
            share = bare / (bare + ours)
            what = f"{game}: steps with objects ({'full' if full else 'paper'}) against the bare emulator's"
            measured = f"{share:.1%} ({ours:.1f} us more than {bare:.0f} us CPU)"
            found.append(Row(what, measured, f">= {SHARE:.0%}", share >= SHARE))
        boxes = right(game, 250 if quick else 10_000)
        good, total = (sum(pair[i] for pair in boxes.values()) for i in (0, 1))
        each = ", ".join(f"{name} {g / n:.2%} of {n:,}" for name, (g, n) in sorted(boxes.items()))
        met = all(g >= RIGHT * n for g, n in boxes.values())
        goal = f">= {RIGHT:.0%} of each category"
        found.append(Row(f"{game}: boxes right on the screen", f"{good / total:.2%} ({each})", goal, met))
    return found


if __name__ == "__main__":
    alone(rows, __doc__)
