"""Seaquest: the objects in memory, and the task's texts."""

from __future__ import annotations

from loopwright.staged import Stage, Staged
from loopwright.tasks.atari.game import DECIMAL, JUMP, Box, Game, Observation, Protocols, box

RIGHT_EDGE = 160
JOINED = 16  # between the places of a lane's three enemies


class SeaquestObjects:
    """Player, Enemies (Shark, Submarine, EnemyMissile, SurfaceSubmarine) and Divers in four lanes.

    With `full` also OwnMissile, oxygen (64 is full), divers_held (six are a full load), facing and score.
    Memory: 70 and 97 player x and y, 105 set while it explodes, 86 its direction, 103 own missile x, lanes
    from the lowest: 30-33 enemies' x, 36-39 which of three places are taken (bits 2, 1, 0 from the left),
    89-92 their kind, 71-74 x of the lane's diver or, with submarines, missile, 93 the sharks' bobbing, 60 and
    118 the submarine at the surface (118 = 0: it waits, unseen; the water hides its lower rows), 102 oxygen,
    62 divers held, 59 lives, 56-58 score (Atari Annotated RAM Interface, Anand et al. 2019, arXiv 1906.08226,
    and public decoders; offsets and sizes are measured against the screen).
    """

    def __init__(self, full: bool) -> None:
        self._full = full
        self.reset()

    def reset(self) -> None:
        self._player: Box | None = None
        self._own: Box | None = None
        self._surface: Box | None = None
        self._lanes: list[int | None] = [None] * 4
        self._second: list[tuple[bool, Box] | None] = [None] * 4

    def read(self, ram: bytes, before: bytes = b"") -> Observation:
        found: Observation = {}
        y = ram[97]
        self._player = None if ram[105] else box(ram[70], y + 33, 16, 11, self._player)
        if self._player is not None:
            found["Player"] = self._player
        enemies: list[Observation] = []
        divers: list[Box] = []
        for lane in range(4):
            self._read_lane(ram, lane, enemies, divers)
        self._surface = None
        if ram[60] >= 2 and 0 < ram[118] < RIGHT_EDGE:
            self._surface = box(ram[118], 45, 8, 11, self._surface)
            enemies.append({"type": "SurfaceSubmarine", **self._surface})
        found["Enemies"] = enemies
        found["Divers"] = divers
        found["lives"] = ram[59] + 1
        if self._full:
            missile = 0 < ram[103] < RIGHT_EDGE
            self._own = box(ram[103], y + 40, 8, 1, self._own) if missile else None
            if self._own is not None:
                found["OwnMissile"] = self._own
            found["oxygen"] = ram[102]
            found["divers_held"] = ram[62]
            found["facing"] = "left" if ram[86] else "right"
            found["score"] = 10_000 * DECIMAL[ram[56]] + 100 * DECIMAL[ram[57]] + DECIMAL[ram[58]]
        return found

    def _read_lane(self, ram: bytes, lane: int, enemies: list[Observation], divers: list[Box]) -> None:
        submarines = 3 < (ram[89 + lane] & 7) < 7
        floor = 141 - 24 * lane
        taken = ram[36 + lane] & 7
        if taken:
            base = ram[30 + lane]
            last = self._lanes[lane]
            dx = 0 if last is None else (base - last + 128) % 256 - 128
            self._lanes[lane] = base
            if not -JUMP <= dx <= JUMP:
                dx = 0
            kind, y, h = ("Submarine", floor - 1, 11) if submarines else ("Shark", floor + ram[93] - 4, 7)
            for place in range(3):
                x = (base + JOINED * place) & 255
                if taken & (4 >> place) and x < RIGHT_EDGE:
                    enemies.append({"type": kind, "x": x, "y": y, "w": 8, "h": h, "dx": dx, "dy": 0})
        else:
            self._lanes[lane] = None
        x = ram[71 + lane]
        last_second = self._second[lane]
        self._second[lane] = None
        if 0 < x < RIGHT_EDGE:
            same = last_second[1] if last_second is not None and last_second[0] == submarines else None
            if submarines:
                second = box(x + 2, floor + 4, 6, 4, same)
                enemies.append({"type": "EnemyMissile", **second})
            else:
                second = box(x, floor - 4, 8, 14, same)
                divers.append(second)
            self._second[lane] = (submarines, second)


GOAL = """Improve a policy that plays Atari Seaquest from the objects on the screen.

A submarine shoots sharks and enemy submarines (20 points each at first, more later) and picks up divers.
Divers count when six of them are brought to the surface. Oxygen runs out under water: surface with at least
one diver aboard before it does, or a life is lost; surfacing without a diver costs a life too. Touching an
enemy or its missile costs a life.

At every step `act(obs)` is given the objects and returns an action: 0 nothing, 1 fire, 2 up, 3 right, 4 left,
5 down, 6 up and right, 7 up and left, 8 down and right, 9 down and left, and 10 to 17 the same eight
directions (up, right, left, down, up and right, up and left, down and right, down and left) with fire. One
step lasts four frames. Objects have x, y (upper left corner), w, h and dx, dy (movement since the last step)
in pixels: x from 0 to 159, y from 46 (the surface) down to 141 (the lowest lane); the four lanes are at about
y = 69, 93, 117, 141. "Player" is missing while it explodes. "Enemies" is a list; their "type" is "Shark",
"Submarine", "EnemyMissile" or "SurfaceSubmarine". "Divers" is a list. "lives" are the lives left, "reward" is
the reward of the last step. The policy keeps nothing between steps.

Good play stays at the height of an enemy just long enough to shoot it from a distance, facing it, avoids the
heights where enemies come close, collects divers on the way, and surfaces in time."""

STAGED = Staged(
    first=(
        "The score is {score}: nothing was hit. Go to the height of an enemy, turn towards it and fire, and "
        "keep away from enemies that are close."
    ),
    stages=(
        Stage(
            0,
            "The score is {score}. Live longer: leave the height of an enemy that is near, shoot from afar, "
            "collect divers, and surface before the oxygen runs out.",
            above=True,
        ),
        Stage(2000, "Very good: the score is {score}, {missing} short of the aim of 5000. Keep what works."),
    ),
    goal=5000,
)

_MOVES = ("UP", "RIGHT", "LEFT", "DOWN", "UPRIGHT", "UPLEFT", "DOWNRIGHT", "DOWNLEFT")

GAME = Game(
    name="Seaquest",
    rom="seaquest",
    actions=("NOOP", "FIRE", *_MOVES, *(f"{move}FIRE" for move in _MOVES)),
    decoder=SeaquestObjects,
    paper=Protocols(episodes=1, steps=4000, life=True),
    staged=STAGED,
    goal=GOAL,
    extra=(
        '"oxygen" goes from 64 down to 0, "divers_held" up to 6, "facing" is the direction of fire, '
        '"OwnMissile" is there while it flies, "score" is the score so far.'
    ),
)
