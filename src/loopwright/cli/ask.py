"""`loopwright ask`: the question that a run waits with, exactly as a model would be sent it."""

from __future__ import annotations

import sys
from pathlib import Path

import click

from loopwright.errors import UsageError
from loopwright.store.run_folder import RunFolder


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--question", metavar="NAME", help="Which question, where several are open (default: the oldest).")
def ask(run: Path, question: str | None) -> None:
    """Print the question that a run waits with.

    The question alone goes to standard output, so that it can be piped; where to answer goes to standard error.
    """
    from loopwright.cli.text import clean, quoted

    path, _ = open_question(run, question)
    data = path.read_bytes()
    if sys.stdout.isatty():
        click.echo(clean(data.decode("utf-8", "replace")))
    else:
        click.echo(data, nl=False)
    others = [other.stem for other, _ in RunFolder(run).open_questions() if other != path]
    if others:
        click.echo(f"also open: {', '.join(others)} (--question NAME)", err=True)
    named = f" --question {path.stem}" if others else ""
    click.echo(f"question {path.stem}; answer with: loopwright tell {quoted(run)} ANSWER.md{named} --resume", err=True)


def open_question(run: Path, name: str | None) -> tuple[Path, Path]:
    """An open question's file and the place for its answer. Raises `UsageError` where nothing is asked."""
    from loopwright.errors import nearest
    from loopwright.record import record

    found = record(run)  # says in one sentence where this is no run
    questions = found.folder.open_questions()
    if not questions:
        raise UsageError(f"the run {run} asks nothing now; it is {found.state()}")
    if name is None:
        return questions[0]
    for path, answer in questions:
        if name in {path.stem, path.name}:
            return path, answer
    raise UsageError(f"the run {run} asks no question '{name}'{nearest(name, [path.stem for path, _ in questions])}")
