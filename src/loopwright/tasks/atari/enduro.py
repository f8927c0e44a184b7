"""Enduro: the objects in memory, and the task's texts."""

from __future__ import annotations

from loopwright.staged import Stage, Staged
from loopwright.tasks.atari.game import DECIMAL, Box, Game, Observation, Protocols

BOTTOM = 155  # the first row below the road
# For each of the seven distances from near to far: (what its bytes lack of x and of y, and w, h) of a car there.
DISTANCES = (
    (16, 89, 16, 11),
    (18, 42, 12, 8),
    (15, -5, 8, 6),
    (16, -17, 6, 4),
    (17, -54, 4, 3),
    (17, -62, 4, 2),
    (18, -66, 2, 1),
)
NEAR = 24  # a car moves no farther than this in a step


class EnduroObjects:
    """Player and the cars on the road.

    Memory: 46 how far the player is to the left (signed), 52 player y, 27-33 the car at each of seven
    distances from near to far (0 none; its upper bits are the colour, bits 4 and 0 the lane), 3-9 their x as
    the console positions a sprite (the low four bits count steps of 15 pixels to the right, the high four,
    signed, single pixels to the left), 11-17 their y, 43 and 44 the cars left, 45 the day. 46, 52 and 27-33
    are in public decoders; the rest is measured against the screen, where the offsets of x hold for every one
    of 14,000 cars. The picture shows the cars and the player's place of the frame before, so 46 and 27-33 are
    read from `before`, the others from `ram`. At night the screen shows only the lights of a car.

    A car keeps its identity, for dx and dy, from one distance to the next by its colour and lane.
    """

    def __init__(self, full: bool) -> None:
        self._full = full
        self.reset()

    def reset(self) -> None:
        self._player: Box | None = None
        self._cars: dict[int, tuple[int, Box]] = {}

    def read(self, ram: bytes, before: bytes = b"") -> Observation:
        shown = before or ram
        left = _signed(shown[46])
        player = _moved(77 - (left >> 1) - (left + 1 >> 4), 89 + ram[52], 16, 11, self._player)
        cars: dict[int, tuple[int, Box]] = {}
        for number, (lacks_x, lacks_y, w, h) in enumerate(DISTANCES):
            code = shown[27 + number]
            if code:
                y = ram[11 + number] + lacks_y
                h = min(h, BOTTOM - y)
                if h > 0:
                    x = _placed(ram[3 + number]) + lacks_x
                    cars[number] = (code, _moved(x, y, w, h, self._same(number, code, y)))
        self._player, self._cars = player, cars
        found = _observation(player, [car for _, car in cars.values()])
        if self._full:
            found["cars_left"] = 100 * DECIMAL[ram[44]] + DECIMAL[ram[43]]
            found["day"] = DECIMAL[ram[45]]
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


def _placed(byte: int) -> int:
    """Pixels from the left of a sprite whose position is kept as coarse and fine steps."""
    return 15 * (byte & 15) - (_signed(byte) >> 4)


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
