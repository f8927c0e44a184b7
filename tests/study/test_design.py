"""Which cells a design has, and what a fraction of it cannot tell apart."""

from __future__ import annotations

import itertools

import pytest

from loopwright.errors import SettingsError
from loopwright.study.definition import Design
from loopwright.study.design import aliases_of, cells_of, resolution
from loopwright.study.results import Axis


def axes(*names: str, levels: int = 2) -> list[Axis]:
    return [Axis(name, {str(level): {} for level in range(levels)}) for name in names]


def test_a_full_design_has_every_combination_once() -> None:
    cells = cells_of([*axes("a", "b"), *axes("c", levels=3)], Design())
    assert len({cell.key for cell in cells}) == 12
    assert cells[0].levels == {"a": "0", "b": "0", "c": "0"}


@pytest.mark.parametrize(
    ("names", "generators", "size", "quality"),
    [("abc", ["c = a * b"], 4, 3), ("abcd", ["d = a*b*c"], 8, 4), ("abcde", ["d = a*b", "e = -a*c"], 8, 3)],
)
def test_a_fraction_is_balanced_and_of_the_resolution_said(
    names: str, generators: list[str], size: int, quality: int
) -> None:
    design = Design(generators=generators)
    cells = cells_of(axes(*names), design)
    assert len(cells) == size
    assert resolution(axes(*names), design) == quality
    for one, other in itertools.combinations(names, 2):
        counts = [(cell.levels[one], cell.levels[other]) for cell in cells]
        assert {counts.count(pair) for pair in set(counts)} == {size // 4}


def test_aliases_are_exactly_the_effects_with_equal_columns() -> None:
    """Checked against the columns of signs themselves."""
    names = axes(*"abcde")
    design = Design(generators=["d = a*b", "e = -a*c"])
    cells = cells_of(names, design)
    effects = [c for order in (1, 2) for c in itertools.combinations("abcde", order)]
    columns = {}
    for effect in effects:
        column = []
        for cell in cells:
            sign = 1
            for name in effect:
                sign *= 2 * int(cell.levels[name]) - 1
            column.append(sign)
        columns[" x ".join(effect)] = tuple(column)
    found = aliases_of(names, design)
    assert set(found) == set(columns)
    for one, column in columns.items():
        equal = {other for other, c in columns.items() if other != one and c in (column, tuple(-s for s in column))}
        assert set(found[one]) == equal


def test_half_is_the_half_that_mixes_least() -> None:
    half = Design(half=True)
    assert resolution(axes(*"abcd"), half) == 4
    assert aliases_of(axes(*"abcd"), half)["a"] == []
    assert aliases_of(axes(*"abcd"), half)["a x b"] == ["c x d"]
    assert aliases_of(axes(*"abcd"), Design()) == {}


def test_listed_cells_are_run_as_listed() -> None:
    cells = cells_of(axes("a", "b"), Design(cells=[{"a": 1, "b": 0}, {"a": 0, "b": 0}]))
    assert [cell.key for cell in cells] == ["a=1, b=0", "a=0, b=0"]


def test_listed_cells_name_settings_as_axes_do() -> None:
    kind = Axis("optimizer.kind", {label: {"optimizer.kind": label} for label in ("opro", "mutate")})
    size = Axis("batch.size", {str(n): {"evidence.batch.size": n} for n in (1, 3)})
    start = Axis("start", {"one": {"artifact.path": "a"}, "two": {"artifact.path": "b", "seed": 1}})
    written = [
        {"optimizer": {"kind": "opro"}, "evidence": {"batch": {"size": 3}}, "start": "one"},
        {"optimizer.kind": "mutate", "batch.size": 1, "start": "two"},
    ]
    cells = cells_of([kind, size, start], Design(cells=written))
    assert [list(cell.levels.values()) for cell in cells] == [["opro", "3", "one"], ["mutate", "1", "two"]]


@pytest.mark.parametrize(
    ("design", "message"),
    [
        (Design(generators=["c = a"]), "must be written"),
        (Design(generators=["c = a * x"]), "no axis by 'x'"),
        (Design(generators=["c = a * c"]), "names an axis twice"),
        (Design(generators=["c = a * b", "b = a * c"]), "must follow once"),
        (Design(half=True, generators=["c = a * b"]), "either half"),
        (Design(cells=[{"a": 0, "b": 0}]), "no level of the axis 'c'"),
        (Design(cells=[{"a": 0, "b": 0, "c": 7}]), "no level '7'"),
        (Design(cells=[{"a": 0, "b": 0, "c": 0}] * 2), "listed twice"),
        (Design(cells=[{"a": 0, "b": 0, "d": 0}]), "no axis 'd'"),
        (Design(cells=[{"a": 0}], half=True), "either cells or a fraction"),
    ],
)
def test_a_wrong_design_is_refused(design: Design, message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        cells_of(axes("a", "b", "c"), design)


def test_a_fraction_of_three_levels_is_refused() -> None:
    with pytest.raises(SettingsError, match="two levels; 'c' has 3"):
        cells_of([*axes("a", "b"), *axes("c", levels=3)], Design(generators=["c = a * b"]))
