"""Plays in OCAtari's own environment: one line of JSON a frame, with the console's memory and OCAtari's objects.

Run by `ocatari_agreement.py` in the environment where OCAtari is installed; imports nothing of loopwright. A frame is
stepped alone, so that the memory one frame earlier is known, too.
"""

from __future__ import annotations

import json
import random
import sys
import warnings

warnings.filterwarnings("ignore")

from ocatari.core import OCAtari  # noqa: E402


def main(game: str, steps: int) -> None:
    env = OCAtari(
        f"{game}NoFrameskip-v4",
        mode="ram",
        hud=False,
        obs_mode="ori",
        frameskip=1,
        repeat_action_probability=0.0,
    )
    rng = random.Random(0)
    env.reset(seed=0)
    action = 0
    for _ in range(steps):
        if rng.random() < 0.4:
            action = rng.randrange(env.action_space.n)
        before = b""
        over = False
        for _ in range(4):
            before = env._ale.getRAM().tobytes()
            ended = env.step(action)
            over = bool(ended[2] or ended[3])
            if over:
                break
        found = [
            (thing.category, *map(int, thing.xywh))
            for thing in env.objects
            if thing is not None and thing.category != "NoObject"
        ]
        ram = env._ale.getRAM().tobytes()
        print(json.dumps({"ram": ram.hex(), "before": before.hex(), "objects": found, "over": over}))
        if over:
            env.reset(seed=0)


main(sys.argv[1], int(sys.argv[2]))
