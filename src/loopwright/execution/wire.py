"""Frames over a socket that keeps packets apart, between the evaluator and a candidate's trial process.

A frame is a 6-byte header (length of the body, number of buffers), the lengths of the buffers (8 bytes each), the
msgpack body, and the raw buffers of large arrays and tables. It is sent in packets of at most 64 KB; header and body,
and every buffer, begin with a packet of their own. Packets and not a stream, because a process that waits on a stream
is also woken, for nothing, whenever the other side takes in what it has sent. What values may be in a frame: `values`;
what frames mean: `frames`. Bytes that break these rules are a `WireError`, whatever they are; memory grows with what
really arrives.
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

_PACKET = 65536
_HEADER = struct.Struct("<IH")
_unpack_header = _HEADER.unpack_from
_pack_header = _HEADER.pack_into


class Closed(WireError):
    """The other side is gone."""


def sockets() -> tuple[socket.socket, socket.socket]:
    """The two ends of a connection for a `Wire` each."""
    return socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)


class Wire:
    """One of the two `sockets`, carrying frames. Not thread-safe: callers hold a lock where several send.

    `resolve(number, name, is_async)` makes the callable for a handle that arrives; without it handles are refused.
    """

    def __init__(self, sock: socket.socket, *, resolve: Callable[[int, str, bool], Handler] | None = None) -> None:
        self.socket = sock
        self._out = bytearray(4096)
        self._encode_into = msgspec.msgpack.Encoder().encode_into
        self._sendall = sock.sendall
        self._recv_into = sock.recv_into
        self._in = memoryview(bytearray(_PACKET))  # what was received last
        self._reader = Reader(resolve)
        self.modules: set[str] = set()  # what the receiver had to import for what was sent

    def send(self, frame: Sequence[Any], buffers: Sequence[memoryview] = ()) -> None:
        """Send tamed data. Raises `Closed`, and `OverflowError` for an integer that `Packer` has not seen."""
        out = self._out
        start = 6 + 8 * len(buffers)
        self._encode_into(frame, out, start)
        length = len(out) - start
        if length <= _PACKET - 6 and not buffers:  # nearly always
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
            for part in (memoryview(out), *buffers):
                for at in range(0, part.nbytes, _PACKET):
                    self._sendall(part[at : at + _PACKET])
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
        """The next frame; blocks. Raises `Closed` when the other side is gone, `WireError` for anything broken."""
        size = self._packet(self._in)
        if size < 6:
            raise WireError(f"a frame of {size} bytes has no header")
        length, count = _unpack_header(self._in)
        if not count and length == size - 6:  # nearly always
            return self._framed(self._in[6:size])
        if length > BODY_LIMIT:
            raise WireError(f"a frame of {length} bytes was announced; the limit is {BODY_LIMIT}")
        start = 6 + 8 * count
        data = self._rest_of(start + length, bytes(self._in[:size]))
        sizes = struct.unpack_from(f"<{count}Q", data, 6)
        if sum(sizes) > BUFFERS_LIMIT:
            raise WireError(f"buffers of {sum(sizes)} bytes were announced; the limit is {BUFFERS_LIMIT}")
        return self._framed(memoryview(data)[start:], [self._rest_of(each) for each in sizes])

    def _framed(self, body: bytes | memoryview, buffers: Sequence[bytearray] = ()) -> list[Any]:
        frame = self._reader.read(body, buffers)
        if type(frame) is not list or not frame:
            raise WireError("a frame must be a list that is not empty")
        return cast("list[Any]", frame)

    def _packet(self, into: memoryview) -> int:
        """The size of the next packet, which is put into `into`; what has no room there is lost."""
        try:
            size = self._recv_into(into)
        except OSError as error:
            raise Closed(f"the other side is gone: {error}") from None
        if not size:
            raise Closed("the other side is gone")
        return size

    def _rest_of(self, size: int, have: bytes = b"") -> bytearray:
        """`size` bytes that begin with those that we have; the kernel gives them memory as they arrive."""
        if len(have) > size:
            raise WireError("a packet is longer than the frame it belongs to")
        whole = bytearray(size)
        view = memoryview(whole)
        view[: len(have)] = have
        at = len(have)
        while at < size:
            at += self._packet(view[at:])
        return whole
