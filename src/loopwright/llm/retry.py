"""When to try a model call again, and how long to wait first. Decides only; the gateway does the waiting.

What is retried: rate limits, server errors, timeouts, broken connections, cut or malformed bodies. Other client errors
are a plain `ModelError`, since the same request would fail the same way.
"""

from __future__ import annotations

import email.utils
import math
import time
from typing import Literal

import msgspec

from loopwright.errors import ModelError
from loopwright.seeding import generator
from loopwright.trial import Usage

FailureKind = Literal[
    "rate",  # 429: too many requests
    "server",  # 5xx, and an error told inside a 200
    "timeout",  # no complete answer in time
    "unreachable",  # nobody listens
    "connection",  # the connection broke before an answer
    "cut",  # the body ended before its announced end
    "malformed",  # the body is no chat completion
    "empty",  # a chat completion without choices
    "parameter",  # the endpoint refuses one optional parameter, which is now left out
    "refused",  # 4xx, a missing key: no retry can mend it
]


class RetryableError(ModelError):
    """One request failed in a way that another one may not.

    `after` is the wait in seconds that the endpoint asked for. `billed` says that the endpoint may have produced (and
    charged) a reply that never reached us: a budget then counts the request at its upper bound.
    """

    def __init__(self, message: str, *, kind: FailureKind, after: float | None = None, billed: bool = False) -> None:
        super().__init__(message)
        self.kind: FailureKind = kind
        self.after = after
        self.billed = billed


class CallFailed(ModelError):
    """A model call failed for good. `kind` tells how, `usage` what its attempts cost nevertheless."""

    def __init__(self, message: str, *, kind: FailureKind, usage: Usage) -> None:
        super().__init__(message)
        self.kind: FailureKind = kind
        self.usage = usage


class Backoff(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How often and how patiently to retry. Seconds; waits double from `first` up to `longest`, each with jitter.

    An endpoint's own Retry-After goes before that, and up to `patience`: one that asks for more ends the call.
    """

    retries: int = 5
    first: float = 1.0
    longest: float = 60.0
    patience: float = 600.0

    def delay(self, attempt: int, after: float | None, *, seed: int, request: str) -> float:
        """Seconds to wait after failed attempt number `attempt` (from 1). Equal for equal arguments.

        The jitter spreads calls that failed together over half the wait; after a Retry-After it only adds, because
        coming back earlier than told is what rate limits punish.
        """
        spread = generator(seed, "backoff", request, attempt).random()
        if after is not None:
            return after + spread * min(self.first, 1.0)
        wait = min(self.longest, self.first * 2.0 ** min(attempt - 1, 32))
        return wait * (0.5 + 0.5 * spread)


def retry_after(value: str | None, *, now: float | None = None) -> float | None:
    """A Retry-After header in seconds from now: a number of seconds or an HTTP date; None where absent or unreadable.

    `now` is Unix time, for tests.
    """
    if value is None or not (value := value.strip()):
        return None
    try:
        seconds = float(value)
    except ValueError:
        try:
            date = email.utils.parsedate_to_datetime(value)
        except (ValueError, TypeError, IndexError, OverflowError):
            return None
        try:
            seconds = date.timestamp() - (time.time() if now is None else now)
        except (OverflowError, ValueError, OSError):
            return None
    return max(0.0, seconds) if math.isfinite(seconds) else None
