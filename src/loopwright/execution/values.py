"""What values may pass between the evaluator and a candidate, and how they become msgpack and back. Nothing is pickled.

`Packer` turns a value into what msgpack knows, or raises `Unsendable` naming the type that has no plain form; `Reader`
makes values of bytes that anybody may have sent, or raises `WireError`.

What arrives equals what was sent, by type too, for: None, bool, int of any size, float, complex, str, bytes, list,
tuple, dict, set, frozenset, datetime/date/time/timedelta, Decimal, numpy arrays (no object dtype), pandas frames and
series, and pyarrow tables. By value but as plainer data: enums (their value), dataclasses and msgspec structs (dict),
named tuples (tuple), numpy scalars (int, float, ...), bytearray and memoryview (bytes), subclasses of the above.
Callables travel as handles from the evaluator to the candidate only. Framing is in `wire`, arrays are in `tables`.
"""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import gc
import struct
from collections.abc import Callable, Iterable, Sequence
from typing import Any, cast

import msgspec
from msgspec.msgpack import Ext

from loopwright.execution import tables
from loopwright.execution.tables import Unsendable

NESTED = " is nested too deeply, or contains itself"
SURROGATES = " contains text with lone surrogates, which has no UTF-8 form"
INLINE = 4096  # smaller buffers travel inside the body

_TUPLE, _SET, _FROZENSET, _INTEGER, _PAIRS, _HANDLE, _TEXTUAL, _COMPLEX = range(1, 9)
_TABLES = 16  # codes above are those of `tables`

SCALARS = frozenset({type(None), bool, int, float, str, bytes})
_is_text = frozenset({str}).issuperset
_are_easy = (SCALARS - {int}).issuperset  # an integer may be too large for msgpack
_are_plain = (SCALARS | {list, dict}).issuperset
_inside = gc.get_referents
_DEPTH = 40  # levels that the fast look goes down
# The built-ins' own methods: those of a subclass may do anything.
_tuple_items: Callable[[Any], Iterable[Any]] = vars(tuple)["__iter__"]
_list_items: Callable[[Any], Iterable[Any]] = vars(list)["__iter__"]
_dict_items: Callable[[Any], Iterable[tuple[Any, Any]]] = vars(dict)["items"]
_encode = msgspec.msgpack.Encoder().encode

Handler = Callable[..., Any]


class WireError(Exception):
    """Bytes that are no valid frame. On the evaluator's side: the candidate broke the protocol."""


def is_plain(values: Sequence[Any]) -> bool:
    """Whether msgpack gives all values back just as they are: scalars, lists and dicts of such.

    Walks level by level with the collector's own function, so that no Python code runs for each item. False may also
    mean "not seen within the depth looked at", or an integer of more than 64 bits is overlooked: encoding says so.
    """
    level: Sequence[Any] = values
    for _ in range(_DEPTH):
        if not _are_plain(map(type, level)):
            return False
        level = _inside(*level)
        if not level:
            return True
    return False


def copier(still: dict[str, Any]) -> Callable[[], dict[str, Any]]:
    """A function that makes `still` anew at every call: scalars, dicts and lists of scalars, lists of such, by name."""
    if {dict}.issuperset(map(type, still.values())):  # the usual: an object by each name
        return lambda: {name: item.copy() for name, item in still.items()}
    return lambda: {name: _anew(item) for name, item in still.items()}


def _anew(item: Any) -> Any:
    if type(item) is dict:
        return cast("dict[str, Any]", item).copy()
    if type(item) is list:
        return [row.copy() if type(row) in (dict, list) else row for row in cast("list[Any]", item)]
    return item


