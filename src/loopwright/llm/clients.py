"""HTTP clients of one connection each, for one endpoint: taken for a request, then kept for the next one.

A client with a pool of connections looks at every one of them, twice, with a system call each, for every request; with
many calls at a time that is most of what a request costs. A pool of one costs the same however many there are. Not
here: what is sent and what an answer means (`openai_compatible`).
"""

from __future__ import annotations

import contextlib
import ssl
from collections.abc import AsyncGenerator

import httpx2

_KEPT = 64  # clients, with their open connections, that wait for a next request
_EXPIRY = 30.0  # seconds after which a connection that was not used is not used again
_CONNECT = 30.0  # seconds; the deadline of the whole call is the gateway's


class Clients:
    """`lend` gives a client that nobody else uses. In one event loop; `close` at the end.

    With `socket`, a path, all requests go to that Unix socket.
    """

    def __init__(self, url: str, *, trust_env: bool, socket: str | None = None) -> None:
        self._trust_env = trust_env
        self._socket = socket
        # Making a TLS context costs 20 ms of CPU, which a plain http endpoint never needs.
        self._verify: ssl.SSLContext | bool = httpx2.create_ssl_context() if url.startswith("https://") else False
        self._idle: list[httpx2.AsyncClient] = []

    @contextlib.asynccontextmanager
    async def lend(self) -> AsyncGenerator[httpx2.AsyncClient]:
        client = self._idle.pop() if self._idle else self._open()
        try:
            yield client
        finally:
            if len(self._idle) < _KEPT:
                self._idle.append(client)
            else:
                await client.aclose()

    async def close(self) -> None:
        while self._idle:
            await self._idle.pop().aclose()

    def _open(self) -> httpx2.AsyncClient:
        return httpx2.AsyncClient(
            timeout=httpx2.Timeout(None, connect=_CONNECT),
            limits=httpx2.Limits(max_connections=1, max_keepalive_connections=1, keepalive_expiry=_EXPIRY),
            trust_env=self._trust_env,
            transport=self._transport(),
            verify=self._verify,
        )

    def _transport(self) -> httpx2.AsyncHTTPTransport | None:
        if self._socket is None:
            return None
        # A new connection costs nothing here; a kept one may be closed by the other side just as it is used again.
        return httpx2.AsyncHTTPTransport(
            verify=False, uds=self._socket, limits=httpx2.Limits(max_keepalive_connections=0)
        )
