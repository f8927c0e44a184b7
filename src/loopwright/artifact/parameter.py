"""A parameter: one named editable part of a file, with its place and its starting text."""

from __future__ import annotations

import re
from typing import Literal

import msgspec

Kind = Literal["function", "method", "class", "string", "file", "region"]
_HOLE = re.compile(r"(?<!\{)\{[A-Za-z_]\w*\}(?!\})")  # {{...}} is how a format string writes braces


class Parameter(msgspec.Struct, frozen=True):
    """Where an editable part is, and what the optimizer is shown of it.

    `text` is the starting text as it is shown: of a function, method or class from `def`/`class` to its end, without
    decorators, without the indentation of its place; of a string its value; of a file or region its lines. Line ends
    are `\\n` (a string's value is exact), final line ends of files and regions stay outside. `line` counts from 1.

    The rest tells how a text is put back. `start` and `end` are offsets in the decoded file, `indent` is what stands
    before the other lines, `newline` its line end. `signature` is the header without a colon, as Python would write
    it, and `decorators` likewise: both must stay. `style` is how a string's literal opens.
    """

    name: str
    file: str
    kind: Kind
    line: int
    text: str
    start: int
    end: int
    qualname: str = ""
    indent: str = ""
    newline: str = "\n"
    signature: str = ""
    decorators: tuple[str, ...] = ()
    style: str = ""

    @property
    def what(self) -> str:
        """`"function 'f'"`: how a message names it."""
        return f"{self.kind} '{self.name}'"

    @property
    def placeholders(self) -> list[str]:
        """The `{names}` that a string's starting text leaves for the program to fill in; each version keeps them."""
        return sorted(set(_HOLE.findall(self.text))) if self.kind == "string" else []
