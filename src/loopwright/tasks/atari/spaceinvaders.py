"""Space Invaders: the objects in memory, and the task's texts."""

from __future__ import annotations

from loopwright.staged import Stage, Staged
from loopwright.tasks.atari.game import DECIMAL, JUMP, Box, Game, Observation, Protocols, box

SPENT = 95  # a bullet that has come so far down, in double rows, is spent, though the game counts on
SATELLITE_AWAY = (0, 180)
SHIELDS_SHOWN = 64
# Name, and addresses of x and y: two of the aliens', one of the player's.
BULLETS = (("Bullet0", 83, 81), ("Bullet1", 84, 82), ("Bullet2", 87, 85))
# Name, its bit in the six bytes of living aliens, and where it stands in the block.
ALIENS = [
    (f"Alien{6 * row + column}", 1 << 8 * row + column, 16 * column, 18 * row)
    for row in range(6)
    for column in range(6)
]


class SpaceInvadersObjects:
    """Player, Alien0-35, Shield0-2, Bullet0 and Bullet1 (the aliens'), Bullet2 (the player's), Satellite.

    Aliens are numbered by row from the top and by column from the left; a number stays with its alien.
    Memory: 28 player x, 26 aliens x, 16 aliens y in double rows, 18-23 the living aliens of each row from the
    bottom as bits, 43-69 the shields' shapes (nine bytes each), 24 bit 6 whether shields are shown, 81, 82,
    85 and 83, 84, 87 the bullets' y and x, 30 the satellite's x, 73 lives, 102 and 104 score (Atari Annotated
    RAM Interface, Anand et al. 2019, arXiv 1906.08226, and public disassemblies; offsets, sizes, what marks
    absence and the shield bit are measured against the screen). The aliens' bullets and the player's are
    drawn on alternate frames; both are reported whenever they fly.
    """

    def __init__(self, full: bool) -> None:
        self._full = full
        self.reset()

    def reset(self) -> None:
        self._player: Box | None = None
        self._block: tuple[int, int, bytes] | None = None
        self._marched = False
        self._aliens: Observation = {}
        self._shapes: bytes | None = None
        self._shields: Observation = {}
        self._bullets: list[Box | None] = [None, None, None]
        self._satellite: Box | None = None
        self.still: Observation = {}
        self.moving: Observation = {}

    def read(self, ram: bytes, before: bytes = b"") -> Observation:
        self._read_still(ram)
        self._player = box(ram[28] - 1, 185, 7, 10, self._player)
        moving: Observation = {"Player": self._player}
        for number, (name, at_x, at_y) in enumerate(BULLETS):
            bullet = None
            y = ram[at_y]
            if 8 < y < SPENT:
                y = 2 * y + 4
                last = self._bullets[number]
                # The place of a spent bullet is used again: one that flies backwards is another.
                if last is not None and (y < last["y"] if number < 2 else y > last["y"]):
                    last = None
                moving[name] = bullet = box(ram[at_x] - 2, y, 1, 8, last)
            self._bullets[number] = bullet
        x = ram[30]
        self._satellite = None if x in SATELLITE_AWAY else box(x - 1, 12, 7, 8, self._satellite)
        if self._satellite is not None:
            moving["Satellite"] = self._satellite
        if self._full:
            moving["lives"] = ram[73]
            moving["score"] = 100 * DECIMAL[ram[102]] + DECIMAL[ram[104]]
        self.moving = moving
        return self.still | moving

    def _read_still(self, ram: bytes) -> None:
        """The aliens, which march now and then, and the shields, which lose a piece now and then."""
        block = ram[26] - 1, 31 + 2 * ram[16], ram[18:24]
        shapes = ram[43:70] if ram[24] & SHIELDS_SHOWN else b""
        if block == self._block and not self._marched and shapes == self._shapes:
            return
        if block != self._block or self._marched:
            self._march(block)
        if shapes != self._shapes:
            self._shapes, self._shields = shapes, _shields(shapes)
        self.still = {"Player": {}, **self._aliens, **self._shields}  # the player's place is the first

    def _march(self, block: tuple[int, int, bytes]) -> None:
        x, y, rows = block
        last_x, last_y, _ = self._block or block
        self._block = block
        dx, dy = x - last_x, y - last_y
        if abs(dx) > JUMP or abs(dy) > JUMP:
            dx = dy = 0
        self._marched = dx != 0 or dy != 0
        living = int.from_bytes(rows, "big")
        self._aliens = {
            name: {"x": x + right, "y": y + down, "w": 8, "h": 10, "dx": dx, "dy": dy}
            for name, bit, right, down in ALIENS
            if living & bit
        }


