"""`loopwright resume`: go on with a run where it stands."""

from __future__ import annotations

from pathlib import Path

import click

from loopwright.cli.app import overrides


@click.command()
@click.argument("run", type=click.Path(path_type=Path))
@click.option("--set", "changes", multiple=True, metavar="budget.NAME=VALUE", help="Change a limit: budget.steps=40.")
@click.option(
    "--log", "logs", multiple=True, metavar="NAME", help="Follow it: tensorboard, wandb, mlflow, module:Class."
)
@click.option("--json", is_flag=True, help="Write one JSON object a line to standard output, and nothing else.")
@click.option("--quiet", is_flag=True, help="Show no progress.")
def resume(run: Path, changes: tuple[str, ...], logs: tuple[str, ...], json: bool, quiet: bool) -> int:
    """Go on with a run that was stopped, that waits, or that shall go further.

    It continues exactly where it stands; no finished trial or model call is done again. Only limits can be changed:
    anything else would make it another run.
    """
    return resumed(run, changes, logs, json=json, quiet=quiet)


def resumed(run: Path, changes: tuple[str, ...] = (), logs: tuple[str, ...] = (), *, json: bool, quiet: bool) -> int:
    """What `resume` and `tell --resume` do."""
    from loopwright.callbacks import make_callbacks
    from loopwright.cli.drive import drive
    from loopwright.errors import SettingsError
    from loopwright.record import record
    from loopwright.runner import resume_async

    budget: dict[str, object] = {}
    for name, value in overrides(changes).items():
        table, _, limit = name.partition(".")
        if table != "budget" or not limit:
            raise SettingsError(
                f"--set {name}: a run that has begun keeps its settings, only its limits can change, such as "
                "budget.steps=40; start a new run for anything else"
            )
        budget[limit] = value
    found = record(run)  # says in one sentence where this is no run
    callbacks = make_callbacks(logs, root=Path(found.root or "."))
    return drive(
        run,
        lambda listener: resume_async(run, budget=budget, listener=listener, callbacks=callbacks),
        found.loop,
        json=json,
        quiet=quiet,
    )
