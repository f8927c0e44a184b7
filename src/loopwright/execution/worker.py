"""The main process's connection to the worker of one slot, and the slot's tray.

A worker takes its trials in two steps. The trial itself travels over the connection, at any time, also while the worker
is at another one. Leave to begin it is a token in the tray: a socket pair of which main holds *both* ends, so that it
can take back a token that the worker has not taken yet. Who gets a token is settled by the kernel, never by messages
that cross on their way.
"""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct
from collections import deque
from typing import cast

from loopwright.execution.link import Answered, FromWorker, Refused, Run, Unpacker, packed

_TOKEN = struct.Struct("<Q")


class Tray:
    """Holds at most one token: the number of the trial that the slot's worker may begin."""

    def __init__(self) -> None:
        self._ours, self.theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self._ours.setblocking(False)

    def put(self, number: int) -> None:
        with contextlib.suppress(OSError):  # the worker is dead, which its connection tells
            self._ours.send(_TOKEN.pack(number))

    def take_back(self) -> bool:
        """Whether the token was still there; the worker then never begins that trial."""
        try:
            return bool(self.theirs.recv(_TOKEN.size, socket.MSG_DONTWAIT))
        except OSError:
            return False

    def close(self) -> None:
        self._ours.close()
        self.theirs.close()


def taken(tray: socket.socket) -> int | None:
    """In the worker: wait for the next token; None where main is gone."""
    try:
        data = tray.recv(_TOKEN.size)
    except OSError:
        return None
    return _TOKEN.unpack(data)[0] if data else None


class Worker(asyncio.Protocol):
    """One worker process as main sees it. `receive` raises `ConnectionResetError` once it is dead."""

    def __init__(self, pid: int, tray: Tray) -> None:
        self.pid = pid
        self.tray = tray
        self._unpacker: Unpacker[FromWorker] = Unpacker(FromWorker)
        self._messages: deque[FromWorker] = deque()
        self._waiting: asyncio.Future[None] | None = None
        self._transport: asyncio.Transport | None = None
        self._lost = False

    async def connect(self, sock: socket.socket) -> None:
        await asyncio.get_running_loop().connect_accepted_socket(lambda: self, sock)

    def hand(self, run: Run) -> None:
        """Give the worker its next trial: it begins when it has ended the one that it is at."""
        self.send(run)
        self.tray.put(run.number)

    def send(self, message: Run | Answered | Refused) -> None:
        """Never waits. What is sent to a dead worker is lost."""
        if self._transport is not None and not self._lost:
            self._transport.write(packed(message))

    async def receive(self) -> FromWorker:
        while not self._messages:
            if self._lost:
                raise ConnectionResetError("the worker is dead")
            self._waiting = asyncio.get_running_loop().create_future()
            try:
                await self._waiting
            finally:
                self._waiting = None
        return self._messages.popleft()

    def hang_up(self) -> None:
        """Close the connection; whoever is receiving on it notices."""
        self.tray.close()
        if self._transport is not None:
            self._transport.abort()

    # -- asyncio.Protocol ---------------------------------------------------------------------------------------------

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast("asyncio.Transport", transport)

    def data_received(self, data: bytes) -> None:
        self._messages.extend(self._unpacker.feed(data))
        self._wake()

    def connection_lost(self, exc: Exception | None) -> None:
        self._lost = True
        self._wake()

    def _wake(self) -> None:
        if self._waiting is not None and not self._waiting.done():
            self._waiting.set_result(None)
