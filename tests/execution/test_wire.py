"""Laws of the wire: what arrives equals what was sent, and no bytes whatever can do more than be refused."""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import decimal
import enum
import errno
import math
import os
import socket
import struct
import threading
from collections import OrderedDict, namedtuple
from collections.abc import Iterator
from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loopwright.execution import tables
from loopwright.execution.tables import Unsendable
from loopwright.execution.values import Packer, WireError, is_plain
from loopwright.execution.wire import BODY_LIMIT, Closed, Wire, connection


@contextlib.contextmanager
def wires(**settings: Any) -> Iterator[tuple[Wire, Wire]]:
    """Both sides of a connection; the settings are the second's."""
    a, b = connection()
    there, here = Wire(a), Wire(b, **settings)
    try:
        yield there, here
    finally:
        there.close()
        here.close()


def arriving(*packets: bytes) -> list[Any]:
    """The frame that is read where these packets come, and then the end."""
    a, b = connection()
    here = Wire(b)
    for packet in packets:
        os.write(a.write, packet)
    a.close()
    try:
        return here.receive()
    finally:
        here.close()


def through(value: Any, **settings: Any) -> Any:
    """`value` sent over a connection."""
    with wires(**settings) as (there, here):
        failed: list[BaseException] = []

        def send() -> None:
            try:
                there.send_values((1, 2), (value,), lambda handle: 5)
            except BaseException as error:  # noqa: BLE001 - raised again by the one who receives
                failed.append(error)
                there.close()

        thread = threading.Thread(target=send)
        thread.start()
        try:
            return here.receive()[2]
        except Closed:
            thread.join()
            raise failed[0] from None
        finally:
            thread.join()


def same(a: Any, b: Any) -> bool:
    """Equality by value and type, all the way down; NaN equals NaN."""
    if type(a) is not type(b):
        return False
    if isinstance(a, float):
        return (a == b and math.copysign(1, a) == math.copysign(1, b)) or (math.isnan(a) and math.isnan(b))
    if isinstance(a, list | tuple):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b, strict=True))
    if isinstance(a, dict):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a.items(), b.items(), strict=True))
    return bool(a == b)


scalars = (
    st.none()
    | st.booleans()
    | st.integers()
    | st.integers(min_value=-(2**80), max_value=2**80)
    | st.floats()
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.binary()
)
keys = (
    st.integers()
    | st.text(st.characters(exclude_categories=["Cs"]))
    | st.tuples(st.integers(), st.booleans())
    | st.none()
)
values = st.recursive(
    scalars
    | st.complex_numbers(allow_nan=False)
    | st.dates()
    | st.datetimes(timezones=st.none() | st.just(datetime.UTC))
    | st.timedeltas()
    | st.decimals(allow_nan=False)
    | st.frozensets(st.integers())
    | st.sets(st.text(st.characters(exclude_categories=["Cs"]))),
    lambda inner: st.lists(inner) | st.dictionaries(keys, inner) | st.lists(inner).map(tuple),
    max_leaves=20,
)


@given(values)
@settings(deadline=None)
def test_a_value_arrives_as_it_was_sent(value: Any) -> None:
    assert same(through(value), value)


@given(values)
@settings(deadline=None)
def test_the_fast_way_and_the_long_way_give_the_same(value: Any) -> None:
    if is_plain([value]):
        assert same(
            msgspec.msgpack.decode(msgspec.msgpack.encode(Packer().tame(value))), through(value)
        ) or "Ext" in repr(Packer().tame(value))


@given(st.binary(max_size=300))
@settings(deadline=None, max_examples=300)
def test_no_bytes_do_more_than_be_refused(data: bytes) -> None:
    try:
        assert type(arriving(data)) is list
    except WireError:
        return


@given(st.integers(0, 40), st.binary(max_size=80))
@settings(deadline=None, max_examples=300)
def test_no_extension_does_more_than_be_refused(code: int, data: bytes) -> None:
    body = msgspec.msgpack.encode([1, msgspec.msgpack.Ext(code, data)])
    with contextlib.suppress(WireError):
        arriving(body)


@given(st.recursive(scalars, lambda inner: st.lists(inner, max_size=4), max_leaves=6), st.integers(0, 40))
@settings(deadline=None, max_examples=300)
def test_no_well_formed_extension_does_more_than_be_refused(value: Any, code: int) -> None:
    try:
        body = msgspec.msgpack.encode([1, msgspec.msgpack.Ext(code, msgspec.msgpack.encode(value))])
    except OverflowError:
        return
    with contextlib.suppress(WireError):
        arriving(body)


