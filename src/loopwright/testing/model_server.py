"""A local OpenAI-compatible model server that does what a script says: replies, or misbehaves on demand.

For tests and benchmarks of anything that talks to a model: it listens on the loopback address alone, on a port the
system chooses, runs in a thread, and needs the standard library only. It is no model: without a script it says "ok".

    with ModelServer([refuse(429, retry_after="1"), hang(), "fine"]) as server:
        ...  # ask the model `server.model`; `server.requests` are what came in

From a shell: `python -m loopwright.testing.model_server --port 0 --reply FILE`.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import json
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Any, Literal, cast

_REASONS = {200: "OK", 400: "Bad Request", 404: "Not Found", 429: "Too Many Requests", 500: "Internal Server Error"}


@dataclass(frozen=True)
class Received:
    """One request as it came in. `number` counts from 0; `body` is {} where it was no JSON object."""

    number: int
    path: str
    headers: dict[str, str]
    body: dict[str, Any]
    at: float

    @property
    def messages(self) -> list[dict[str, str]]:
        return self.body.get("messages", [])

    @property
    def prompt(self) -> str:
        """The content of the last message."""
        return self.messages[-1]["content"] if self.messages else ""


Text = str | Callable[[Received], str]


@dataclass(frozen=True)
class Behaviour:
    """What to do with one request. Made by the functions below; `latency` is seconds before anything is sent."""

    kind: Literal["reply", "raw", "hang", "reset", "cut"]
    text: Text = "ok"
    status: int = 200
    body: bytes = b""
    headers: tuple[tuple[str, str], ...] = ()
    usage: object = "sound"
    finish: str = "stop"
    choices: int | None = None
    latency: float = 0.0
    keep: float = 0.5


def reply(
    text: Text = "ok",
    *,
    latency: float = 0.0,
    finish: str = "stop",
    choices: int | None = None,
    usage: object = "sound",
) -> Behaviour:
    """A proper completion. `text` may be a function of the request. `choices` overrides the number asked for by `n`.

    `usage` replaces the token counts, as any JSON value: `None` leaves them out.
    """
    return Behaviour("reply", text, latency=latency, finish=finish, choices=choices, usage=usage)


def refuse(
    status: int, message: str = "", *, retry_after: str | None = None, code: str = "", latency: float = 0.0
) -> Behaviour:
    """An error status with a JSON error body. `retry_after` is the header's value as it is sent."""
    error = {"error": {"message": message or f"status {status}", "type": "error", "code": code or None}}
    headers = () if retry_after is None else (("Retry-After", retry_after),)
    return raw(json.dumps(error).encode(), status=status, headers=headers, latency=latency)


def raw(
    body: bytes, *, status: int = 200, headers: tuple[tuple[str, str], ...] = (), latency: float = 0.0
) -> Behaviour:
    """Exactly these bytes as the body, under a true Content-Length."""
    return Behaviour("raw", status=status, body=body, headers=headers, latency=latency)


def hang() -> Behaviour:
    """Take the request, and never answer."""
    return Behaviour("hang")


def reset() -> Behaviour:
    """Take the request, and break the connection with a TCP reset."""
    return Behaviour("reset")


def cut(text: Text = "ok", *, keep: float = 0.5, latency: float = 0.0) -> Behaviour:
    """A proper completion of which only this share of the body is sent before the connection closes."""
    return Behaviour("cut", text, keep=keep, latency=latency)


def wrong_json() -> Behaviour:
    """A body that is no JSON."""
    return raw(b'{"choices": [{"message": {"role": "assistant", "content": "half a')


def empty_choices() -> Behaviour:
    """A completion without choices."""
    return raw(b'{"id": "x", "object": "chat.completion", "choices": []}')


def large(megabytes: float = 1.0) -> Behaviour:
    """A proper completion with a very long text."""
    return reply("x" * int(megabytes * 1_000_000))


def wrong_usage(usage: object = None) -> Behaviour:
    """A proper completion with token counts that cannot be: by default far too many and negative ones."""
    return reply(usage={"prompt_tokens": 10**12, "completion_tokens": -5} if usage is None else usage)


