"""`[local]` of `loop.toml`: how models in files of this machine are run."""

from __future__ import annotations

import msgspec

from loopwright.errors import SettingsError


class LocalSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How local models run: CPU threads, tokens of one request (prompt and reply), and requests at a time.

    More than one request at a time can change greedy replies by a hair; one is the default.
    """

    threads: int = 2
    context: int = 8192
    parallel: int = 1

    def __post_init__(self) -> None:
        for name, least in (("threads", 1), ("context", 128), ("parallel", 1)):
            if getattr(self, name) < least:
                raise SettingsError(f"local.{name} is {getattr(self, name)}; it must be at least {least}")
