"""How things are written in a terminal: tables, paths, and texts by strangers made harmless."""

from __future__ import annotations

import contextlib
import re
import shlex
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

# Everything that could move the cursor, recolour or retitle a terminal. Tabs and newlines stay.
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u202a-\u202e\u2066-\u2069]")
_WIDE = 200  # columns of a table that goes into a file or a pipe


def clean(text: str) -> str:
    """Text that a model or a candidate wrote, without the letters that would steer the terminal."""
    return _CONTROL.sub(lambda found: f"\\x{ord(found[0]):02x}", text.replace("\r\n", "\n"))


def line(text: str) -> str:
    """`text` as one line."""
    return clean(" ".join(text.split()))


def width() -> int:
    """Columns of the terminal; plenty where output goes elsewhere."""
    return shutil.get_terminal_size((80, 24)).columns if sys.stdout.isatty() else _WIDE


def shortened(text: str, length: int) -> str:
    return text if len(text) <= length else text[: max(0, length - 1)] + "…"


def quoted(path: Path) -> str:
    """A path as one would type it from here."""
    with contextlib.suppress(ValueError):
        path = path.resolve().relative_to(Path.cwd())
    return shlex.quote(str(path))


def table(head: Sequence[str], rows: Sequence[Sequence[str]], *, right: Sequence[int] = ()) -> list[str]:
    """Lines of aligned columns, those in `right` flush right; the last is cut where the terminal ends."""
    cells = [[line(cell) for cell in row] for row in (head, *rows)]
    sizes = [max(len(row[column]) for row in cells) for column in range(len(head))]
    lines: list[str] = []
    for row in cells:
        placed = [
            cell.rjust(size) if column in right else cell.ljust(size)
            for column, (cell, size) in enumerate(zip(row, sizes, strict=True))
        ]
        lines.append(shortened("  ".join(placed).rstrip(), width()))
    return lines


def curve(values: Sequence[float], size: int = 60) -> str:
    """Values as a row of small bars, the lowest and the highest at the ends of the scale."""
    if not values:
        return ""
    if len(values) > size:
        values = [values[round(place * (len(values) - 1) / (size - 1))] for place in range(size)]
    low, high = min(values), max(values)
    bars = "▁▂▃▄▅▆▇█"
    return "".join(bars[round((value - low) / (high - low) * 7)] if high > low else bars[0] for value in values)
