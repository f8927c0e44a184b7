"""Replies by request: what makes a model call identical to an earlier one, and where the earlier reply is kept.

The run's own cache lies in its journal (the store implements `Cache`); here is the contract and one in memory.
"""

from __future__ import annotations

import hashlib
from typing import Protocol

import msgspec

from loopwright.errors import ModelError
from loopwright.llm.protocol import Ask, Reply


class CacheKey(msgspec.Struct, frozen=True):
    """One model call. `request` is `request_hash(ask)`, `context` the caller's own key.

    The context keeps apart calls that ask the same but must be drawn anew, such as two trials of one example.
    """

    model: str
    request: str
    context: str


class Cache(Protocol):
    """Finished calls. Once `put` has returned, `get` of an equal key gives an equal reply, also after a crash."""

    def get(self, key: CacheKey) -> Reply | None: ...

    def put(self, key: CacheKey, reply: Reply) -> None: ...


class MemoryCache:
    """A cache that ends with the process."""

    def __init__(self) -> None:
        self._replies: dict[CacheKey, Reply] = {}

    def get(self, key: CacheKey) -> Reply | None:
        return self._replies.get(key)

    def put(self, key: CacheKey, reply: Reply) -> None:
        self._replies[key] = reply

    def __len__(self) -> int:
        return len(self._replies)


def request_hash(ask: Ask) -> str:
    """A hash of everything in `ask` but the model's name (so that a replay finds it under another name).

    Raises `ModelError` for text that is no Unicode: it could not be sent either.
    """
    plain = msgspec.structs.replace(ask, model="")
    try:
        data = msgspec.json.encode(plain, order="sorted")
    except UnicodeEncodeError as error:
        bad = error.object[error.start]
        raise ModelError(f"a message to the model contains {bad!a}, half of a surrogate pair; leave it out") from None
    return hashlib.blake2b(data, digest_size=16).hexdigest()
