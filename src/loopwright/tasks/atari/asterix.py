"""Asterix: the objects in memory, and the task's texts."""

from __future__ import annotations

from loopwright.staged import Stage, Staged
from loopwright.tasks.atari.game import DECIMAL, Box, Game, Observation, Protocols, box

EMPTY, LEFTWARD = 11, 216  # the picture of an empty lane, and of an enemy that faces to the left
DYING = range(79, 126)
# What is to be collected at each level: (dx, dy, w, h) of its picture within its lane.
THINGS = (
    ("Cauldron", 1, 1, 7, 10),
    ("Helmet", 1, 0, 7, 11),
    ("Shield", 1, 0, 5, 11),
    ("Lamp", 0, 0, 8, 11),
    ("Apple", 0, 0, 8, 11),
    ("Fish", 0, 4, 8, 5),
    ("Meat", 1, 0, 5, 11),
    ("Mug", 0, 0, 7, 11),
)


class AsterixObjects:
    """Player, and what is in each of the eight lanes: one of Enemies, Consumables or Rewards (points being
    shown).

    Memory: 41 player x, 39 player lane, 42-49 the lanes' x from the highest lane, 18 down to 11 the low byte
    of their pictures (11 an empty one), 29-36 their kind (odd: an enemy), 73-80 set where points are shown,
    54 the level's thing, 71 from 79 to 125 while the player dies, 83 lives, 94-96 score. 39, 41-49, 83, 94-96 are
    in public disassemblies; the rest is measured against the screen. The movement of an object is kept by
    lane as long as its kind stays the same.
    """

    def __init__(self, full: bool) -> None:
        self._full = full
        self.reset()

    def reset(self) -> None:
        self._player: Box | None = None
        self._lanes: dict[int, tuple[str, Box]] = {}

    def read(self, ram: bytes, before: bytes = b"") -> Observation:
        level = ram[54] & 7
        dying = ram[71] in DYING
        x, y = ram[41] + dying, 26 + 16 * ram[39]
        if not self._full:
            return _plain(x, y, _in_lanes(ram, level), ram[83])
        self._player = box(x, y, 16 if dying else 6 if level > 4 else 8, 11, self._player)
        enemies: list[Observation] = []
        things: list[Observation] = []
        rewards: list[Observation] = []
        lanes: dict[int, tuple[str, Box]] = {}
        for lane, kind, left, top, w, h in _in_lanes(ram, level):
            last = self._lanes.get(lane)
            found = box(left, top, w, h, last[1] if last is not None and last[0] == kind else None)
            lanes[lane] = (kind, found)
            into = enemies if kind == "Enemy" else rewards if kind == "Reward" else things
            into.append({**found, "type": kind})
        self._lanes = lanes
        return {
            "Player": self._player,
            "Enemies": enemies,
            "Consumables": things,
            "Rewards": rewards,
            "lives": ram[83],
            "score": 10_000 * DECIMAL[ram[94]] + 100 * DECIMAL[ram[95]] + DECIMAL[ram[96]],
        }


def _in_lanes(ram: bytes, level: int) -> list[tuple[int, str, int, int, int, int]]:
    """What is in the lanes that are not empty: (lane, kind, x, y, w, h)."""
    found: list[tuple[int, str, int, int, int, int]] = []
    for lane in range(8):
        picture = ram[18 - lane]
        if picture == EMPTY:
            continue
        x, y = ram[42 + lane], 26 + 16 * lane
        if ram[73 + lane]:
            found.append((lane, "Reward", x, y, 8 if level else 6, 11))
        elif ram[29 + lane] & 1:
            found.append((lane, "Enemy", x + (picture == LEFTWARD), y, 7, 11))
        else:
            kind, dx, dy, w, h = THINGS[level]
            found.append((lane, kind, x + dx, y + dy, w, h))
    return found


def _plain(px: int, py: int, found: list[tuple[int, str, int, int, int, int]], lives: int) -> Observation:
    """The paper's form: only x, y and type, the nearest (in steps along the axes) first."""
    enemies: list[Observation] = []
    things: list[Observation] = []
    rewards: list[Observation] = []
    for _, kind, x, y, _, _ in sorted(found, key=lambda o: abs(o[2] - px) + abs(o[3] - py)):
        into = enemies if kind == "Enemy" else rewards if kind == "Reward" else things
        into.append({"x": x, "y": y, "type": kind})
    player = {"x": px, "y": py}
    return {"Player": player, "Enemies": enemies, "Consumables": things, "Rewards": rewards, "lives": lives}


GOAL = """Improve a policy that plays Atari Asterix from the objects on the screen.

The player walks in eight lanes one above the other. Through the lanes come things to collect and enemies
(lyres), one object a lane at most, from either side. Touching a thing collects it for points (50 at first,
more at later levels); touching an enemy costs a life. Three lives are a game.

At every step `act(obs)` is given the objects and returns an action: 0 stays, 1 up, 2 right, 3 left, 4 down, 5
up and right, 6 up and left, 7 down and right, 8 down and left. One step lasts four frames. "Player" has x, y
(upper left corner, pixels): x from 8 to 151, and y = 26, 42, ..., 138 for the eight lanes from the top.
"Enemies", "Consumables" (to be collected) and "Rewards" (points being shown, harmless) are lists of objects
with x, y and type. "lives" are the lives left, "reward" is the reward of the last step. The policy keeps
nothing between steps.

Good play goes for the nearest thing in a lane that is safe, never enters a lane where an enemy is near, and
leaves a lane in which an enemy comes close."""

STAGED = Staged(
    first=(
        "The score is {score}: nothing was collected. Move towards the nearest of Consumables: first into its "
        "lane (its y), then along it, and keep out of lanes with an enemy close by."
    ),
    stages=(
        Stage(
            0,
            "The score is {score}. Collect more and live longer: before changing lane look for an enemy near "
            "the place you enter, and step aside when one comes towards you.",
            above=True,
        ),
        Stage(2000, "Very good: the score is {score}, {missing} short of the aim of 5000. Keep what works."),
    ),
    goal=5000,
)

GAME = Game(
    name="Asterix",
    rom="asterix",
    actions=("NOOP", "UP", "RIGHT", "LEFT", "DOWN", "UPRIGHT", "UPLEFT", "DOWNRIGHT", "DOWNLEFT"),
    decoder=AsterixObjects,
    paper=Protocols(episodes=3, steps=20_000, life=True),
    staged=STAGED,
    goal=GOAL,
    extra=(
        "The objects also have w, h and dx, dy (movement since the last step); lists are ordered from the "
        "highest lane;"
        '"score" is the score so far.'
    ),
)