@given(st.integers(0, 2**32 - 1), st.integers(0, 2**16 - 1), st.lists(st.binary(max_size=40), max_size=4))
@settings(deadline=None, max_examples=300)
def test_no_long_frame_does_more_than_be_refused(length: int, count: int, packets: list[bytes]) -> None:
    with contextlib.suppress(WireError):
        arriving(struct.pack("<BIH", 0xC1, length, count), *packets)


@given(st.lists(values, min_size=1, max_size=5), st.integers(1, 50))
@settings(deadline=None, max_examples=30)
def test_a_long_frame_in_pieces_of_any_size_is_put_together(sent: list[Any], piece: int) -> None:
    packer = Packer()
    body = msgspec.msgpack.encode([packer.tame(sent)])
    pieces = [body[i : i + piece] for i in range(0, len(body), piece)]
    if len(pieces) < 12:  # what waits in a pipe is limited
        assert same(arriving(struct.pack("<BIH", 0xC1, len(body), 0), *pieces), [sent])


@given(st.lists(values, min_size=1, max_size=5))
@settings(deadline=None, max_examples=30)
def test_frames_that_wait_in_line_arrive_one_by_one(sent: list[Any]) -> None:
    with wires() as (writer, reader):
        for value in sent:
            writer.send_values((1,), (value,))
        assert all(same(reader.receive()[1], value) for value in sent)


@pytest.mark.parametrize("size", [*range(4_080, 4_100), *range(65_500, 65_560), 131_072, 3_000_000])
def test_frames_of_every_size_about_a_packets_arrive(size: int) -> None:
    assert through("x" * size) == "x" * size


