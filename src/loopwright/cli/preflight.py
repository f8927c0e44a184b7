"""`loopwright preflight`: what speaks against a loop before it is run; without a loop, what protects this machine."""

from __future__ import annotations

import textwrap
from pathlib import Path
from typing import TYPE_CHECKING

import click

from loopwright.cli.app import overrides

if TYPE_CHECKING:
    from loopwright.preflight import Finding, Preflight

_COLOURS = {"ok": "green", "note": "cyan", "warning": "yellow", "error": "red"}


@click.command()
@click.argument("loop", required=False, type=click.Path(path_type=Path), metavar="[LOOP.toml]")
@click.option("--set", "changes", multiple=True, metavar="NAME=VALUE", help="Change a setting: search.accept=improve.")
@click.option("--examples", default=8, metavar="N", help="Run the start on at most N examples of a split (default: 8).")
@click.option("--hope", type=float, metavar="X", help="The smallest improvement worth finding, in units of the score.")
@click.option("--window", type=int, metavar="N", help="The context of the optimizer's model, in tokens.")
@click.option("--json", is_flag=True, help="The same as JSON.")
def preflight(
    loop: Path | None, changes: tuple[str, ...], examples: int, hope: float | None, window: int | None, json: bool
) -> int:
    """Say what speaks against a loop before it is run, by running its start a few times.

    Model calls of the starting artifact are paid, within the loop's own budget. Exits with 1 where there is an error.
    Without a loop file: which protections hold on this machine when code that a model wrote is run.
    """
    if loop is None:
        _protections(json=json)
        return 0
    if examples < 1:
        raise click.BadParameter("it must be at least 1", param_hint="--examples")
    from loopwright.preflight import preflight as check
    from loopwright.settings import Loop

    settings = Loop.load(loop, overrides(changes))
    found = check(settings, loop.parent, examples=examples, hope=hope, window=window)
    if json:
        from loopwright.cli import plain

        click.echo(plain.encoded(found))
    else:
        _say(found)
    return 1 if found.at("error") else 0


def _say(found: Preflight) -> None:
    from loopwright.cli.text import clean, width
    from loopwright.wording import counted, duration, spent

    size = max(len(each.code) for each in found.findings)
    room = max(40, min(width(), 110) - size - 11)
    for each in found.findings:
        word = click.style(f"{each.level:<7}", fg=_COLOURS[each.level], bold=each.level in {"warning", "error"})
        lines = [line for text in _texts(each) for line in textwrap.wrap(clean(text), room)]
        click.echo(f"{word}  {each.code.ljust(size)}  {lines[0]}")
        for line in lines[1:]:
            click.echo(f"{'':7}  {'':{size}}  {line}")
    counts = [counted(len(at), name) for name in ("error", "warning") if (at := found.at(name))]
    head = ", ".join(counts) if counts else "Nothing speaks against this loop"
    click.echo(f"\n{head}; {counted(found.trials, 'trial')}, {spent(found.usage)}, {duration(found.seconds)}.")


def _texts(finding: Finding) -> list[str]:
    advice = f"-> {finding.advice}" if finding.advice else ""
    return [finding.text, *([advice] if advice else [])]


def _protections(*, json: bool) -> None:
    from loopwright.cli import plain
    from loopwright.execution.protections import protections

    found = protections()
    if json:
        click.echo(plain.encoded(found))
        return
    click.echo('With execution.isolation = "process", the default, a candidate\'s code is held by:')
    size = max(len(each.name) for each in found)
    for each in found:
        word = click.style("yes", fg="green") if each.holds else click.style("NO ", fg="red", bold=True)
        click.echo(f"  {word}  {each.name.ljust(size)}  {each.text}")
    missing = [each.name for each in found if not each.holds]
    click.echo(
        f"Not held here: {', '.join(missing)}. Installing bubblewrap (bwrap) usually mends that."
        if missing
        else "Every protection holds."
    )
