"""`loopwright film`: a moving picture of a candidate at work, for tasks that have something to see."""

from __future__ import annotations

from pathlib import Path

import click

from loopwright.errors import UsageError

_ATARI = "loopwright.tasks.atari:"


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--candidate", default="best", metavar="ID", help="Which one: best (default), start, current, or an id.")
@click.option("--index", default=0, metavar="K", help="Which test example it plays (default: 0).")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="A .gif or .webp file.")
def film(run: Path, candidate: str, index: int, out: Path | None) -> int:
    """Film a candidate of an Atari run: play one test game again and write it as a moving picture.

    The candidate runs once more, isolated as in the run; the picture is then made from its actions.
    """
    from loopwright.record import record
    from loopwright.rerun import rerun

    found = record(run)
    if not found.loop.task.startswith(_ATARI):
        raise UsageError(f"the task '{found.loop.task}' has nothing to film; the tasks of loopwright.tasks.atari have")
    from loopwright.tasks.atari.film import film_trial

    path = out or found.path / f"{candidate}.gif"
    trial = rerun(run, candidate=candidate, index=index)
    game = found.loop.task.removeprefix(_ATARI).lower()
    pictures = film_trial(game, found.loop.task_options, trial, path)
    click.echo(f"wrote {path}: {pictures} pictures of a game with score {trial.score:g}")
    return 0
