"""Where the files of data sets lie on this machine, and whether they are the ones expected.

A file is looked for in the folder that LOOPWRIGHT_DATA names; else in `shared/data` beside the working directory (or
a folder above it, or this checkout); else in the user's own data folder, where `pull` puts what it fetches. In each
of them a data set is a folder of its name.
"""

from __future__ import annotations

import gzip
import hashlib
import os
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

import msgspec

from loopwright.data.sets import data_set
from loopwright.errors import DataError, nearest

HEAD = 12  # digits of a checksum that are shown


class FileState(msgspec.Struct, frozen=True):
    """How one file of a data set stands: where it is (None where nowhere), and whether it is the one expected."""

    name: str
    path: Path | None
    state: Literal["good", "changed", "missing"]


def read(name: str, file: str) -> bytes:
    """The content of a data set's file, unpacked where it is a .gz.

    Raises `DataError` where it is nowhere, cannot be read, or is not the file whose checksum is known.
    """
    return content(_found(name, file), _expected(name, file), name)


def states(name: str) -> list[FileState]:
    """How every file of a data set stands. Raises `DataError` for an unknown name."""
    return [_state(name, file) for file in data_set(name).files]


def content(path: Path, expected: str, name: str) -> bytes:
    """The content of a file that must have the checksum `expected`. Raises `DataError`; `name` is its data set."""
    try:
        data = path.read_bytes()
    except OSError as error:
        raise DataError(f"{path} cannot be read: {error.strerror}") from None
    try:
        data = unpacked(path.name, data)
    except (OSError, EOFError, zlib.error):
        raise DataError(
            f"{path} cannot be unpacked, and the sha256 of what is in it should begin with {expected[:HEAD]}; it was "
            f"changed or cut short; {_mend(name)}"
        ) from None
    found = hashlib.sha256(data).hexdigest()
    if found != expected:
        raise DataError(
            f"{path} is not the file expected: its sha256 begins with {found[:HEAD]}, not {expected[:HEAD]}; it was "
            f"changed or cut short; {_mend(name)}"
        )
    return data


def unpacked(file: str, data: bytes) -> bytes:
    """What a .gz file holds; every other file as it is. Raises what `gzip` raises where it is damaged."""
    return gzip.decompress(data) if file.endswith(".gz") else data


def folder() -> Path:
    """Where `pull` puts data sets: LOOPWRIGHT_DATA, else the user's own data folder."""
    return given() or _own()


def given() -> Path | None:
    """The folder that LOOPWRIGHT_DATA names, None where it is not set. Raises `DataError` where it is no folder."""
    text = os.environ.get("LOOPWRIGHT_DATA", "")
    if not text:
        return None
    path = Path(text).expanduser()
    if path.exists() and not path.is_dir():
        raise DataError(f"LOOPWRIGHT_DATA = '{text}' is not a folder")
    return path


def places() -> Iterator[Path]:
    """The folders in which data sets are looked for, first come first served."""
    if (only := given()) is not None:
        yield only
        return
    checkout = Path(__file__).resolve().parents[3]
    for above in dict.fromkeys([*Path.cwd().parents, checkout.parent]):
        yield above / "shared" / "data"
    yield _own()


def _own() -> Path:
    base = os.environ.get("XDG_DATA_HOME", "")
    return (Path(base) if base else Path.home() / ".local" / "share") / "loopwright" / "data"


def _state(name: str, file: str) -> FileState:
    path = next(_candidates(name, file), None)
    if path is None:
        return FileState(file, None, "missing")
    try:
        content(path, _expected(name, file), name)
    except DataError:
        return FileState(file, path, "changed")
    return FileState(file, path, "good")


def _candidates(name: str, file: str) -> Iterator[Path]:
    for place in places():
        path = place / name / file
        if path.is_file():
            yield path


def _found(name: str, file: str) -> Path:
    _expected(name, file)
    for path in _candidates(name, file):
        return path
    where = folder()
    raise DataError(
        f"the data set '{name}' is not here ({file} is in none of the folders looked at, the last of them "
        f"{where / name}); fetch it with 'loopwright data pull {name}', or set LOOPWRIGHT_DATA to the folder that "
        f"holds '{name}'"
    )


def _expected(name: str, file: str) -> str:
    known = data_set(name).files
    if file not in known:
        raise DataError(f"the data set '{name}' has no file '{file}'{nearest(file, known)}")
    return known[file]


def _mend(name: str) -> str:
    return f"delete it and run 'loopwright data pull {name}'"
