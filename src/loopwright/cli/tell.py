"""`loopwright tell`: the answer to a question that a run waits with."""

from __future__ import annotations

import contextlib
import os
import sys
import tempfile
from pathlib import Path

import click

from loopwright.errors import StoreError, UsageError


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.argument("answer", metavar="FILE|-", type=click.Path(path_type=Path, allow_dash=True))
@click.option("--question", metavar="NAME", help="Which question, where several are open (default: the oldest).")
@click.option("--resume", "go_on", is_flag=True, help="Go on with the run at once.")
@click.option("--json", is_flag=True, help="With --resume: one JSON object a line, as for 'run'.")
@click.option("--quiet", is_flag=True, help="With --resume: show no progress.")
def tell(run: Path, answer: Path, question: str | None, go_on: bool, json: bool, quiet: bool) -> int:
    """Answer the question that a run waits with: from a file, or `-` for standard input.

    The answer is read like any model's reply: one that cannot be read is refused with its reason, and the run goes on.
    """
    from loopwright.cli.ask import open_question
    from loopwright.cli.text import quoted

    asked, place = open_question(run, question)
    put_answer(place, _read(answer))
    if go_on:
        from loopwright.cli.resume import resumed

        return resumed(run, json=json, quiet=quiet)
    if not json:
        click.echo(f"kept the answer to question {asked.stem}; go on with: loopwright resume {quoted(run)}")
    return 0


def put_answer(place: Path, text: str) -> None:
    """Write an answer at one stroke: a run that looks for it sees all of it or nothing. Raises `StoreError`."""
    descriptor, temporary = tempfile.mkstemp(prefix=".answer-", dir=place.parent)
    try:
        with os.fdopen(descriptor, "w", encoding="utf-8", newline="") as handle:
            handle.write(text)
        os.link(temporary, place)  # fails where another answer came first, unlike a rename
    except FileExistsError:
        raise StoreError(f"the question {place.name.split('.')[0]} has been answered by someone else already") from None
    except OSError as error:
        raise StoreError(f"the answer cannot be kept in {place.parent}: {error.strerror}") from None
    finally:
        with contextlib.suppress(FileNotFoundError):
            os.unlink(temporary)


def _read(answer: Path) -> str:
    """The answer's text. Raises `UsageError` for what is no text, or none at all."""
    where = "standard input" if str(answer) == "-" else str(answer)
    try:
        data = sys.stdin.buffer.read() if str(answer) == "-" else answer.read_bytes()
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        raise UsageError(f"the answer in {where} is not UTF-8 text; nothing was kept") from None
    except OSError as error:
        raise UsageError(f"the answer cannot be read from {where}: {error.strerror}") from None
    if not text.strip():
        raise UsageError(f"the answer in {where} is empty; nothing was kept")
    return text
