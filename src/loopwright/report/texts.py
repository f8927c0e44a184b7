"""The long texts of a report: deduplicated, compressed in chunks, and read by the page one chunk at a time.

A run of a thousand updates has tens of megabytes of evidence. A page holds them as zlib chunks in base64, which the
browser inflates when a person opens the update. Where even that would make the file too large, the texts that were
added as optional are left out, and the page says so in their place.
"""

from __future__ import annotations

import base64
import zlib
from typing import NamedTuple

LEFT_OUT = -1  # the reference of a text for which there was no room
_CHUNK = 128 * 1024  # bytes of text in one chunk: small enough to inflate at once, large enough to compress well
_GUESS = 3  # how many times smaller a chunk gets that is still open


class Place(NamedTuple):
    """Where a text lies: its chunk, and its first byte and length in it, in UTF-8."""

    chunk: int
    start: int
    length: int


class TextPool:
    """Texts by number. `limit` is the most that all chunks together may take, in bytes of base64."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        self.left_out = 0  # how many texts had no room
        self.places: list[Place] = []
        self.chunks: list[str] = []
        self._known: dict[bytes, int] = {}
        self._open = bytearray()
        self._size = 0

    @property
    def size(self) -> int:
        """Bytes of base64, the open chunk by a guess."""
        return self._size + len(self._open) // _GUESS

    def add(self, text: str) -> int:
        """The number of a text, equal texts having one. Lone surrogates, which UTF-8 cannot hold, become `?`."""
        data = text.encode("utf-8", "replace")
        known = self._known.get(data)
        if known is not None:
            return known
        if self._open and len(self._open) + len(data) > _CHUNK:
            self.close()
        number = self._known[data] = len(self.places)
        self.places.append(Place(len(self.chunks), len(self._open), len(data)))
        self._open += data
        return number

    def offer(self, text: str) -> int:
        """As `add`, but `LEFT_OUT` where the text might not fit any more."""
        data = text.encode("utf-8", "replace")
        if data not in self._known and self.size + len(data) // _GUESS > self.limit:
            self.left_out += 1
            return LEFT_OUT
        return self.add(text)

    def close(self) -> None:
        """Compress what is open; call once more at the end."""
        if self._open:
            chunk = base64.b64encode(zlib.compress(bytes(self._open), 6)).decode("ascii")
            self.chunks.append(chunk)
            self._size += len(chunk)
            self._open.clear()


def shortened(text: str, most: int) -> str:
    """A text of at most about `most` characters: its middle goes, and how much went is said in place."""
    if len(text) <= most:
        return text
    half = most // 2
    return f"{text[:half]}\n[... {len(text) - 2 * half:,} characters are left out here ...]\n{text[-half:]}"
