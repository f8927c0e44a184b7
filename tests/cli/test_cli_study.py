"""`loopwright study`: from a file to tables, and every wrong word named."""

from __future__ import annotations

import csv
from pathlib import Path

import msgspec
import pytest
from click.testing import CliRunner, Result

from loopwright.cli.app import app

WORLD = Path(__file__).parents[1] / "worlds" / "number"
STUDY = """
loop = "loop.toml"
repeats = 2
[axes]
evidence.batch.size = [1, 3]
search.accept = ["always", "improve"]
"""
LOOP = """
task = "task.py:distance"
artifact = { path = "agent.py", edit = ["NUMBER"] }
optimizer = { kind = "mutate" }
budget = { steps = 2 }
execution = { isolation = "inline" }
"""


def console(*arguments: object) -> Result:
    return CliRunner().invoke(app, [str(each) for each in arguments])


@pytest.fixture
def file(tmp_path: Path) -> Path:
    for name in ("agent.py", "task.py"):
        (tmp_path / name).write_bytes((WORLD / name).read_bytes())
    (tmp_path / "loop.toml").write_text(LOOP)
    (tmp_path / "study.toml").write_text(STUDY)
    return tmp_path / "study.toml"


def test_a_study_is_foretold_run_shown_and_written_as_tables(file: Path) -> None:
    said = console("study", "run", file, "--dry-run")
    assert "to run: 8 runs" in said.stdout
    assert not (file.parent / "studies").exists()
    done = console("study", "run", file)
    assert done.exit_code == 0, done.stderr
    assert "8 of 8 runs done" in done.stdout
    folder = file.parent / "studies" / "study"
    shown = console("study", "show", folder, "--by", "trials", "--tables", file.parent / "tables")
    assert "batch.size x search.accept" in shown.stdout
    assert "not settled" in shown.stdout or "no claim" in shown.stdout
    names = {path.name for path in (file.parent / "tables").iterdir()}
    assert {
        f"{table}.{kind}" for table in ("cells", "effects", "protocol", "curves") for kind in ("csv", "md", "tex")
    } == names
    with (file.parent / "tables" / "effects.csv").open() as rows:
        assert [row["effect"] for row in csv.DictReader(rows)] == [
            "batch.size",
            "search.accept",
            "batch.size x search.accept",
        ]
    plain = msgspec.json.decode(console("study", "show", folder, "--json").stdout)
    assert {run["state"] for run in plain["result"]["runs"]} == {"done"}
    assert "mean ± standard error" in console("study", "show", folder, "--rows", "batch.size").stdout


def test_wrong_words_are_named(file: Path) -> None:
    assert "did you mean 'repeats'" in console("study", "run", file, "--set", "repeat=3").stderr
    assert "not the folder of a study" in console("study", "show", file.parent).stderr
    console("study", "run", file, "--set", "repeats=1")
    folder = file.parent / "studies" / "study"
    assert "did you mean 'batch.size'" in console("study", "show", folder, "--rows", "batchsize").stderr
    assert "no run has a score at 99" in console("study", "show", folder, "--at", "99").stderr
