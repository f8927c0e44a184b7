"""`loopwright run`: a loop file becomes a run in a folder of its own."""

from __future__ import annotations

from pathlib import Path

import click

from loopwright.cli.app import overrides
from loopwright.errors import StoreError, UsageError


@click.command()
@click.argument("loop", type=click.Path(path_type=Path), metavar="LOOP.toml")
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="Folder of the run, new or of this loop.")
@click.option("--seed", type=int, metavar="N", help="Seed of everything random.")
@click.option("--set", "changes", multiple=True, metavar="NAME=VALUE", help="Change a setting: search.accept=improve.")
@click.option(
    "--log", "logs", multiple=True, metavar="NAME", help="Follow it: tensorboard, wandb, mlflow, module:Class."
)
@click.option("--json", is_flag=True, help="Write one JSON object a line to standard output, and nothing else.")
@click.option("--quiet", is_flag=True, help="Show no progress.")
def run(
    loop: Path,
    out: Path | None,
    seed: int | None,
    changes: tuple[str, ...],
    logs: tuple[str, ...],
    json: bool,
    quiet: bool,
) -> int:
    """Run a loop file.

    The run goes into a new folder runs/NAME-NUMBER beside the loop file. Paths in the loop file are relative to it.
    The exit code is 0 when the run ended, 3 where it waits for an answer by hand, 130 after Ctrl-C.
    """
    from loopwright.callbacks import make_callbacks
    from loopwright.cli.drive import drive
    from loopwright.settings import Loop

    if (loop / "journal.db").exists():
        raise UsageError(f"{loop} is a run already; go on with it by 'loopwright resume {loop}'")
    table = overrides(changes)
    if seed is not None:
        table["seed"] = seed
    settings = Loop.load(loop, table)
    callbacks = make_callbacks(logs, root=loop.parent)
    folder = out if out is not None else new_folder(loop)

    from loopwright.runner import run_async

    return drive(
        folder,
        lambda listener: run_async(settings, folder, root=loop.parent, listener=listener, callbacks=callbacks),
        settings,
        json=json,
        quiet=quiet,
    )


def new_folder(loop: Path) -> Path:
    """The first free `runs/<stem>-<number>` beside the loop file; made at once, so that no other run takes it."""
    runs = loop.parent / "runs"
    taken = [name.rpartition("-")[2] for name in (path.name for path in runs.glob(f"{loop.stem}-*"))]
    number = max((int(end) for end in taken if end.isdigit()), default=0) + 1
    while True:
        folder = runs / f"{loop.stem}-{number}"
        try:
            folder.mkdir(parents=True)
        except FileExistsError:
            number += 1
        except OSError as error:
            raise StoreError(
                f"the run folder {folder} cannot be made: {error.strerror}; name another by --out"
            ) from None
        else:
            return folder
