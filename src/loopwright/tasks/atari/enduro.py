"""Enduro: the objects in memory, and the task's texts."""

from __future__ import annotations

from loopwright.staged import Stage, Staged
from loopwright.tasks.atari.game import Box, Game, Observation, Protocols, decimal

BOTTOM = 155  # the first row below the road
# For each of the seven distances from near to far: (what its byte lacks of y, w, h of a car there).
DISTANCES = ((89, 16, 11), (42, 12, 8), (-5, 8, 6), (-17, 6, 4), (-54, 4, 3), (-62, 4, 2), (-66, 2, 1))
# How the road's twelve pieces bend in a full curve; a piece holds this (or its negative) plus the road's
# drift.
BEND = (0, 1, 2, 2, 3, 4, 5, 6, 7, 8, 10, 13)
STRAIGHT = 8  # every piece's drift on a straight road
# Where a car is, fitted to 40,000 cars seen on the screen: its lane (left, middle, right) gives (x at y =
# 100, slope), the drift and the curve add polynomials of u = (y - 100) / 40, lowest power first.
LANES = (
    ((66.89, -10.86), (79.93, 0.15), (93.5, 10.5)),
    ((68.89, -11.95), (82.07, 0.13), (95.06, 12.11)),
    ((70.23, -12.65), (83.24, 0.56), (95.69, 13.2)),
    ((71.22, -12.38), (84.0, -0.43), (96.85, 12.47)),
    ((72.27, -12.47), (85.64, 0.96), (97.96, 12.98)),
    ((72.07, -12.76), (92.85, 10.07), (98.83, 13.94)),
    ((70.32, -16.13), (85.45, -0.67), (96.57, 9.82)),
)
DRIFT = (0.5764, -1.0591, 0.8842, -0.3318, 0.0114)
CURVE = (7.8951, -11.5596, 2.0849, 1.8012, 0.297)
NEAR = 24  # a car moves no farther than this in a step


