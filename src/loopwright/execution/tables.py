"""Arrays and tables on the wire: described in a few plain values beside raw buffers, checked before they are rebuilt.

numpy, pandas and pyarrow are used only where the sender has them loaded or the receiver needs them; none is required.
A table or array that arrives may come from a hostile program: nothing is unpickled, no dtype may hold Python objects,
and a shape that does not fit its bytes is refused. Part of `wire`, which knows everything else.
"""

from __future__ import annotations

import importlib
import math
import sys
from collections.abc import Callable
from typing import Any, cast

ARRAY, ARROW, FRAME = 1, 2, 3
# What the receiver has to import to rebuild each kind.
MODULES = {ARRAY: "numpy", ARROW: "pyarrow", FRAME: "pandas"}
_ARRAY_KINDS = frozenset("biufcSUmM")
# pandas dtypes that are restored by name; every other extension dtype comes back as what its values make.
_TEXTS = ("str", "string")
_PANDAS_DTYPES = frozenset(
    {
        "boolean",
        "Int8",
        "Int16",
        "Int32",
        "Int64",
        "UInt8",
        "UInt16",
        "UInt32",
        "UInt64",
        "Float32",
        "Float64",
    }
)


class Unsendable(TypeError):
    """A value that has no plain form; the message names its type and where in the value it is."""


class Misdescribed(ValueError):
    """What arrived describes no array or table."""


# Gives the bytes themselves where they are few, else the number of a buffer that travels beside the body.
Buffer = Callable[[memoryview], "bytes | int"]


def describe(value: Any, buffer: Buffer) -> tuple[int | None, Any] | None:
    """An array or table as (kind, plain description); (None, value) for a numpy scalar; None for anything else."""
    numpy: Any = sys.modules.get("numpy")
    if numpy is not None:
        if isinstance(value, numpy.generic) and value.dtype.kind in "biufcSU":
            return None, value.item()
        if isinstance(value, numpy.generic | numpy.ndarray):
            return ARRAY, _array(numpy, value, buffer)
    pandas: Any = sys.modules.get("pandas")
    if pandas is not None and isinstance(value, pandas.DataFrame | pandas.Series):
        return FRAME, _frame(pandas, value, buffer)
    arrow: Any = sys.modules.get("pyarrow")
    if arrow is not None and isinstance(value, arrow.Table | arrow.RecordBatch):
        sink = arrow.BufferOutputStream()
        with arrow.ipc.new_stream(sink, value.schema) as writer:
            writer.write(value)
        return ARROW, buffer(memoryview(sink.getvalue()))
    return None


def restore(kind: int, described: Any, raw: Callable[[Any], bytes | bytearray]) -> Any:
    """The array or table that was described. Raises `Misdescribed`, or what numpy, pandas or pyarrow raise."""
    if kind == ARRAY:
        return _restore_array(described, raw)
    if kind == ARROW:
        return _restore_arrow(raw(described))
    if kind == FRAME:
        return _restore_frame(described, raw)
    raise Misdescribed(f"unknown kind of table: {kind}")


def _array(numpy: Any, value: Any, buffer: Buffer) -> list[Any]:
    array = numpy.ascontiguousarray(value)
    if array.dtype.kind not in _ARRAY_KINDS:
        what = "an array of Python objects" if array.dtype.hasobject else f"an array of dtype {array.dtype}"
        raise Unsendable(f" is {what}, which cannot be passed on as plain data")
    # As bytes: dates and texts have no buffers of their own kind.
    flat = array.reshape(-1).view(numpy.uint8) if array.size else numpy.zeros(0, numpy.uint8)
    return [array.dtype.str, list(numpy.shape(value)), buffer(memoryview(flat))]


def _restore_array(described: Any, raw: Callable[[Any], bytes | bytearray]) -> Any:
    numpy: Any = importlib.import_module("numpy")
    dtype_text, shape, reference = described
    if type(dtype_text) is not str or len(dtype_text) > 40 or type(shape) is not list:
        raise Misdescribed("an array without a proper dtype and shape")
    dtype = numpy.dtype(dtype_text)
    sizes = cast("list[Any]", shape)
    if dtype.kind not in _ARRAY_KINDS or dtype.hasobject or dtype.itemsize == 0 or len(sizes) > 32:
        raise Misdescribed(f"an array of dtype {dtype_text} is not allowed")
    data = raw(reference)
    if any(type(n) is not int or n < 0 for n in sizes) or math.prod(sizes) * dtype.itemsize != len(data):
        raise Misdescribed("an array whose shape does not fit its bytes")
    return numpy.frombuffer(bytearray(data) if type(data) is bytes else data, dtype).reshape(sizes)


