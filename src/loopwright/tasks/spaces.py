"""Gymnasium's spaces in words and in plain values: what a space holds, an observation made plain, an action checked.

A program under edit knows nothing of Gymnasium. It is given ints, floats, strings, lists, tuples and dicts (and numpy
arrays where there are more than `MOST` numbers, such as pictures), and may answer with the same or with numpy's own.
`gymnasium` itself is imported by whoever has a space in hand, not here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast

from loopwright.errors import TaskError
from loopwright.tasks.episode import InvalidAction

MOST = 256  # numbers of one Box that are given as a list; more stay an array
_LISTED = 12  # bounds that are listed one by one
_KNOWN = ("Discrete", "Box", "MultiDiscrete", "MultiBinary", "Text", "Dict", "Tuple", "Sequence")


def kind_of(space: Any) -> str:
    """The name of a space's kind. Raises `TaskError` for one that has no plain form here (Graph, OneOf, own ones)."""
    for parent in type(space).__mro__:
        if parent.__name__ in _KNOWN and parent.__module__.startswith("gymnasium."):
            return parent.__name__
    raise TaskError(
        f"the space {type(space).__name__} has no plain form; wrap the environment so that it uses {', '.join(_KNOWN)}"
    )


def described(space: Any, indent: str = "") -> str:
    """What a value of the space is, in words: "an int from 0 to 3", with one line for each part of a Dict or Tuple.

    Raises `TaskError` for a space without a plain form.
    """
    kind = kind_of(space)
    inner = indent + "  "
    if kind == "Dict":
        parts = [f'{inner}- "{name}": {described(part, inner)}' for name, part in space.spaces.items()]
        return "\n".join(["a dict with", *parts])
    if kind == "Tuple":
        parts = [f"{inner}- [{place}]: {described(part, inner)}" for place, part in enumerate(space.spaces)]
        return "\n".join([f"a tuple of {len(parts)}:", *parts])
    if kind == "Sequence":
        return f"a list of any length, of each: {described(space.feature_space, inner)}"
    if kind == "Text":
        return f"a string of {space.min_length} to {space.max_length} characters"
    if kind == "Discrete":
        return f"an int from {int(space.start)} to {int(space.start + space.n) - 1}"
    if kind == "MultiBinary":
        return f"{_shaped(space.shape, 'int')}, each 0 or 1"
    if kind == "MultiDiscrete":
        lows, highs = space.start.ravel().tolist(), (space.start + space.nvec - 1).ravel().tolist()
        return f"{_shaped(space.shape, 'int')}, {_bounds(lows, highs)}"
    number = "int" if space.dtype.kind in "iub" else "float"
    if _size(space.shape) > MOST:
        words = f"a numpy array of shape {space.shape}, {space.dtype}"
    else:
        words = _shaped(space.shape, number)
    return f"{words}, {_bounds(space.low.ravel().tolist(), space.high.ravel().tolist())}"


def plain(space: Any, value: Any) -> Any:
    """An observation of the space as plain data; a Box of more than `MOST` numbers stays a numpy array."""
    kind = kind_of(space)
    if kind == "Dict":
        return {name: plain(part, value[name]) for name, part in space.spaces.items()}
    if kind == "Tuple":
        return tuple(plain(part, item) for part, item in zip(space.spaces, value, strict=True))
    if kind == "Sequence":
        return [plain(space.feature_space, item) for item in value]
    if kind == "Text":
        return str(value)
    if kind == "Discrete":
        return int(value)
    if kind == "Box" and _size(space.shape) > MOST:
        return value
    # A 32-bit float as the shortest number that means it: 0.0274, not 0.027395600304007530.
    short = kind == "Box" and space.dtype.itemsize < 8 and space.dtype.kind == "f"
    return _shortest(value) if short else value.tolist()


def checked(space: Any, value: Any, where: str = "the action") -> Any:
    """What a program gave, as a value that the environment takes. Raises `InvalidAction`, which says what is wrong."""
    kind = kind_of(space)
    if kind == "Dict":
        return _mapping(space, value, where)
    if kind == "Tuple":
        if isinstance(value, str) or not isinstance(value, Sequence) or len(cast("Any", value)) != len(space.spaces):
            raise InvalidAction(f"{where} is {_brief(value)}; it must be a tuple of {len(space.spaces)}")
        items = cast("Sequence[Any]", value)
        return tuple(checked(part, items[i], f"{where}[{i}]") for i, part in enumerate(space.spaces))
    if kind == "Sequence":
        if isinstance(value, str) or not isinstance(value, Sequence):
            raise InvalidAction(f"{where} is {_brief(value)}; it must be a list")
        listed = [
            checked(space.feature_space, item, f"{where}[{i}]") for i, item in enumerate(cast("Sequence[Any]", value))
        ]
        return tuple(listed)
    if kind == "Text":
        if not isinstance(value, str) or not space.contains(value):
            raise InvalidAction(f"{where} is {_brief(value)}; it must be {described(space)}")
        return value
    if kind == "Discrete":
        number = _whole(space, value, where)
        if not int(space.start) <= number < int(space.start + space.n):
            raise InvalidAction(f"{where} is {_brief(value)}; it must be {described(space)}")
        return space.dtype.type(number)
    return _numbers(space, value, where, whole=kind != "Box" or space.dtype.kind in "iub")


