"""Records the calls of traced functions inside a program, and tells exceptions with their source.

`Tracer.wrap` returns a function that does what the given one does and appends one small record a call; `take` turns
the records since the last `take` into `Call`s. While the program runs, nothing is done but a fast copy of the
values; names, origins and descriptions are made in `take`. `failure_of` tells an exception. This module runs inside
the candidate process and next to inline programs; what reads the records is elsewhere (`loopwright.evidence`).
"""

from __future__ import annotations

import functools
import inspect
import linecache
import sys
import traceback
from collections.abc import Callable, Iterator, Sequence
from threading import get_ident
from types import CodeType, FrameType, FunctionType, TracebackType
from typing import Any, cast

import msgspec

from loopwright.trace import Call, Failure

CALLS_LIMIT = 10_000  # recorded calls a trial; further ones run unrecorded and the cut is said
VALUE_LIMIT = 20_000  # bytes of one recorded argument list or output
TEXT_LIMIT = 2_000  # characters of one text inside a record that had to be cut
ITEMS_LIMIT = 40  # entries of one list or dict inside a record that had to be cut
TABLE_LIMIT = 240  # characters of column names in the description of a table
AROUND = 3  # lines of source before and after a failing line

_MISSING = object()
# What methods of a program's own values may raise, without taking the trial's own ends (a timeout) for one of them.
_HOSTILE = (Exception, SystemExit, GeneratorExit)


class _Record:
    """One call while it is kept in memory. `arguments` keeps the objects alive, so that their ids stay theirs."""

    __slots__ = ("arguments", "failure", "finished", "inputs", "output", "parent", "shape", "value")

    def __init__(self, shape: _Shape, arguments: Any, inputs: Any, parent: int, finished: int) -> None:
        self.shape = shape
        self.arguments = arguments
        self.inputs = inputs
        self.parent = parent
        self.finished = finished
        self.output: Any = None
        self.value: Any = _MISSING
        self.failure: BaseException | None = None


class _Shape:
    """How the arguments of one function are named."""

    __slots__ = ("name", "names", "skip", "star")

    def __init__(self, function: Callable[..., Any], name: str) -> None:
        code = cast("CodeType", getattr(function, "__code__", None))
        self.name = name
        self.names: Sequence[str] = code.co_varnames[: code.co_argcount]
        self.star = "*args"
        if code.co_flags & inspect.CO_VARARGS:
            self.star = "*" + code.co_varnames[code.co_argcount + code.co_kwonlyargcount]
        # The object a method belongs to has no plain form and is in every call: it is left out.
        self.skip = int("." in name and bool(self.names) and self.names[0] in ("self", "cls"))

    def argument(self, place: int) -> str:
        return self.names[place] if place < len(self.names) else f"{self.star}[{place - len(self.names)}]"


