"""Q*bert: the objects in memory, and the task's texts."""

from __future__ import annotations

from operator import itemgetter

from loopwright.staged import Stage, Staged
from loopwright.tasks.atari.game import DECIMAL, Box, Game, Observation, Protocols, box

# Addresses of the cubes' colours, row by row from the top, and where their tops are on the screen.
CUBES = (
    ((21, 68, 34),),
    ((52, 56, 62), (54, 84, 62)),
    ((83, 44, 91), (85, 68, 91), (87, 96, 91)),
    ((98, 32, 120), (100, 56, 120), (102, 84, 120), (104, 108, 120)),
    ((1, 20, 149), (3, 44, 149), (5, 68, 149), (7, 96, 149), (9, 120, 149)),
    ((32, 8, 178), (34, 32, 178), (36, 56, 178), (38, 84, 178), (40, 108, 178), (42, 132, 178)),
)
_colours_of = itemgetter(*(address for row in CUBES for address, _, _ in row))
DISKS = ((112, 12, 138), (122, 140, 138))
# The five rows below the top that others than Q*bert stand on: address of the picture, and the y below their
# feet.
ROWS = ((92, 60), (93, 88), (94, 117), (96, 147), (95, 176))
COLOURS, XS = 107, 44  # addresses of the colour and x of the first row; the others follow
PURPLE, GREEN = 102, 196
# Pictures: (shape, w, h, how far above the row's end its lower edge is).
BALLS = {17: (7, 9, 11), 0: (7, 6, 0)}
COILY = {59: 21, 81: 18, 102: 15}
SAM = 38
COLUMNS = (17, 29, 41, 53, 65, 77, 93, 105, 117, 129, 141)  # the screen x of Coily's columns
NOWHERE, FALLING = 255, 255


class QbertObjects:
    """Player (Q*bert), Enemies (Coily, PurpleBall, RedBall), Friendlies (Sam, GreenBall) and Disks.

    With `full` also Cubes: the 21 cubes by row and column with their colour. Memory: 43 player x, 67 player
    y, 33 the place of its picture, 59 = 255 while it falls, 112 and 122 the disks (0: used), 39 and 71
    Coily's row and column (39 = 255: none), 8 lives, 89-91 score, the cubes' colours at the addresses in
    `CUBES` (Atari Annotated RAM Interface, Anand et al. 2019, arXiv 1906.08226, and public decoders).
    Measured against the screen: each row below the top shows one figure, whose picture is at 92, 93, 94, 96,
    95, whose colour is at 107-111 and whose x is at 44-48. Q*bert is absent while he falls or is off the
    screen.
    """

    def __init__(self, full: bool) -> None:
        self._full = full
        self.reset()

    def reset(self) -> None:
        self._player: Box | None = None
        self._figures: dict[str, Box] = {}
        self._coily_row = NOWHERE
        self._coily_x = 0
        self._colours: tuple[int, ...] = ()
        self.still: Observation = {}
        self.moving: Observation = {}

    def read(self, ram: bytes, before: bytes = b"") -> Observation:
        found: Observation = {}
        self._player = self._read_player(ram)
        if self._player is not None:
            found["Player"] = self._player
        enemies: list[Observation] = []
        friendlies: list[Observation] = []
        figures: dict[str, Box] = {}
        if any(ram[75:80]):
            self._read_coily(ram)
            for row in range(5):
                figure = self._figure(ram, row)
                if figure is None:
                    continue
                kind, x, y, w, h = figure
                figures[kind] = box(x, y, w, h, self._figures.get(kind))
                (friendlies if kind in {"Sam", "GreenBall"} else enemies).append({"type": kind, **figures[kind]})
        self._figures = figures
        found["Enemies"] = enemies
        found["Friendlies"] = friendlies
        found["Disks"] = [{"x": x, "y": y, "w": 8, "h": 2} for address, x, y in DISKS if ram[address]]
        found["lives"] = (ram[8] + 2) & 255
        if self._full:
            self._read_cubes(ram)
            found["score"] = 10_000 * DECIMAL[ram[89]] + 100 * DECIMAL[ram[90]] + DECIMAL[ram[91]]
        self.moving = found
        return self.still | found

    def _read_player(self, ram: bytes) -> Box | None:
        y = ram[67]
        if ram[59] == FALLING or not 16 < y < 200:
            return None
        # The picture's place counts from one of two tables, by Q*bert's pose, and rows lie a little wider on
        # the screen.
        place = ram[33] + (256 if ram[33] < y else 0)
        top = place - (76 if place - y > 54 else 53) + (2 * y + 21) // 43
        return box(ram[43] - 3, top, 8, 19, self._player)

    def _read_coily(self, ram: bytes) -> None:
        """Coily's column changes in memory before he hops; his row changes with the picture."""
        if ram[39] != self._coily_row:
            self._coily_row = ram[39]
            self._coily_x = COLUMNS[min(ram[71], len(COLUMNS) - 1)]

    def _figure(self, ram: bytes, row: int) -> tuple[str, int, int, int, int] | None:
        address, end = ROWS[row]
        picture, colour = ram[address], ram[COLOURS + row]
        if picture in COILY and colour == PURPLE:
            return "Coily", self._coily_x - 3, end - COILY[picture], 8, COILY[picture]
        x = ram[XS + row]
        if picture == SAM:
            return "Sam", x - 3, end - 18, 8, 18
        if picture in BALLS:
            w, h, above = BALLS[picture]
            kind = "PurpleBall" if colour == PURPLE else "GreenBall" if colour == GREEN else "RedBall"
            return kind, x - 2, end - above - h, w, h
        return None

    def _read_cubes(self, ram: bytes) -> None:
        colours = _colours_of(ram)
        if colours != self._colours:
            self._colours = colours
            cubes = [
                {"row": row, "column": column, "x": x, "y": y, "w": 20, "h": 5, "color": ram[address]}
                for row, cubes in enumerate(CUBES)
                for column, (address, x, y) in enumerate(cubes)
            ]
            self.still = {"Cubes": cubes}


