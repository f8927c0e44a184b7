"""Finished model calls that runs share, in one SQLite file: the setting `cache`. Used beside each run's own journal.

A call is found again by its model, everything in its request, the seed of the run, and its place in it (which update or
trial asks). So a run that is started anew pays for nothing again, as far as it goes the same way, and repeats with
other seeds stay independent draws. Not here: what a run has paid (its journal says so).
"""

from __future__ import annotations

import sqlite3
from pathlib import Path

import msgspec

from loopwright.errors import StoreError
from loopwright.llm.cache import CacheKey
from loopwright.llm.protocol import Reply

_PATIENCE = 30.0  # seconds to wait while other runs write


class SharedCache:
    """A `Cache` in a file, for any number of processes. Raises `StoreError` where it cannot be used."""

    def __init__(self, path: Path, seed: int) -> None:
        self._path = path
        self._seed = seed
        try:
            path.parent.mkdir(parents=True, exist_ok=True)
            self._db = sqlite3.connect(path, timeout=_PATIENCE, isolation_level=None)
            self._db.execute("PRAGMA journal_mode = WAL")
            self._db.execute(
                "CREATE TABLE IF NOT EXISTS replies (model TEXT, request TEXT, context TEXT, reply BLOB, "
                "PRIMARY KEY (model, request, context)) WITHOUT ROWID"
            )
        except (sqlite3.Error, OSError) as error:
            raise StoreError(f"the cache {path} cannot be opened: {error}; name another file in 'cache'") from None

    def get(self, key: CacheKey) -> Reply | None:
        try:
            row = self._db.execute(
                "SELECT reply FROM replies WHERE model = ? AND request = ? AND context = ?", self._place(key)
            ).fetchone()
            return None if row is None else msgspec.msgpack.decode(row[0], type=Reply)
        except (sqlite3.Error, msgspec.MsgspecError) as error:
            raise StoreError(f"the cache {self._path} cannot be read: {error}; remove it, or name another") from None

    def put(self, key: CacheKey, reply: Reply) -> None:
        """Keep a reply; the first one stays, so that runs at the same time agree from then on."""
        try:
            self._db.execute(
                "INSERT OR IGNORE INTO replies VALUES (?, ?, ?, ?)", (*self._place(key), msgspec.msgpack.encode(reply))
            )
        except sqlite3.Error as error:
            raise StoreError(f"the cache {self._path} cannot be written: {error}; free some space") from None

    def close(self) -> None:
        self._db.close()

    def _place(self, key: CacheKey) -> tuple[str, str, str]:
        return key.model, key.request, f"{self._seed}/{key.context}"
