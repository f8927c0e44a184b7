"""Breakout: the objects in memory, and the task's texts."""

from __future__ import annotations

from loopwright.staged import Stage, Staged
from loopwright.tasks.atari.game import DECIMAL, Box, Game, Observation, Protocols, box

# The rows of bricks from the lowest (y = 87) to the highest (y = 57), by colour: blue, aqua (green), green
# (yellow), ... The names are those of the paper's observations.
ROWS = ("BB", "AB", "GB", "YB", "OB", "RB")


SHORT = 128  # set once the ball has hit the upper wall: the paddle is shorter from then on


def _columns() -> list[tuple[int, int]]:
    """For each of the 18 bricks of a row from the left: (byte of the lowest row, bit) that is set while it
    stands.

    The bricks are the console's playfield: 40 pixels of 4 screen pixels, two a brick, two a side wall. Its
    registers fill from the left as 4 bits upwards, 8 bits downwards, 8 bits upwards, and the same again for
    the right half.
    """
    columns: list[tuple[int, int]] = []
    for pixel in range(2, 38, 2):
        half, place = divmod(pixel, 20)
        if place < 4:
            register, bit = 0, 4 + place
        elif place < 12:
            register, bit = 1, 11 - place
        else:
            register, bit = 2, place - 12
        columns.append((6 * (5 - 3 * half - register), 1 << bit))
    return columns


COLUMNS = _columns()


class BreakoutObjects:
    """Player (the paddle), Ball, and the standing bricks row by row: adjacent bricks are one box.

    Memory: 72 paddle x, 97 bit 7 whether it is short, 99 ball x, 101 ball y (0 while there is no ball), 57
    lives, 76 and 77 score (two decimal digits each), 0-35 the bricks: byte 6 * register + row (Atari
    Annotated RAM Interface, Anand et al. 2019, arXiv 1906.08226; the order of the bits follows from the
    console's playfield registers; offsets to the screen are measured). The boxes of bricks are the same
    objects from step to step until a brick falls.
    """

    def __init__(self, full: bool) -> None:
        self._full = full
        self.reset()

    def reset(self) -> None:
        self._player: Box | None = None
        self._ball: Box | None = None
        self._bits = b""
        self._rows: list[list[Box]] = []

    def read(self, ram: bytes, before: bytes = b"") -> Observation:
        self._player = box(ram[72] - 47, 189, 12 if ram[97] & SHORT else 16, 4, self._player)
        found: Observation = {"Player": self._player}
        self._ball = box(ram[99] - 49, ram[101] + 9, 2, 4, self._ball) if ram[101] else None
        if self._ball is not None:
            found["Ball"] = self._ball
        bits = ram[:36]
        if bits != self._bits:
            self._bits = bits
            self._rows = [_runs(bits, row) for row in range(6)]
        found.update(zip(ROWS, self._rows, strict=True))
        found["lives"] = ram[57]
        if self._full:
            found["score"] = 100 * DECIMAL[ram[76] & 15] + DECIMAL[ram[77]]
        return found


def _runs(bits: bytes, row: int) -> list[Box]:
    """The standing bricks of one row, adjacent ones as one box."""
    runs: list[Box] = []
    y = 87 - 6 * row
    start = -1
    for number, (byte, mask) in enumerate(COLUMNS):
        x = 8 + 8 * number
        if bits[byte + row] & mask:
            if start < 0:
                start = x
        elif start >= 0:
            runs.append({"x": start, "y": y, "w": x - start, "h": 6})
            start = -1
    if start >= 0:
        runs.append({"x": start, "y": y, "w": 152 - start, "h": 6})
    return runs


GOAL = """Improve a policy that plays Atari Breakout from the objects on the screen.

The paddle at the bottom keeps a ball in play that breaks the bricks above. Bricks score by row: the two
lowest (blue and green) 1 point each, the next two (yellow and light orange) 4, the two highest (orange and
red) 7. A ball that falls below the paddle costs a life; five lives are a game.

At every step `act(obs)` is given the objects and returns an action: 0 stays, 1 serves the ball, 2 moves the
paddle right, 3 moves it left. One step lasts four frames. "Player" (the paddle, y = 189) and "Ball" have x, y
(upper left corner), w, h and dx, dy (movement since the last step) in pixels; the inner field is x from 8 to
151 and y from 32 to 196, y grows downwards. "Ball" is missing until it is served with action 1. "RB", "OB",
"YB", "GB", "AB", "BB" are the rows of bricks from the highest (y = 57) to the lowest (y = 87), each a list of
x, y, w, h of the stretches that still stand. "lives" are the lives left, "reward" is the reward of the last
step. The policy keeps nothing between steps.

Good play predicts where the ball comes down, bounces off the side walls included, and is there with the
paddle; a ball that is led through a gap at one side bounces about above the bricks and breaks many of the
dear ones."""

STAGED = Staged(
    first=(
        "The score is {score}: no brick was broken. Serve the ball with action 1, predict where it comes down "
        "from its dx and dy, and move the paddle below it."
    ),
    stages=(
        Stage(
            0,
            "The score is {score}. Improve the paddle's place: predict the ball with its bounces off the "
            "walls, and aim at gaps in the bricks so that the ball gets above them.",
            above=True,
        ),
        Stage(300, "Very good: the score is {score}, {missing} short of the aim of 350. Keep what works."),
    ),
    goal=350,
)

GAME = Game(
    name="Breakout",
    rom="breakout",
    actions=("NOOP", "FIRE", "RIGHT", "LEFT"),
    decoder=BreakoutObjects,
    paper=Protocols(episodes=1, steps=4000, life=True),
    staged=STAGED,
    goal=GOAL,
    extra='"score" is the score so far. An episode is a whole game of five lives; each must be served.',
    serve=1,
)