class Packer:
    """Makes one frame's values ready for msgpack: `tame` them, then pass `buffers` with the frame.

    `register` gives the number of a callable that the other side may call; without it callables are refused.
    """

    __slots__ = ("_register", "buffers", "modules")

    def __init__(self, register: Callable[[Handler], int] | None = None) -> None:
        self.buffers: list[memoryview] = []
        self.modules: set[str] = set()  # what the receiver has to import
        self._register = register

    def tame(self, value: Any) -> Any:
        """`value` as msgpack-ready data. Raises `Unsendable`."""
        kind = cast("type[Any]", type(value))
        if kind in SCALARS:
            return self._integer(value) if kind is int else value
        if kind is dict:
            return self._dict(value)
        if kind is list:
            return self._items(value)
        if kind is tuple:
            return Ext(_TUPLE, self._packed(self._items(value)))
        return self._other(value)

    def _integer(self, value: int) -> Any:
        if -(1 << 63) <= value < (1 << 64):
            return value
        return Ext(_INTEGER, value.to_bytes(value.bit_length() // 8 + 1, "little", signed=True))

    def _items(self, values: Sequence[Any]) -> list[Any]:
        if _are_easy(map(type, values)):
            return list(values)
        tamed: list[Any] = []
        try:
            for value in values:
                tamed.append(self.tame(value))
        except Unsendable as error:
            raise Unsendable(_within(f"[{len(tamed)}]", error)) from None
        return tamed

    def _dict(self, value: dict[Any, Any]) -> Any:
        if not _is_text(map(type, value)):
            pairs = [[self.tame(key), self.tame(item)] for key, item in value.items()]
            return Ext(_PAIRS, self._packed(pairs))
        tamed: dict[str, Any] = {}
        for key, item in value.items():
            try:
                tamed[key] = self.tame(item)
            except Unsendable as error:
                raise Unsendable(_within(f"[{key!r}]", error)) from None
        return tamed

    def _packed(self, value: Any) -> bytes:
        try:
            return _encode(value)
        except (OverflowError, UnicodeEncodeError, RecursionError):
            raise
        except Exception as error:  # noqa: BLE001 - whatever msgspec refuses is refused by name
            raise Unsendable(str(error)) from None

    def _other(self, value: Any) -> Any:
        """Everything that is no exact built-in: subclasses, arrays, tables, records, handles."""
        if isinstance(value, str):
            return str.__getitem__(value, slice(None))
        if isinstance(value, int):
            return self.tame(int.__pos__(value))
        if isinstance(value, float):
            return float.__pos__(value)
        if isinstance(value, enum.Enum):
            return self.tame(value.value)
        if isinstance(value, tuple):
            return Ext(_TUPLE, self._packed(self._items(list(_tuple_items(value)))))
        if isinstance(value, list):
            return self._items(list(_list_items(value)))
        if isinstance(value, dict):
            return self.tame(dict(_dict_items(value)))
        if isinstance(value, set | frozenset):
            code = _SET if isinstance(value, set) else _FROZENSET
            return Ext(code, self._packed(self._items(sorted(cast("Any", value), key=_order))))
        if isinstance(value, bytes | bytearray | memoryview):
            return bytes(cast("Any", value))
        if isinstance(value, complex):
            return Ext(_COMPLEX, struct.pack("<dd", value.real, value.imag))
        if type(value) in _TEXTUAL_TYPES:
            return Ext(_TEXTUAL, _encode([type(value).__name__, _TEXTUAL_TYPES[type(value)][0](value)]))
        if isinstance(value, msgspec.Struct):
            return self.tame(msgspec.structs.asdict(value))
        if dataclasses.is_dataclass(value) and not isinstance(value, type):
            return self.tame({f.name: getattr(value, f.name) for f in dataclasses.fields(value)})
        described = tables.describe(value, self._buffer)
        if described is not None:
            code, plain = described
            if code is not None:
                self.modules.add(tables.MODULES[code])
            return self.tame(plain) if code is None else Ext(_TABLES + code, self._packed(self.tame(plain)))
        if callable(value) and not isinstance(value, type) and self._register is not None:
            return self._handle(value)
        raise Unsendable(f" is of type {type_name(value)}, which cannot be passed on as plain data")

    def _handle(self, value: Handler) -> Ext:
        import inspect

        number = self._register(value)  # pyright: ignore[reportOptionalCall]
        name = getattr(value, "__name__", type(value).__name__)
        return Ext(_HANDLE, _encode([number, str(name), inspect.iscoroutinefunction(value)]))

    def _buffer(self, raw: memoryview) -> Any:
        """Raw bytes inside the body where small, else the number of a buffer beside it."""
        raw = raw.cast("B") if raw.nbytes else memoryview(b"")
        if raw.nbytes <= INLINE:
            return bytes(raw)
        self.buffers.append(raw)
        return len(self.buffers) - 1


class Reader:
    """Makes values of msgpack that came from anybody. Raises `WireError`, and nothing else, for what it refuses.

    `resolve(number, name, is_async)` makes the callable for a handle that arrives; without it handles are refused.
    """

    def __init__(self, resolve: Callable[[int, str, bool], Handler] | None = None) -> None:
        self._resolve = resolve
        self.decode = msgspec.msgpack.Decoder(ext_hook=self._ext).decode  # raises what it likes, and knows no buffers
        self._buffers: Sequence[bytearray] = ()

    def read(self, body: bytes | memoryview, buffers: Sequence[bytearray] = ()) -> Any:
        """The value that `body` and the buffers beside it stand for."""
        self._buffers = buffers
        try:
            return self.decode(body)
        except WireError:
            raise
        except MemoryError:
            raise WireError("a frame needs more memory than there is") from None
        except RecursionError:
            raise WireError("a frame is nested too deeply") from None
        except Exception as error:  # noqa: BLE001 - hostile bytes may raise anything; told as what they are
            raise WireError(f"a frame cannot be read: {type(error).__name__}: {error}") from None
        finally:
            self._buffers = ()

    def _ext(self, code: int, data: memoryview) -> Any:
        decode = self.decode
        if code == _TUPLE:
            return tuple(_listed(decode(data)))
        if code in (_SET, _FROZENSET):
            return (set if code == _SET else frozenset)(_listed(decode(data)))
        if code == _INTEGER:
            return int.from_bytes(data, "little", signed=True)
        if code == _PAIRS:
            return {key: item for key, item in _listed(decode(data))}  # noqa: C416 - checks that pairs are pairs
        if code == _COMPLEX:
            return complex(*struct.unpack("<dd", data))
        if code > _TABLES:
            return tables.restore(code - _TABLES, decode(data), self._raw)
        if code == _TEXTUAL:
            name, text = _listed(decode(data))
            return _TEXTUAL_NAMES[name](text)
        if code == _HANDLE and self._resolve is not None:
            number, name, is_async = _listed(decode(data))
            return self._resolve(number, name, is_async)
        raise WireError(f"unknown kind of value: {code}")

    def _raw(self, reference: Any) -> bytes | bytearray:
        if type(reference) is bytes:
            return reference
        if type(reference) is not int or not 0 <= reference < len(self._buffers):
            raise WireError("a value names a buffer that was not sent")
        return self._buffers[reference]


def copied(value: Any, *, callables: bool = True) -> Any:
    """`value` as it would arrive on the other side; callables stay as they are, or are refused. Raises `Unsendable`."""
    handles: list[Handler] = []

    def register(handle: Handler) -> int:
        handles.append(handle)
        return len(handles) - 1

    packer = Packer(register if callables else None)
    try:
        body = _encode(packer.tame(value))
    except RecursionError:
        raise Unsendable(NESTED) from None
    except UnicodeEncodeError:
        raise Unsendable(SURROGATES) from None
    reader = Reader(lambda number, name, is_async: handles[number])
    return reader.read(body, [bytearray(buffer) for buffer in packer.buffers])


def type_name(value: object) -> str:
    """The full name of a value's type, safe for hostile types."""
    kind = type(value)
    module = kind.__dict__.get("__module__", "") if isinstance(kind.__dict__.get("__module__", ""), str) else ""
    name = type.__dict__["__qualname__"].__get__(kind)
    return f"{module}.{name}" if module not in ("", "builtins", "__main__") else str(name)


def _order(value: object) -> tuple[str, str]:
    """Sets travel in one order, whatever their hash seed, so that records of them compare."""
    return type(value).__name__, repr(value)


def _within(place: str, error: Unsendable) -> str:
    text = str(error)
    return place + text if len(text) < 400 else text


def _listed(value: Any) -> list[Any]:
    if type(value) is not list:
        raise WireError(f"a list was expected, not {type(value).__name__}")
    return cast("list[Any]", value)


def _seconds(value: datetime.timedelta) -> list[int]:
    return [value.days, value.seconds, value.microseconds]


_TEXTUAL_TYPES: dict[type, tuple[Callable[[Any], Any], Callable[[Any], Any]]] = {
    datetime.datetime: (datetime.datetime.isoformat, datetime.datetime.fromisoformat),
    datetime.date: (datetime.date.isoformat, datetime.date.fromisoformat),
    datetime.time: (datetime.time.isoformat, datetime.time.fromisoformat),
    datetime.timedelta: (_seconds, lambda parts: datetime.timedelta(*parts)),
    decimal.Decimal: (str, decimal.Decimal),
}
_TEXTUAL_NAMES = {kind.__name__: restore for kind, (_, restore) in _TEXTUAL_TYPES.items()}
