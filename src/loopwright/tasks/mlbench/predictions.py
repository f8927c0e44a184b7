"""Whether what a pipeline returned are predictions for these rows; if not, what was expected, in words to act on.

It comes from a candidate: it may be anything that can be passed on.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any, cast

from loopwright.tasks.mlbench.competition import Competition


class NoPredictions(Exception):
    """What was returned are no predictions; the message says what was expected and what came."""


def checked(competition: Competition, returned: Any, rows: int) -> Any:
    """Predictions for `rows` rows as an array: of bools, or of finite floats. Raises `NoPredictions`."""
    numpy: Any = import_module("numpy")
    wanted = _wanted(competition, rows)
    if returned is None:
        raise NoPredictions(f"{wanted}; it returned None")
    if isinstance(returned, dict | str | bytes | bool | int | float):
        raise NoPredictions(f"{wanted}; it returned a {type(cast('object', returned)).__name__}")
    try:
        values: Any = numpy.asarray(_plain(returned))
    except (ValueError, TypeError):
        raise NoPredictions(f"{wanted}; it returned values of different shapes") from None
    if values.ndim == 2 and values.shape[1] == 1:
        values = values[:, 0]
    if values.ndim != 1:
        shape = " x ".join(map(str, values.shape))
        hint = " (probabilities of the two classes?)" if values.ndim == 2 and values.shape[1] == 2 else ""
        raise NoPredictions(f"{wanted}; it returned {shape} values{hint}")
    if len(values) != rows:
        raise NoPredictions(f"{wanted}; it returned {len(values):,} values")
    if competition.kind == "classes":
        return _classes(numpy, values, wanted)
    return _amounts(numpy, values, wanted)


def _wanted(competition: Competition, rows: int) -> str:
    what = "True or False" if competition.kind == "classes" else "a price in dollars"
    return f"expected {what} for each of the {rows:,} rows of test_data"


def _plain(returned: Any) -> Any:
    """The values of a table, a series or a pandas array, with missing ones as None or NaN."""
    if hasattr(returned, "to_numpy"):
        values: Any = returned.to_numpy()
        return values
    return returned


def _classes(numpy: Any, values: Any, wanted: str) -> Any:
    _refuse_missing(values, wanted)
    kinds = _kinds(values)
    if values.dtype.kind == "b" or kinds == {bool}:
        return values.astype(bool)
    if values.dtype.kind in "iuf" or (kinds and kinds <= {bool, int, float}):
        numbers: Any = values.astype(float)
        strange = numbers[(numbers != 0) & (numbers != 1)]
        if len(strange) == 0:
            return numbers.astype(bool)
        if ((numbers >= 0) & (numbers <= 1)).all():
            raise NoPredictions(
                f"{wanted}; it returned probabilities such as {strange[0]:.3g}: compare them with a threshold, "
                "such as p > 0.5"
            )
        raise NoPredictions(f"{wanted}; it returned numbers such as {strange[0]:.3g}")
    raise NoPredictions(f"{wanted}; it returned {_shown(values)}")


def _amounts(numpy: Any, values: Any, wanted: str) -> Any:
    _refuse_missing(values, wanted)
    kinds = _kinds(values)
    if values.dtype.kind not in "iuf" and not (kinds and kinds <= {int, float}):
        raise NoPredictions(f"{wanted}; it returned {_shown(values)}")
    numbers: Any = values.astype(float)
    endless = ~numpy.isfinite(numbers)
    if endless.any():
        raise NoPredictions(
            f"{wanted}; {int(endless.sum()):,} of the values are infinite, the first in row {_first(endless)}"
        )
    return numbers


def _kinds(values: Any) -> set[Any]:
    """The types in an array of Python objects; empty for any other array."""
    return {type(value) for value in values.tolist()} if values.dtype.kind == "O" else set()


def _refuse_missing(values: Any, wanted: str) -> None:
    pandas: Any = import_module("pandas")
    missing: Any = pandas.isna(values)
    if missing.any():
        raise NoPredictions(
            f"{wanted}; {int(missing.sum()):,} of the values are NaN, the first in row {_first(missing)}"
        )


def _first(mask: Any) -> int:
    return int(mask.argmax())


def _shown(values: Any) -> str:
    """`texts such as 'True'`, for whatever is no number."""
    names: dict[str, str] = {"U": "texts", "S": "bytes", "M": "dates", "m": "durations", "c": "complex numbers"}
    value = values.tolist()[0]
    name = names.get(values.dtype.kind, f"values of type {type(value).__name__}")
    if isinstance(value, str):
        name = "texts"
    return f"{name} such as {str(value)[:40]!r}"
