"""Whether model calls work: failures counted by kind, so that the runner can stop a run in which nothing does."""

from __future__ import annotations

from collections import Counter

from loopwright.llm.retry import FailureKind


class Health:
    """Counters over one gateway.

    `consecutive[kind]` are the calls that failed for good since the last one that succeeded, `attempts[kind]` all
    failed attempts, also those which a retry mended. `last` is the latest failure's message.
    """

    def __init__(self) -> None:
        self.consecutive: Counter[FailureKind] = Counter()
        self.attempts: Counter[FailureKind] = Counter()
        self.last = ""

    def attempt_failed(self, kind: FailureKind) -> None:
        self.attempts[kind] += 1

    def call_failed(self, kind: FailureKind, message: str) -> None:
        self.consecutive[kind] += 1
        self.last = message

    def succeeded(self) -> None:
        self.consecutive.clear()
