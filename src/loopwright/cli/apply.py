"""`loopwright apply`: write a candidate's texts into the user's own files, after showing what changes."""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Mapping
from pathlib import Path

import click

from loopwright.errors import ArtifactError, UsageError
from loopwright.record import RunRecord, record


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--candidate", "name", default="best", metavar="ID", help="Which one: best (default), current, or an id.")
@click.option("--dry-run", is_flag=True, help="Show what would change, and write nothing.")
@click.option("--yes", is_flag=True, help="Write without asking.")
@click.option(
    "--to", type=click.Path(path_type=Path), metavar="DIR", help="The folder of the files (default: the run's)."
)
def apply(run: Path, name: str, dry_run: bool, yes: bool, to: Path | None) -> int:
    """Write a run's best texts into your own files.

    Shows the difference first, and asks. Only the parameters that the run changed are written, into the files as they
    are now; every other byte stays.
    """
    from loopwright.artifact import apply_texts
    from loopwright.cli.text import clean
    from loopwright.cli.views import coloured

    found = record(run)
    candidate = found.candidate(name)
    root = _root(found, to)
    applied = apply_texts(candidate, _current(found, root))
    if not applied.files:
        changed = candidate.id != found.population.start
        why = "the files in it have these texts already" if changed else "it is the starting artifact"
        click.echo(f"nothing to write into {root} from candidate {candidate.id}: {why}")
        return 0
    for text in coloured(applied.diff):
        click.echo(text)
    for note in applied.notes:
        click.echo(f"{click.style('note:', fg='yellow')} {clean(note)}", err=True)
    if dry_run:
        return 0
    names = ", ".join(applied.files)
    if not yes and not _agreed(f"write candidate {candidate.id} into {names} in {root}?"):
        click.echo("nothing was written", err=True)
        return 0
    write_all({root / file: data for file, data in applied.files.items()})
    click.echo(f"wrote {names} in {root} (candidate {candidate.id})")
    return 0


def write_all(files: Mapping[Path, bytes]) -> None:
    """Replace files, each at one stroke, after all of them could be written beside their places.

    Modes stay, and a link stays a link: its target is replaced. Raises `ArtifactError`.
    """
    ready: list[tuple[str, Path]] = []
    try:
        for path, data in files.items():
            target = path.resolve()
            descriptor, temporary = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)
            ready.append((temporary, target))
            with os.fdopen(descriptor, "wb") as handle:
                handle.write(data)
            os.chmod(temporary, target.stat().st_mode & 0o7777)
        for temporary, target in ready:
            os.replace(temporary, target)
    except OSError as error:
        raise ArtifactError(f"the files cannot be written: {error.strerror}: {error.filename}") from None
    finally:
        for temporary, _ in ready:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(temporary)


def _root(found: RunRecord, to: Path | None) -> Path:
    root = to or (Path(found.root) if found.root else None)
    if root is None:
        raise UsageError(f"the run {found.path} does not say where its files are; name their folder by --to DIR")
    if not root.is_dir():
        raise UsageError(f"there is no folder {root}; name the one that has your files by --to DIR")
    return root


def _current(found: RunRecord, root: Path) -> dict[str, bytes]:
    """The artifact's files as they are now; those that are gone are left out."""
    current: dict[str, bytes] = {}
    for name in found.artifact.files:
        with contextlib.suppress(FileNotFoundError, NotADirectoryError):
            current[name] = (root / name).read_bytes()
    return current


def _agreed(question: str) -> bool:
    import sys

    if not sys.stdin.isatty():
        raise UsageError("nobody is there to be asked; give --yes to write, or --dry-run to look")
    return click.confirm(question, default=False, err=True)
