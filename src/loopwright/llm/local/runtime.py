"""One process with one model file loaded in it: started when first needed, started again where it died.

llama.cpp runs in a process of its own (`serve`), not in the one that holds the journal and the keys: a crash of it
costs one request and not the run, and the event loop never waits for a matrix product. Not here: what is asked.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
import secrets
import shutil
import subprocess
import sys
import tempfile
import threading
from http.client import HTTPConnection
from importlib.util import find_spec
from pathlib import Path
from socket import AF_UNIX, SOCK_STREAM, socket
from typing import IO

import msgspec

from loopwright.errors import ModelError
from loopwright.llm.local.serve import Ready, Setup
from loopwright.llm.local.settings import LocalSettings

_LOG = 2000  # characters of llama.cpp's own messages that are told where it cannot load a file


class Address(msgspec.Struct, frozen=True):
    """Where a running process is reached. `number` counts its starts: another number is another process."""

    socket: str
    key: str
    number: int


class Runtime:
    """The process of one model file. Thread-safe; `close` ends it."""

    def __init__(self, name: str, path: Path, settings: LocalSettings | None = None) -> None:
        """`name` is the model's, for messages. Raises `ModelError` where the extra `local` is missing."""
        if find_spec("xllamacpp") is None:
            raise ModelError(f"model '{name}' needs the package xllamacpp: pip install 'loopwright[local]'")
        self.name = name
        self.path = path
        self.settings = settings or LocalSettings()
        self._process: subprocess.Popen[bytes] | None = None
        self._log: IO[bytes] | None = None
        self._address = Address("", "", 0)
        self._starting = threading.Lock()
        self._closed = False

    @property
    def pid(self) -> int | None:
        """The process, None where none runs."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    async def running(self) -> Address:
        """The address of the process, which is started where it is not running. Raises `ModelError`."""
        if self.pid is not None:
            return self._address
        return await asyncio.to_thread(self.start)

    def start(self) -> Address:
        """`running`, for callers that may wait: loading takes a second or two, from a slow disk half a minute."""
        with self._starting:
            if self.pid is not None:
                return self._address
            if self._closed:
                raise ModelError(f"model '{self.name}' was closed")
            self._tidy()
            key = secrets.token_hex(16)
            ready = self._launch(key)
            if not ready.socket:
                if self._process is not None:
                    self._process.wait()  # until then its log may not be written
                told = self._told()
                self._tidy()
                raise ModelError(f"model '{self.name}': {self.path} cannot be loaded: {told or ready.error}")
            self._address = Address(ready.socket, key, self._address.number + 1)
            return self._address

    def ended(self, number: int) -> str:
        """How process `number` ended, in words; "" where it is still running."""
        if self._address.number != number or self._process is None:
            return "its process ended"
        status = self._process.poll()
        if status is None:
            return ""
        return f"its process was killed by signal {-status}" if status < 0 else f"its process ended with {status}"

    def count(self, text: str) -> int:
        """How many tokens the model's own tokenizer makes of `text`. Starts the process; blocks for a millisecond."""
        address = self.start()
        connection = _Connection(address.socket)
        with contextlib.closing(connection):
            body = json.dumps({"content": text}).encode()
            headers = {"Authorization": f"Bearer {address.key}", "Content-Type": "application/json"}
            try:
                connection.request("POST", "/tokenize", body, headers)
                reply = json.loads(connection.getresponse().read())
            except (OSError, ValueError) as error:
                raise ModelError(f"model '{self.name}' could not count tokens: {error}") from None
        return len(reply["tokens"])

    def close(self) -> None:
        """End the process. Idempotent."""
        self._closed = True
        self._tidy()

    def _launch(self, key: str) -> Ready:
        self._log = tempfile.TemporaryFile()  # noqa: SIM115 - closed in `_tidy`
        # A session of its own: Ctrl-C is for the run, which then ends in good order, the model last.
        process = self._process = subprocess.Popen(
            [sys.executable, "-m", "loopwright.llm.local.serve"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            start_new_session=True,
            env=_environment(),
        )
        assert process.stdin is not None
        assert process.stdout is not None
        settings = self.settings
        setup = Setup(str(self.path.resolve()), key, settings.threads, settings.context, settings.parallel)
        try:
            process.stdin.write(msgspec.json.encode(setup) + b"\n")
            process.stdin.flush()
            line = process.stdout.readline()
        except OSError as error:
            return Ready(error=str(error))
        if not line:
            process.wait()
            return Ready(error=f"the process that loads it ended with {process.returncode}")
        return msgspec.json.decode(line, type=Ready)

    def _told(self) -> str:
        """What llama.cpp said of its failure: the first error in its log."""
        assert self._log is not None
        self._log.seek(0)
        lines = self._log.read(64_000).decode("utf-8", "replace").splitlines()
        wrong = [line.split(" E ", 1)[1] for line in lines if " E " in line] or lines[-1:]
        return " ".join(wrong[0].split())[:_LOG] if wrong else ""

    def _tidy(self) -> None:
        process, self._process = self._process, None
        if process is not None:
            for pipe in (process.stdin, process.stdout):
                if pipe is not None:
                    with contextlib.suppress(OSError):
                        pipe.close()
            try:
                process.wait(timeout=2.0)  # it ends when its standard input does
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            if self._address.socket:  # where it was killed, its folder is still there
                shutil.rmtree(Path(self._address.socket).parent, ignore_errors=True)
        if self._log is not None:
            self._log.close()
            self._log = None


class Runtimes:
    """The processes that several runs share: one for each file and settings. `close` ends them all."""

    def __init__(self) -> None:
        self._made: dict[tuple[Path, LocalSettings], Runtime] = {}

    def get(self, name: str, path: Path, settings: LocalSettings) -> Runtime:
        key = (path.resolve(), settings)
        if key not in self._made:
            self._made[key] = Runtime(name, path, settings)
        return self._made[key]

    def close(self) -> None:
        for made in self._made.values():
            made.close()
        self._made.clear()


class _Connection(HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: str) -> None:
        super().__init__("local", timeout=60.0)
        self._path = path

    def connect(self) -> None:
        self.sock = socket(AF_UNIX, SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


def _environment() -> dict[str, str]:
    """The environment of the process: without keys, which it has no use for."""
    secret = ("KEY", "TOKEN", "SECRET", "PASSWORD", "CREDENTIAL")
    kept = {name: value for name, value in os.environ.items() if not any(word in name.upper() for word in secret)}
    # Threads that wait for each other by spinning starve each other as soon as anything else wants a core: beside two
    # busy processes, two threads wrote 1 token a second, and 7 where they soon sleep instead; alone 21 either way.
    kept.setdefault("GOMP_SPINCOUNT", "1000")
    return kept
