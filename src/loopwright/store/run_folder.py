"""A run's folder on disk: the journal, the lock, the stop file, and what a person puts in or takes out.

RUN/journal.db     everything about the run
RUN/ask/           questions that wait for an answer by hand, and their answers
RUN/stop           make this file and the run ends cleanly after the update under way
RUN/best/          the files of the best candidate, written when a run ends
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType

from loopwright.errors import StoreError
from loopwright.llm.protocol import Message
from loopwright.store.journal import UNFINISHED, Journal
from loopwright.store.lock import FolderLock


class RunFolder:
    """The folder of one run. As a context manager it holds the run's lock: two processes cannot write one run."""

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self._lock = FolderLock(self.path)

    @property
    def journal_path(self) -> Path:
        return self.path / "journal.db"

    @property
    def ask_folder(self) -> Path:
        return self.path / "ask"

    @property
    def best_folder(self) -> Path:
        return self.path / "best"

    def exists(self) -> bool:
        """Whether there is a run here already."""
        return self.journal_path.exists()

    def _own(self, path: Path) -> bool:
        """Whether a kill while the run was made may have left this file."""
        return path.name == "lock" or path.name.startswith(f"{self.journal_path.name}{UNFINISHED}")

    def create(self) -> None:
        """Make the folder for a new run. Raises `StoreError` where something else lies there."""
        if self.path.exists() and not self.path.is_dir():
            raise StoreError(f"{self.path} is a file; a run needs a folder of its own")
        if self.path.is_dir() and not self.exists() and any(not self._own(p) for p in self.path.iterdir()):
            raise StoreError(f"{self.path} holds other files and is not the folder of a run; name an empty or new one")
        try:
            self.path.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise StoreError(f"the run folder {self.path} cannot be made: {error.strerror}") from None

    def journal(self, *, readonly: bool = False) -> Journal:
        """Open the journal. Raises `StoreError`."""
        if readonly and not self.exists():
            raise StoreError(f"{self.path} is not the folder of a run: there is no journal.db in it")
        return Journal(self.journal_path, readonly=readonly)

    def question(self, step: int, place: int, index: int) -> tuple[Path, Path]:
        """Where a question for a person lies, and where its answer belongs."""
        stem = f"{step:04d}-{place}" + (f"-{index}" if index else "")
        return self.ask_folder / f"{stem}.md", self.ask_folder / f"{stem}.reply.md"

    def put_question(self, path: Path, messages: Sequence[Message]) -> None:
        """Write a question, byte for byte what a model would be sent."""
        self.ask_folder.mkdir(exist_ok=True)
        path.write_text("\n\n".join(message["content"] for message in messages), encoding="utf-8")

    def open_questions(self) -> list[tuple[Path, Path]]:
        """The questions without an answer, with the place for it, oldest first."""
        found = [(path, path.with_name(f"{path.stem}.reply.md")) for path in sorted(self.ask_folder.glob("*.md"))]
        return [(path, answer) for path, answer in found if not path.stem.endswith(".reply") and not answer.exists()]

    def put_best(self, files: Mapping[str, bytes]) -> None:
        """Write the best candidate's files, for a person to look at."""
        for name, data in files.items():
            path = self.best_folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)

    def stop_asked(self) -> bool:
        """Whether someone made the stop file."""
        return (self.path / "stop").exists()

    def forget_stop(self) -> None:
        (self.path / "stop").unlink(missing_ok=True)

    def owner(self) -> int | None:
        """The process that works on this run now, as far as can be seen from here without taking the lock."""
        return self._lock.owner()

    def __enter__(self) -> RunFolder:
        self.create()
        self._lock.take(f"the run {self.path}")
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._lock.free()
