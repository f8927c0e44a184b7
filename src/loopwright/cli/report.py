"""`loopwright report`: one HTML file about a run or a study, and its figures as tables. What is in it: `report/`."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from loopwright.errors import StoreError, UsageError
from loopwright.record import RunRecord, record

if TYPE_CHECKING:
    from loopwright.report.film import Film


@click.command()
@click.argument("run", type=click.Path(path_type=Path), metavar="RUN|STUDY")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE.html", help="Default: report.html in the folder.")
@click.option("--tables", type=click.Path(path_type=Path), metavar="DIR", help="Tables as CSV, Markdown and LaTeX too.")
@click.option("--error", default=0.05, metavar="P", help="Of a study: chance of any false claim in a table (0.05).")
@click.option("--no-film", is_flag=True, help="Do not play a game again to film it.")
def report(run: Path, out: Path | None, tables: Path | None, error: float, no_film: bool) -> int:
    """Write one self-contained HTML file about a run or a study, under way or ended.

    The file opens offline in any browser. Of an Atari run the best candidate is filmed, isolated as in the run.
    """
    if (run / "study.json").exists():
        page, files = _of_study(run, error, tables=tables is not None)
    else:
        page, files = _of_run(run, film=not no_film, tables=tables is not None)
    path = out or run / "report.html"
    _write(path, page)
    click.echo(f"wrote {path}: {len(page.encode()) / 1e6:.2f} MB")
    if tables is not None:
        for name, text in files.items():
            _write(tables / name, text)
        click.echo(f"wrote {len(files)} files into {tables}")
    return 0


def _of_run(folder: Path, *, film: bool, tables: bool) -> tuple[str, dict[str, str]]:
    from loopwright.report.run_page import run_page
    from loopwright.report.run_tables import run_tables
    from loopwright.report.tables import forms

    found = record(folder)
    return run_page(found, film=_film(found, wanted=film)), forms(run_tables(found)) if tables else {}


def _of_study(folder: Path, error: float, *, tables: bool) -> tuple[str, dict[str, str]]:
    from loopwright.report.study_page import study_page, study_tables
    from loopwright.study.collect import collect

    if not 0 < error < 1:
        raise UsageError(f"--error is a chance between 0 and 1, such as 0.05; got {error:g}")
    result = collect(folder)
    return study_page(result, error=error), study_tables(result, error=error) if tables else {}


def _film(run: RunRecord, *, wanted: bool) -> Film | None:
    from loopwright.report.film import find_film, make_film

    film = find_film(run)
    if film is None and wanted:
        film, why = make_film(run)
        if why:
            click.echo(f"note: {why}", err=True)
    return film


def _write(path: Path, text: str) -> None:
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8", errors="replace")
    except OSError as error:
        raise StoreError(f"{path} cannot be written: {error.strerror}; name another place") from None
