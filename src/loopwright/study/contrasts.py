"""Which differences make up an effect: pairs of runs that differ in nothing but the level in question.

A main effect is made of the differences between cells that agree in every other axis, within one repeat, that is with
the same seed. An interaction is made of differences of such differences. In a fraction of the design no such pairs
exist; there the cells of a whole repeat make one difference.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from statistics import fmean
from typing import Literal

import msgspec

from loopwright.study.results import Cell

Values = Mapping[tuple[str, int], float]  # a run's score by (cell key, repeat)
Unit = Literal["pair", "repeat"]
Signs = Mapping[str, int]  # by cell key: how its score enters a difference


class Differences(msgspec.Struct, frozen=True):
    """The values of an effect, by the repeat they come from, and how many lack a run. `unit` says what each one is."""

    values: list[tuple[int, float]]
    dropped: int
    unit: Unit


def main_effect(
    cells: Sequence[Cell], values: Values, repeats: int, axis: str, levels: tuple[str, str], unit: Unit = "pair"
) -> Differences:
    """Differences `levels[1]` minus `levels[0]` of an axis."""
    first, second = levels
    blocks = [
        {low.key: -1, high.key: 1}
        for low in cells
        if low.levels[axis] == first
        for high in cells
        if high.levels == {**low.levels, axis: second}
    ]
    if blocks:
        return _differences(blocks, values, repeats, unit)
    signs = {cell.key: _sign(cell, axis, levels) for cell in cells if _sign(cell, axis, levels)}
    return _contrast(signs, values, repeats, scale=1)


def interaction(
    cells: Sequence[Cell],
    values: Values,
    repeats: int,
    axes: tuple[str, str],
    levels: tuple[tuple[str, str], tuple[str, str]],
    unit: Unit = "pair",
) -> Differences:
    """By how much the difference between the second axis's levels grows from the first axis's first to its second."""
    (one, other), ((low, high), (left, right)) = axes, levels
    known = {tuple(sorted(cell.levels.items())): cell.key for cell in cells}
    blocks: list[Signs] = []
    for cell in cells:
        if (cell.levels[one], cell.levels[other]) != (low, left):
            continue
        corners = {(low, left): 1, (low, right): -1, (high, left): -1, (high, right): 1}
        keys = {
            known.get(tuple(sorted({**cell.levels, one: a, other: b}.items()))): sign
            for (a, b), sign in corners.items()
        }
        if None not in keys:
            blocks.append({key: sign for key, sign in keys.items() if key is not None})
    if blocks:
        return _differences(blocks, values, repeats, unit)
    signs = {cell.key: _sign(cell, one, levels[0]) * _sign(cell, other, levels[1]) for cell in cells}
    return _contrast({key: sign for key, sign in signs.items() if sign}, values, repeats, scale=2)


def _differences(blocks: Sequence[Signs], values: Values, repeats: int, unit: Unit) -> Differences:
    found: list[tuple[int, float]] = []
    dropped = 0
    for repeat in range(1, repeats + 1):
        here = [_sum(block, values, repeat) for block in blocks]
        there = [value for value in here if value is not None]
        if unit == "pair":
            dropped += len(here) - len(there)
            found += [(repeat, value) for value in there]
        elif len(there) == len(here):
            found.append((repeat, fmean(there)))
        else:
            dropped += 1  # a mean over other blocks than the other repeats' would not be the same quantity
    return Differences(found, dropped, unit)


def _contrast(signs: Signs, values: Values, repeats: int, scale: float) -> Differences:
    """The mean of the cells with + minus that of the cells with -, one for each repeat that has all of them."""
    counts = {sign: sum(each == sign for each in signs.values()) for sign in (1, -1)}
    if not all(counts.values()):
        return Differences([], 0, "repeat")
    found: list[tuple[int, float]] = []
    for repeat in range(1, repeats + 1):
        if all((key, repeat) in values for key in signs):
            terms = [sign * values[key, repeat] / counts[sign] for key, sign in signs.items()]
            found.append((repeat, scale * sum(terms)))
    return Differences(found, repeats - len(found), "repeat")


def _sum(block: Signs, values: Values, repeat: int) -> float | None:
    """The signed sum of a block's runs in one repeat; None where one is missing."""
    if not all((key, repeat) in values for key in block):
        return None
    return sum(sign * values[key, repeat] for key, sign in block.items())


def _sign(cell: Cell, axis: str, levels: tuple[str, str]) -> int:
    return {levels[0]: -1, levels[1]: 1}.get(cell.levels[axis], 0)
