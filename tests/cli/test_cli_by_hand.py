"""`ask` and `tell`: a run that waits for a person, from the question to the applied answer."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from console import Cli, sentence

GOOD = b"""Four, not three.

### parameter: guess
```python
def guess(x):
    return 4 * x
```
"""


@pytest.fixture
def waiting(world: Path, cli: Cli) -> Path:
    """The folder of a run that waits for its first answer."""
    options = ["--set", "optimizer.kind=ask", "--set", "budget.steps=1"]
    result = cli("run", "loop.toml", "--out", "r", "--quiet", *options, code=3)
    assert "loopwright tell r ANSWER.md --resume" in result.stdout
    assert "### parameter: NAME" in result.stdout
    return world / "r"


def test_the_question_is_exactly_its_file_and_the_evidence_shown(waiting: Path, cli: Cli) -> None:
    (question,) = (waiting / "ask").glob("*.md")
    asked = cli("ask", waiting)
    assert asked.stdout_bytes == question.read_bytes()
    assert "loopwright tell r" in asked.stderr
    assert cli("show", waiting, "--step", 1, "--evidence").stdout_bytes == question.read_bytes()
    assert "waiting for an answer" in cli("show", waiting).stdout


def test_after_the_answer_the_evidence_is_still_the_question(waiting: Path, cli: Cli) -> None:
    question = cli("ask", waiting).stdout_bytes
    cli("tell", waiting, "-", "--resume", "--quiet", stdin=GOOD)
    assert cli("show", waiting, "--step", 1, "--evidence").stdout_bytes == question


def test_an_answer_is_tried_and_applied(waiting: Path, cli: Cli) -> None:
    (waiting.parent / "answer.md").write_bytes(GOOD)
    assert "loopwright resume r" in cli("tell", waiting, "answer.md").stdout
    assert "better by +" in cli("resume", waiting, "--quiet").stdout
    cli("apply", waiting, "--yes")
    assert b"return 4 * x" in (waiting.parent / "agent.py").read_bytes()


def test_an_answer_that_cannot_be_read_is_asked_again_with_the_reason(waiting: Path, cli: Cli) -> None:
    repairs = cli("tell", waiting, "-", "--resume", "--quiet", stdin=b"I have no idea.", code=None)
    assert repairs.exit_code in {0, 3}
    told = json.loads(cli("show", waiting, "--step", 1, "--json").stdout)
    assert told["calls"][0]["reply"]["texts"] == ["I have no idea."]
    if repairs.exit_code == 3:
        assert "refused" in cli("ask", waiting).stdout


def test_a_waiting_run_says_what_became_of_the_answer_before(world: Path, cli: Cli) -> None:
    options = ["--set", "optimizer.kind=ask", "--set", "budget.steps=3"]
    first = cli("run", "loop.toml", "--out", "r", "--quiet", *options, code=3)
    assert "Update" not in first.stdout
    second = cli("tell", "r", "-", "--resume", "--quiet", stdin=b"I have no idea.", code=3)
    assert "The last answer to update 1 was refused" in second.stdout
    third = cli("tell", "r", "-", "--resume", "--quiet", stdin=b"Still none.", code=3)
    assert "Update 1: unparsable; " in third.stdout
    fourth = cli("tell", "r", "-", "--resume", "--quiet", stdin=GOOD, code=3)
    assert "Update 2: accepted; " in fourth.stdout


def test_waiting_is_said_in_json_too(waiting: Path, cli: Cli) -> None:
    lines = [json.loads(line) for line in cli("resume", waiting, "--json", code=3).stdout.splitlines()]
    assert lines[-1]["type"] == "waiting"
    assert [Path(each).read_bytes() for each in lines[-1]["questions"]] == [cli("ask", waiting).stdout_bytes]


@pytest.mark.parametrize(
    ("answer", "hint"), [(b"", "is empty"), (b" \n\n", "is empty"), (b"\xff\xfe\x00", "not UTF-8")]
)
def test_what_is_no_answer_is_refused_and_the_question_stays(waiting: Path, cli: Cli, answer: bytes, hint: str) -> None:
    assert hint in sentence(cli("tell", waiting, "-", stdin=answer, code=2))
    assert cli("ask", waiting).stdout
    assert sorted(path.suffix for path in (waiting / "ask").iterdir()) == [".md"]


def test_wrong_names_are_one_sentence(waiting: Path, cli: Cli) -> None:
    assert "cannot be read" in sentence(cli("tell", waiting, "nothing.md", code=2))
    assert "no question" in sentence(cli("tell", waiting, "-", "--question", "0009-1", stdin=GOOD, code=2))
    (question,) = (waiting / "ask").glob("*.md")
    cli("tell", waiting, "-", "--question", question.stem, stdin=GOOD)


def test_telling_or_asking_where_nothing_is_asked(waiting: Path, cli: Cli) -> None:
    cli("tell", waiting, "-", stdin=GOOD)
    assert "asks nothing now" in sentence(cli("tell", waiting, "-", stdin=GOOD, code=2))
    assert "asks nothing now" in sentence(cli("ask", waiting, code=2))
    assert [path.read_bytes() for path in (waiting / "ask").glob("*.reply.md")] == [GOOD]