class Tracer:
    """The recorded calls of one trial. Calls nest in the thread that made the tracer; those of others are roots."""

    def __init__(self, files: Sequence[str] = ()) -> None:
        self.files = frozenset(files)  # the artifact's own files: failures show frames of these alone
        self._records: list[_Record] = []
        self._done: list[_Record] = []  # in the order in which they ended
        self._origins: dict[int, int] = {}  # id of an output -> index of the call that gave it
        self._kept: list[Any] = []  # keeps those outputs alive
        self._base = 0  # index of the first record of this turn within the trial
        self._current = -1
        self._missed = 0
        self._home = get_ident()

    def wrap(self, function: Callable[..., Any], name: str) -> Callable[..., Any]:
        """A function that does what `function` does and records each call under `name`.

        Generator functions and whatever is no plain or coroutine function come back as they are.
        """
        if not isinstance(function, FunctionType):
            return function
        if inspect.isgeneratorfunction(function) or inspect.isasyncgenfunction(function):
            return function
        shape = _Shape(function, name)
        if inspect.iscoroutinefunction(function):
            return self._wrap_async(function, shape)
        return self._wrap_plain(function, shape)

    def _wrap_plain(self, function: FunctionType, shape: _Shape) -> Callable[..., Any]:
        begin, end, encode, skip, home, here = self._begin, self._end, _encode, shape.skip, self._home, get_ident

        @functools.wraps(function)
        def traced(*args: Any, **kwargs: Any) -> Any:
            try:
                inputs = encode((args[1:] if skip else args, kwargs))
            except _HOSTILE:  # what msgpack refuses is described instead
                inputs = _described(args[skip:], kwargs)
            outer = self._current if here() == home else -2  # -2: another thread, whose nesting is not known
            record = begin(shape, args, kwargs, inputs, outer)
            if record is None:
                return function(*args, **kwargs)
            try:
                output = function(*args, **kwargs)
            except BaseException as error:
                record.failure = error
                raise
            else:
                end(record, output)
                return output
            finally:
                if outer != -2:
                    self._current = outer

        return traced

    def _wrap_async(self, function: FunctionType, shape: _Shape) -> Callable[..., Any]:
        @functools.wraps(function)
        async def traced(*args: Any, **kwargs: Any) -> Any:
            try:
                inputs: Any = _encode((args[shape.skip :], kwargs))
            except _HOSTILE:  # what msgpack refuses is described instead
                inputs = _described(args[shape.skip :], kwargs)
            # Coroutines interleave, so their nesting is not known either.
            record = self._begin(shape, args, kwargs, inputs, -2)
            if record is None:
                return await function(*args, **kwargs)
            try:
                output = await function(*args, **kwargs)
            except BaseException as error:
                record.failure = error
                raise
            self._end(record, output)
            return output

        return traced

    def _begin(self, shape: _Shape, args: Any, kwargs: Any, inputs: bytes, outer: int) -> _Record | None:
        """A record for a call that begins; None where the limit is reached. `outer` is the enclosing call."""
        records = self._records
        index = self._base + len(records)
        if index >= CALLS_LIMIT:
            self._missed += 1
            return None
        record = _Record(shape, (args, kwargs), inputs, max(outer, -1), len(self._done))
        records.append(record)
        if outer != -2:
            self._current = index
        return record

    def _end(self, record: _Record, output: Any) -> None:
        record.value = output
        try:
            record.output = _encode(output)
        except _HOSTILE:  # what msgpack refuses is described instead
            record.output = _encode(describe(output))
        self._done.append(record)

    def take(self) -> list[Call]:
        """The calls since the last `take`, in the order in which they began; indices count within the trial."""
        return msgspec.msgpack.decode(self.packed(), type=list[Call])

    def packed(self) -> bytes:
        """What `take` gives, as msgpack, without decoding the values that were recorded."""
        return msgspec.msgpack.encode(self._taken())

    def _taken(self) -> list[Call]:
        """The calls since the last time; their values are `msgspec.Raw`."""
        records, done = self._records, self._done
        if not records:
            return []
        self._records, self._done = [], []
        index_of = {id(record): self._base + i for i, record in enumerate(records)}
        # Objects which exist once for everybody (None, True, small integers) name an origin within one turn only.
        common: dict[int, int] = {}
        calls: list[Call] = []
        noted = 0
        for record in records:
            while noted < record.finished:
                self._note(done[noted], index_of, common)
                noted += 1
            calls.append(self._call(record, common))
        for record in done[noted:]:
            self._note(record, index_of, common)
        self._base += len(records)
        self._current = -1
        if self._missed:
            said = f"only the first {CALLS_LIMIT} calls of a trial are recorded"
            calls.append(Call("(not recorded)", [("calls", self._missed, -1)], said))
            self._missed = 0
            self._base += 1
        return calls

    def _note(self, record: _Record, index_of: dict[int, int], common: dict[int, int]) -> None:
        value, index = record.value, index_of.get(id(record), -1)
        if index < 0:
            return
        if _is_common(value):
            common[id(value)] = index
        else:
            self._origins[id(value)] = index
            self._kept.append(value)

    def _origin(self, value: Any, common: dict[int, int]) -> int:
        return (common if _is_common(value) else self._origins).get(id(value), -1)

    def _call(self, record: _Record, common: dict[int, int]) -> Call:
        shape, (args, kwargs), skip = record.shape, record.arguments, record.shape.skip
        positional, named = _values(record.inputs)
        inputs: list[tuple[str, Any, int]] = []
        for place, value in enumerate(positional, skip):
            inputs.append((shape.argument(place), value, self._origin(args[place], common)))
        for key, value in named.items():
            inputs.append((key, value, self._origin(kwargs.get(key), common)))
        failure = failure_of(record.failure, self.files) if record.failure is not None else None
        output = None if record.value is _MISSING else _value(record.output)
        return Call(shape.name, inputs, output, record.parent, failure)


def _is_common(value: Any) -> bool:
    return (
        value is None
        or type(value) is bool
        or (type(value) is int and -6 < value < 257)
        or (type(value) is tuple and not value)
    )


