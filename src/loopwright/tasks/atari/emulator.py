"""The console: one game on `ale-py`, stepped by agent actions, read as objects, replayable from a seed.

It keeps the rules of `<Game>NoFrameskip-v4` with an action repeat of 4: minimal action set, 108,000 frames an
episode at most. Sticky actions are ours, not the emulator's: with probability `sticky` a frame repeats the
frame before it (Machado et al. 2018, arXiv 1709.06009), drawn from the episode's seed. So one loaded game
serves every seed, where the emulator's own noise would need 100 ms of loading for each.

Not here: what the objects are (the games' own files), what a trial is (`loopwright.tasks.episode`).
"""

from __future__ import annotations

import random
from collections.abc import Callable
from importlib import import_module
from typing import Any

from loopwright import seeding
from loopwright.errors import TaskError
from loopwright.tasks.atari.game import Game, Observation
from loopwright.tasks.episode import InvalidAction

REPEAT = 4
MAX_FRAMES = 108_000
# The console starts in slightly different states at its first resets (Freeway's and Seaquest's first frames
# show it); seeds share these few, so that seeds which are equal modulo 10 start alike.
STARTS = 10


class Atari:
    """One game as a `loopwright.tasks.episode.Environment`: observations are objects, actions are indices of
    `game.actions`.

    `life` ends the episode when a life is lost; otherwise it is the whole game. `full` adds to the
    observations what the paper's leave out. Raises `TaskError` where `ale-py` is not installed.
    """

    strict = True  # no observation holds a tuple or an array

    def __init__(self, game: Game, *, sticky: float = 0.0, life: bool = False, full: bool = True) -> None:
        if not 0.0 <= sticky < 1.0:
            raise TaskError(f"sticky must be a probability from 0 to below 1, not {sticky}")
        self.game = game
        self._sticky = sticky
        self._life = life
        self._ale: Any = _load(game.rom)
        self._memory: Any = self._ale.getRAM()  # filled anew at every look: quicker than an array each time
        self._bytes: Callable[[], bytes] = memoryview(self._memory).tobytes
        self._codes: list[Any] = list(self._ale.getMinimalActionSet())
        self._decoder = game.decoder(full)
        self.parts: Any = self._decoder if hasattr(self._decoder, "still") else None
        self._starts: list[Any] = []
        self._rng = random.Random(0)
        self._last: Any = self._codes[0]
        self._lives = 0
        self._before = b""

    def reset(self, seed: int) -> Observation:
        """Begin an episode. Equal seeds begin alike and stick alike."""
        self._restore(self._start(seed % STARTS))
        self._rng = seeding.generator(seed, "sticky")
        self._last = self._codes[0]
        self._lives = self._ale.lives()
        self._before = b""
        self._decoder.reset()
        return self._first()

    def go_on(self, seed: int) -> Observation:
        """Begin the next episode of an evaluation: the next life of the game where lives are episodes and one is left
        (so the paper's code did: its later episodes are later lives), else as `reset` does.
        """
        if not self._life or self._ale.game_over(with_truncation=True):
            return self.reset(seed)
        self._lives = self._ale.lives()
        self._decoder.reset()
        return self._first()

    def _first(self) -> Observation:
        """The first observation, after the ball was put into play where the paper's code did that."""
        if self.game.serve is not None and self._life:
            self._frames(self._codes[self.game.serve])
        return self._observe(0.0)

    def step(self, action: Any) -> tuple[Observation, float, bool, bool]:
        """Play four frames of an action: (observation, reward, over, truncated)."""
        if type(action) is not int:
            action = self._index(action)
        if not 0 <= action < len(self._codes):
            raise InvalidAction(self._says(action))
        reward = self._frames(self._codes[action])
        ale = self._ale
        over = truncated = False
        if ale.game_over():  # either of both, in one question
            truncated = ale.game_truncated()
            over = ale.game_over(with_truncation=False)
        if self._life and ale.lives() < self._lives:
            over = True
        return self._observe(reward), reward, over, truncated

    def screen(self) -> Any:
        """The picture of the last frame: an array of bytes (210, 160, 3)."""
        return self._ale.getScreenRGB()

    def ram(self) -> bytes:
        """The console's 128 bytes of memory."""
        self._ale.getRAM(self._memory)
        return self._bytes()

    def _frames(self, code: Any) -> float:
        act = self._ale.act
        stuck = 0
        if self._sticky and code is not self._last:
            # Once the new action has got through, repeating the frame before it is the new action too.
            draw = self._rng.random
            while stuck < REPEAT and draw() < self._sticky:
                stuck += 1
        if stuck:
            codes = [self._last] * stuck + [code] * (REPEAT - stuck)
            self._last = codes[-1]
            reward = act(codes[0]) + act(codes[1]) + act(codes[2])
        else:
            self._last = code
            reward = act(code) + act(code) + act(code)
        if self.game.late:
            self._before = self.ram()
        return float(reward + act(self._last))

    def _observe(self, reward: float) -> Observation:
        ram = self.ram()
        observation = self._decoder.read(ram, self._before or ram)
        observation["reward"] = reward
        if self.parts is not None:
            self.parts.moving["reward"] = reward
        return observation

    def _start(self, number: int) -> Any:
        while len(self._starts) <= number:
            if self._starts:
                self._restore(self._starts[-1])
            self._ale.reset_game()
            self._starts.append(self._ale.cloneState(include_rng=True))
        return self._starts[number]

    def _restore(self, state: Any) -> None:
        # A state does not hold where the picture was being drawn, and a frame can be lost by that (Q*bert shows it);
        # a reset ends the picture, so that what was played before leaves no trace.
        self._ale.reset_game()
        self._ale.restoreState(state)

    def _index(self, action: Any) -> int:
        try:
            return action.__index__()  # numpy's integers too
        except (AttributeError, TypeError):
            raise InvalidAction(self._says(action)) from None

    def _says(self, action: Any) -> str:
        shown = repr(action)
        names = ", ".join(f"{i} {name}" for i, name in enumerate(self.game.actions))
        return f"{shown if len(shown) <= 60 else shown[:57] + '...'} is not one of the actions {names}"


def _load(rom: str) -> Any:
    try:
        ale_py: Any = import_module("ale_py")
    except ImportError:
        raise TaskError("Atari games need the package ale-py: pip install 'loopwright[atari]'") from None
    ale_py.ALEInterface.setLoggerMode(ale_py.LoggerMode.Error)
    ale = ale_py.ALEInterface()
    ale.setInt("random_seed", 0)
    ale.setFloat("repeat_action_probability", 0.0)
    ale.setInt("frame_skip", 1)
    ale.setInt("max_num_frames_per_episode", MAX_FRAMES)
    ale.loadROM(import_module("ale_py.roms").get_rom_path(rom))
    return ale
