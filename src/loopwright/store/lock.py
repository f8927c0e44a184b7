"""The lock of a folder: one process at a time writes it, and others can see which."""

from __future__ import annotations

import fcntl
import os
from pathlib import Path
from typing import IO

from loopwright.errors import StoreError


class FolderLock:
    """`FOLDER/lock`, held by the operating system for as long as the process lives; the file names the process."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / "lock"
        self._handle: IO[str] | None = None

    def take(self, what: str) -> None:
        """Raises `StoreError` where another process holds it, or it cannot be made; `what` names the folder there."""
        try:
            handle = self._path.open("a+")
        except OSError as error:
            raise StoreError(f"{what} cannot be locked: {self._path}: {error.strerror}") from None
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            handle.seek(0)
            owner = handle.read().strip() or "unknown"
            handle.close()
            raise StoreError(f"{what} is in use by process {owner}; wait for it or stop it") from None
        handle.truncate(0)
        handle.write(str(os.getpid()))
        handle.flush()
        self._handle = handle

    def free(self) -> None:
        """Let go, if held."""
        if self._handle is not None:
            self._handle.truncate(0)  # no process works on it any more
            self._handle.close()
            self._handle = None

    def owner(self) -> int | None:
        """The process that holds it, as far as can be seen from here without taking it."""
        try:
            pid = int(self._path.read_text())
        except (OSError, ValueError):
            return None
        try:
            os.kill(pid, 0)
        except PermissionError:
            return pid  # there, but another user's
        except OSError:
            return None
        return pid
