"""The tables of one run: the gap between splits, the course of the updates, the candidates, what was spent."""

from __future__ import annotations

from statistics import fmean

from loopwright.outcomes import compared_on
from loopwright.record import RunRecord
from loopwright.report.gap import gap
from loopwright.report.spend import Spend
from loopwright.report.tables import Cell, Table


def run_tables(run: RunRecord) -> list[Table]:
    """Every table of a run; those without a row are left out."""
    return [table for table in (_gap(run), _updates(run), _candidates(run), _spend(run)) if table.rows]


def _gap(run: RunRecord) -> Table:
    rows: list[list[Cell]] = []
    for each in gap(run):
        gain = each.gain
        low_high: list[Cell] = [gain.difference, gain.low, gain.high] if gain is not None else [None, None, None]
        rows.append([each.split, each.start, each.start_n, each.best, each.best_n, *low_high])
    return Table(
        "gap",
        f"{run.began.card.name}: mean scores of the starting artifact and of the best candidate. The gain is paired by "
        "example, with its 95 % interval; the best was chosen by its validation score.",
        ["split", "start", "n start", "best", "n best", "gain", "gain low", "gain high"],
        rows,
    )


def _updates(run: RunRecord) -> Table:
    rows: list[list[Cell]] = []
    trials = len(run.opening.trials)
    for each in run.updates:
        updated, both = each.updated, run.compared(each)
        trials += len(each.trials)
        rows.append(
            [
                each.step,
                each.parent(),
                each.batch_score,
                len(each.batch),
                both.child if both is not None else None,
                both.score if both is not None else None,
                both.parent_score if both is not None else None,
                each.verdict(),
                updated.best_score if updated is not None else None,
                trials,
            ]
        )
    return Table(
        "updates",
        f"{run.began.card.name}: the updates. Parent on batch is the mean of the edited candidate on the examples "
        "whose trials the optimizer was shown; child score and parent score are means on "
        f"{compared_on(run.loop.search)}; best is the best mean validation score so far; trials are counted from the "
        "beginning of the run.",
        [
            *("update", "parent", "parent on batch", "n batch"),
            *("child", "child score", "parent score", "verdict", "best", "trials"),
        ],
        rows,
    )


def _candidates(run: RunRecord) -> Table:
    population = run.population
    rows: list[list[Cell]] = []
    for node in population.nodes.values():
        validation, test = (population.scores(node.id, split) for split in ("validation", "test"))
        rows.append(
            [
                node.id,
                node.parent or None,
                node.step,
                "yes" if node.accepted else "no",
                fmean(validation) if validation else None,
                len(validation),
                fmean(test) if test else None,
                len(test),
            ]
        )
    return Table(
        "candidates",
        f"{run.began.card.name}: the candidates with their mean scores. Update 0 is the starting artifact.",
        ["candidate", "parent", "update", "accepted", "validation", "n validation", "test", "n test"],
        rows,
    )


def _spend(run: RunRecord) -> Table:
    spend = Spend()
    for update in (run.opening, *run.updates):
        spend.add(update)
    spend.add_tests(run.tested)
    rows: list[list[Cell]] = []
    for unit, purposes in spend.data().items():
        for purpose, values in purposes.items():
            rows.append([unit, purpose, float(sum(values))])
    return Table(
        "spend",
        f"{run.began.card.name}: what {len(run.updates)} updates, their start and their end have spent, by purpose. "
        "Seconds are those of all slots together.",
        ["unit", "purpose", "amount"],
        rows,
    )
