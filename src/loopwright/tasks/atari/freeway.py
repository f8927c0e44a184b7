"""Freeway: the objects in memory, and the task's texts."""

from __future__ import annotations

from loopwright.staged import Stage, Staged
from loopwright.tasks.atari.game import DECIMAL, Box, Game, Observation, Protocols, box

WIDTH = 160


class FreewayObjects:
    """Chicken (the player's, on the left) and the ten Cars, from the highest lane to the lowest.

    Memory: 14 and 15 the height of the two chickens, 108-117 the cars' x from the lowest lane to the highest
    (Atari Annotated RAM Interface, Anand et al. 2019, arXiv 1906.08226; offsets to the screen are measured),
    103 the score. Cars leave on one side and come back on the other: their movement is counted around that
    edge.
    """

    def __init__(self, full: bool) -> None:
        self._full = full
        self.reset()

    def reset(self) -> None:
        self._chicken: Box | None = None
        self._other: Box | None = None
        self._xs: list[int] = []

    def read(self, ram: bytes, before: bytes = b"") -> Observation:
        self._chicken = box(44, 193 - ram[14], 6, 8, self._chicken)
        xs = [x - 3 if x >= 3 else x + WIDTH - 3 for x in ram[117:107:-1]]
        was_at = self._xs or xs
        y = 11
        cars = [
            {"x": x, "y": (y := y + 16), "w": 8, "h": 10, "dx": (x - was + 80) % WIDTH - 80, "dy": 0}
            for x, was in zip(xs, was_at, strict=True)
        ]
        self._xs = xs
        found: Observation = {"Chicken": self._chicken, "Cars": cars}
        if self._full:
            self._other = box(108, 193 - ram[15], 6, 8, self._other)
            found["OtherChicken"] = self._other
            found["score"] = DECIMAL[ram[103]]
        return found


GOAL = """Improve a policy that plays Atari Freeway from the objects on the screen.

A chicken walks from the bottom of the screen to the top, over ten lanes of traffic. Each crossing scores +1
and puts the chicken back at the bottom. A car that hits the chicken throws it back and stuns it for a moment.
A game lasts a fixed time, so the score is the number of crossings.

At every step `act(obs)` is given the objects and returns an action: 0 stays, 1 walks up, 2 walks down. One
step lasts four frames. "Chicken" is the player's: x = 44, y from 187 (bottom) to about 15 (top), with w, h
and dx, dy (movement since the last step), in pixels; y grows downwards. "Cars" is a list of the ten cars from
the highest lane to the lowest, one a lane, at y = 27, 43, ..., 171, each with x, y, w, h, dx, dy: in the five
upper lanes they drive to the left, in the five lower ones to the right, each lane at its own speed, and they
come back on the other side. "reward" is the reward of the last step. The policy keeps nothing between steps.

Good play hardly ever stops: it walks up, and waits or steps back only where a car would otherwise be at x =
44 when the chicken enters its lane."""

STAGED = Staged(
    first=(
        "The score is {score}: no crossing. Action 1 walks up; look at how far the chicken came and what stopped it."
    ),
    stages=(
        Stage(
            0,
            "The score is {score} crossings. Look at which cars hit the chicken: compute from x and dx when a "
            "car of the next lane reaches x = 44, and enter the lane before or after it.",
            above=True,
        ),
        Stage(
            25,
            "Good: {score} crossings, {missing} short of the aim of 50. Save the waits that are not needed.",
        ),
    ),
    goal=50,
)

GAME = Game(
    name="Freeway",
    rom="freeway",
    actions=("NOOP", "UP", "DOWN"),
    decoder=FreewayObjects,
    paper=Protocols(episodes=3, steps=2500),
    staged=STAGED,
    goal=GOAL,
    extra=('"OtherChicken" is the second chicken at x = 108, which nobody moves; "score" are the crossings so far.'),
)
