"""Where a value of a call already stands, so that it need not be shown again.

`@observation` is the whole observation of the same step, `@Ball` one of its fields, `@predict->` what the call of
`predict` gave in the same step. Origins of inputs are identities, see `trace.Call`; an object may have been changed
since, so a value is named only where it still equals what stands there.
"""

from __future__ import annotations

from typing import cast

from loopwright.evidence.columns import Raised, Ref, literal, path
from loopwright.trace import Call

# Values that exist once in Python: one that equals an earlier output may do so by chance.
SMALL = (int, bool, type(None))
# Values worth looking for in the observation under any name; a number equals another too easily.
BULKY = (dict, list, str)
_NUMBERS = frozenset({int, float, bool, type(None)})
OBSERVATION = Ref("observation")
# A value longer than this stands below its label, and where it comes again, it is named.
INLINE = 100


class Said:
    """Which long values stand where already, so that they are written once: an input passed on to every call, say."""

    def __init__(self) -> None:
        self._places: dict[tuple[type, str], str] = {}

    def once(self, value: object, name: str) -> object:
        """`value`, or where it stood first if it is long and comes again; its place is called `name` from here on."""
        kind = type(value)
        if kind is str:
            text = cast("str", value)
        elif kind in (list, tuple, dict):
            items = cast("list[object]", value)
            # Most values are a few numbers, which need not be written to be known as short.
            text = "" if len(items) < 6 and _NUMBERS.issuperset(map(type, items)) else literal(value)
        else:
            return value
        if len(text) <= INLINE:
            return value
        first = self._places.setdefault((kind, text), name)
        return value if first == name else Ref(first)


def outcome(call: Call) -> object:
    """What a call gave, or its exception as a cell."""
    if call.failure is None:
        return call.output
    message = call.failure.message
    return Raised(f"{call.failure.type}: {message}" if message else call.failure.type)


def unchanged(value: object, origin: Call) -> bool:
    """Whether `value`, which is the object that `origin` gave, still equals what was recorded of it then."""
    try:
        return bool(value == origin.output)
    except RecursionError:  # nested too deep to compare: then it is shown for itself
        return False


def output_of(slot: str, steps_before: int) -> Ref:
    """The name of the output of the call `slot`, of the same step or of one before."""
    if steps_before == 0:
        return Ref(f"{slot}->")
    return Ref(f"{slot}-> of {'the step before' if steps_before == 1 else f'{steps_before} steps before'}")


def field(name: str) -> str:
    """The name of a field of the observation, told apart from the columns that every table has."""
    clashes = name.partition(".")[0].partition("[")[0] in ("step", "action", "reward")
    return f"observation.{name}" if clashes else name


def seen(value: object, argument: str, observation: object, prefix: str) -> object:
    """`value`, or the name of where it stands in the observation, whose fields are named under `prefix`."""
    try:
        if value is observation or (type(value) in BULKY and value == observation):
            return OBSERVATION
        if isinstance(observation, dict):
            record = cast("dict[object, object]", observation)
            if argument in record and type(record[argument]) is type(value) and record[argument] == value:
                return Ref(field(path(prefix, argument)))
            if value and type(value) in (dict, list):
                for key, item in record.items():
                    if item == value and isinstance(key, str):
                        return Ref(field(path(prefix, key)))
    except RecursionError:  # nested too deep to compare: then it is shown for itself
        pass
    return value
