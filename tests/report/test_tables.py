"""A table says the same in every form, and no cell can break out of its place."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

from runs import HOSTILE, written

from loopwright.report.run_tables import run_tables
from loopwright.report.tables import Table, as_csv, as_latex, as_markdown, forms

TABLE = Table(
    "odd", "caption with 5 % & more", ["name", "score"], [["a|b & c_d", 0.5], [HOSTILE.replace("\x00", ""), None]]
)


def test_csv_gives_every_cell_back() -> None:
    rows = list(csv.reader(io.StringIO(as_csv(TABLE), newline="")))
    assert rows[0] == TABLE.columns
    assert rows[1] == ["a|b & c_d", "0.5"]
    assert rows[2][1] == ""


def test_a_markdown_table_has_one_line_a_row_and_its_columns() -> None:
    lines = as_markdown(TABLE).splitlines()
    assert [len(re.findall(r"(?<!\\)\|", line)) for line in lines[:4]] == [3, 3, 3, 3]
    assert lines[1] == "| --- | ---: |"
    assert not re.search(r"(?<!\\)<", lines[3])


def test_latex_escapes_what_tex_reads_as_commands() -> None:
    text = as_latex(TABLE)
    assert r"a|b \& c\_d & 0.5 \\" in text
    row = next(line for line in text.splitlines() if "script" in line)
    bare = re.sub(r"\\textbackslash\{\}|\\text\w+\{\}|\\[&%$#_{}]|\$-\$", "", row.removesuffix(" \\\\"))
    assert bare.count("&") == 1
    assert not set(bare.replace("&", "", 1)) & set("\\%$#_{}~^")


def test_the_tables_of_a_run_agree_with_its_record(tmp_path: Path) -> None:
    run = written(tmp_path / "run")
    tables = {table.name: table for table in run_tables(run)}
    assert set(tables) == {"gap", "updates", "candidates", "spend"}
    assert [row[0] for row in tables["updates"].rows] == [update.step for update in run.updates]
    assert tables["updates"].rows[-1][-1] == run.meter.trials - len(run.tested)
    assert {row[0]: row[4] for row in tables["candidates"].rows} == {
        id: run.population.mean(id) for id in run.population.candidates
    }
    assert set(forms(tables.values())) == {f"{name}.{ending}" for name in tables for ending in ("csv", "md", "tex")}
