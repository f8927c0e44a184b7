"""Playing a game for the tests: agent steps with the decoded objects beside the screen."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

import numpy as np

from loopwright.tasks.atari import game_record
from loopwright.tasks.atari.emulator import Atari

Chooser = Callable[[dict[str, Any], random.Random], int]


@cache
def emulator(game: str) -> Atari:
    """One emulator a game: loading takes longer than a test."""
    return Atari(game_record(game), sticky=0.25)


def follow(obs: dict[str, Any], rng: random.Random) -> int:
    """Pong: keep the paddle at the ball's height."""
    if "Ball" not in obs or "Player" not in obs:
        return 1
    return 2 if obs["Ball"]["y"] < obs["Player"]["y"] + 7 else 3


def catch(obs: dict[str, Any], rng: random.Random) -> int:
    """Breakout: serve, and keep the paddle below the ball."""
    if "Ball" not in obs:
        return 1
    gap = obs["Ball"]["x"] - (obs["Player"]["x"] + rng.randrange(4, 12))
    return 2 if gap > 2 else 3 if gap < -2 else 0


def cross(obs: dict[str, Any], rng: random.Random) -> int:
    return 1


def drive(obs: dict[str, Any], rng: random.Random) -> int:
    """Enduro: gas, around the nearest car."""
    near = [car for car in obs["EnemyCars"] if -50 < car["rel_y"] < 10 and abs(car["rel_x"]) < 20]
    return 1 if not near else 8 if near[0]["rel_x"] >= 0 else 7


def fight(obs: dict[str, Any], rng: random.Random) -> int:
    """Seaquest: go to the height of the nearest enemy and fire at it."""
    if "Player" not in obs:
        return 1
    if obs["oxygen"] < 16:
        return 2
    me = obs["Player"]
    if not obs["Enemies"]:
        return 5 if me["y"] < 90 else 1
    foe = min(obs["Enemies"], key=lambda e: abs(e["y"] - me["y"]) + abs(e["x"] - me["x"]) / 4)
    if abs(foe["y"] - me["y"]) > 6:
        return 5 if foe["y"] > me["y"] else 2
    return 11 if foe["x"] > me["x"] else 12


def shoot(obs: dict[str, Any], rng: random.Random) -> int:
    return rng.choice([1, 4, 5])


def hop(obs: dict[str, Any], rng: random.Random) -> int:
    """Q*bert: hop about in the upper rows."""
    if "Player" not in obs:
        return 0
    feet = obs["Player"]["y"] + obs["Player"]["h"]
    return rng.choice([3, 5]) if feet < 100 else rng.choice([2, 4])


def collect(obs: dict[str, Any], rng: random.Random) -> int:
    """Asterix: towards the nearest thing."""
    things, me = obs["Consumables"], obs["Player"]
    if not things:
        return 0
    goal = min(things, key=lambda o: abs(o["x"] - me["x"]) + 2 * abs(o["y"] - me["y"]))
    if abs(goal["y"] - me["y"]) > 8:
        return 4 if goal["y"] > me["y"] else 1
    return 2 if goal["x"] > me["x"] else 3


SCRIPTS: dict[str, Chooser] = {
    "pong": follow,
    "breakout": catch,
    "freeway": cross,
    "enduro": drive,
    "seaquest": fight,
    "spaceinvaders": shoot,
    "qbert": hop,
    "asterix": collect,
}


def frames(
    game: str, count: int, choose: Chooser | None = None, *, seed: int = 0
) -> Iterator[tuple[dict[str, Any], np.ndarray]]:
    """`count` agent steps: (observation, screen). Random play holds an action for a few steps."""
    env = emulator(game)
    rng = random.Random(seed)
    action = 0
    observation = env.reset(seed)
    for _ in range(count):
        if choose is not None and rng.random() < 0.9:
            action = choose(observation, rng)
        elif rng.random() < 0.4:
            action = rng.randrange(len(env.game.actions))
        observation, _, over, truncated = env.step(action)
        yield observation, env.screen()
        if over or truncated:
            seed += 1
            observation = env.reset(seed)
