"""`python -m loopwright.tasks.mlbench TASK`: print a starting artifact in the form asked for."""

from __future__ import annotations

import click

from loopwright.tasks.mlbench import starting


@click.command("python -m loopwright.tasks.mlbench")
@click.argument("task", metavar="TASK")
@click.option("--structure", default="many", show_default=True, help="many or one: how many functions are edited.")
@click.option("--docs", default="full", show_default=True, help="full or none: docstrings.")
@click.option("--code", default="stub", show_default=True, help="stub or working: the bodies.")
def main(task: str, structure: str, docs: str, code: str) -> None:
    """Print a starting artifact of TASK (spaceship-titanic or house-prices)."""
    click.echo(starting(task, structure, docs, code), nl=False)  # pyright: ignore[reportArgumentType] - checked there


if __name__ == "__main__":
    from loopwright.cli.app import reported
    from loopwright.errors import LoopwrightError

    try:
        main()
    except LoopwrightError as error:
        raise SystemExit(reported(error)) from None