Script = str | Behaviour | Sequence[str | Behaviour] | Callable[[Received], "str | Behaviour"]


class ModelServer:
    """Serves `POST /v1/chat/completions` by a script; a context manager.

    `script` is one behaviour for all requests, a sequence of them (the last is repeated), or a function of the request.
    A plain string is a reply. With `record=False` requests are only counted.
    """

    def __init__(self, script: Script = "ok", *, port: int = 0, name: str = "test", record: bool = True) -> None:
        self.requests: list[Received] = []
        self.count = 0
        self.open = 0
        self.most_open = 0
        self._script = script
        self._port = port
        self._name = name
        self._record = record
        self._loop: asyncio.AbstractEventLoop | None = None
        self._thread: threading.Thread | None = None
        self._ready = threading.Event()
        self._failed: OSError | None = None
        self._stop: asyncio.Event | None = None

    @property
    def url(self) -> str:
        """The base URL, as an OpenAI client takes it."""
        return f"http://127.0.0.1:{self._port}/v1"

    @property
    def model(self) -> str:
        """The model's name, as loopwright's settings take it."""
        return f"{self.url}#{self._name}"

    def __enter__(self) -> ModelServer:
        self.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def start(self) -> None:
        """Listen. Raises `OSError` where the port cannot be had."""
        self._thread = threading.Thread(target=lambda: asyncio.run(self._serve()), name="model-server", daemon=True)
        self._thread.start()
        self._ready.wait()
        if self._failed is not None:
            raise self._failed

    def close(self) -> None:
        """Stop listening and drop every connection, also the hanging ones. Idempotent."""
        if self._loop is not None and self._stop is not None and self._thread is not None:
            with contextlib.suppress(RuntimeError):  # the loop has ended already
                self._loop.call_soon_threadsafe(self._stop.set)
            self._thread.join()
            self._thread = None

    async def _serve(self) -> None:
        self._loop = asyncio.get_running_loop()
        self._stop = asyncio.Event()
        tasks: set[asyncio.Task[None]] = set()

        def connected(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.create_task(self._connection(reader, writer))
            tasks.add(task)
            task.add_done_callback(tasks.discard)

        try:
            server = await asyncio.start_server(connected, "127.0.0.1", self._port, backlog=2048, limit=2**20)
        except OSError as error:
            self._failed = error
            self._ready.set()
            return
        self._port = server.sockets[0].getsockname()[1]
        self._ready.set()
        await self._stop.wait()
        server.close()
        for task in list(tasks):
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _connection(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.open += 1
        self.most_open = max(self.most_open, self.open)
        try:
            while await self._request(reader, writer):
                pass
        except (OSError, asyncio.IncompleteReadError, asyncio.LimitOverrunError, ValueError):
            pass  # the client went away, or speaks no HTTP: nothing to tell it
        finally:
            self.open -= 1
            writer.close()

    async def _request(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
        """Serve one request; whether the connection goes on."""
        head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
        method, path, _ = head[0].split(" ", 2)
        headers = {name.strip().lower(): value.strip() for name, _, value in (line.partition(":") for line in head[1:])}
        content = await reader.readexactly(int(headers.get("content-length") or 0))
        if method == "GET" and path.endswith("/models"):
            listed = {"object": "list", "data": [{"id": self._name, "object": "model"}]}
            return await _answer(writer, 200, json.dumps(listed).encode())
        if method != "POST" or not path.endswith("/chat/completions"):
            return await _answer(writer, 404, b'{"error": {"message": "no such path"}}')
        received = self._receive(path, headers, content)
        behaviour = self._behaviour(received)
        if behaviour.latency:
            await asyncio.sleep(behaviour.latency)
        if behaviour.kind == "hang":
            await reader.read()  # until the client gives up
            return False
        if behaviour.kind == "reset":
            _break(writer)
            return False
        if behaviour.kind == "raw":
            return await _answer(writer, behaviour.status, behaviour.body, behaviour.headers)
        body = json.dumps(self._completion(behaviour, received)).encode()
        if behaviour.kind == "cut":
            await _answer(writer, 200, body, keep=int(len(body) * behaviour.keep))
            return False
        return await _answer(writer, 200, body)

    def _receive(self, path: str, headers: dict[str, str], content: bytes) -> Received:
        try:
            parsed: object = json.loads(content)
        except ValueError:
            parsed = {}
        body = cast("dict[str, Any]", parsed) if isinstance(parsed, dict) else {}
        received = Received(self.count, path, headers, body, time.monotonic())
        self.count += 1
        if self._record:
            self.requests.append(received)
        return received

    def _behaviour(self, received: Received) -> Behaviour:
        script = self._script
        if callable(script):
            chosen = script(received)
        elif isinstance(script, str | Behaviour):
            chosen = script
        else:
            chosen = script[min(received.number, len(script) - 1)]
        return reply(chosen) if isinstance(chosen, str) else chosen

    def _completion(self, behaviour: Behaviour, received: Received) -> dict[str, object]:
        wanted = behaviour.choices if behaviour.choices is not None else int(received.body.get("n") or 1)
        texts = [behaviour.text if isinstance(behaviour.text, str) else behaviour.text(received) for _ in range(wanted)]
        body: dict[str, object] = {
            "id": f"chatcmpl-{received.number}",
            "object": "chat.completion",
            "model": received.body.get("model", self._name),
            "choices": [
                {
                    "index": index,
                    "message": {"role": "assistant", "content": text},
                    "finish_reason": behaviour.finish,
                }
                for index, text in enumerate(texts)
            ],
        }
        if behaviour.usage == "sound":
            prompt = sum(len(message.get("content") or "") for message in received.messages) // 4 + 1
            output = sum(len(text) for text in texts) // 4 + 1
            body["usage"] = {
                "prompt_tokens": prompt,
                "completion_tokens": output,
                "total_tokens": prompt + output,
            }
        elif behaviour.usage is not None:
            body["usage"] = behaviour.usage
        return body


async def _answer(
    writer: asyncio.StreamWriter,
    status: int,
    body: bytes,
    headers: tuple[tuple[str, str], ...] = (),
    *,
    keep: int | None = None,
) -> bool:
    lines = [
        f"HTTP/1.1 {status} {_REASONS.get(status, 'Status')}",
        "Content-Type: application/json",
        f"Content-Length: {len(body)}",
        *(f"{name}: {value}" for name, value in headers),
    ]
    writer.write("\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body[:keep])
    await writer.drain()
    return True


def _break(writer: asyncio.StreamWriter) -> None:
    """Close with a reset: a lingering time of zero makes the system send RST and not FIN."""
    plain = cast("socket.socket | None", writer.get_extra_info("socket"))
    if plain is not None:
        plain.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    transport = writer.transport
    transport.abort()


@dataclass
class _Files:
    """Replies from files, in turn; read anew each time, so that a file may be changed while the server runs."""

    paths: list[str]
    latency: float = 0.0
    served: int = field(default=0)

    def __call__(self, received: Received) -> Behaviour:
        path = self.paths[min(self.served, len(self.paths) - 1)]
        self.served += 1
        with open(path, encoding="utf-8") as file:
            return reply(file.read(), latency=self.latency)


def main(arguments: Sequence[str] | None = None) -> int:
    """Serve until interrupted. Prints the model's name on the first line."""
    parser = argparse.ArgumentParser(prog="python -m loopwright.testing.model_server", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0: one that the system chooses")
    parser.add_argument(
        "--reply", action="append", default=[], metavar="FILE", help="a reply; several are given in turn"
    )
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each reply")
    options = parser.parse_args(arguments)
    script = _Files(options.reply, options.latency) if options.reply else reply(latency=options.latency)
    try:
        with ModelServer(script, port=options.port, record=False) as server, contextlib.suppress(KeyboardInterrupt):
            print(server.model, flush=True)
            threading.Event().wait()
    except OSError as error:
        print(f"cannot listen on port {options.port}: {error}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
