"""How fast one model may be asked: how many calls at once, how many requests and tokens a minute. Waits in order.

A `Traffic` may be shared by the gateways of several runs, so that a study keeps one provider's limits together.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Mapping

import msgspec

from loopwright.errors import SettingsError

_MINUTE = 60.0


class Pace(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Limits of one model. `requests` and `tokens` are for any 60 seconds; None means no limit."""

    concurrency: int = 32
    requests: int | None = None
    tokens: int | None = None

    def __post_init__(self) -> None:
        for name in ("concurrency", "requests", "tokens"):
            value: int | None = getattr(self, name)
            if value is not None and value < 1:
                raise SettingsError(f"a model's {name} limit is {value}; it must be at least 1")


class Passage(msgspec.Struct):
    """One request let through: when (event loop time, seconds), and its tokens as far as they are known."""

    at: float
    tokens: int


class Lane:
    """The way to one model. `async with lane.slot` bounds concurrency; `await lane.enter(tokens)` paces requests."""

    def __init__(self, pace: Pace, *, window: float = _MINUTE) -> None:
        self.pace = pace
        self.slot = asyncio.Semaphore(pace.concurrency)
        self._window = window
        self._turn = asyncio.Lock()
        self._recent: deque[Passage] = deque()
        self._paused_until = 0.0

    def pause(self, seconds: float) -> None:
        """Let nothing through for so long: the endpoint said that everybody is too fast, not this one call."""
        self._paused_until = max(self._paused_until, asyncio.get_running_loop().time() + seconds)

    async def enter(self, tokens: int) -> Passage:
        """Wait until a request of about `tokens` fits the pace. Set the passage's `tokens` once they are known.

        A request that alone is more than a minute's tokens goes when nothing else is in the window.
        """
        loop = asyncio.get_running_loop()
        if self.pace.requests is None and self.pace.tokens is None:
            while (wait := self._paused_until - loop.time()) > 0:
                await asyncio.sleep(wait)
            return Passage(loop.time(), tokens)
        async with self._turn:
            while (wait := self._wait(loop.time(), tokens)) > 0:
                await asyncio.sleep(wait)
            passage = Passage(loop.time(), tokens)
            self._recent.append(passage)
            return passage

    def _wait(self, now: float, tokens: int) -> float:
        """Seconds until the next thing that can let a request through; 0 where it may go now."""
        recent = self._recent
        while recent and recent[0].at <= now - self._window:
            recent.popleft()
        if self._paused_until > now:
            return self._paused_until - now
        full = self.pace.requests is not None and len(recent) >= self.pace.requests
        if not full and self.pace.tokens is not None and recent:
            full = sum(passage.tokens for passage in recent) + tokens > self.pace.tokens
        # A hair past the window's end, so that rounding cannot let a request wake too early over and over.
        return recent[0].at + self._window - now + 1e-4 if full else 0.0


class Traffic:
    """The lanes of all models: `paces` by model name, `default` for the others."""

    def __init__(self, paces: Mapping[str, Pace] | None = None, *, default: Pace | None = None) -> None:
        self._paces = dict(paces or {})
        self._default = default or Pace()
        self._lanes: dict[str, Lane] = {}

    def set_pace(self, model: str, pace: Pace) -> None:
        """The pace of a model that has none yet, and has not been asked."""
        self._paces.setdefault(model, pace)

    def lane(self, model: str) -> Lane:
        """The one lane of a model."""
        if model not in self._lanes:
            self._lanes[model] = Lane(self._paces.get(model, self._default))
        return self._lanes[model]
