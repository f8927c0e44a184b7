"""What a policy that is perfect without sticky actions is worth with them: Pong, whole games of at most 4,000 steps.

    python case_studies/atari/sticky.py                       # the searched policies, 30 games each
    python case_studies/atari/sticky.py RUN/best/policy.py    # and others, such as the best of a run
    python case_studies/atari/sticky.py --search 60           # search for more, that many CPU seconds

Without sticky actions every game of a deterministic policy is the same game, so a policy can win it by a rally that
happens to repeat itself. `SEARCHED` were found that way: a ball's flight worked out with four constants drawn at
random, tried on that one game, kept where it was won 21 to 0. The policies named on the command line run in this
process: name only files that you trust.
"""

from __future__ import annotations

import argparse
import random
import time
from collections.abc import Callable
from importlib.util import module_from_spec, spec_from_file_location
from math import sqrt
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from loopwright.tasks.atari import FULL_STICKY, game_record
from loopwright.tasks.atari.emulator import Atari

STEPS = 4000
FIRST = 2000  # the first seed of the test split
Act = Callable[[dict[str, Any]], int]

# (offset, dead zone, share of the ball's dy that is believed, shift by the ball's direction)
SEARCHED: tuple[tuple[int, int, float, int], ...] = ((-2, 3, 0.9, 0),)


def tracker(offset: int, dead: int, share: float, shift: int) -> Act:
    """Meet the ball where its flight, reflected at the walls, ends; wait in the middle while it flies away."""

    def act(obs: dict[str, Any]) -> int:
        if "Ball" not in obs or "Player" not in obs:
            return 0
        ball, player = obs["Ball"], obs["Player"]
        target = 114.0
        if ball["dx"] > 0:
            steps = (140 - ball["x"]) / ball["dx"]
            y = (ball["y"] + ball["dy"] * steps * share - 34) % 312
            target = 36 + (312 - y if y > 156 else y) + offset + (shift if ball["dy"] > 0 else -shift)
        middle = player["y"] + player["h"] / 2
        return 3 if middle < target - dead else 2 if middle > target + dead else 0

    return act


def play(env: Atari, act: Act, seed: int, *, stop: float | None = None) -> float:
    """The score of one game; given up where it falls to `stop`."""
    observation = env.reset(seed)
    score = 0.0
    for _ in range(STEPS):
        observation, reward, over, truncated = env.step(act(observation))
        score += reward
        if over or truncated or (stop is not None and score <= stop):
            break
    return score


def mean_and_interval(scores: list[float]) -> str:
    """Mean and 95 % interval (normal, which thirty games allow)."""
    half = 1.96 * stdev(scores) / sqrt(len(scores))
    return f"{fmean(scores):.1f} ({fmean(scores) - half:.1f} to {fmean(scores) + half:.1f})"


def search(seconds: float) -> None:
    """Print the constants that win every point of the one game there is without sticky actions."""
    env, rng, began = Atari(game_record("pong"), full=False), random.Random(0), time.process_time()
    while time.process_time() - began < seconds:
        drawn = (
            rng.choice([-4, -2, 0, 2, 4]),
            rng.choice([2, 3, 4, 6, 8]),
            rng.choice([0.9, 1.0, 1.05]),
            rng.choice([0, 2, 4, 6, 8, 10]),
        )
        if play(env, tracker(*drawn), FIRST, stop=-4) == 21:
            print(drawn, flush=True)


def loaded(path: Path) -> Act:
    spec = spec_from_file_location(f"policy_{path.stem}", path)
    if spec is None or spec.loader is None or not path.is_file():
        raise SystemExit(f"{path} is not a Python file")
    module = module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.act


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("policies", nargs="*", type=Path)
    parser.add_argument("--games", type=int, default=30)
    parser.add_argument("--search", type=float, metavar="SECONDS")
    given = parser.parse_args()
    if given.search:
        search(given.search)
        return
    calm = Atari(game_record("pong"), full=True)
    sticky = Atari(game_record("pong"), full=True, sticky=FULL_STICKY)
    policies = {f"searched {constants}": tracker(*constants) for constants in SEARCHED}
    policies |= {str(path): loaded(path) for path in given.policies}
    print("| policy | without sticky actions | sticky 0.25: mean (95% interval) | worst and best game |")
    print("| --- | ---: | ---: | ---: |")
    for name, act in policies.items():
        found = [play(sticky, act, FIRST + game) for game in range(given.games)]
        one = play(calm, act, FIRST)
        print(f"| {name} | {one:g} | {mean_and_interval(found)} | {min(found):g}, {max(found):g} |", flush=True)


if __name__ == "__main__":
    main()
