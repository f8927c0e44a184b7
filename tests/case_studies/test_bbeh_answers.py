"""The BBEH loops are what they say; answers replay to the same scores; what quotes the benchmark is not kept."""

from __future__ import annotations

import sys
from pathlib import Path

import bbeh_loops
import bbeh_replay
import by_hand
import pytest

import loopwright as lw
from loopwright.cli.tell import put_answer
from loopwright.data import states
from loopwright.settings import Loop
from loopwright.store.run_folder import RunFolder
from loopwright.tasks import bbeh as package

ROWS = [{"input": f"What is {n} times {n}, written out in digits?", "target": str(n * n)} for n in range(30)]
ANSWER = """\
Read the number.

### parameter: program.py
```python
def answer(question):
    n = int(question.split()[2])
    return str(n * n) if n < 20 else ""
```
"""
QUOTING = ANSWER.replace("def answer", f"# {ROWS[3]['input']}\ndef answer")


@pytest.mark.parametrize("name", bbeh_loops.names())
def test_a_loop_has_the_paper_s_numbers(name: str, tmp_path: Path) -> None:
    loop = Loop.load(bbeh_loops.write(name, tmp_path / "loop"))
    assert loop.task_options["name"] in package.TASKS
    assert package.TASKS[loop.task_options["name"]].program == "yes"
    assert (loop.task_options["split"], loop.task_options["scorer"]) == ("paper", "strict")
    assert loop.evidence.batch.size == int(name[-1])
    assert (loop.search.accept, loop.budget.steps) == ("always", 10)


def answered(folder: Path, *answers: str) -> Path:
    """A run of two updates on made-up questions, told these answers."""
    text = bbeh_loops.loop_text("boolean_expressions-b5").replace("steps = 10", "steps = 2")
    folder.mkdir()
    inline = '[execution]\nisolation = "inline"\n[execution.limits]'
    (folder / "loop.toml").write_text(text.replace("[execution.limits]", inline))
    (folder / "program.py").write_bytes(package.starting("program").read_bytes())
    loop, run = Loop.load(folder / "loop.toml"), folder / "run"
    for answer in answers:
        with pytest.raises(lw.Waiting):
            lw.run(loop, run, root=folder)
        ((_, place),) = RunFolder(run).open_questions()
        put_answer(place, answer)
    lw.run(loop, run, root=folder)
    return run


def test_kept_answers_replay_to_the_same_scores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "rows", lambda name: ROWS)
    monkeypatch.setattr(bbeh_replay, "rows", lambda name: ROWS)
    run = answered(tmp_path / "one", ANSWER, "NO CHANGE")
    assert bbeh_replay.quotations("boolean_expressions-b5", run) == []
    assert by_hand.keep(run, tmp_path / "answers") == 2
    path = bbeh_replay.put(lw.trajectory(run), tmp_path / "scores.csv")
    assert path.read_text().splitlines() == [
        "update,train,validation,test",
        "0,0.0000,0.0000,0.0000",
        "1,1.0000,0.5000,0.0000",
        "2,1.0000,0.5000,0.0000",
    ]
    (tmp_path / "two").mkdir()
    loop = tmp_path / "two" / "loop.toml"
    for name in ("loop.toml", "program.py"):
        (tmp_path / "two" / name).write_bytes((tmp_path / "one" / name).read_bytes())
    again = bbeh_replay.put(lw.trajectory(by_hand.replayed(loop, tmp_path / "answers")), tmp_path / "again.csv")
    assert again.read_text() == path.read_text()


def test_an_answer_that_quotes_a_question_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(package, "rows", lambda name: ROWS)
    monkeypatch.setattr(bbeh_replay, "rows", lambda name: ROWS)
    run = answered(tmp_path / "one", QUOTING, "NO CHANGE")
    monkeypatch.setattr(sys, "argv", ["bbeh_replay.py", "boolean_expressions-b5", "--keep", str(run)])
    with pytest.raises(SystemExit, match="must not be published"):
        bbeh_replay.main()


# Two of those kept: the other two are as long to run, and the program of multistep_arithmetic-b1 can run out of its
# time on a loaded machine.
KEPT = ["boolean_expressions-b5", "multistep_arithmetic-b5"]


@pytest.mark.slow
@pytest.mark.skipif(any(file.state != "good" for file in states("bbeh")), reason="needs the data set bbeh")
@pytest.mark.parametrize("name", KEPT)
def test_the_answers_in_the_repository_give_the_recorded_scores(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "argv", ["bbeh_replay.py", name, "--out", str(tmp_path / "loop")])
    with pytest.raises(SystemExit) as ended:
        bbeh_replay.main()
    assert ended.value.code == 0
