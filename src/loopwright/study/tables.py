"""A study's results as tables, in the layouts of the paper's tables, written as CSV, Markdown or LaTeX.

`by_level` is the layout of the paper's Table 1 (levels x tasks, mean and standard error, the best in bold), `protocol`
that of its Table B2 (for each task, the levels compared and what was run). The others say what the paper does not.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Callable, Sequence
from statistics import fmean, stdev

import msgspec

from loopwright.study.results import Analysis, CellCurve, Effect, StudyResult


class Table(msgspec.Struct, frozen=True):
    """Text in rows and columns. `bold` are places (row, column); `title` is a sentence that stands alone."""

    title: str
    head: list[str]
    rows: list[list[str]]
    bold: list[tuple[int, int]] = []


def cells_table(result: StudyResult, analysis: Analysis) -> Table:
    """Each cell: runs, mean, median, standard error and interval."""
    names = [axis.name for axis in result.axes]
    level = f"{100 * (1 - analysis.error):g} % interval"
    rows = [
        [
            *(cell.levels[name] for name in names),
            str(len(summary.values)),
            figure(summary.mean),
            figure(summary.median),
            figure(summary.se),
            f"{figure(summary.interval.low)} to {figure(summary.interval.high)}" if summary.interval else "-",
        ]
        for cell, summary in zip(result.cells, analysis.summaries, strict=True)
    ]
    return Table(_title(analysis), [*names, "runs", "mean", "median", "SE", level], rows)


def effects_table(analysis: Analysis) -> Table:
    """Each effect: what, how large, how sure, and what would settle it."""
    level = f"{100 * (1 - analysis.error):g} % interval"
    head = ["effect", "change", "n", "mean", "median", level, "p", "p (Holm)", "verdict", "repeats to settle"]
    rows = [
        [
            " x ".join(effect.axes),
            change_of(effect),
            f"{effect.n}{'' if effect.unit == 'pair' else ' repeats'}",
            signed(effect.mean),
            signed(effect.median),
            f"{signed(effect.interval.low)} to {signed(effect.interval.high)}" if effect.interval else "-",
            _chance(effect.p),
            _chance(effect.adjusted),
            effect.verdict,
            _more(effect),
        ]
        for effect in analysis.effects
    ]
    return Table(f"Effects on {_title(analysis)}", head, rows)


def by_level(result: StudyResult, analysis: Analysis, rows: str, columns: str | None = None) -> Table:
    """Mean ± standard error over all runs with a level of the axis `rows`, for each level of the axis `columns`.

    Without `columns` there is one column. The last column is the mean over the others. The best of a column is bold.
    Raises `KeyError` for an axis that the study has not.
    """
    axes = {axis.name: axis for axis in result.axes}
    across = axes[columns].labels if columns else [result.name]
    scores = {summary.cell: list(summary.values.values()) for summary in analysis.summaries}
    made: list[list[str]] = []
    means: list[list[float]] = []  # -inf where nothing was run
    for label in axes[rows].labels:
        groups = [
            [
                value
                for cell in result.cells
                if cell.levels[rows] == label and (columns is None or cell.levels[columns] == other)
                for value in scores[cell.key]
            ]
            for other in across
        ]
        means.append([fmean(group) if group else -math.inf for group in groups])
        cells = [with_error(fmean(group), _standard_error(group)) if group else "-" for group in groups]
        whole = [mean for mean in means[-1] if mean > -math.inf]
        last = [figure(fmean(whole)) if whole else "-"] if len(across) > 1 else []
        made.append([label, *cells, *last])
    best = [max(range(len(means)), key=lambda row, place=place: means[row][place]) for place in range(len(across))]
    bold = [(row, place + 1) for place, row in enumerate(best) if means[row][place] > -math.inf]
    head = [rows, *across, *(["mean"] if len(across) > 1 else [])]
    return Table(f"{_title(analysis)}: mean ± standard error", head, made, bold)


def _standard_error(values: Sequence[float]) -> float | None:
    return stdev(values) / math.sqrt(len(values)) if len(values) > 1 else None


def protocol(result: StudyResult, rows: str | None = None) -> Table:
    """What was run: for each level of the axis `rows` the levels compared, the updates, trials and repeats."""
    others = [axis for axis in result.axes if axis.name != rows]
    labels = next((axis.labels for axis in result.axes if axis.name == rows), [result.name])
    made: list[list[str]] = []
    for label in labels:
        keys = {cell.key for cell in result.cells if rows is None or cell.levels[rows] == label}
        runs = [run for run in result.runs if run.cell in keys and run.state == "done"]
        made.append(
            [
                label,
                *(" / ".join(axis.labels) for axis in others),
                _span([run.curve[-1].update for run in runs if run.curve]),
                _span([run.curve[-1].trials for run in runs if run.curve]),
                _span([len(run.best_test) for run in runs]),
                f"{len(runs)} of {len(keys) * result.repeats}",
            ]
        )
    head = [rows or "study", *(axis.name for axis in others), "updates", "trials", "test examples", "runs done"]
    return Table("What was run", head, made)


def curves_table(curves: Sequence[CellCurve], by: str) -> Table:
    """Learning curves in long form, for plots made elsewhere."""
    rows = [
        [
            curve.cell,
            curve.score,
            f"{band.x:g}",
            str(band.n),
            *(_exact(v) for v in (band.mean, band.median, band.low, band.high)),
        ]
        for curve in curves
        for band in curve.bands
    ]
    return Table("Learning curves", ["cell", "score", by, "runs", "mean", "median", "low", "high"], rows)


def as_csv(table: Table) -> str:
    """Plain CSV; bold is lost."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\n").writerows([table.head, *table.rows])
    return out.getvalue()


