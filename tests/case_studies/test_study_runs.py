"""Every finished run of a study is a row, with its levels and what it came to."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
import study_runs

import loopwright as lw

TASK = """\
import loopwright as lw


@lw.task(train=[1, 2], validation=[3], test=[4, 5])
def double(program, example, trial):
    return float(program.act(example) == 2 * example)
"""
STUDY = """\
repeats = 2

[axes]
evidence.batch.size = [1, 2]

[loop]
task = "task.py:double"
artifact = { path = "agent.py", edit = ["act"] }
optimizer = { kind = "mutate" }
budget = { steps = 1 }
execution = { isolation = "inline" }
"""


def test_every_finished_run_is_a_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "task.py").write_text(TASK)
    (tmp_path / "agent.py").write_text("def act(n):\n    return 2 * n\n")
    (tmp_path / "study.toml").write_text(STUDY)
    folder, kept = tmp_path / "study", tmp_path / "runs.csv"
    lw.run_study(lw.Study.load(tmp_path / "study.toml"), folder, root=tmp_path)
    monkeypatch.setattr("sys.argv", ["study_runs.py", str(folder), "--keep", str(kept)])
    study_runs.main()
    assert capsys.readouterr().out == kept.read_text()
    rows = list(csv.DictReader(kept.open()))
    assert sorted(row["batch.size"] for row in rows) == ["1", "1", "2", "2"]
    assert {(row["updates"], row["test_start"], row["test_questions"]) for row in rows} == {("1", "1.000", "2")}
