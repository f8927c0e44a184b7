"""Pong's decoder against the screen, and its task against the paper's protocol."""

from __future__ import annotations

import random
from typing import Any

import pytest

pytest.importorskip("ale_py")

from atari_play import clipped, close, extent, frames

COLOURS = {"Player": (92, 186, 92), "Enemy": (213, 130, 74), "Ball": (236, 236, 236)}
FIELD = (0, 34, 160, 160)


def follow(obs: dict[str, Any], rng: random.Random) -> int:
    if "Ball" not in obs or "Player" not in obs:
        return 1
    return 2 if obs["Ball"]["y"] < obs["Player"]["y"] + 7 else 3


@pytest.mark.parametrize("choose", [None, follow], ids=["random", "scripted"])
def test_boxes_cover_the_right_pixels(choose: Any) -> None:
    right = dict.fromkeys(COLOURS, 0)
    total = dict.fromkeys(COLOURS, 0)
    for obs, screen, _ in frames("pong", 600, choose):
        for name, colour in COLOURS.items():
            drawn = extent(screen, [colour], FIELD)
            decoded = clipped(obs[name], FIELD) if name in obs else None
            total[name] += 1
            # A row of a paddle may hide a ball; at the upper wall a last row is cut.
            right[name] += close(drawn, decoded) or (drawn is None and decoded is not None and decoded[3] <= 1)
    for name in COLOURS:
        assert right[name] >= 0.99 * total[name], (name, right[name], total[name])


def test_movement_is_the_difference_to_the_step_before() -> None:
    before: dict[str, Any] = {}
    moved = 0
    for obs, _, _ in frames("pong", 300, follow):
        ball, last = obs.get("Ball"), before.get("Ball")
        if ball and last and abs(ball["x"] - last["x"]) <= 24:
            assert (ball["dx"], ball["dy"]) == (ball["x"] - last["x"], ball["y"] - last["y"])
            moved += ball["dx"] != 0
        before = obs
    assert moved > 100
