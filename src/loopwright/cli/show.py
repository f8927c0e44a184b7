"""`loopwright show`: look at a run, under way or finished. What is shown is in `views` and `evidence_view`."""

from __future__ import annotations

from pathlib import Path

import click

from loopwright.errors import UsageError
from loopwright.record import RunRecord, opened
from loopwright.store.journal import Journal
from loopwright.trial import Trial


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--step", type=int, metavar="N", help="Everything about one update.")
@click.option("--evidence", is_flag=True, help="With --step: exactly what the optimizer saw, byte for byte.")
@click.option("--call", type=int, metavar="K", help="With --evidence: the update's K-th model call (default: 1).")
@click.option("--candidate", metavar="ID", help="A candidate's texts: an id, or best, start, current.")
@click.option("--diff", nargs=2, metavar="A B", help="What changes from one candidate to another.")
@click.option("--trials", is_flag=True, help="All trials, or with --step those of one update.")
@click.option("--trace", is_flag=True, help="With --step: the whole recorded execution of each of its trials.")
@click.option(
    "--graph",
    type=click.Path(path_type=Path, dir_okay=False),
    metavar="FILE",
    help="With --step: draw the calls of a trial (.svg, .dot, .png).",
)
@click.option("--trial", type=int, metavar="K", help="With --graph: the update's K-th trial (default: 1).")
@click.option("--all", "every", is_flag=True, help="Every update in the table, however many there are.")
@click.option("--json", is_flag=True, help="The same as JSON.")
def show(
    run: Path,
    step: int | None,
    evidence: bool,
    call: int | None,
    candidate: str | None,
    diff: tuple[str, str] | None,
    trials: bool,
    trace: bool,
    graph: Path | None,
    trial: int | None,
    every: bool,
    json: bool,
) -> None:
    """Show a run: without options its settings, its learning curve and what was refused."""
    chosen = [name for name, given in (("--candidate", candidate), ("--diff", diff), ("--step", step)) if given]
    if len(chosen) > 1:
        raise UsageError(f"{' and '.join(chosen)} show different things; give one of them")
    for name, given in (("--evidence", evidence), ("--trace", trace), ("--graph", graph)):
        if given and step is None:
            raise UsageError(f"{name} is about one update: add --step N")
    if call is not None and not evidence:
        raise UsageError("--call chooses among an update's model calls: add --evidence")
    if trial is not None and graph is None:
        raise UsageError("--trial chooses the trial to draw: add --graph FILE")
    with opened(run) as (record, journal):
        if evidence and step is not None:
            _evidence(record, step, call, json=json)
        elif trace and step is not None:
            _trace(record, journal, step, json=json)
        elif graph is not None and step is not None:
            _graph(record, journal, step, trial, graph)
        elif json:
            _print_json(record, step, candidate, diff, trials=trials)
        else:
            _print(record, step, candidate, diff, trials=trials, every=every)


def _print(
    record: RunRecord,
    step: int | None,
    candidate: str | None,
    diff: tuple[str, str] | None,
    *,
    trials: bool,
    every: bool,
) -> None:
    from loopwright.cli import views
    from loopwright.cli.text import clean

    if diff is not None:
        lines = views.coloured(record.candidate(diff[0]).diff(record.candidate(diff[1])))
    elif candidate is not None:
        lines = views.candidate(record, record.candidate(candidate))
    elif trials:
        lines = views.trials(record, step)
    elif step is not None:
        lines = views.update(record, record.update(step))
    else:
        lines = views.summary(record, every=every)
    for text in lines or ["no difference"]:
        click.echo(text if diff is not None else clean(text))


def _print_json(
    record: RunRecord, step: int | None, candidate: str | None, diff: tuple[str, str] | None, *, trials: bool
) -> None:
    from loopwright.cli import plain

    if diff is not None:
        data: object = {"diff": record.candidate(diff[0]).diff(record.candidate(diff[1]))}
    elif candidate is not None:
        data = plain.candidate(record, record.candidate(candidate))
    elif trials:
        data = plain.trials(record, step)
    elif step is not None:
        data = plain.update(record.update(step))
    else:
        data = plain.summary(record)
    click.echo(plain.encoded(data))


def _evidence(record: RunRecord, step: int, call: int | None, *, json: bool) -> None:
    """The bytes on standard output, what they cost on standard error."""
    import sys

    from loopwright.cli import plain
    from loopwright.cli.seen import seen
    from loopwright.cli.text import clean

    found = seen(record, record.update(step), call)
    if json:
        click.echo(plain.encoded(found))
        return
    if sys.stdout.isatty():
        click.echo(clean(found.text))
    else:
        click.echo(found.text.encode("utf-8", "surrogatepass"), nl=False)
    for text in found.notes():
        click.echo(text, err=True)


def _trace(record: RunRecord, journal: Journal, step: int, *, json: bool) -> None:
    """Executions as they were recorded, in full: rendered as evidence is, but with no horizon and no limit."""
    from loopwright.cli import plain, views
    from loopwright.cli.text import clean

    recorded = _recorded(record, journal, step)
    if json:
        click.echo(plain.encoded(recorded))
        return
    for text in views.traces(record, recorded):
        click.echo(clean(text))


def _graph(record: RunRecord, journal: Journal, step: int, trial: int | None, file: Path) -> None:
    """Draw the data flow of one trial into a file."""
    from loopwright.trace.drawing import render

    recorded = _recorded(record, journal, step)
    if not recorded:
        raise UsageError(f"update {step} has no recorded execution yet: its trials are still under way")
    if trial is not None and not 1 <= trial <= len(recorded):
        raise UsageError(f"update {step} has no recorded trial {trial}; they are 1 to {len(recorded)}")
    trace = recorded[(trial or 1) - 1].trace
    drawn = trace.graph() if trace is not None else None
    if drawn is None or not drawn.calls:
        raise UsageError(
            f"no traced function was called in trial {trial or 1} of update {step}: there is nothing to draw"
        )
    try:
        render(drawn, file)
    except OSError as error:
        raise UsageError(f"the graph cannot be written to {file}: {error.strerror or error}") from None
    click.echo(f"{len(drawn.calls)} calls of trial {trial or 1} of {len(recorded)} in update {step}: {file}")


def _recorded(record: RunRecord, journal: Journal, step: int) -> list[Trial]:
    """The trials of an update whose executions were recorded, with their traces."""
    from loopwright.store.events import Ran

    record.update(step)
    found = [e.event.trial for e in journal.entries(traces=True, since=step, until=step) if isinstance(e.event, Ran)]
    return [trial for trial in found if trial.spec.record]
