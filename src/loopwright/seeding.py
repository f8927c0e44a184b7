"""Every random draw comes from a generator derived from (seed, purpose...): nothing else is random in a loop."""

from __future__ import annotations

import hashlib
import random


def derive(seed: int, *purpose: str | int) -> int:
    """A 63-bit seed that depends on `seed` and on every word of `purpose`, equal on every machine and Python."""
    digest = hashlib.blake2b(digest_size=8)
    for word in (seed, *purpose):
        digest.update(f"{type(word).__name__}:{word}\x00".encode())
    return int.from_bytes(digest.digest(), "big") >> 1


def generator(seed: int, *purpose: str | int) -> random.Random:
    """A fresh generator for one purpose, for example `generator(seed, "draw", step)`."""
    return random.Random(derive(seed, *purpose))
