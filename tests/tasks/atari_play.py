"""Playing a game for the tests: frames with the decoded objects beside the screen, and one measure of a right box."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

from loopwright.tasks.atari import game_record
from loopwright.tasks.atari.emulator import Atari

Chooser = Callable[[dict[str, Any], random.Random], int]


def frames(
    game: str, count: int, choose: Chooser | None = None, *, seed: int = 0, sticky: float = 0.25
) -> Iterator[tuple[dict[str, Any], np.ndarray, Atari]]:
    """`count` agent steps: (observation, screen, emulator). Random play holds an action for a few steps."""
    record = game_record(game)
    env = Atari(record, sticky=sticky)
    rng = random.Random(seed)
    action = 0
    observation = env.reset(seed)
    for _ in range(count):
        if choose is not None and rng.random() < 0.9:
            action = choose(observation, rng)
        elif rng.random() < 0.4:
            action = rng.randrange(len(record.actions))
        observation, _, over, truncated = env.step(action)
        yield observation, env.screen(), env
        if over or truncated:
            seed += 1
            observation = env.reset(seed)


def extent(
    screen: np.ndarray, colours: list[tuple[int, int, int]], area: tuple[int, int, int, int]
) -> tuple[int, int, int, int] | None:
    """The smallest box (x, y, w, h) around all pixels of some colours inside `area` (x, y, w, h), or None."""
    x, y, w, h = area
    x0, y0 = max(x, 0), max(y, 0)
    part = screen[y0 : max(y + h, 0), x0 : max(x + w, 0)]
    mask = np.zeros(part.shape[:2], bool)
    for colour in colours:
        mask |= (part == colour).all(-1)
    rows, columns = np.nonzero(mask)
    if not len(rows):
        return None
    left, top = int(columns.min()), int(rows.min())
    return x0 + left, y0 + top, int(columns.max()) - left + 1, int(rows.max()) - top + 1


def close(a: tuple[int, int, int, int] | None, b: tuple[int, int, int, int] | None, slack: int = 1) -> bool:
    """Whether every edge of two boxes agrees within `slack` pixels."""
    if a is None or b is None:
        return a is b
    edges_a = (a[0], a[1], a[0] + a[2], a[1] + a[3])
    edges_b = (b[0], b[1], b[0] + b[2], b[1] + b[3])
    return all(abs(p - q) <= slack for p, q in zip(edges_a, edges_b, strict=True))


def clipped(box: dict[str, int], area: tuple[int, int, int, int]) -> tuple[int, int, int, int] | None:
    """A decoded box cut to an area, or None where nothing of it is inside."""
    x0, y0 = max(box["x"], area[0]), max(box["y"], area[1])
    x1 = min(box["x"] + box["w"], area[0] + area[2])
    y1 = min(box["y"] + box["h"], area[1] + area[3])
    return (x0, y0, x1 - x0, y1 - y0) if x1 > x0 and y1 > y0 else None
