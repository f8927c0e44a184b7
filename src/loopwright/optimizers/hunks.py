"""Search/replace edits: reading the hunks of a block and applying them to a text, or saying why they do not apply.

<<<<<<< SEARCH
lines as they are now
=======
lines as they shall be
>>>>>>> REPLACE
"""

from __future__ import annotations

import difflib
import re

from loopwright.optimizers.blocks import REPLACE, SEARCH

_MIDDLE = re.compile(r"^\s*={5,9}\s*$")


class HunkError(Exception):
    """The hunks cannot be read or applied; the message is for the model that wrote them."""


def has_markers(text: str) -> bool:
    """Whether any line is the first or last marker of a hunk."""
    return any(SEARCH.match(line) or REPLACE.match(line) for line in text.split("\n"))


def apply_hunks(block: str, text: str) -> str:
    """`text` with every hunk of `block` applied in order. Each must match whole lines in exactly one place.

    Where no place matches exactly, lines that differ only in blanks at their end or in common indentation count, too.
    Raises `HunkError`.
    """
    for hunk in _split(block):
        text = _apply(hunk, text)
    return text


def _split(block: str) -> list[list[str]]:
    """The lines between the outer markers of each hunk."""
    hunks: list[list[str]] = []
    open_hunk: list[str] | None = None
    stray = ""
    for line in block.split("\n"):
        if SEARCH.match(line):
            if open_hunk is not None:
                raise HunkError("a '<<<<<<< SEARCH' begins before the one above it has its '>>>>>>> REPLACE'")
            open_hunk = []
        elif REPLACE.match(line):
            if open_hunk is None:
                raise HunkError("a '>>>>>>> REPLACE' has no '<<<<<<< SEARCH' above it")
            hunks.append(open_hunk)
            open_hunk = None
        elif open_hunk is not None:
            open_hunk.append(line)
        elif line.strip():
            stray = line.strip()
    if open_hunk is not None:
        raise HunkError("a '<<<<<<< SEARCH' has no '>>>>>>> REPLACE' below it")
    if stray:
        raise HunkError(f"the line {stray[:60]!r} stands between the search/replace hunks")
    return hunks


def _apply(hunk: list[str], text: str) -> str:
    """`text` with one hunk applied. A line of '=' may belong to the text: what fits is taken, if one thing does."""
    middles = [number for number, line in enumerate(hunk) if _MIDDLE.match(line)]
    if not middles:
        raise HunkError("a hunk has no '=======' between what is searched and what replaces it")
    results: list[str] = []
    problem = HunkError("")
    for middle in middles:
        try:
            results.append(_replace(hunk[:middle], hunk[middle + 1 :], text))
        except HunkError as error:
            problem = error
    if len(set(results)) > 1:
        raise HunkError("a hunk can be read in two ways, because its text has '=======' lines; give the whole text")
    if not results:
        raise problem
    return results[0]


def _replace(search: list[str], replace: list[str], text: str) -> str:
    lines = text.split("\n")
    if not any(line.strip() for line in search):
        if text.strip():
            raise HunkError("a hunk searches for nothing; give the lines that it shall replace")
        return "\n".join(replace)
    for alike in (_exact, _without_trailing, _without_indent):
        places = [at for at in range(len(lines) - len(search) + 1) if alike(lines[at : at + len(search)], search)]
        if len(places) > 1:
            raise HunkError(
                f"the searched lines beginning {search[0].strip()[:60]!r} stand in {len(places)} places; "
                "search for more lines around them"
            )
        if places:
            at = places[0]
            shift = _indent(lines[at : at + len(search)]), _indent(search)
            new = replace if alike is not _without_indent else _moved(replace, *shift)
            return "\n".join([*lines[:at], *new, *lines[at + len(search) :]])
    first = next(line for line in search if line.strip())
    near = difflib.get_close_matches(first, lines, n=1, cutoff=0.5)
    hint = f"; the nearest line is {near[0].strip()[:80]!r}" if near else ""
    raise HunkError(f"the searched lines beginning {first.strip()[:60]!r} are not in the text{hint}")


def _exact(there: list[str], search: list[str]) -> bool:
    return there == search


def _without_trailing(there: list[str], search: list[str]) -> bool:
    return all(a.rstrip() == b.rstrip() for a, b in zip(there, search, strict=True))


def _without_indent(there: list[str], search: list[str]) -> bool:
    a, b = _indent(there), _indent(search)
    return all(x.rstrip()[len(a) :] == y.rstrip()[len(b) :] for x, y in zip(there, search, strict=True))


def _indent(lines: list[str]) -> str:
    """The blanks that all lines with something on them begin with."""
    filled = [line for line in lines if line.strip()]
    if not filled:
        return ""
    low, high = min(filled), max(filled)
    size = next((at for at, pair in enumerate(zip(low, high, strict=False)) if pair[0] != pair[1]), len(low))
    return low[: min(size, len(low) - len(low.lstrip()))]


def _moved(lines: list[str], to: str, by: str) -> list[str]:
    """`lines` with the indentation `by` replaced by `to`. Raises where a line is indented less than `by`."""
    moved: list[str] = []
    for line in lines:
        if not line.strip():
            moved.append("")
        elif line.startswith(by):
            moved.append(to + line[len(by) :])
        else:
            raise HunkError("the replacing lines are indented unlike the searched ones; keep the text's indentation")
    return moved
