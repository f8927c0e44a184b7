"""`loopwright compare`: two candidates on the same fresh seeds."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING

import click
import msgspec

from loopwright.cli.text import clean
from loopwright.errors import UsageError
from loopwright.trial import Split
from loopwright.wording import change, counted, duration, number, spent

if TYPE_CHECKING:
    from loopwright.study.compare import Comparison


@click.command()
@click.argument("a")
@click.argument("b")
@click.option("--split", type=click.Choice(["test", "validation", "train"]), default="test", help="Which examples.")
@click.option("--examples", type=click.IntRange(min=1), metavar="N", help="Only the first N examples of the split.")
@click.option("--repeats", type=click.IntRange(min=1), default=1, metavar="K", help="Trials of each on each example.")
@click.option("--seed", type=int, default=0, metavar="N", help="Another number: other fresh seeds.")
@click.option("--error", type=float, default=0.05, metavar="P", help="Chance of a false claim (0.05).")
@click.option("--calls", type=click.IntRange(min=1), metavar="N", help="The most model calls.")
@click.option("--tokens", type=click.IntRange(min=1), metavar="N", help="The most model tokens.")
@click.option("--usd", type=float, metavar="X", help="The most US dollars.")
@click.option("--dry-run", is_flag=True, help="Say what it would cost, run nothing.")
@click.option("--json", is_flag=True, help="The result as JSON.")
def compare(
    a: str,
    b: str,
    split: Split,
    examples: int | None,
    repeats: int,
    seed: int,
    error: float,
    calls: int | None,
    tokens: int | None,
    usd: float | None,
    dry_run: bool,
    json: bool,
) -> None:
    """Run two candidates again on the same fresh seeds and compare them in pairs.

    A and B are runs, meaning their best candidates, or RUN:CANDIDATE with an id, best, start or current.
    """
    from loopwright.llm.ledger import Limits
    from loopwright.study import compare as work

    if not 0 < error < 1:
        raise UsageError(f"--error is a chance between 0 and 1, such as 0.05; got {error:g}")
    one, other = work.side(a), work.side(b)
    pairs = work.check(one, other, split, examples) * repeats
    cost = work.cost(one, other, pairs)
    about = f"about {spent(cost.usage)}, " if cost.usage.calls else ""
    click.echo(f"{counted(cost.trials, 'trial')}, {about}about {duration(cost.seconds)}", err=True)
    if dry_run:
        return
    if cost.usage.calls and calls is None and tokens is None and usd is None:
        raise UsageError("these programs call a model; name a limit by --calls, --tokens or --usd")
    found = asyncio.run(
        work.compare(
            one,
            other,
            split=split,
            examples=examples,
            repeats=repeats,
            seed=seed,
            limits=Limits(calls, tokens, usd),
            error=error,
        )
    )
    if json:
        click.echo(msgspec.json.encode(found).decode())
        return
    for text in _lines(found, split, error):
        click.echo(clean(text))


def _lines(found: Comparison, split: Split, error: float) -> list[str]:
    sure = f"{100 * (1 - error):g} %"
    interval = (
        f"{sure} interval {change(found.interval.low)} to {change(found.interval.high)}" if found.interval else ""
    )
    verdict = {
        "higher": f"{found.second} is better",
        "lower": f"{found.first} is better",
        "not settled": "not settled: neither is shown to be better",
        "no claim": f"no claim: {counted(found.n, 'difference')} cannot show anything at an error of {error:g}",
    }[found.verdict]
    lines = [
        f"A  {found.first}: {number(found.means[0])}",
        f"B  {found.second}: {number(found.means[1])}",
        f"B - A over {found.n} {split} {found.unit}, paired: mean {change(found.mean)}, median {change(found.median)}"
        + (f", {interval}" if interval else "")
        + f", p = {found.p:.3g} (sign flips)",
        verdict,
    ]
    if found.verdict in {"not settled", "no claim"} and found.needed:
        lines.append(
            f"A difference as large as this one would take about {found.needed:,} {found.unit.split()[0]} to show."
        )
    for name, failed in zip("AB", found.failed, strict=True):
        if failed:
            lines.append(f"{failed} of {name}'s trials failed and have the task's floor as their score.")
    if found.cut:
        lines.append(f"Cut short: {found.cut}")
    if split != "test":
        lines.append(f"The runs have used the {split} examples themselves, though not these seeds.")
    return lines