class EnduroObjects:
    """Player and the cars on the road.

    Memory: 46 how far the player is to the left (signed), 52 player y, 27-33 the car at each of seven
    distances from near to far (0 none; bit 4 clear: middle lane, else bit 0: right lane; the upper bits are
    its colour), 11-17 their y, 86-97 the drift of the road's twelve pieces, 34 the curve (signed), 43 and 44
    the cars left, 45 the day. 46, 52 and 27-33 are in public decoders; the rest is measured against the
    screen. The picture shows the road of the frame before, so those bytes are read from `before`. Where a
    curve begins or ends, far cars may be off by some pixels; at night the screen shows only the lights of a
    car.

    A car keeps its identity, for dx and dy, from one distance to the next by its colour and lane.
    """

    def __init__(self, full: bool) -> None:
        self._full = full
        self.reset()

    def reset(self) -> None:
        self._player: Box | None = None
        self._cars: dict[int, tuple[int, Box]] = {}

    def read(self, ram: bytes, before: bytes = b"") -> Observation:
        road = before or ram
        left = _signed(road[46])
        player = _moved((1248 - 9 * left) // 16, 89 + ram[52], 16, 11, self._player)
        cars: dict[int, tuple[int, Box]] = {}
        if any(road[27:34]):
            curve = _signed(road[34])
            turn = 0 if -25 < curve < 25 else 1 if curve > 0 else -1
            drift = sorted(_signed(b) - turn * bend for b, bend in zip(road[86:98], BEND, strict=True))[6]
            for number in range(7):
                code = road[27 + number]
                if code:
                    lacks, w, h = DISTANCES[number]
                    y = ram[11 + number] + lacks
                    h = min(h, BOTTOM - y)
                    if h > 0:
                        x = left + _place(number, code, y, drift - STRAIGHT, turn)
                        cars[number] = (code, _moved(round(x), y, w, h, self._same(number, code, y)))
        self._player, self._cars = player, cars
        found = _observation(player, [car for _, car in cars.values()])
        if self._full:
            found["cars_left"] = 100 * decimal(ram[44]) + decimal(ram[43])
            found["day"] = decimal(ram[45])
        return found

    def _same(self, number: int, code: int, y: int) -> Box | None:
        """The car of this colour and lane that was here, or one distance away, a step ago."""
        for other in (number, number + 1, number - 1):
            found = self._cars.get(other)
            if found is not None and found[0] == code and -NEAR <= found[1]["y"] - y <= NEAR:
                return found[1]
        return None


def _observation(player: Box, cars: list[Box]) -> Observation:
    """The cars, nearest to the player's row first, with their place relative to the player."""
    px, py = player["x"], player["y"]
    enemies = [{**car, "rel_x": car["x"] - px, "rel_y": car["y"] - py} for car in cars]
    found: Observation = {"Player": player, "EnemyCars": enemies}
    if enemies:
        nearest = min(enemies, key=lambda car: abs(car["rel_x"]) + abs(car["rel_y"]))
        found["nearest_enemy_rel_x"] = nearest["rel_x"]
        found["nearest_enemy_rel_y"] = nearest["rel_y"]
    return found


def _place(number: int, code: int, y: int, drift: int, turn: int) -> float:
    """The x of a car on a road that the player drives in the middle of."""
    u = (y - 100) / 40
    at, slope = LANES[number][1 if not code & 16 else 2 if code & 1 else 0]
    x = at + slope * u
    power = 1.0
    for by_drift, by_curve in zip(DRIFT, CURVE, strict=True):
        x += power * (by_drift * drift + by_curve * turn)
        power *= u
    return x


def _moved(x: int, y: int, w: int, h: int, before: Box | None) -> Box:
    dx, dy = (0, 0) if before is None else (x - before["x"], y - before["y"])
    return {"x": x, "y": y, "w": w, "h": h, "dx": dx, "dy": dy}


def _signed(byte: int) -> int:
    return byte - 256 if byte > 127 else byte


GOAL = """Improve a policy that plays Atari Enduro from the objects on the screen.

A car race: each car overtaken scores +1, a car that overtakes the player takes one back. On the first day 200
cars must be overtaken, on later days 300; who has not done so when the day ends is out. Touching a car slows
the player down for a while. The road bends, and a bend pushes the player outwards; snow makes steering slow,
night shows cars only by their lights, and fog hides the far ones.

At every step `act(obs)` is given the objects and returns an action: 0 nothing, 1 gas, 2 right, 3 left, 4
brake, 5 brake and right, 6 brake and left, 7 gas and right, 8 gas and left. One step lasts four frames.
"Player" has x, y (upper left corner), w, h and dx, dy (movement since the last step) in pixels; x grows to
the right, y downwards; its x lies between about 64 and 92 (the road moves more than the car). "EnemyCars" are
the cars ahead, the nearest first, each with x, y, w, h, dx, dy and rel_x, rel_y (its place relative to the
player's); far cars are small and high on the screen. "nearest_enemy_rel_x" and "nearest_enemy_rel_y" belong
to the nearest one; they are missing where no car is seen. "reward" is the reward of the last step. The policy
keeps nothing between steps.

Good play keeps the gas down nearly always, leaves a lane early when a car is ahead in it, and steers against
bends."""

STAGED = Staged(
    first=(
        "The score is {score}: no car was overtaken for good. Keep the gas pressed (actions 1, 7, 8) and steer "
        "away from the nearest car when it is close in x."
    ),
    stages=(
        Stage(
            0,
            "The score is {score} cars. Lose less speed: change lane before a car is near, steer back from the "
            "edge of the road, and never brake without need.",
            above=True,
        ),
        Stage(100, "Good: {score} cars, {missing} short of the aim of 200 for the first day. Keep what works."),
    ),
    goal=200,
)

GAME = Game(
    name="Enduro",
    rom="enduro",
    actions=(
        "NOOP",
        "FIRE",
        "RIGHT",
        "LEFT",
        "DOWN",
        "DOWNRIGHT",
        "DOWNLEFT",
        "RIGHTFIRE",
        "LEFTFIRE",
    ),
    decoder=EnduroObjects,
    paper=Protocols(episodes=1, steps=5000),
    staged=STAGED,
    goal=GOAL,
    extra='"cars_left" are the cars still to be overtaken on this day, "day" counts the days from 1.',
    late=True,
)
