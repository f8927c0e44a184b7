"""How values travel between the evaluator and a candidate: msgpack frames over a stream socket, nothing pickled.

A frame is a 6-byte header (length of the body, number of buffers), the lengths of the buffers (8 bytes each), the
msgpack body, and the raw buffers of large arrays and tables. `tame` turns a value into what msgpack knows, or raises
`Unsendable` naming the type that has no plain form; `Wire` frames and decodes, and raises `WireError` for bytes that
break these rules, whatever they are.

What arrives equals what was sent, by type too, for: None, bool, int of any size, float, complex, str, bytes, list,
tuple, dict, set, frozenset, datetime/date/time/timedelta, Decimal, numpy arrays (no object dtype), pandas frames and
series, and pyarrow tables. By value but as plainer data: enums (their value), dataclasses and msgspec structs (dict),
named tuples (tuple), numpy scalars (int, float, ...), bytearray and memoryview (bytes), subclasses of the above.
Callables travel as handles from the evaluator to the candidate only. Not here: what the frames mean
(`remote`, `serve`).
"""

from __future__ import annotations

import dataclasses
import datetime
import decimal
import enum
import gc
import socket
import struct
from collections.abc import Callable, Iterable, Sequence
from typing import Any, cast

import msgspec
from msgspec.msgpack import Ext

from loopwright.execution import tables
from loopwright.execution.tables import Unsendable

BODY_LIMIT = 8 << 20  # the msgpack part; its objects may take 70 times as much memory
BUFFERS_LIMIT = 256 << 20  # arrays and tables of one frame together
INLINE = 4096  # smaller buffers travel inside the body

_HEADER = struct.Struct("<IH")
_unpack_header = _HEADER.unpack_from
_TUPLE, _SET, _FROZENSET, _INTEGER, _PAIRS, _HANDLE, _TEXTUAL, _COMPLEX = range(1, 9)
_TABLES = 16  # codes above are those of `tables`

_SCALARS = frozenset({type(None), bool, int, float, str, bytes})
_is_text = frozenset({str}).issuperset
_are_plain = (_SCALARS | {list, dict}).issuperset
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


class Closed(WireError):
    """The other side is gone."""


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


class Packer:
    """Makes one frame's values ready for msgpack: `tame` them, then pass `buffers` with the frame.

    `register` gives the number of a callable that the other side may call; without it callables are refused.
    """

    __slots__ = ("_register", "buffers")

    def __init__(self, register: Callable[[Handler], int] | None = None) -> None:
        self.buffers: list[memoryview] = []
        self._register = register

    def tame(self, value: Any) -> Any:
        """`value` as msgpack-ready data. Raises `Unsendable`."""
        kind = cast("type[Any]", type(value))
        if kind in _SCALARS:
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


