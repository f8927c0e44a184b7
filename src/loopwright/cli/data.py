"""`loopwright data`: which data sets there are and where, and fetching one."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import click

from loopwright.errors import UsageError

if TYPE_CHECKING:
    from loopwright.data import DataSet, FileState


@click.command()
@click.argument("action", type=click.Choice(["list", "pull"]))
@click.argument("name", required=False)
@click.option(
    "--from", "source", type=click.Path(path_type=Path), metavar="FOLDER", help="With pull: take them from here."
)
@click.option("--json", is_flag=True, help="With list: the same as JSON.")
def data(action: str, name: str | None, source: Path | None, json: bool) -> None:
    """List the data sets that tasks use, or fetch one.

    'pull NAME' fetches what is missing from its source, or from FOLDER, and checks every file's sha256.
    """
    if action == "list":
        if source is not None:
            raise UsageError("--from goes with 'data pull NAME'")
        _list(name, json=json)
        return
    from loopwright import data as sets

    if name is None:
        raise UsageError(f"name the data set to fetch: {', '.join(sets.names())}")
    if json:
        raise UsageError("--json goes with 'data list'")
    _pull(name, source)


def _pull(name: str, source: Path | None) -> None:
    from loopwright.cli.text import quoted
    from loopwright.data.pull import pull
    from loopwright.wording import counted

    done = pull(name, source=source, tell=lambda text: click.echo(f"  {text}"))
    if done.fetched:
        click.echo(f"{counted(len(done.fetched), 'file')} of '{name}' checked and put into {quoted(done.path)}")
    else:
        click.echo(f"'{name}' is complete already, in {quoted(done.path)}")


def _list(name: str | None, *, json: bool) -> None:
    from loopwright import data as sets
    from loopwright.cli.text import table

    chosen = [name] if name is not None else sets.names()
    found = {each: sets.states(each) for each in chosen}
    if json:
        from loopwright.cli.plain import encoded

        click.echo(encoded([{"name": each, **_plain(sets.data_set(each), found[each])} for each in chosen]))
        return
    rows = [[each, _standing(files), _where(files)] for each, files in found.items()]
    for line in table(["data set", "files", "where"], rows):
        click.echo(line)
    click.echo()
    for each in chosen:
        click.echo(f"{each}: {sets.data_set(each).about} ({sets.data_set(each).licence})")
    bad = [f"{file.path}" for files in found.values() for file in files if file.state == "changed"]
    if bad:
        click.echo(f"\nchanged or cut short: {', '.join(bad)}; delete them and run 'loopwright data pull NAME'")


def _standing(files: Sequence[FileState]) -> str:
    good = sum(file.state == "good" for file in files)
    changed = sum(file.state == "changed" for file in files)
    return f"{good} of {len(files)}" + (f", {changed} changed" if changed else "")


def _where(files: Sequence[FileState]) -> str:
    folders = dict.fromkeys(str(file.path.parent) for file in files if file.path is not None)
    return ", ".join(folders) or "nowhere: fetch it with 'loopwright data pull'"


def _plain(known: DataSet, files: Sequence[FileState]) -> dict[str, object]:
    rows = [
        {"name": file.name, "state": file.state, "path": None if file.path is None else str(file.path)}
        for file in files
    ]
    return {"about": known.about, "licence": known.licence, "files": rows}
