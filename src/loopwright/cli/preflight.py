"""`loopwright preflight`: which protections hold on this machine."""

from __future__ import annotations

import click


@click.command()
@click.option("--json", is_flag=True, help="The same as JSON.")
def preflight(json: bool) -> None:
    """Say which protections hold on this machine when code that a model wrote is run."""
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
