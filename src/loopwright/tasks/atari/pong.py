"""Pong: the objects in memory, and the task's texts."""

from __future__ import annotations

from loopwright.staged import Stage, Staged
from loopwright.tasks.atari.game import Box, Game, Observation, Protocols, box

TOP, BOTTOM = 34, 194  # the field between the white borders, first row in and first row out


class PongObjects:
    """Player (right), Enemy (left) and Ball.

    Memory, counted from 0: 49 ball x, 54 ball y, 50 enemy y, 51 player y (all in the Atari Annotated RAM
    Interface, Anand et al. 2019, arXiv 1906.08226; the offsets to screen pixels, the sizes and the clipping
    at the borders are measured against the screen). The ball is absent between a point and the serve; the
    enemy before the first serve.
    """

    def __init__(self, full: bool) -> None:
        self._full = full
        self._player: Box | None = None
        self._enemy: Box | None = None
        self._ball: Box | None = None

    def reset(self) -> None:
        self._player = self._enemy = self._ball = None

    def read(self, ram: bytes, before: bytes = b"") -> Observation:
        found: Observation = {}
        self._player = _paddle(140, (ram[51] - 13) & ~1, self._player)
        if self._player is not None:
            found["Player"] = self._player
        self._enemy = _paddle(16, ram[50] - 15, self._enemy) if ram[50] else None
        if self._enemy is not None:
            found["Enemy"] = self._enemy
        self._ball = box(ram[49] - 49, ram[54] - 14, 2, 4, self._ball) if ram[49] and ram[54] else None
        if self._ball is not None:
            found["Ball"] = self._ball
        return found


def _paddle(x: int, y: int, before: Box | None) -> Box | None:
    top = max(y, TOP)
    height = min(y + 16, BOTTOM) - top
    return box(x, top, 4, height, before) if height > 0 else None


GOAL = """Improve a policy that plays Atari Pong from the objects on the screen.

The player's paddle is on the right, the opponent's on the left. A ball that passes the opponent scores +1,
one that passes the player -1; a game is over when one side has 21 points, so the total score lies between -21
and 21.

At every step `act(obs)` is given the objects and returns an action: 0 stays, 2 moves the paddle up, 3 moves
it down (1 does nothing, 4 and 5 are 2 and 3 with the button). One step lasts four frames. Objects are
"Player", "Enemy" and "Ball", each with x, y (upper left corner), w, h and dx, dy (movement since the last
step), in pixels: x from 0 (left) to 159, y from 34 (upper wall) down to 194 (lower wall). The player's x is
140, the opponent's 16. The ball is missing until it is served. "reward" is the reward of the last step. The
policy keeps nothing between steps.

Good play predicts where the ball will reach the paddle, bounces off the walls included, is there early, and
does not tremble around the right place."""

STAGED = Staged(
    first=(
        "The score is {score}: the opponent wins. Work on where the paddle should be when the ball arrives: "
        "predict the ball's path with its dx and dy, reflect it at the walls, and move there in time."
    ),
    stages=(
        Stage(
            0,
            "The score is {score}: the policy wins points but not surely. Look at the balls it missed: make "
            "the prediction more exact and the moves calmer.",
            above=True,
        ),
        Stage(19, "Very good: the score is {score}, only {missing} short of a perfect game. Keep what works."),
    ),
    goal=21,
)

GAME = Game(
    name="Pong",
    rom="pong",
    actions=("NOOP", "FIRE", "RIGHT", "LEFT", "RIGHTFIRE", "LEFTFIRE"),
    decoder=PongObjects,
    paper=Protocols(episodes=10, steps=4000),
    staged=STAGED,
    goal=GOAL,
    floor=-21.0,
    ceiling=21.0,
)