GOAL = """Improve a policy that plays Atari Q*bert from the objects on the screen.

Q*bert hops on a pyramid of 21 cubes. Hopping on a cube changes its colour for 25 points; when all cubes have
the new colour the round is won, with a bonus. Purple and red balls roll down and cost a life where they hit
him; a purple ball that reaches the bottom becomes Coily, the snake, who hops after Q*bert. Catching the green
Sam gives 300 points (he changes cubes back), the green ball 100 and freezes the enemies. Hopping off the
pyramid costs a life, except onto a disk at its side, which carries him to the top, while Coily jumps after
him into the void for 500 points.

At every step `act(obs)` is given the objects and returns an action: 0 and 1 nothing, 2 (up) hops up and
right, 3 (right) hops down and right, 4 (left) hops up and left, 5 (down) hops down and left. One step lasts
four frames; a hop takes several, in which actions have no effect. Objects have x, y (upper left corner), w, h
and dx, dy (movement since the last step) in pixels. The cubes' tops are at y = 34 (one cube, x = 68), 62 (x =
56, 84), 91 (44, 68, 96), 120 (32, 56, 84, 108), 149 (20, 44, 68, 96, 120) and 178 (8, 32, 56, 84, 108, 132).
"Player" stands with its feet on a top, and is missing while it falls. "Enemies" is a list; their "type" is
"Coily", "PurpleBall" or "RedBall". "Friendlies" is a list with "Sam" and "GreenBall". "Disks" are the disks
that are left (y = 138, x = 12 and 140). "lives" are the lives left, "reward" is the reward of the last step.
The policy keeps nothing between steps.

Good play hops over cubes it has not changed yet, stays on the pyramid, keeps off the cubes that a ball or
Coily hops to next, and uses a disk when Coily is close."""

STAGED = Staged(
    first=(
        "The score is {score}: no cube was changed. Hop on the pyramid without leaving it: near an edge choose "
        "a direction that leads back."
    ),
    stages=(
        Stage(
            0,
            "The score is {score}. Live longer and cover more cubes: do not hop off the edges, avoid balls "
            "coming down and Coily, who follows you, and visit cubes you have not been on.",
            above=True,
        ),
        Stage(5000, "Very good: the score is {score}, {missing} short of the aim of 10000. Keep what works."),
    ),
    goal=10_000,
)

GAME = Game(
    name="Q*bert",
    rom="qbert",
    actions=("NOOP", "FIRE", "UP", "RIGHT", "LEFT", "DOWN"),
    decoder=QbertObjects,
    paper=Protocols(episodes=1, steps=4000, life=True),
    staged=STAGED,
    goal=GOAL,
    extra=(
        '"Cubes" are the 21 cubes by "row" and "column" (both from 0) with x, y, w, h of their tops and their '
        '"color", a number that changes when the cube is hopped on; "score" is the score so far.'
    ),
)
