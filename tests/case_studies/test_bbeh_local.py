"""The local study of batch sizes runs to its end with models that are functions, and its rows say what happened."""

from __future__ import annotations

import csv
import random
from pathlib import Path

import bbeh_advice
import bbeh_runs
import bbeh_studies
import pytest

import loopwright as lw
from loopwright.artifact import Artifact
from loopwright.evidence import Evidence
from loopwright.evidence.records import Section
from loopwright.llm.protocol import Reply
from loopwright.optimizers.protocol import Proposal, Rejected, View
from loopwright.tasks import bbeh as package

START = 'PROMPT = """Answer."""\n\n\ndef answer(question, llm):\n    return llm(PROMPT)\n'
ROWS = [{"input": f"Which of {n}?", "target": "Yes" if n % 2 else "No"} for n in range(60)]


def proposed(said: list[str], tmp_path: Path, samples: int = 2) -> list[Proposal | Rejected]:
    (tmp_path / "agent.py").write_text(START)
    parent = Artifact.load(["agent.py"], ["PROMPT"], root=tmp_path).start
    evidence = Evidence("interactive", [], [Section("feedback", "It said yes.", 3)], 3)
    view = View(1, parent, evidence, "Answer rightly.")
    asking = bbeh_advice.Advice(model="m", samples=samples).propose(view, random.Random(0), lambda texts: None)
    (ask,) = next(asking)
    assert "It said yes." in ask.messages[0]["content"]
    with pytest.raises(StopIteration) as done:
        asking.send([Reply(said)])
    return done.value.value


def test_each_sample_is_a_sentence_more_and_twins_are_one(tmp_path: Path) -> None:
    found = proposed(["\nSay Yes or No.\nBecause of this.", "Say Yes or No."], tmp_path)
    assert found == [Proposal({"PROMPT": "Answer.\nSay Yes or No."}, "Say Yes or No.")]


def test_a_model_that_says_nothing_is_refused(tmp_path: Path) -> None:
    (found,) = proposed([" \n"], tmp_path, samples=1)
    assert isinstance(found, Rejected)
    assert found.kind == "unparsable"


def test_the_local_study_runs_to_its_end_and_every_run_is_a_row(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(package, "rows", lambda name: ROWS)
    monkeypatch.setattr(bbeh_runs, "RESULTS", tmp_path)
    path = bbeh_studies.write("local", tmp_path / "local", "agent", "optimizer")
    path.write_text(path.read_text().replace("[loop.execution]", '[loop.execution]\nisolation = "inline"'))
    asked: list[str] = []

    def agent(prompt: str) -> str:
        asked.append(prompt)
        return "Answer: Yes" if "Yes or No" in prompt else "Answer: Yes."

    models = {"agent": agent, "optimizer": lambda prompt: "Say Yes or No, and no full stop."}
    lw.run_study(lw.Study.load(path), tmp_path / "local" / "study", root=path.parent, models=models)
    monkeypatch.setattr("sys.argv", ["bbeh_runs.py", str(tmp_path / "local" / "study"), "--keep", "kept"])
    bbeh_runs.main()
    assert 'causal_understanding: always "' in capsys.readouterr().out
    rows = list(csv.DictReader((tmp_path / "kept.csv").open()))
    assert len(rows) == 12
    assert {row["batch"] for row in rows} == {"1", "5"}
    assert {(row["test_start"], row["test_best"], row["accepted"]) for row in rows} == {("0.000", "0.500", "1")}