def _mapping(space: Any, value: Any, where: str) -> dict[str, Any]:
    names = list(space.spaces)
    if not isinstance(value, Mapping):
        raise InvalidAction(f"{where} is {_brief(value)}; it must be a dict with {', '.join(map(repr, names))}")
    given = cast("Mapping[str, Any]", value)
    missing, unknown = [name for name in names if name not in given], [name for name in given if name not in names]
    if missing or unknown:
        what = f"lacks {missing[0]!r}" if missing else f"has {unknown[0]!r}, which is none of its parts"
        raise InvalidAction(f"{where} {what}; it must be a dict with {', '.join(map(repr, names))}")
    return {name: checked(part, given[name], f"{where}[{name!r}]") for name, part in space.spaces.items()}


def _whole(space: Any, value: Any, where: str) -> int:
    """An int, also numpy's or an array of one; no float, which would hide a fault of the program."""
    if hasattr(value, "shape") and _size(value.shape) == 1:
        value = value.reshape(()).item()
    try:
        return value.__index__()
    except (AttributeError, TypeError):
        raise InvalidAction(f"{where} is {_brief(value)}; it must be {described(space)}") from None


def _numbers(space: Any, value: Any, where: str, *, whole: bool) -> Any:
    import numpy as np

    wanted = described(space)
    try:
        given = np.asarray(value)
        array = given.astype(np.float64)
    except (TypeError, ValueError):
        raise InvalidAction(f"{where} is {_brief(value)}; it must be {wanted}") from None
    if array.shape != space.shape and array.size == _size(space.shape) == 1:
        array = array.reshape(space.shape)  # one number where a list of one is asked for
    if array.shape != space.shape or given.dtype.kind not in "iubf":
        raise InvalidAction(f"{where} is {_brief(value)}; it must be {wanted}")
    if not np.isfinite(array).all():
        raise InvalidAction(f"{where} is {_brief(value)}, which is not finite; it must be {wanted}")
    if whole and (array != np.round(array)).any():
        raise InvalidAction(f"{where} is {_brief(value)}; it must be {wanted}")
    made = array.astype(space.dtype)  # rounded as the space's own bounds are
    if not space.contains(made):
        raise InvalidAction(f"{where} is {_brief(value)}, out of bounds; it must be {wanted}")
    return made


def _shortest(value: Any) -> Any:
    if value.ndim == 0:
        return float(str(value))
    return [_shortest(item) for item in value]


def _shaped(shape: Sequence[int], number: str) -> str:
    """A shape in words: "a float", "a list of 4 floats", "2 lists of 3 floats each, in a list"."""
    if not shape:
        return f"{'an' if number == 'int' else 'a'} {number}"
    words = f"a list of {shape[-1]} {number}{'' if shape[-1] == 1 else 's'}"
    for size in reversed(shape[:-1]):
        words = f"a list of {size}, each {words}"
    return words


def _bounds(lows: Sequence[float], highs: Sequence[float]) -> str:
    if len(set(lows)) <= 1 and len(set(highs)) <= 1 and lows:
        low, high = lows[0], highs[0]
        if low == -float("inf") and high == float("inf"):
            return "without bounds"
        return f"{'each ' if len(lows) > 1 else ''}from {_number(low)} to {_number(high)}"
    if len(lows) > _LISTED:
        return f"between {_number(min(lows))} and {_number(max(highs))}, each with bounds of its own"
    return "from " + ", ".join(_range(low, high) for low, high in zip(lows, highs, strict=True))


def _range(low: float, high: float) -> str:
    return "any" if (low, high) == (-float("inf"), float("inf")) else f"{_number(low)} to {_number(high)}"


def _number(value: float) -> str:
    return f"{value:.6g}" if isinstance(value, float) else str(value)


def _size(shape: Sequence[int]) -> int:
    size = 1
    for length in shape:
        size *= length
    return size


def _brief(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
