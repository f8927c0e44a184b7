"""Frames between the evaluator and a candidate's trial process, over two pipes that keep packets apart.

A frame is one packet with its msgpack body, a list. A frame of more than 4096 bytes, or with large arrays and tables,
is a packet with a head (a byte that no msgpack begins with, the length of the body, the number of buffers), and then
what it tells of, each in packets of its own: the buffers' lengths (8 bytes each) with the body, and every buffer.
Packets and not a stream, so that the usual frame needs no head, and no frame begins within another's bytes; pipes and
not a socket, because a call over them costs less. What values may be in a frame: `values`; what frames mean: `frames`.
Bytes that break these rules are a `WireError`, whatever they are; memory grows with what really arrives.
"""

from __future__ import annotations

import contextlib
import os
import select
import socket
import struct
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, cast

import msgspec

from loopwright.execution.tables import Unsendable
from loopwright.execution.values import NESTED, SURROGATES, Handler, Packer, Reader, WireError, is_plain

BODY_LIMIT = 8 << 20  # the msgpack part; its objects may take 70 times as much memory
BUFFERS_LIMIT = 256 << 20  # arrays and tables of one frame together

_PACKET = select.PIPE_BUF
_PIECE = 65536  # what is written at once of a long frame
_HEAD = struct.Struct("<BIH")
_LONG = 0xC1


class Closed(WireError):
    """The other side is gone."""


class Ends(NamedTuple):
    """One side of a connection, as open files: where it reads and where it writes."""

    read: int
    write: int

    def close(self) -> None:
        os.close(self.read)
        os.close(self.write)


def connection() -> tuple[Ends, Ends]:
    """Both sides of a connection, for a `Wire` each."""
    there, back = _one_way(), _one_way()
    return Ends(back[0], there[1]), Ends(there[0], back[1])


def _one_way() -> tuple[int, int]:
    try:
        return os.pipe2(os.O_DIRECT | os.O_CLOEXEC)
    except OSError:  # a kernel without packets in pipes, such as gVisor's
        a, b = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        return a.detach(), b.detach()


class Wire:
    """One side of a `connection`, which it owns, carrying frames. Not thread-safe: callers hold a lock where several
    send.

    `resolve(number, name, is_async)` makes the callable for a handle that arrives; without it handles are refused.
    `full()` is called, until there is room, where the other side does not read what it is sent: it may wait for us
    to read first. Without it `send` waits.
    """

    def __init__(
        self,
        ends: Ends,
        *,
        resolve: Callable[[int, str, bool], Handler] | None = None,
        full: Callable[[], None] | None = None,
    ) -> None:
        if full is not None:
            os.set_blocking(ends.write, False)
        self._full = full
        self._in = open(ends.read, "rb", buffering=0)  # noqa: SIM115 - `close` does
        self._out = open(ends.write, "wb", buffering=0)  # noqa: SIM115
        self._read = self._in.read
        self._write = self._out.write
        self._encode = msgspec.msgpack.Encoder().encode
        self._reader = Reader(resolve)
        self._decode = self._reader.decode
        self.modules: set[str] = set()  # what the receiver had to import for what was sent

    def fileno(self) -> int:
        """What to wait on for the next frame."""
        return self._in.fileno()

    def close(self) -> None:
        """Hang up. Whoever waits in `send` or `receive` meanwhile is woken only by the end of the other side."""
        for file in (self._in, self._out):
            with contextlib.suppress(OSError):
                file.close()

    def send(self, frame: Sequence[Any]) -> None:
        """Send tamed data. Raises `Closed`, `Unsendable`, and whatever msgspec does for what `Packer` has not seen."""
        data = self._encode(frame)
        if len(data) > _PACKET:  # hardly ever
            return self._send_long(data)
        try:
            if self._write(data) is None:
                self._write_all(data)
        except (OSError, ValueError) as error:  # ValueError: closed on our side
            raise Closed(f"the other side is gone: {error}") from None

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
            data = self._encode([*head, *(packer.tame(v) for v in values)])
            self.modules |= packer.modules
            self._send_long(data, packer.buffers)
        except RecursionError:
            raise Unsendable(NESTED) from None
        except UnicodeEncodeError:
            raise Unsendable(SURROGATES) from None

    def _send_long(self, body: bytes, buffers: Sequence[memoryview] = ()) -> None:
        if len(body) > BODY_LIMIT:
            raise Unsendable(f" takes {len(body) / 1e6:.0f} MB; at most {BODY_LIMIT >> 20} MB can be passed on")
        if sum(buffer.nbytes for buffer in buffers) > BUFFERS_LIMIT:
            raise Unsendable(f" holds arrays of more than {BUFFERS_LIMIT >> 20} MB together")
        parts: list[bytes | memoryview] = [body]
        if len(body) > _PACKET or buffers:
            lengths = struct.pack(f"<{len(buffers)}Q", *(buffer.nbytes for buffer in buffers))
            parts = [_HEAD.pack(_LONG, len(body), len(buffers)), lengths + body, *buffers]
        try:
            for part in parts:
                self._write_all(part)
        except (OSError, ValueError) as error:
            raise Closed(f"the other side is gone: {error}") from None

    def _write_all(self, data: bytes | memoryview) -> None:
        rest = memoryview(data)
        while rest:
            written = self._write(rest[:_PIECE])
            if written is None:
                assert self._full is not None
                self._full()
            else:
                rest = rest[written:]

    def wait(self) -> bool:
        """Wait until there is room to send, or something to receive; whether it is the latter."""
        poller = select.poll()
        poller.register(self._in, select.POLLIN)
        poller.register(self._out, select.POLLOUT)
        return any(fd == self._in.fileno() for fd, _ in poller.poll(1000))

    def receive(self) -> list[Any]:
        """The next frame; blocks. Raises `Closed` when the other side is gone, `WireError` for anything broken."""
        try:
            data = self._read(_PACKET)
        except (OSError, ValueError) as error:
            raise Closed(f"the other side is gone: {error}") from None
        try:
            frame = self._decode(data)
        except Exception:  # noqa: BLE001 - looked at again, slowly
            frame = self._unusual(data)
        if type(frame) is not list or not frame:
            raise WireError("a frame must be a list that is not empty")
        return cast("list[Any]", frame)

    def _unusual(self, data: bytes) -> Any:
        """The frame that begins with a packet which is none by itself."""
        if not data:
            raise Closed("the other side is gone")
        if data[0] != _LONG:
            return self._reader.read(data)
        if len(data) != _HEAD.size:
            raise WireError(f"the head of a frame has {_HEAD.size} bytes, not {len(data)}")
        _, length, count = _HEAD.unpack(data)
        if length > BODY_LIMIT:
            raise WireError(f"a frame of {length} bytes was announced; the limit is {BODY_LIMIT}")
        body = self._whole(8 * count + length)
        sizes = struct.unpack_from(f"<{count}Q", body)
        if sum(sizes) > BUFFERS_LIMIT:
            raise WireError(f"buffers of {sum(sizes)} bytes were announced; the limit is {BUFFERS_LIMIT}")
        return self._reader.read(memoryview(body)[8 * count :], [self._whole(size) for size in sizes])

    def _whole(self, size: int) -> bytearray:
        """The next `size` bytes; the kernel gives them memory as they arrive."""
        whole = bytearray(size)
        view = memoryview(whole)
        at = 0
        while at < size:
            try:
                got = self._in.readinto(view[at:])
            except (OSError, ValueError) as error:
                raise Closed(f"the other side is gone: {error}") from None
            if not got:
                raise Closed("the other side is gone")
            at += got
        return whole
