"""`loopwright study`: run many runs that differ in chosen settings, and see what can be said of the differences."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING

import click
import msgspec

from loopwright.cli.app import INTERRUPTED, overrides
from loopwright.cli.text import clean, quoted, table
from loopwright.errors import UsageError, nearest
from loopwright.wording import counted, duration, number, spent

if TYPE_CHECKING:
    from loopwright.study.contrasts import Unit
    from loopwright.study.definition import Study
    from loopwright.study.results import By, Score
    from loopwright.study.runner import StudyOutcome, Told


@click.group(invoke_without_command=False)
def study() -> None:
    """Which setting matters here? Many runs that differ in chosen settings, compared honestly.

    Write study.toml, see what it would cost with 'loopwright study run --dry-run', run it, then look at it with
    'loopwright study show'.
    """


@study.command("run")
@click.argument("file", type=click.Path(path_type=Path), metavar="STUDY.toml")
@click.option("--out", type=click.Path(path_type=Path), metavar="DIR", help="Folder of the study (studies/NAME).")
@click.option("--set", "changes", multiple=True, metavar="NAME=VALUE", help="Change the study: repeats=8.")
@click.option("--dry-run", is_flag=True, help="Say what the missing runs would cost, after a short probe; run none.")
@click.option("--quiet", is_flag=True, help="Show no progress.")
def run_(file: Path, out: Path | None, changes: tuple[str, ...], dry_run: bool, quiet: bool) -> int:
    """Run a study, or go on with it.

    Runs that are in the study's folder already are not run again: after an interruption, with more repeats or with a
    new level, only what is missing is run.
    """
    wanted, root = loaded(file, changes)
    folder = out or file.parent / "studies" / file.stem
    return _dry_run(wanted, folder, root) if dry_run else _run(wanted, folder, root, quiet=quiet)


def _dry_run(wanted: Study, folder: Path, root: Path) -> int:
    from loopwright.study.design import aliases_of, cells_of, resolution
    from loopwright.study.estimate import estimate

    found = asyncio.run(estimate(wanted, folder, root=root))
    cells = cells_of(wanted.axes, wanted.design)
    click.echo(
        f"{counted(len(cells), 'cell')} x {counted(wanted.repeats, 'repeat')}; {counted(found.done, 'run')} done"
    )
    click.echo(f"to run: {counted(found.runs, 'run')}, at most {counted(found.trials, 'trial')}")
    click.echo(f"about:  {spent(found.usage)}, {duration(found.seconds)} with {counted(wanted.slots, 'slot')}")
    if (quality := resolution(wanted.axes, wanted.design)) is not None:
        click.echo(f"a fraction of resolution {quality}; what cannot be told apart:")
        for effect, others in aliases_of(wanted.axes, wanted.design).items():
            if others:
                click.echo(f"  {clean(effect)} and {clean(', '.join(others))}")
    for text in found.how:
        click.echo(f"- {text}")
    return 0


@study.command("show")
@click.argument("folder", type=click.Path(path_type=Path), metavar="STUDY")
@click.option("--score", type=click.Choice(["best", "current", "test"]), default="best", help="What is compared.")
@click.option(
    "--by", type=click.Choice(["updates", "trials", "tokens"]), default="updates", help="Equal budget of what."
)
@click.option("--at", type=float, metavar="X", help="The budget; by default the most that all runs reached.")
@click.option("--error", type=float, default=0.05, metavar="P", help="Chance of any false claim in the table (0.05).")
@click.option("--unit", type=click.Choice(["pair", "repeat"]), default="pair", help="What counts as one difference.")
@click.option("--rows", metavar="AXIS", help="Mean and standard error by this axis's levels (the paper's Table 1).")
@click.option("--columns", metavar="AXIS", help="With --rows: a column for each level of this axis, such as the task.")
@click.option(
    "--tables", type=click.Path(path_type=Path), metavar="DIR", help="Write all tables as CSV, Markdown, LaTeX."
)
@click.option("--json", is_flag=True, help="Everything measured and found, as JSON.")
def show_(
    folder: Path,
    score: Score,
    by: By,
    at: float | None,
    error: float,
    unit: Unit,
    rows: str | None,
    columns: str | None,
    tables: Path | None,
    json: bool,
) -> None:
    """Show what can be said of a study, under way or done.

    Runs are compared at one equal budget, in pairs with the same seed. An effect is claimed only where its interval
    leaves out zero and its test stays under the error after correction for all effects of the table.
    """
    from loopwright.study import tables as made
    from loopwright.study.analysis import analyse, curves
    from loopwright.study.collect import collect

    result = collect(folder)
    names = [axis.name for axis in result.axes]
    for axis in (rows, columns):
        if axis is not None and axis not in names:
            raise UsageError(f"the study has no axis '{axis}'{nearest(axis, names)}")
    if columns and not rows:
        raise UsageError("--columns needs --rows")
    found = analyse(result, score=score, by=by, at=at, error=error, unit=unit)
    if json:
        plain = {"result": result, "analysis": found, "curves": curves(result, by=by, error=error)}
        click.echo(msgspec.json.encode(plain).decode())
        return
    named = {"cells": made.cells_table(result, found), "effects": made.effects_table(found)}
    named["protocol"] = made.protocol(result, columns)
    if rows:
        named["levels"] = made.by_level(result, found, rows, columns)
    for name in ("levels",) if rows else ("cells", "effects"):
        right = range(1, len(named[name].head)) if name == "levels" else ()
        for text in [named[name].title, *table(named[name].head, named[name].rows, right=right), ""]:
            click.echo(clean(text))
    for note in found.notes:
        click.echo(f"- {note}")
    if tables is not None:
        named["curves"] = made.curves_table(curves(result, by=by, error=error), by)
        _write(
            tables,
            {f"{name}.{kind}": form(each) for name, each in named.items() for kind, form in made.FORMATS.items()},
        )


def _write(folder: Path, files: dict[str, str]) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in files.items():
            (folder / name).write_text(text, encoding="utf-8")
    except OSError as error:
        raise UsageError(f"the tables cannot be written to {folder}: {error.strerror}") from None
    click.echo(f"{counted(len(files), 'file')} in {quoted(folder)}", err=True)


def loaded(file: Path, changes: tuple[str, ...] = ()) -> tuple[Study, Path]:
    """A study file, and the folder that the paths in its loop are relative to."""
    import tomllib

    from loopwright.study.definition import Study

    wanted = Study.load(file, overrides(changes))
    loop = tomllib.loads(file.read_text(encoding="utf-8")).get("loop")
    return wanted, (file.parent / loop).parent if isinstance(loop, str) else file.parent


def _run(wanted: Study, folder: Path, root: Path, *, quiet: bool) -> int:
    from loopwright.study.runner import run_study

    try:
        outcome = run_study(wanted, folder, root=root, teller=None if quiet else _tell)
    except KeyboardInterrupt:
        click.echo("Interrupted; all that was done is kept. The same command goes on.", err=True)
        return INTERRUPTED
    for text in _closing(outcome):
        click.echo(clean(text))
    return 1 if outcome.stopped or outcome.failed else 3 if outcome.waiting else 0


def _tell(told: Told) -> None:
    """One line for each run that ends."""
    place = f"[{told.finished}/{told.total}]"
    if told.event == "done" and told.outcome is not None:
        outcome = told.outcome
        course = f"{number(outcome.start_validation)} -> {number(outcome.best_validation)}"
        click.echo(clean(f"{place} {told.run.label}: {course}, {counted(outcome.steps, 'update')}"), err=True)
    elif told.event in {"failed", "waiting"}:
        click.echo(clean(f"{place} {told.run.label}: {told.event}: {told.why}"), err=True)


def _closing(outcome: StudyOutcome) -> list[str]:
    result = outcome.result
    done = sum(run.state == "done" for run in result.runs)
    seconds = sum(run.curve[-1].seconds for run in result.runs if run.curve)
    trials = sum(run.curve[-1].trials for run in result.runs if run.curve)
    lines = [
        f"{done} of {counted(len(result.runs), 'run')} done; {counted(trials, 'trial')}, {duration(seconds)} of work"
    ]
    if outcome.stopped:
        lines.append(f"Stopped: {outcome.stopped}. With a larger budget the same command goes on.")
    if outcome.failed:
        lines.append(f"{counted(outcome.failed, 'run')} failed; the same command tries them again.")
    if outcome.waiting:
        lines.append(
            f"{counted(outcome.waiting, 'run')} wait for an answer by hand: 'loopwright ask RUN', then 'tell'."
        )
    return [*lines, f"  loopwright study show {quoted(outcome.folder)}"]
