"""What the eight games have in common: the record of a game, and the small tools of its object decoder.

A decoder reads the 128 bytes of the console's memory after an agent step and gives the objects on the screen
as plain nested dicts of ints, in screen pixels (160 wide, 210 high, origin top left, y downwards). It is
plain Python on `bytes`: a dozen look-ups cost a few microseconds, where the emulator needs some 250 for the
step. Not here: the emulator.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Protocol

import msgspec

from loopwright.staged import Staged

# An object on the screen: x, y (top left corner), w, h, and where it moves dx, dy since the agent step
# before.
Box = dict[str, int]
Observation = dict[str, Any]

# What a byte of two decimal digits (BCD) says, as the games keep their scores.
DECIMAL = tuple((byte >> 4) * 10 + (byte & 15) for byte in range(256))

# A jump of more pixels than this between two agent steps is a new object in an old place, not a movement.
JUMP = 24


class Decoder(Protocol):
    """Memory in, objects out. It remembers the step before, for dx and dy; `reset` forgets it.

    `before` is the memory one frame earlier, given to games whose picture is that old (`Game.late`).

    Absent objects are absent from the observation (a list of a kind may be empty).
    """

    def reset(self) -> None: ...

    def read(self, ram: bytes, before: bytes = b"") -> Observation: ...


class Protocols(msgspec.Struct, frozen=True):
    """How the paper evaluates a game: so many `episodes` of at most `steps` agent steps, per life or per
    game.
    """

    episodes: int
    steps: int
    life: bool = False


class Game(msgspec.Struct, frozen=True):
    """One game: its emulator id, action names (their index is the action), decoder, paper protocol, and
    texts.

    `decoder(full)` makes a decoder; `full` adds the state that the paper's observations leave out. `goal` is
    the text for the optimizer; `extra` is added to it under the full protocol and tells of that state.
    `serve` is the action that puts a ball into play after a life is lost, where the paper's code pressed it.
    `late`: the decoder wants the memory before the last frame too.
    """

    name: str
    rom: str
    actions: tuple[str, ...]
    decoder: Callable[[bool], Decoder]
    paper: Protocols
    staged: Staged
    goal: str
    extra: str = ""
    floor: float = 0.0
    ceiling: float | None = None
    serve: int | None = None
    late: bool = False


def box(x: int, y: int, w: int, h: int, before: Box | None = None) -> Box:
    """An object with its movement since `before`; 0 where it was absent or has jumped."""
    if before is None:
        return {"x": x, "y": y, "w": w, "h": h, "dx": 0, "dy": 0}
    dx = x - before["x"]
    dy = y - before["y"]
    if not (-JUMP <= dx <= JUMP and -JUMP <= dy <= JUMP):
        dx = dy = 0
    return {"x": x, "y": y, "w": w, "h": h, "dx": dx, "dy": dy}
