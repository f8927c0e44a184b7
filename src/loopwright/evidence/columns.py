"""Records as columns: nested values of many rows become flat, named columns of cells. Pure; knows nothing of trials.

`flatten` turns `[{"Ball": {"x": 1}}, ...]` into `{"Ball.x": [1, ...]}`; a value that is absent from a row is `ABSENT`.
`digest` then sorts out what need not be a column: what never changes, and what always equals another column. Everything
can be read back: a cell is a Python literal, a bare word that stands for itself, `@name` for a value that stands
elsewhere, `!Type: message` for an exception, or empty for what is absent.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any, Final

import msgspec


class Absent:
    """The type of `ABSENT`: nothing was there, which is another thing than `None`."""

    def __repr__(self) -> str:
        return ""


class Ref(str):
    """A cell that names where its value already stands; written `@name`."""

    __slots__ = ()


class Raised(str):
    """A cell that tells an exception instead of a value; written `!Type: message`."""

    __slots__ = ()


ABSENT: Final = Absent()
Columns = dict[str, list[object]]

# Beyond these a list of records, or a nested value, stays one literal cell: such a table could not be read.
MOST_COLUMNS = 60
DEEPEST = 6

_NAME = re.compile(r"[A-Za-z_][\w-]*\Z", re.ASCII)
# Text that needs no quotes: starts with a letter, ends in no space, has nothing a reader could take for syntax.
_BARE = re.compile(r"[A-Za-z_](?:[\w.:/+()?!-]| (?! |\Z))*\Z", re.ASCII)
_WORDS_WITH_MEANING = frozenset({"None", "True", "False", "nan", "inf"})
_PLAIN = {int, float, bool, type(None), Absent}


def flatten(values: Sequence[object], name: str, *, depth: int = 0) -> Columns:
    """The columns of one value a row; `name` is "" for fields that stand at the top.

    Dicts with text keys become `name.key`, lists that hold dicts or lists become `name[i]`; every other value (also an
    empty dict or list) is a leaf. One name may be a leaf in one row and nested in another.
    """
    rest = list(values)
    kinds = set(map(type, rest))
    nested: Columns = {}
    if depth < DEEPEST and dict in kinds:
        keys: dict[str, None] = {}
        dicts = [_record(value) for value in rest]
        for value in dicts:
            if value:
                keys.update(dict.fromkeys(value))
        for key in keys:
            inner = [value.get(key, ABSENT) if value else ABSENT for value in dicts]
            nested.update(flatten(inner, path(name, key), depth=depth + 1))
        rest = [ABSENT if parts else value for value, parts in zip(rest, dicts, strict=True)]
    if depth < DEEPEST and not kinds.isdisjoint((list, tuple)):
        lists = [_deep_list(value) for value in rest]
        longest = max(map(len, lists))
        if 0 < longest <= MOST_COLUMNS:
            listed: Columns = {}
            for i in range(longest):
                inner = [value[i] if i < len(value) else ABSENT for value in lists]
                listed.update(flatten(inner, f"{name}[{i}]", depth=depth + 1))
            if len(listed) <= MOST_COLUMNS:
                nested.update(listed)
                rest = [ABSENT if parts else value for value, parts in zip(rest, lists, strict=True)]
    if nested and all(value is ABSENT for value in rest):
        return nested
    return {name: rest, **nested}


def path(name: str, key: str) -> str:
    """The name of field `key` of `name`: `name.key`, or `name['any text']` where the key is no plain word."""
    if _NAME.match(key):
        return f"{name}.{key}" if name else key
    return f"{name}[{literal(key)}]".replace("|", "\\x7c").replace("=", "\\x3d")


def cells(column: Sequence[object]) -> list[str]:
    """The cells of a column as text."""
    if set(map(type, column)) <= _PLAIN:
        try:
            return list(map(repr, column))
        except ValueError:  # a whole number too long to print: `cell` describes it
            pass
    return list(map(cell, column))


def cell(value: object) -> str:
    """One value as a cell: no bar, no line break, and not empty unless it is `ABSENT`."""
    if isinstance(value, str):
        if isinstance(value, Ref):
            return "@" + value
        if isinstance(value, Raised):
            return "!" + literal(str(value))[1:-1].replace("|", "\\x7c")
        if _BARE.match(value) and value not in _WORDS_WITH_MEANING:
            return value
    return literal(value).replace("|", "\\x7c")


def literal(value: object) -> str:
    """A Python literal of plain data on one line; what cannot be written is described."""
    try:
        return repr(value)
    except (RecursionError, ValueError) as error:  # too deep, or a number too long to print: the reader is told
        return repr(f"<{type(value).__name__} that cannot be written: {error}>")


class Digest(msgspec.Struct, frozen=True):
    """Columns sorted out; all values are cell texts, and nothing is lost.

    `table` are the columns that remain. `constant` are (name, cell) of what is the same in every row. `where` are
    (name, cell, other): the same in every row in which column `other` of the table is not empty, and empty elsewhere.
    `lagged` are (name, other, cell): in every row what column `other` of the table is one row before, and `cell` in the
    first. `same` are (name, other): equal in every row to `other`, which stands in one of the four before.
    """

    table: dict[str, list[str]]
    constant: list[tuple[str, str]]
    where: list[tuple[str, str, str]]
    lagged: list[tuple[str, str, str]]
    same: list[tuple[str, str]]


def digest(columns: Columns) -> Digest:
    """Sort out what need not be a column of the table."""
    constant: list[tuple[str, str]] = []
    same: list[tuple[str, str]] = []
    where: list[tuple[str, str, str]] = []
    varying: dict[str, list[str]] = {}
    seen: dict[tuple[str, ...], str] = {}
    for name, column in columns.items():
        # One object in every row needs to be written once.
        texts = [cell(column[0])] if len(set(map(id, column))) == 1 else cells(column)
        if texts.count(texts[0]) == len(texts):
            if texts[0]:
                constant.append((name, texts[0]))
            continue
        other = seen.setdefault(tuple(texts), name)
        if other is name:
            varying[name] = texts
        else:
            same.append((name, other))
    # A column that only says whether something is there is not needed beside another that is there in the same rows.
    shapes: dict[tuple[bool, ...], str] = {}
    lone: list[tuple[str, str, tuple[bool, ...]]] = []
    for name, texts in varying.items():
        kinds = set(texts)
        shape = tuple(map(bool, texts)) if "" in kinds else ()
        kinds.discard("")
        if len(kinds) == 1:
            lone.append((name, kinds.pop(), shape))
        else:
            shapes.setdefault(shape, name)
    for name, text, shape in lone:
        other = shapes.setdefault(shape, name)
        if other is not name:
            where.append((name, text, other))
            del varying[name]
    # An observation often repeats what the step before gave, its reward for one.
    lagged: list[tuple[str, str, str]] = []
    needed = {other for _, _, other in where}
    leads = {tuple(texts[:-1]): name for name, texts in reversed(varying.items())}
    for name, texts in list(varying.items()):
        other = leads.get(tuple(texts[1:]), name)
        if other != name and other in varying and name not in needed:
            lagged.append((name, other, texts[0]))
            needed.add(other)
            del varying[name]
    return Digest(varying, constant, where, lagged, same)


def _record(value: object) -> dict[str, Any] | None:
    """`value` where it is a dict with text keys, and not empty."""
    record: Any = value
    return record if type(value) is dict and set(map(type, record)) == {str} else None


def _deep_list(value: object) -> Sequence[Any]:
    """`value` where it is a list that holds lists or dicts, else nothing."""
    items: Any = value
    nested = isinstance(value, list | tuple) and not set(map(type, items)).isdisjoint((dict, list, tuple))
    return items if nested else ()
