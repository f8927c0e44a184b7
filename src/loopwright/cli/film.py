"""`loopwright film`: a moving picture of a candidate at work, or a strip of what an update's evidence showed."""

from __future__ import annotations

from pathlib import Path

import click

from loopwright.errors import UsageError
from loopwright.trial import Trial

_ATARI = "loopwright.tasks.atari:"


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--candidate", default="best", metavar="ID", help="Which one: best (default), start, current, or an id.")
@click.option("--index", default=0, metavar="K", help="Which test example it plays (default: 0).")
@click.option("--out", type=click.Path(path_type=Path), metavar="FILE", help="A .gif or .webp file; .png with --strip.")
@click.option("--strip", is_flag=True, help="Instead: the screens at the steps that an update's evidence showed.")
@click.option("--step", type=int, metavar="N", help="With --strip: which update (default: the last).")
def film(run: Path, candidate: str, index: int, out: Path | None, strip: bool, step: int | None) -> int:
    """Film a candidate of an Atari run: play one test game again and write it as a moving picture.

    The candidate runs once more, isolated as in the run; the picture is then made from its actions. With --strip no
    program runs: the recorded actions of update N are played again, and the screens inside the credit horizon are put
    side by side.
    """
    from loopwright.record import record
    from loopwright.rerunning import rerun

    found = record(run)
    if not found.loop.task.startswith(_ATARI):
        raise UsageError(f"the task '{found.loop.task}' has nothing to film; the tasks of loopwright.tasks.atari have")
    game = found.loop.task.removeprefix(_ATARI).lower()
    if strip:
        return _strip(run, game, step, out)
    if step is not None:
        raise UsageError("--step names the update of a strip; add --strip")
    from loopwright.tasks.atari.film import film_trial

    path = out or found.path / f"{candidate}.gif"
    trial = rerun(run, candidate=candidate, index=index)
    pictures = film_trial(game, found.loop.task_options, trial, path)
    click.echo(f"wrote {path}: {pictures} pictures of a game with score {trial.score:g}")
    return 0


def _strip(run: Path, game: str, step: int | None, out: Path | None) -> int:
    """One file for each experience of the update."""
    from loopwright.evidence.evidence import cut_all
    from loopwright.record import opened
    from loopwright.seeding import derive
    from loopwright.store.events import Ran
    from loopwright.tasks.atari.film import strip_trial

    with opened(run) as (found, journal):
        if not found.updates:
            raise UsageError(f"the run {run} has no update yet, so no evidence to show")
        update = found.update(found.updates[-1].step if step is None else step)
        events = journal.entries(traces=True, since=update.step, until=update.step)
        trials: list[Trial] = [
            entry.event.trial for entry in events if isinstance(entry.event, Ran) and entry.event.trial.spec.record
        ]
    loop = found.loop
    experiences = cut_all(trials, loop.evidence.horizon, derive(loop.seed, "horizon", update.step))
    for place, (trial, experience) in enumerate(zip(trials, experiences, strict=True)):
        number = f"-{place + 1}" if len(trials) > 1 else ""
        path = out or found.path / f"update-{update.step}.png"
        path = path.with_name(f"{path.stem}{number}{path.suffix}")
        steps = strip_trial(game, loop.task_options, trial, experience.window[:2], path)
        click.echo(f"wrote {path}: the screens after steps {', '.join(map(str, steps))} of {experience.window[2]}")
    return 0
