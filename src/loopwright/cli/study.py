"""`loopwright study`: run many runs that differ in chosen settings, and see what can be said of the differences."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import click

from loopwright.cli.app import INTERRUPTED, overrides
from loopwright.cli.text import clean, counted, duration, number, quoted

if TYPE_CHECKING:
    from loopwright.study.definition import Study
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
@click.option("--quiet", is_flag=True, help="Show no progress.")
def run_(file: Path, out: Path | None, changes: tuple[str, ...], quiet: bool) -> int:
    """Run a study, or go on with it.

    Runs that are in the study's folder already are not run again: after an interruption, with more repeats or with a
    new level, only what is missing is run.
    """
    wanted, root = loaded(file, changes)
    folder = out or file.parent / "studies" / file.stem
    return _run(wanted, folder, root, quiet=quiet)


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
