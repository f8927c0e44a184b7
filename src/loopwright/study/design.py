"""From axes to cells: every combination, a regular fraction of two-level axes, or the combinations listed.

A regular fraction (Box, Hunter and Hunter, Statistics for Experimenters) runs half, a quarter, ... of the cells. The
price is told: each effect is then mixed with others, its aliases, and only their sum can be measured.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping, Sequence
from math import prod
from typing import Any, cast

from loopwright.errors import SettingsError, nearest
from loopwright.study.definition import Design, label_of
from loopwright.study.results import Axis, Cell

Word = frozenset[str]  # axes whose product of signs is constant over a fraction


def cells_of(axes: Sequence[Axis], design: Design) -> list[Cell]:
    """The cells of a design, in the order of the axes' levels. Raises `SettingsError`."""
    if design.cells and (design.generators or design.half):
        raise SettingsError("design: give either cells or a fraction (generators, half), not both")
    if design.cells:
        return _listed(axes, design.cells)
    full = [
        _cell({axis.name: label for axis, label in zip(axes, labels, strict=True)})
        for labels in itertools.product(*(axis.labels for axis in axes))
    ]
    rules = _generators(axes, design)
    return [cell for cell in full if all(_follows(cell, axes, rule) for rule in rules)]


def aliases_of(axes: Sequence[Axis], design: Design) -> dict[str, list[str]]:
    """For a fraction: main effects and two-way interactions, each with those it cannot be told from. Else empty."""
    words = _relation([Word([name, *others]) for name, others, _ in _generators(axes, design)])
    effects = [Word(names) for order in (1, 2) for names in itertools.combinations([a.name for a in axes], order)]
    found: dict[str, list[str]] = {}
    for effect in effects if words else []:
        mixed = [effect ^ word for word in words]
        found[effect_name(effect, axes)] = [effect_name(each, axes) for each in effects if each in mixed]
    return found


def resolution(axes: Sequence[Axis], design: Design) -> int | None:
    """How good a fraction is: 3 mixes main effects with two-way interactions, 4 two-way ones among themselves.

    None for a design that is no fraction.
    """
    words = _relation([Word([name, *others]) for name, others, _ in _generators(axes, design)])
    return min((len(word) for word in words), default=None)


def effect_name(names: Word | Sequence[str], axes: Sequence[Axis]) -> str:
    """`"a"` or `"a x b"`, in the order of the axes; "the mean" for none."""
    return " x ".join(axis.name for axis in axes if axis.name in names) or "the mean"


def _cell(levels: dict[str, str]) -> Cell:
    return Cell(", ".join(f"{name}={label}" for name, label in levels.items()), levels)


def _listed(axes: Sequence[Axis], wanted: Sequence[dict[str, Any]]) -> list[Cell]:
    found: list[Cell] = []
    names = [axis.name for axis in axes]
    known = {name: name for name in names}
    known |= {full: axis.name for axis in axes for level in axis.settings.values() for full in level if len(level) == 1}
    for number, written in enumerate(wanted, 1):
        entry = dict(_levels_of(written, known))
        for name in entry:
            if name not in names:
                raise SettingsError(f"design.cells, entry {number}: there is no axis '{name}'{nearest(name, names)}")
        levels: dict[str, str] = {}
        for axis in axes:
            if axis.name not in entry:
                raise SettingsError(f"design.cells, entry {number}: it says no level of the axis '{axis.name}'")
            label = label_of(entry[axis.name])
            if label not in axis.settings:
                hint = nearest(label, axis.labels)
                raise SettingsError(f"design.cells, entry {number}: '{axis.name}' has no level '{label}'{hint}")
            levels[axis.name] = label
        cell = _cell(levels)
        if cell in found:
            raise SettingsError(f"design.cells, entry {number}: the cell {cell.key} is listed twice")
        found.append(cell)
    return found


def _levels_of(entry: Mapping[str, Any], known: Mapping[str, str], inside: str = "") -> Iterator[tuple[str, Any]]:
    """The axes named by an entry. A setting may be written as in [axes], in full, and is then a table in a table."""
    for key, value in entry.items():
        name = inside + key
        if name not in known and isinstance(value, Mapping):
            yield from _levels_of(cast("Mapping[str, Any]", value), known, f"{name}.")
        else:
            yield known.get(name, name), value


def _generators(axes: Sequence[Axis], design: Design) -> list[tuple[str, list[str], int]]:
    """Each as (axis, the axes it follows from, sign)."""
    texts = list(design.generators)
    names = [axis.name for axis in axes]
    if design.half:
        if texts:
            raise SettingsError("design: give either half = true or generators, not both")
        if len(names) < 3:
            raise SettingsError("design.half needs at least three axes: half of two would mix their main effects")
        texts = [f"{names[-1]} = {' * '.join(names[:-1])}"]
    found: list[tuple[str, list[str], int]] = []
    for text in texts:
        left, equals, right = text.partition("=")
        sign, right = (-1, right.strip()[1:]) if right.strip().startswith("-") else (1, right)
        made, others = left.strip(), [name.strip() for name in right.split("*")]
        if not equals or len(others) < 2:
            raise SettingsError(f"design.generators: {text!r} must be written 'c = a * b', with names of axes")
        for name in (made, *others):
            if name not in names:
                raise SettingsError(f"design.generators: {text!r} names no axis by '{name}'{nearest(name, names)}")
        if made in others or len(set(others)) < len(others):
            raise SettingsError(f"design.generators: {text!r} names an axis twice")
        found.append((made, others, sign))
    made = [name for name, _, _ in found]
    for name, others, _ in found:
        if made.count(name) > 1 or set(others) & set(made):
            raise SettingsError(f"design.generators: '{name}' must follow once, from axes that follow from no other")
    for axis in axes:
        if found and len(axis.settings) != 2:
            raise SettingsError(f"a fraction needs axes of two levels; '{axis.name}' has {len(axis.settings)}")
    return found


def _follows(cell: Cell, axes: Sequence[Axis], rule: tuple[str, list[str], int]) -> bool:
    made, others, sign = rule
    signs = {axis.name: 2 * axis.labels.index(cell.levels[axis.name]) - 1 for axis in axes}
    return signs[made] == sign * prod(signs[name] for name in others)


def _relation(words: Sequence[Word]) -> set[Word]:
    """The defining relation: every product of the generators' words."""
    found: set[Word] = set()
    for word in words:
        found |= {word} | {word ^ other for other in found}
    return found