def _described(args: Sequence[Any], kwargs: dict[str, Any]) -> bytes:
    return _encode(([describe(a) for a in args], {k: describe(v) for k, v in kwargs.items()}))


def _values(data: bytes) -> tuple[list[msgspec.Raw], dict[str, msgspec.Raw]]:
    args, kwargs = _split(data)
    if len(data) <= VALUE_LIMIT:
        return args, kwargs
    return [_cut(a) for a in args], {k: _cut(v) for k, v in kwargs.items()}


def _value(data: bytes) -> msgspec.Raw:
    value = msgspec.Raw(data)
    return value if len(data) <= VALUE_LIMIT else _cut(value)


def _cut(value: msgspec.Raw) -> msgspec.Raw:
    return msgspec.Raw(_encode(shortened(msgspec.msgpack.decode(value))))


def shortened(value: Any, depth: int = 6) -> Any:
    """Plain data cut to a readable size, with every cut said in place."""
    if isinstance(value, str):
        return value if len(value) <= TEXT_LIMIT else f"{value[:TEXT_LIMIT]}... ({len(value)} characters)"
    if isinstance(value, bytes):
        return f"bytes of length {len(value)}"
    if depth == 0 and isinstance(value, list | dict):
        return f"{type(cast('object', value)).__name__} of {len(cast('list[Any]', value))}"
    if isinstance(value, list):
        items = cast("list[Any]", value)
        kept = [shortened(item, depth - 1) for item in items[:ITEMS_LIMIT]]
        return kept if len(items) <= ITEMS_LIMIT else [*kept, f"... ({len(items)} items)"]
    if isinstance(value, dict):
        entries = cast("dict[Any, Any]", value)
        cut = {key: shortened(item, depth - 1) for key, item in list(entries.items())[:ITEMS_LIMIT]}
        return cut if len(entries) <= ITEMS_LIMIT else {**cut, "...": f"({len(entries)} entries)"}
    return value


def plain(value: Any) -> Any:
    """`value` as plain data that later changes do not reach, described and cut where it cannot be kept whole."""
    try:
        data = _encode(value)
        made = msgspec.msgpack.decode(data)
        return made if len(data) <= VALUE_LIMIT else shortened(made)
    except _HOSTILE:  # what msgpack refuses is described instead
        return describe(value)


def describe(value: Any, depth: int = 4) -> Any:
    """A value that msgpack refuses: containers item by item, everything else as a short text. Never raises."""
    try:
        if depth and isinstance(value, dict):
            entries = list(cast("dict[Any, Any]", value).items())[:ITEMS_LIMIT]
            return {_key(key): describe(item, depth - 1) for key, item in entries}
        if depth and isinstance(value, list | tuple | set | frozenset):
            return [describe(item, depth - 1) for item in list(cast("list[Any]", value))[:ITEMS_LIMIT]]
        return msgspec.msgpack.decode(_encode(value))
    except _HOSTILE:  # hostile values may raise anything: the text says what is known
        return _description(value)


def _key(key: Any) -> str | int:
    return key if type(key) in (str, int) else str(_description(key))


def _description(value: Any) -> Any:
    """The enc_hook: what a value without a plain form is called. Never raises, and runs no method of the value
    except `__repr__`, guarded."""
    try:
        kind = cast("type[Any]", type(value))
        if isinstance(value, str):
            return str.encode(value, "utf-8", "replace").decode()
        if isinstance(value, int):
            wide = int.__pos__(value)
            return wide if -(1 << 63) <= wide < (1 << 64) else int.__repr__(wide)
        if isinstance(value, float):
            return float.__pos__(value)
        numpy = sys.modules.get("numpy")
        if numpy is not None and isinstance(value, numpy.ndarray):
            if value.size <= ITEMS_LIMIT and value.dtype.kind in "biuf":
                return value.tolist()
            return f"<array {value.dtype} {tuple(value.shape)}>"
        if numpy is not None and isinstance(value, numpy.generic) and value.dtype.kind in "biufU":
            return value.item()
        pandas = sys.modules.get("pandas")
        if pandas is not None and kind is pandas.DataFrame:
            return _table(value)
        shape = getattr(value, "shape", None)
        if isinstance(shape, tuple):
            return f"<{kind.__name__} {shape!r}>"[:200]
        if isinstance(value, FunctionType | type):
            return f"<{kind.__name__} {value.__name__}>"
        text = repr(value)
        text = text if type(text) is str else "?"
        return text if len(text) <= 120 else f"{text[:117]}..."
    except _HOSTILE:  # a hostile value: its type is all that is told
        return f"<{type(value).__name__}>"