def as_markdown(table: Table) -> str:
    rows = [
        [f"**{cell}**" if (r, c) in table.bold else cell for c, cell in enumerate(row)]
        for r, row in enumerate(table.rows)
    ]
    lines = [table.head, ["---"] * len(table.head), *rows]
    body = "\n".join("| " + " | ".join(cell.replace("|", r"\|") for cell in line) + " |" for line in lines)
    return f"{table.title}\n\n{body}\n"


def as_latex(table: Table) -> str:
    """A `tabular` for the package booktabs, with its caption."""
    rows = [
        [rf"\textbf{{{_tex(cell)}}}" if (r, c) in table.bold else _tex(cell) for c, cell in enumerate(row)]
        for r, row in enumerate(table.rows)
    ]
    body = "\n".join("    " + " & ".join(row) + r" \\" for row in rows)
    head = " & ".join(_tex(name) for name in table.head)
    columns = "l" + "c" * (len(table.head) - 1)
    return (
        "\\begin{table}\n  \\centering\n"
        f"  \\caption{{{_tex(table.title)}}}\n"
        f"  \\begin{{tabular}}{{{columns}}}\n    \\toprule\n    {head} \\\\\n    \\midrule\n{body}\n"
        "    \\bottomrule\n  \\end{tabular}\n\\end{table}\n"
    )


FORMATS: dict[str, Callable[[Table], str]] = {"csv": as_csv, "md": as_markdown, "tex": as_latex}


def change_of(effect: Effect) -> str:
    """`"1 -> 3"`; for an interaction, the changes of both axes."""
    return ", ".join(f"{low} -> {high}" for low, high in zip(effect.first, effect.second, strict=True))


def figure(value: float | None) -> str:
    """A score: four digits that matter, `-` for none."""
    return "-" if value is None else f"{value:.4g}"


def signed(value: float | None) -> str:
    return "-" if value is None else f"{round(value, 9) + 0.0:+.3g}"  # sums may miss 0 by their last bits


def with_error(mean: float, se: float | None) -> str:
    """`0.183 ± 0.049`: both to the second digit of the error."""
    if se is None or se == 0.0:
        return figure(mean) if se is None else f"{figure(mean)} ± 0"
    digits = max(0, 1 - math.floor(math.log10(se)))
    return f"{mean:.{digits}f} ± {se:.{digits}f}"


def _title(analysis: Analysis) -> str:
    what = {"best": "best validation score so far", "current": "current validation score", "test": "final test score"}
    where = "" if analysis.score == "test" or analysis.at is None else f" after {analysis.at:g} {analysis.by}"
    return f"{what[analysis.score]}{where}"


def _chance(p: float | None) -> str:
    return "-" if p is None else "< 0.001" if p < 0.001 else f"{p:.3f}"


def _more(effect: Effect) -> str:
    if effect.more is None:
        return "-" if effect.n < 2 else "over 1,000"
    return "settled" if effect.more == 0 else f"{effect.more} more"


def _span(values: Sequence[int]) -> str:
    if not values:
        return "-"
    return str(min(values)) if min(values) == max(values) else f"{min(values)} to {max(values)}"


def _exact(value: float | None) -> str:
    return "" if value is None else repr(value)


def _tex(text: str) -> str:
    for plain, written in (
        ("\\", r"\textbackslash "),
        ("&", r"\&"),
        ("%", r"\%"),
        ("_", r"\_"),
        ("#", r"\#"),
        ("$", r"\$"),
    ):
        text = text.replace(plain, written)
    return text.replace(" ± ", r" $\pm$ ").replace(" -> ", r" $\to$ ").replace("<", "$<$")