def test_where_pipes_keep_no_packets_apart_a_socket_does(monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(flags: int) -> tuple[int, int]:
        raise OSError(errno.EINVAL, "no such flag")

    monkeypatch.setattr(os, "pipe2", refused)
    with wires() as (there, here):
        there.send((1, "a"))
        there.send((2, "b"))
        assert [here.receive(), here.receive()] == [[1, "a"], [2, "b"]]
    for value in ("x" * 3_000_000, [1, {"a": (2, 3)}]):
        assert through(value) == value


def test_a_side_that_hung_up_is_told_as_such() -> None:
    with wires() as (there, here):
        here.close()
        with pytest.raises(Closed):
            there.send((1,))
        with pytest.raises(Closed):
            there.receive()
        with pytest.raises(Closed):
            here.receive()
        with pytest.raises(Closed):
            here.send((1,))


class Colour(enum.Enum):
    RED = "red"


class Level(enum.IntEnum):
    HIGH = 3


@dataclasses.dataclass
class Point:
    x: int
    y: tuple[int, ...]


class Box(msgspec.Struct):
    content: Any


Pair = namedtuple("Pair", "left right")


class Text(str):
    def __eq__(self, other: object) -> bool:
        raise RuntimeError

    __hash__ = str.__hash__


class Sneaky(list):  # type: ignore[type-arg]
    def __iter__(self) -> Any:
        raise RuntimeError

    def __len__(self) -> int:
        return -5


@pytest.mark.parametrize(
    ("sent", "arrives"),
    [
        (Colour.RED, "red"),
        (Level.HIGH, 3),
        (Point(1, (2, 3)), {"x": 1, "y": (2, 3)}),
        (Box(Point(1, ())), {"content": {"x": 1, "y": ()}}),
        (Pair(1, [2]), (1, [2])),
        (Text("t"), "t"),
        (Sneaky([1, 2]), [1, 2]),
        (OrderedDict(a=1), {"a": 1}),
        (bytearray(b"x"), b"x"),
        (memoryview(b"x"), b"x"),
        (decimal.Decimal("1.0"), decimal.Decimal("1.0")),
    ],
)
def test_richer_values_arrive_as_plainer_ones(sent: Any, arrives: Any) -> None:
    got = through(sent)
    assert type(got) is type(arrives)
    assert got == arrives


@pytest.mark.parametrize(
    ("value", "said"),
    [
        (object(), "is of type object"),
        ([1, {"a": [(0, object())]}], "[1]['a'][0][1] is of type object"),
        (Point, "is of type type"),
        (iter([]), "list_iterator"),
        (socket, "module"),
        (OSError("x"), "is of type OSError"),
        ("\ud800", "surrogates"),
        ({"\ud800": 1}, "surrogates"),
        ([0] * (BODY_LIMIT + 1), "MB"),
    ],
)
def test_what_has_no_plain_form_is_refused_by_name_and_place(value: Any, said: str) -> None:
    with pytest.raises(Unsendable) as refused:
        through(value)
    assert said in str(refused.value)


def test_what_contains_itself_is_refused() -> None:
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(Unsendable, match="itself"):
        through(loop)


def test_callables_travel_as_handles_where_both_sides_agree() -> None:
    async def later() -> None: ...

    made = through([len, later], resolve=lambda *told: told)
    assert made == [(5, "len", False), (5, "later", True)]
    with pytest.raises(WireError):
        through(len)


def test_arrays_keep_dtype_shape_and_content() -> None:
    np = pytest.importorskip("numpy")
    for array in (
        np.arange(24, dtype=">i2").reshape(2, 3, 4),
        np.asfortranarray(np.random.rand(50, 60)),
        np.random.rand(100, 100)[::2, 1::3],
        np.array(3.5),
        np.zeros((3, 0)),
        np.array(["a", "long text"]),
        np.array([b"a", b"bc"]),
        np.array([1 + 2j]),
        np.array(["2024-01-01", "NaT"], "M8[ns]"),
        np.array([True, False]),
        np.random.rand(2000),
    ):
        got = through({"a": [array]})["a"][0]
        assert (got.dtype, got.shape) == (array.dtype, array.shape)
        assert got.tobytes() == array.tobytes()
        if got.size:
            got[...] = got  # writable
    assert through((np.float32(0.5), np.int64(3), np.bool_(True))) == (0.5, 3, True)
    with pytest.raises(Unsendable, match="array of Python objects"):
        through(np.array([object()]))
    with pytest.raises(Unsendable, match="dtype"):
        through(np.zeros(2, [("a", "i4")]))


def test_arrow_tables_arrive_equal() -> None:
    pa = pytest.importorskip("pyarrow")
    table = pa.table({"a": [1, None, 3] * 1000, "b": ["x", "y", None] * 1000})
    assert through(table).equals(table)


def test_pandas_frames_arrive_equal() -> None:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(
        {
            "i": [1, 2, 3],
            "f": [0.5, float("nan"), 2.0],
            "t": ["a", None, "c"],
            "d": pd.to_datetime(["2024-01-01", "2024-01-02", None]),
            "c": pd.Categorical(["u", "v", "u"], ["v", "u"], ordered=True),
            "n": pd.array([1, None, 3], dtype="Int64"),
            ("k", 1): [True, False, True],
        },
        index=pd.Index(["r", "s", "t"], name="row"),
    )
    pd.testing.assert_frame_equal(through(frame), frame)
    pd.testing.assert_series_equal(through(frame["f"]), frame["f"])
    pd.testing.assert_frame_equal(through(frame.iloc[:0]), frame.iloc[:0], check_dtype=False)
    with pytest.raises(Unsendable, match="several levels"):
        through(frame.set_index(["i", "f"]))


def test_mixed_columns_keep_nan_apart_from_none_and_their_type() -> None:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame(
        {
            "mixed": pd.Series([True, float("nan"), None], dtype=object),
            "numbers": pd.Series([1, 2, 3], dtype=object),
            "text": pd.Series(["a", None, "a"], dtype="string"),
            "empty": pd.Series([None, None, None], dtype="str"),
            "umlaut": ["ä", "ä", "\x00"],
        }
    ).set_axis([5, 3, 9])
    got = through(frame)
    pd.testing.assert_frame_equal(got, frame)
    assert [type(value) for value in got["mixed"]] == [bool, float, type(None)]


def test_texts_that_name_what_was_not_sent_are_refused() -> None:
    pytest.importorskip("pandas")
    import numpy as np

    def column(codes: Any, kinds: Any) -> list[Any]:
        numbers = [codes.dtype.str, list(codes.shape), codes.tobytes()]
        rows = np.arange(2)
        index = [None, "", [rows.dtype.str, [2], rows.tobytes()]]
        return [True, index, [["a", "str", [numbers, kinds]]]]

    def restored(described: Any) -> Any:
        return tables.restore(tables.FRAME, described, lambda raw: raw)

    assert restored(column(np.array([0, -1], "i4"), ["x"]))["a"].tolist()[0] == "x"
    for codes, kinds in (
        (np.array([0, 1], "i4"), ["x"]),
        (np.array([0, -2], "i4"), ["x"]),
        (np.array([0.0, 0.0]), ["x"]),
        (np.array([0, 0], "i4"), [1]),
        (np.array([[0], [0]], "i4"), ["x"]),
    ):
        with pytest.raises(tables.Misdescribed, match="a column of texts"):
            restored(column(codes, kinds))