def _shields(shapes: bytes) -> dict[str, Box]:
    """The box of what is left of each shield, which is 8 bits wide and nine double rows high; `shapes` may be empty."""
    shields: dict[str, Box] = {}
    for number in range(3):
        rows = shapes[9 * number : 9 * number + 9]
        left = [row for row, bits in enumerate(rows) if bits]
        if not left:
            continue
        bits = 0
        for row in rows:
            bits |= row
        high, low = bits.bit_length(), (bits & -bits).bit_length() - 1
        x, y, w, h = 42 + 32 * number + 8 - high, 157 + 2 * left[0], high - low, 2 * (left[-1] - left[0] + 1)
        shields[f"Shield{number}"] = {"x": x, "y": y, "w": w, "h": h, "dx": 0, "dy": 0}
    return shields


GOAL = """Improve a policy that plays Atari Space Invaders from the objects on the screen.

The player's cannon at the bottom shoots at 36 aliens in six rows, which march sideways, come down at the
edges, and drop bullets. Aliens score 5 points in the lowest row, 10, 15, 20, 25 and 30 in the highest; the
satellite that sometimes crosses the top scores 200. A bullet that hits the cannon costs a life, three lives
are a game; aliens that reach the ground end it.

At every step `act(obs)` is given the objects and returns an action: 0 stays, 1 shoots, 2 moves right, 3 moves
left, 4 moves right and shoots, 5 moves left and shoots. One step lasts four frames. Objects have x, y (upper
left corner), w, h and dx, dy (movement since the last step) in pixels; x from 0 to 159, y grows downwards.
"Player" is the cannon (y = 185). "Alien0" to "Alien35" are the living aliens, numbered by row from the top
and by column from the left. "Shield0" to "Shield2" are what is left of the shields (y from 157). "Bullet0"
and "Bullet1" are the aliens' bullets (dy > 0), "Bullet2" is the player's (dy < 0): only one can fly at a
time. "Satellite" is there while it crosses (y = 12). What is gone is missing. "reward" is the reward of the
last step. The policy keeps nothing between steps.

Good play steps aside from bullets that come down near the cannon, stands below an alien (or where it will be
when the bullet arrives), shoots as soon as its own bullet is gone, and does not shoot its own shields."""

STAGED = Staged(
    first=(
        "The score is {score}: too few aliens are hit. Stand below an alien and shoot whenever no bullet of "
        "your own is flying; step aside from bullets above you."
    ),
    stages=(
        Stage(
            100,
            "The score is {score}. Live longer and hit more: aim at where the aliens will be when the bullet "
            "arrives, and dodge before a bullet is close.",
        ),
        Stage(
            300,
            "Good: the score is {score}, {missing} short of the aim of 2000. Keep what works and clear the rows.",
        ),
    ),
    goal=2000,
)

GAME = Game(
    name="Space Invaders",
    rom="space_invaders",
    actions=("NOOP", "FIRE", "RIGHT", "LEFT", "RIGHTFIRE", "LEFTFIRE"),
    decoder=SpaceInvadersObjects,
    paper=Protocols(episodes=1, steps=4000),
    staged=STAGED,
    goal=GOAL,
    extra='"lives" are the lives left, "score" is the score so far.',
)
