"""Frames over a stream socket, between the evaluator and a candidate's trial process.

A frame is a 6-byte header (length of the body, number of buffers), the lengths of the buffers (8 bytes each), the
msgpack body, and the raw buffers of large arrays and tables. What values may be in it: `values`; what the frames mean:
`frames`. Bytes that break these rules are a `WireError`, whatever they are; memory grows with what really arrives.
"""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Sequence
from typing import Any, cast

import msgspec

from loopwright.execution.tables import Unsendable
from loopwright.execution.values import NESTED, SURROGATES, Handler, Packer, Reader, WireError, is_plain

BODY_LIMIT = 8 << 20  # the msgpack part; its objects may take 70 times as much memory
BUFFERS_LIMIT = 256 << 20  # arrays and tables of one frame together

_CHUNK = 65536
_HEADER = struct.Struct("<IH")
_unpack_header = _HEADER.unpack_from
_pack_header = _HEADER.pack_into


class Closed(WireError):
    """The other side is gone."""


class Wire:
    """One end of a stream socket that carries frames. Not thread-safe: callers hold a lock where several send.

    `resolve(number, name, is_async)` makes the callable for a handle that arrives; without it handles are refused.
    """

    def __init__(self, sock: socket.socket, *, resolve: Callable[[int, str, bool], Handler] | None = None) -> None:
        self.socket = sock
        self._out = bytearray(4096)
        self._encode_into = msgspec.msgpack.Encoder().encode_into
        self._sendall = sock.sendall
        self._recv_into = sock.recv_into
        self._in = memoryview(bytearray(_CHUNK))  # what was received last
        self._reader = Reader(resolve)
        self._rest = b""  # bytes received after the end of a frame
        self.modules: set[str] = set()  # what the receiver had to import for what was sent

    def send(self, frame: Sequence[Any], buffers: Sequence[memoryview] = ()) -> None:
        """Send tamed data. Raises `Closed`, and `OverflowError` for an integer that `Packer` has not seen."""
        out = self._out
        start = 6 + 8 * len(buffers)
        self._encode_into(frame, out, start)
        length = len(out) - start
        if length < _CHUNK and not buffers:  # nearly always
            _pack_header(out, 0, length, 0)
            try:
                self._sendall(out)
            except OSError as error:
                raise Closed(f"the other side is gone: {error}") from None
            return
        if length > BODY_LIMIT:
            self._out = bytearray(4096)
            raise Unsendable(f" takes {length / 1e6:.0f} MB; at most {BODY_LIMIT >> 20} MB can be passed on")
        if buffers and sum(buffer.nbytes for buffer in buffers) > BUFFERS_LIMIT:
            raise Unsendable(f" holds arrays of more than {BUFFERS_LIMIT >> 20} MB together")
        _pack_header(out, 0, length, len(buffers))
        for i, buffer in enumerate(buffers):
            struct.pack_into("<Q", out, 6 + 8 * i, buffer.nbytes)
        try:
            self._sendall(out)
            for buffer in buffers:
                self._sendall(buffer)
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
            self.modules |= packer.modules
        except RecursionError:
            raise Unsendable(NESTED) from None
        except UnicodeEncodeError:
            raise Unsendable(SURROGATES) from None

    def receive(self) -> list[Any]:
        """The next frame; blocks. Raises `Closed` at the end of the stream, `WireError` for anything broken."""
        if not self._rest:
            try:
                size = self._recv_into(self._in)
            except OSError as error:
                raise Closed(f"the other side is gone: {error}") from None
            if size >= 6:
                length, count = _unpack_header(self._in)
                if not count and length == size - 6:  # nearly always
                    return self._framed(self._in[6:size])
            elif not size:
                raise Closed("the other side is gone")
            data = bytes(self._in[:size])
        else:
            data, self._rest = self._rest, b""
        while len(data) < 6:
            data += self._chunk()
        length, count = _unpack_header(data)
        if length > BODY_LIMIT:
            raise WireError(f"a frame of {length} bytes was announced; the limit is {BODY_LIMIT}")
        start = 6 + 8 * count
        if len(data) < start + length:
            data = self._fill(data, start + length)
        end = start + length
        buffers: list[bytearray] = []
        if count:
            sizes = struct.unpack_from(f"<{count}Q", data, 6)
            if sum(sizes) > BUFFERS_LIMIT:
                raise WireError(f"buffers of {sum(sizes)} bytes were announced; the limit is {BUFFERS_LIMIT}")
            body = bytes(data[start:end])
            rest = bytes(data[end:])
            for size in sizes:
                buffers.append(self._buffer(rest, size))
                rest = rest[size:]
            self._rest = rest
        else:
            body = memoryview(data)[start:end]
            self._rest = bytes(data[end:]) if len(data) > end else b""
        return self._framed(body, buffers)

    def _framed(self, body: bytes | memoryview, buffers: Sequence[bytearray] = ()) -> list[Any]:
        frame = self._reader.read(body, buffers)
        if type(frame) is not list or not frame:
            raise WireError("a frame must be a list that is not empty")
        return cast("list[Any]", frame)

    def pending(self) -> bool:
        """Whether bytes of a further frame have been received already."""
        return bool(self._rest)

    def _chunk(self) -> bytes:
        try:
            data = self.socket.recv(_CHUNK)
        except OSError as error:
            raise Closed(f"the other side is gone: {error}") from None
        if not data:
            raise Closed("the other side is gone")
        return data

    def _fill(self, data: bytes, size: int) -> bytes:
        """`data` with at least `size` bytes."""
        parts, have = [data], len(data)
        while have < size:
            parts.append(self._chunk())
            have += len(parts[-1])
        return b"".join(parts)

    def _buffer(self, data: bytes, size: int) -> bytearray:
        """A buffer of `size` bytes that begins with `data`; the kernel gives it memory as bytes arrive."""
        buffer = bytearray(size)
        have = min(len(data), size)
        view = memoryview(buffer)
        view[:have] = data[:have]
        while have < size:
            try:
                got = self.socket.recv_into(view[have:])
            except OSError as error:
                raise Closed(f"the other side is gone: {error}") from None
            if not got:
                raise Closed("the other side is gone in the middle of a frame")
            have += got
        return buffer