class Wire:
    """One end of a stream socket that carries frames. Not thread-safe: callers hold a lock where several send.

    `resolve(number, name, is_async)` makes the callable for a handle that arrives; without it handles are refused.
    """

    def __init__(self, sock: socket.socket, *, resolve: Callable[[int, str, bool], Handler] | None = None) -> None:
        self.socket = sock
        self._resolve = resolve
        self._out = bytearray(4096)
        self._encoder = msgspec.msgpack.Encoder()
        self._decoder = msgspec.msgpack.Decoder(ext_hook=self._ext)
        self._buffers: list[bytearray] = []
        self._rest = b""  # bytes received after the end of a frame

    def send(self, frame: Sequence[Any], buffers: Sequence[memoryview] = ()) -> None:
        """Send tamed data. Raises `Closed`, and `OverflowError` for an integer that `Packer` has not seen."""
        out = self._out
        start = 6 + 8 * len(buffers)
        self._encoder.encode_into(frame, out, start)
        length = len(out) - start
        if length > BODY_LIMIT:
            self._out = bytearray(4096)
            raise Unsendable(f" takes {length / 1e6:.0f} MB; at most {BODY_LIMIT >> 20} MB can be passed on")
        _HEADER.pack_into(out, 0, length, len(buffers))
        for i, buffer in enumerate(buffers):
            struct.pack_into("<Q", out, 6 + 8 * i, buffer.nbytes)
        try:
            self.socket.sendall(out)
            for buffer in buffers:
                self.socket.sendall(buffer)
        except OSError as error:
            raise Closed(f"the other side is gone: {error}") from None
        if length > 1 << 20:
            self._out = bytearray(4096)

    def send_values(
        self, head: Sequence[Any], values: Sequence[Any], register: Callable[[Handler], int] | None = None
    ) -> None:
        """Send `head` followed by `values`, anything that `Packer` knows. Raises `Unsendable`, `Closed`."""
        try:
            if is_plain(values):
                try:
                    return self.send((*head, *values))
                except OverflowError:
                    pass  # an integer of more than 64 bits: the long way
            packer = Packer(register)
            self.send([*head, *(packer.tame(v) for v in values)], packer.buffers)
        except RecursionError:
            raise Unsendable(" is nested too deeply, or contains itself") from None
        except UnicodeEncodeError:
            raise Unsendable(" contains text with lone surrogates, which has no UTF-8 form") from None

    def receive(self) -> list[Any]:
        """The next frame; blocks. Raises `Closed` at the end of the stream, `WireError` for anything broken."""
        data = self._rest or self._chunk()
        while len(data) < 6:
            data += self._chunk()
        length, count = _unpack_header(data)
        if not count and length == len(data) - 6:  # nearly always
            self._rest = b""
            return self._decode(memoryview(data)[6:])
        if length > BODY_LIMIT:
            raise WireError(f"a frame of {length} bytes was announced; the limit is {BODY_LIMIT}")
        start = 6 + 8 * count
        if len(data) < start + length:
            data = self._fill(data, start + length)
        end = start + length
        if count:
            sizes = struct.unpack_from(f"<{count}Q", data, 6)
            if sum(sizes) > BUFFERS_LIMIT:
                raise WireError(f"buffers of {sum(sizes)} bytes were announced; the limit is {BUFFERS_LIMIT}")
            body = bytes(data[start:end])
            rest = bytes(data[end:])
            self._buffers = []
            for size in sizes:
                self._buffers.append(bytearray(self._fill(rest, size, exactly=True)))
                rest = rest[size:]
            self._rest = rest
        else:
            body = memoryview(data)[start:end]
            self._rest = bytes(data[end:]) if len(data) > end else b""
        return self._decode(body)

    def pending(self) -> bool:
        """Whether bytes of a further frame have been received already."""
        return bool(self._rest)

    def _decode(self, body: bytes | memoryview) -> list[Any]:
        try:
            frame = self._decoder.decode(body)
        except WireError:
            raise
        except MemoryError:
            raise WireError("a frame needs more memory than there is") from None
        except RecursionError:
            raise WireError("a frame is nested too deeply") from None
        except Exception as error:  # noqa: BLE001 - hostile bytes may raise anything; told as what they are
            raise WireError(f"a frame cannot be read: {type(error).__name__}: {error}") from None
        finally:
            if self._buffers:
                self._buffers = []
        if type(frame) is not list or not frame:
            raise WireError("a frame must be a list that is not empty")
        return cast("list[Any]", frame)

    def _chunk(self) -> bytes:
        try:
            data = self.socket.recv(65536)
        except OSError as error:
            raise Closed(f"the other side is gone: {error}") from None
        if not data:
            raise Closed("the other side is gone")
        return data

    def _fill(self, data: bytes, size: int, *, exactly: bool = False) -> bytes | bytearray:
        """`data` with at least `size` bytes; with `exactly`, cut there. Memory grows with what really arrives."""
        filled = bytearray(data[:size] if exactly else data)
        while len(filled) < size:
            try:
                more = self.socket.recv(min(size - len(filled), 1 << 20))
            except OSError as error:
                raise Closed(f"the other side is gone: {error}") from None
            if not more:
                raise Closed("the other side is gone in the middle of a frame")
            filled += more
        return filled

    def _ext(self, code: int, data: memoryview) -> Any:
        decode = self._decoder.decode
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
