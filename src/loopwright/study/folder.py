"""A study's folder on disk: what it is, its lock, and its runs.

STUDY/study.json    the study as it was last started, the time spent, and why runs failed
STUDY/runs/         one ordinary run folder for each cell and repeat
"""

from __future__ import annotations

from pathlib import Path
from types import TracebackType

import msgspec

from loopwright.errors import StoreError, UsageError
from loopwright.store.lock import FolderLock
from loopwright.study.definition import Study


class Saved(msgspec.Struct, frozen=True):
    """What is kept of a study beside its runs. `failures` are by a run's tag; `root` is where its paths begin."""

    study: Study
    root: str
    seconds: float = 0.0
    failures: dict[str, str] = {}


class StudyFolder:
    """The folder of one study. As a context manager it holds the study's lock: two processes cannot run one study."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._lock = FolderLock(self.path)

    @property
    def file(self) -> Path:
        return self.path / "study.json"

    def exists(self) -> bool:
        return self.file.exists()

    def load(self) -> Saved:
        """Raises `UsageError` where there is no study, `StoreError` where its file cannot be read."""
        if not self.exists():
            raise UsageError(f"{self.path} is not the folder of a study: there is no study.json in it")
        try:
            return msgspec.json.decode(self.file.read_bytes(), type=Saved)
        except (OSError, msgspec.DecodeError) as error:
            raise StoreError(f"{self.file} cannot be read: {error}") from None

    def save(self, saved: Saved) -> None:
        """Replace the file in one go: a kill leaves the old one or the new one."""
        part = self.file.with_suffix(".part")
        try:
            part.write_bytes(msgspec.json.format(msgspec.json.encode(saved), indent=1))
            part.replace(self.file)
        except OSError as error:
            raise StoreError(f"{self.file} cannot be written: {error.strerror}") from None

    def __enter__(self) -> StudyFolder:
        if not self.exists() and self.path.is_dir() and any(each.name != "lock" for each in self.path.iterdir()):
            raise StoreError(f"{self.path} holds other files and is not the folder of a study; name another by --out")
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"the study folder {self.path} cannot be made: {error.strerror}") from None
        self._lock.take(f"the study {self.path}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.free()
