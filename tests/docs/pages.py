"""Reading the documentation: its pages, their fenced blocks, and the folders that titled blocks make."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path, PurePosixPath
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
_BLOCK = re.compile(
    r'^(?P<fence>`{3,})(?P<language>\w*)(?:[^\S\n]+title="(?P<title>[^"\n]+)")?[^\S\n]*\n(?P<text>.*?)^(?P=fence)[^\S\n]*$',
    re.MULTILINE | re.DOTALL,
)


class Block(NamedTuple):
    """One fenced block: its language, the file it is titled with ("" for none), its text."""

    language: str
    title: str
    text: str


def pages() -> list[str]:
    """Every page by its path under docs/."""
    return sorted(path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md"))


def read(page: str) -> str:
    return (DOCS / page).read_text(encoding="utf-8")


def blocks(page: str) -> list[Block]:
    """A page's fenced blocks that begin a line, in order. A block within a longer fence is part of its text."""
    return [Block(found["language"], found["title"] or "", found["text"]) for found in _BLOCK.finditer(read(page))]


def worlds(page: str) -> dict[str, dict[str, str]]:
    """The files that a page's titled blocks make, by the folder in front of their names ("." for none)."""
    found: dict[str, dict[str, str]] = {}
    for block in blocks(page):
        if block.title:
            path = PurePosixPath(block.title)
            found.setdefault(str(path.parent), {})[path.name] = block.text
    return found


def commands(page: str) -> Iterator[str]:
    """What the page's console blocks have one type, each command on one line."""
    for block in blocks(page):
        if block.language == "console":
            joined = block.text.replace("\\\n", " ")
            yield from (line[2:] for line in joined.splitlines() if line.startswith("$ "))
