"""Reads a table of steps back from the text of evidence, knowing only the rules that the text and `columns` state."""

from __future__ import annotations

import ast
import math
import re
from typing import Any

_PART = re.compile(r"\.?([A-Za-z_][\w-]*)|\[(\d+)\]|\[('(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\")\]")
_MISSING = object()
_CONSTANTS = {"None": None, "True": True, "False": False, "nan": math.nan, "inf": math.inf}


def rows(text: str) -> list[dict[str, str]]:
    """The cells of every step, by column name, with runs unfolded and constants, shared and equal columns filled in."""
    lines = text.split("\n")
    top = next(i for i, line in enumerate(lines) if line.startswith("Steps "))
    header = next(i for i in range(top, len(lines)) if lines[i] == "step" or lines[i].startswith("step|"))
    names = lines[header].split("|")
    table: list[dict[str, str]] = []
    for line in lines[header + 1 :]:
        if not re.match(r"\d+(-\d+)?(\||$)", line):
            break
        cells = line.split("|")
        assert len(cells) == len(names), line
        first, _, last = cells[0].partition("-")
        for number in range(int(first), int(last or first) + 1):
            assert number == len(table) + 1
            table.append(dict(zip(names, cells, strict=True)))
    equal: list[tuple[str, str]] = []
    before: list[tuple[str, str, str]] = []
    for line in lines[top:header]:
        if line.startswith("The same in every step: "):
            for row in table:
                row.update(pair.split("=", 1) for pair in line.partition(": ")[2].split("|"))
        elif line.startswith("Wherever "):
            other, _, rest = line.removeprefix("Wherever ").partition(" is not empty: ")
            for row in table:
                if row[other]:
                    row.update(pair.split("=", 1) for pair in rest.split("|"))
        elif line.startswith("Equal columns: "):
            equal = [tuple(pair.split("=", 1)) for pair in line.partition(": ")[2].split("|")]  # type: ignore[misc]
        elif lag := re.fullmatch(r"(.*) is (.*) of the step before; first: (.*)", line):
            before.append((lag[1], lag[2], lag[3]))
    for name, other, first in before:
        column = [row.get(other, "") for row in table]
        for row, cell in zip(table, [first, *column], strict=False):
            row[name] = cell
    for name, other in equal:
        for row in table:
            row[name] = row.get(other, "")
    return table


def value(cell: str) -> object:
    """A cell's value; a reference stays its text `@name`."""
    if cell.startswith("@"):
        return cell
    if re.match(r"[A-Za-z_]", cell) and cell not in _CONSTANTS:
        return cell
    return eval(cell, {"__builtins__": {}, **_CONSTANTS})  # a literal, but for nan and inf


def gather(row: dict[str, str], prefix: str) -> object:
    """The value at `prefix`, put together from the cells of all columns below it; `_MISSING` where nothing is there."""
    result: Any = _MISSING
    for name, cell in row.items():
        if not cell or not (name == prefix or name.startswith((prefix + ".", prefix + "[")) or not prefix):
            continue
        parts = [
            int(i) if i else (ast.literal_eval(quoted) if quoted else word)
            for word, i, quoted in _PART.findall(name[len(prefix) :])
        ]
        result = _put(result, parts, value(cell))
    return result


def _put(into: Any, parts: list[Any], item: object) -> Any:
    if not parts:
        return item
    key, *rest = parts
    if isinstance(key, int):
        into = [] if into is _MISSING else into
        while len(into) <= key:
            into.append(_MISSING)
        into[key] = _put(into[key], rest, item)
        return into
    into = {} if into is _MISSING else into
    into[key] = _put(into.get(key, _MISSING), rest, item)
    return into
