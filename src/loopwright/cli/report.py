"""`loopwright report`: one HTML file about a run or a study, and its figures as tables. What is in it: `report/`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from loopwright.errors import StoreError
from loopwright.record import RunRecord, record

if TYPE_CHECKING:
    from loopwright.report.film import Film


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option(
    "--out", type=click.Path(path_type=Path), metavar="FILE.html", help="Where to (default: report.html in it)."
)
@click.option("--tables", type=click.Path(path_type=Path), metavar="DIR", help="Tables as CSV, Markdown and LaTeX too.")
@click.option("--no-film", is_flag=True, help="Do not play a game again to film it.")
def report(run: Path, out: Path | None, tables: Path | None, no_film: bool) -> int:
    """Write one self-contained HTML file about a run, under way or ended.

    The file opens offline in any browser. Of an Atari run the best candidate is filmed, isolated as in the run.
    """
    from loopwright.report.run_page import run_page

    found = record(run)
    page = run_page(found, film=_film(found, wanted=not no_film))
    path = out or found.path / "report.html"
    _write(path, page)
    click.echo(f"wrote {path}: {len(page.encode()) / 1e6:.2f} MB")
    if tables is not None:
        from loopwright.report.run_tables import run_tables
        from loopwright.report.tables import write_tables

        written = write_tables(run_tables(found), tables)
        click.echo(f"wrote {len(written)} files into {tables}")
    return 0


def _film(run: RunRecord, *, wanted: bool) -> Film | None:
    from loopwright.report.film import find_film, make_film

    film = find_film(run)
    if film is None and wanted:
        film, why = make_film(run)
        if why:
            click.echo(f"note: {why}", err=True)
    return film


def _write(path: Path, page: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(page, encoding="utf-8")
    except OSError as error:
        raise StoreError(f"the report {path} cannot be written: {error.strerror}; name another file by --out") from None
