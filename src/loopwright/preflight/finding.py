"""What preflight says: one typed finding a check."""

from __future__ import annotations

from typing import Any, Literal

import msgspec

from loopwright.trial import Usage

# "ok": nothing to mend. "note": worth knowing. "warning": the loop runs, but will probably learn little or mislead.
# "error": the loop cannot run, or cannot learn anything.
Level = Literal["ok", "note", "warning", "error"]


class Finding(msgspec.Struct, frozen=True):
    """One check's word.

    `code` is stable: scripts may rely on it. `text` says what was seen, with numbers, and `advice` what to do ("" where
    nothing is to be done). `details` are the numbers themselves, for machines.
    """

    code: str
    level: Level
    text: str
    advice: str = ""
    details: dict[str, Any] = {}


class Preflight(msgspec.Struct, frozen=True):
    """All findings, in the order of the checks, and what it took to find them."""

    findings: list[Finding]
    trials: int = 0
    usage: Usage = Usage()
    seconds: float = 0.0

    def at(self, level: Level) -> list[Finding]:
        return [each for each in self.findings if each.level == level]

    @property
    def good(self) -> bool:
        """Whether nothing speaks against starting the loop: no warning and no error."""
        return not self.at("warning") and not self.at("error")
