"""A table, and its three forms: CSV for machines, Markdown for pages, LaTeX (booktabs) for papers.

Not for deciding what is in a table: `run_tables` and `study_tables` do that.
"""

from __future__ import annotations

import csv
import io
from collections.abc import Callable, Iterable, Sequence

import msgspec

Cell = str | float | int | None


class Table(msgspec.Struct, frozen=True):
    """Named rows of cells. `name` is the file's; numbers are written in full to CSV and with four digits elsewhere.

    `caption` says what is counted and how many of it: it stands under the table.
    """

    name: str
    caption: str
    columns: list[str]
    rows: list[list[Cell]]


def as_csv(table: Table) -> str:
    """Comma-separated values with a header; an empty cell where there is no value."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(table.columns)
    writer.writerows([["" if cell is None else cell for cell in row] for row in table.rows])
    return text.getvalue()


def as_markdown(table: Table) -> str:
    """A table for a page, numbers flush right, the caption under it."""
    right = _numeric(table)
    rule = ["---:" if is_right else "---" for is_right in right]
    lines = [[_plain(each) for each in table.columns], rule]
    lines += [[_plain(written(cell)) for cell in row] for row in table.rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines) + f"\n\n{_plain(table.caption)}\n"


def as_latex(table: Table) -> str:
    """A `table` environment with `booktabs` rules."""
    columns = "".join("r" if is_right else "l" for is_right in _numeric(table))
    lines = [
        "% needs \\usepackage{booktabs}",
        "\\begin{table}",
        "  \\centering",
        f"  \\begin{{tabular}}{{{columns}}}",
        "    \\toprule",
        f"    {' & '.join(map(_tex, table.columns))} \\\\",
        "    \\midrule",
        *(f"    {' & '.join(_tex(written(cell)) for cell in row)} \\\\" for row in table.rows),
        "    \\bottomrule",
        "  \\end{tabular}",
        f"  \\caption{{{_tex(table.caption)}}}",
        f"  \\label{{tab:{table.name}}}",
        "\\end{table}",
    ]
    return "\n".join(lines) + "\n"


_FORMS: dict[str, Callable[[Table], str]] = {"csv": as_csv, "md": as_markdown, "tex": as_latex}


def forms(tables: Iterable[Table]) -> dict[str, str]:
    """Every table in every form, by the name of its file: `NAME.csv`, `NAME.md`, `NAME.tex`."""
    return {f"{table.name}.{ending}": form(table) for table in tables for ending, form in _FORMS.items()}


def written(cell: Cell) -> str:
    """A cell for people: four digits that matter, an en dash for none."""
    if cell is None:
        return "–"
    if isinstance(cell, float):
        return f"{cell:.4g}" if abs(cell) < 10_000 else f"{cell:,.0f}"
    return f"{cell:,}" if isinstance(cell, int) else cell


def _numeric(table: Table) -> list[bool]:
    """Which columns hold numbers."""
    columns: list[Sequence[Cell]] = [[row[place] for row in table.rows] for place in range(len(table.columns))]
    return [
        any(isinstance(cell, int | float) for cell in column) and not any(isinstance(cell, str) for cell in column)
        for column in columns
    ]


def _plain(text: str) -> str:
    """Text in one Markdown cell: nothing in it ends the cell or begins markup."""
    for letter in "\\`*_[]<>|":
        text = text.replace(letter, f"\\{letter}")
    return " ".join(text.split())


_TEX = {
    "\\": r"\textbackslash{}", "&": r"\&", "%": r"\%", "$": r"\$", "#": r"\#", "_": r"\_", "{": r"\{", "}": r"\}",
    "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "–": "--", "−": "$-$", "→": r"$\rightarrow$", "±": r"$\pm$",
}  # fmt: skip


def _tex(text: str) -> str:
    return "".join(_TEX.get(letter, letter) for letter in " ".join(text.split()))
