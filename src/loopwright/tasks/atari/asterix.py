"""Asterix: the objects in memory, and the task's texts."""

from __future__ import annotations

from loopwright.tasks.atari.game import Box, Game, Observation, Protocols, box, decimal
from loopwright.tasks.staged import Stage, Staged

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
        self._lanes: list[tuple[str, Box] | None] = [None] * 8

    def read(self, ram: bytes, before: bytes = b"") -> Observation:
        enemies: list[Observation] = []
        things: list[Observation] = []
        rewards: list[Observation] = []
        lane_y = 26 + 16 * ram[39]
        dying = ram[71] in DYING
        player = box(
            ram[41] + dying, lane_y, 16 if dying else 6 if ram[54] & 4 and ram[54] & 3 else 8, 11, self._player
        )
        level = ram[54] & 7
        lanes: list[tuple[str, Box] | None] = []
        for lane in range(8):
            picture = ram[18 - lane]
            if picture == EMPTY:
                lanes.append(None)
                continue
            x, y = ram[42 + lane], 26 + 16 * lane
            last = self._lanes[lane]
            if ram[73 + lane]:
                kind, into, where = "Reward", rewards, (x, y, 8 if level else 6, 11)
            elif ram[29 + lane] & 1:
                kind, into, where = "Enemy", enemies, (x + (picture == LEFTWARD), y, 7, 11)
            else:
                kind, dx, dy, w, h = THINGS[level]
                into, where = things, (x + dx, y + dy, w, h)
            found = box(*where, last[1] if last is not None and last[0] == kind else None)
            lanes.append((kind, found))
            into.append({**found, "type": kind})
        self._player, self._lanes = player, lanes
        if self._full:
            return {
                "Player": player,
                "Enemies": enemies,
                "Consumables": things,
                "Rewards": rewards,
                "lives": ram[83],
                "score": 10_000 * decimal(ram[94]) + 100 * decimal(ram[95]) + decimal(ram[96]),
            }
        px, py = player["x"], player["y"]
        return {
            "Player": {"x": px, "y": py},
            "Enemies": _nearest(enemies, px, py),
            "Consumables": _nearest(things, px, py),
            "Rewards": _nearest(rewards, px, py),
            "lives": ram[83],
        }


def _nearest(objects: list[Observation], x: int, y: int) -> list[Observation]:
    """The paper's form: only x, y and type, the nearest (in steps along the axes) first."""
    plain = [{"x": o["x"], "y": o["y"], "type": o["type"]} for o in objects]
    return sorted(plain, key=lambda o: abs(o["x"] - x) + abs(o["y"] - y)) if len(plain) > 1 else plain


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