def _table(frame: Any) -> str:
    """A pandas table in words: its size, how many values are missing, and its columns by their type."""
    rows, columns = frame.shape
    missing = int(frame.isna().to_numpy().sum())
    kinds: dict[str, list[str]] = {}
    for name, dtype in zip(frame.columns, frame.dtypes, strict=True):
        kinds.setdefault(str(dtype), []).append(str(name))
    room = TABLE_LIMIT
    parts: list[str] = []
    for kind, names in kinds.items():
        shown = ", ".join(names)
        shown = shown if len(shown) <= room else f"{shown[:room].rpartition(', ')[0]}, ..."
        room = max(0, room - len(shown))
        parts.append(f"{len(names)} {kind} ({shown.lstrip(', ')})")
    gone = f", {missing} values missing" if missing else ""
    listed = f": {'; '.join(parts)}" if parts else ""
    return f"<DataFrame {rows} x {columns}{gone}{listed}>"


_encode = msgspec.msgpack.Encoder(enc_hook=_description).encode
_split = msgspec.msgpack.Decoder(tuple[list[msgspec.Raw], dict[str, msgspec.Raw]]).decode


def failure_of(error: BaseException, files: frozenset[str] | set[str] = frozenset()) -> Failure:
    """An exception with the source around the failing line of the artifact. `files` are the artifact's full paths.

    Where the exception passed through several functions of the artifact, each is shown, outermost first; many frames
    of one place (recursion) are folded. Never raises.
    """
    message = _message(error)
    name = type(error).__name__
    try:
        if isinstance(error, SyntaxError):
            where, message = _syntax(error, files)
        else:
            where = _where(error.__traceback__, files)
    except _HOSTILE:  # a hostile exception object: told without its source
        where = ""
    return Failure(name if type(name) is str else "Exception", message, where)


def _message(error: BaseException) -> str:
    try:
        text = str(error)
        text = text if type(text) is str else "(its message is no text)"
    except _HOSTILE:  # a hostile __str__
        text = "(its message cannot be read)"
    return text if len(text) <= TEXT_LIMIT else f"{text[:TEXT_LIMIT]}... ({len(text)} characters)"


def _syntax(error: SyntaxError, files: frozenset[str] | set[str]) -> tuple[str, str]:
    message = str(error.msg)
    if error.filename is None or error.filename not in files or not error.lineno:
        return "", str(error)
    return _excerpt(error.filename, error.lineno, ""), message


def _frames(trace: TracebackType | None) -> Iterator[tuple[FrameType, int]]:
    while trace is not None:
        yield trace.tb_frame, trace.tb_lineno
        trace = trace.tb_next


def _where(trace: TracebackType | None, files: frozenset[str] | set[str]) -> str:
    places: list[tuple[str, int, str]] = []
    for frame, line in _frames(trace):
        if frame.f_code.co_filename in files:
            places.append((frame.f_code.co_filename, line or 0, frame.f_code.co_qualname))
    return "\n".join(_excerpt(file, line, name, times) for file, line, name, times in _folded(places))


def _folded(places: list[tuple[str, int, str]]) -> list[tuple[str, int, str, int]]:
    """Each place once, with how often it came; at most the outermost two and the innermost two."""
    counts: dict[tuple[str, int, str], int] = {}
    for place in places:
        counts[place] = counts.get(place, 0) + 1
    distinct = [(*place, times) for place, times in counts.items()]
    return distinct if len(distinct) <= 4 else [*distinct[:2], *distinct[-2:]]


def _excerpt(file: str, line: int, function: str, times: int = 1) -> str:
    short = file.rpartition("/")[2]
    head = f"{short}, line {line}" + (f", in {function}" if function not in ("", "<module>") else "")
    head += f" ({times} times)" if times > 1 else ""
    lines = linecache.getlines(file)
    first, last = max(1, line - AROUND), min(len(lines), line + AROUND)
    width = len(str(last))
    shown = [
        f"{'-->' if n == line else '   '} {n:>{width}} | {lines[n - 1].rstrip()[:200]}" for n in range(first, last + 1)
    ]
    return "\n".join([head, *shown])


def printed(error: BaseException) -> str:
    """The whole traceback, for people who debug inline programs."""
    return "".join(traceback.format_exception(error))