def _restore_arrow(data: bytes | bytearray) -> Any:
    arrow: Any = importlib.import_module("pyarrow")
    with arrow.ipc.open_stream(arrow.py_buffer(data)) as reader:
        table = reader.read_all()
    table.validate(full=True)  # hostile offsets would otherwise be followed later
    return table


def _frame(pandas: Any, value: Any, buffer: Buffer) -> list[Any]:
    """A data frame or series: which of them, its index, then name, dtype and values of each column."""
    if value.index.nlevels > 1:
        raise Unsendable(" is a table with an index of several levels, which cannot be passed on; call reset_index()")
    table = isinstance(value, pandas.DataFrame)
    series = [value.iloc[:, i] for i in range(value.shape[1])] if table else [value]
    columns = [_column(s.name, s, buffer) for s in series]
    return [table, _column(value.index.name, value.index.to_series(), buffer), columns]


def _column(name: Any, series: Any, buffer: Buffer) -> list[Any]:
    if str(series.dtype) == "category":
        kinds = series.cat.categories.to_series()
        return [name, "category", [_column(None, kinds, buffer), series.cat.codes.tolist(), bool(series.cat.ordered)]]
    if getattr(series.dtype, "kind", "O") in "biufcmM" and type(series.dtype).__module__.startswith("numpy"):
        return [name, "", _array(importlib.import_module("numpy"), series.to_numpy(), buffer)]
    if str(series.dtype) in _TEXTS:
        # As codes of the distinct texts: columns of a table repeat themselves.
        pandas: Any = importlib.import_module("pandas")
        codes, kinds = pandas.factorize(series)
        numpy: Any = importlib.import_module("numpy")
        return [name, str(series.dtype), [_array(numpy, codes.astype("int32"), buffer), kinds.tolist()]]
    values: list[Any] = series.astype(object).tolist()
    # NaN is a float like any other; what else stands for a missing value (NA, NaT) becomes None.
    missing = series.isna().tolist()
    kept = [None if gone and type(value) is not float else value for value, gone in zip(values, missing, strict=True)]
    return [name, str(series.dtype), kept]


def _restore_frame(described: Any, raw: Callable[[Any], bytes | bytearray]) -> Any:
    pandas: Any = importlib.import_module("pandas")
    table, (index_name, index_dtype, index_values), columns = described
    index = pandas.Index(_restore_column(pandas, index_dtype, index_values, raw), name=index_name)
    made = [pandas.Series(_restore_column(pandas, d, v, raw), index=index, name=n) for n, d, v in columns]
    if not table:
        return made[0]
    frame = pandas.concat(made, axis=1) if made else pandas.DataFrame(index=index)
    frame.columns = [name for name, _, _ in columns]
    return frame


def _restore_column(pandas: Any, dtype: Any, values: Any, raw: Callable[[Any], bytes | bytearray]) -> Any:
    if dtype == "":
        return _restore_array(values, raw)
    if dtype == "category":
        (_, kinds_dtype, kinds), codes, ordered = values
        categories = _restore_column(pandas, kinds_dtype, kinds, raw)
        return pandas.Categorical.from_codes(codes, categories, ordered=bool(ordered))
    if dtype in _TEXTS:
        codes, kinds = values
        return _restore_texts(pandas, dtype, _restore_array(codes, raw), kinds)
    if dtype == "object":
        return pandas.array(values, dtype=object)  # no series: it would be aligned with the index
    if type(dtype) is str and dtype in _PANDAS_DTYPES:
        return pandas.array(values, dtype=dtype)
    return values


def _restore_texts(pandas: Any, dtype: str, codes: Any, kinds: Any) -> Any:
    """Texts from the distinct ones and the place of each among them, -1 where it is missing."""
    if codes.ndim != 1 or codes.dtype.kind != "i" or any(type(text) is not str for text in kinds):
        raise Misdescribed("a column of texts that is none")
    if len(codes) and not (codes.min() >= -1 and codes.max() < len(kinds)):
        raise Misdescribed("a column of texts names a text that was not sent")
    return pandas.array(kinds, dtype=dtype).take(codes, allow_fill=True)
