"""Comparing two candidates: same fresh seeds for both, honest about few pairs, never over a limit."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import msgspec
import pytest
from click.testing import CliRunner, Result

import loopwright as lw
from loopwright.cli.app import app
from loopwright.errors import UsageError
from loopwright.llm.ledger import Limits
from loopwright.store import RunFolder
from loopwright.study.compare import check, compare, cost, side


def console(*arguments: str) -> Result:
    return CliRunner().invoke(app, list(arguments))


TASK = """
import random
import loopwright as lw

@lw.task(train=range(4), validation=range(3), test=range(8), floor=-100.0)
def noisy(program, example, trial):
    return program.guess() + example + random.Random(trial.seed).gauss(0, 1)

@lw.task(train=range(4), validation=range(3), test=range(8))
def asks(program, example, trial):
    return float(len(trial.llm("How long?"))) + program.guess()
"""


def made(folder: Path, task: str = "noisy", **changes: Any) -> str:
    """A run with a start that guesses 0 and one child that guesses 1."""
    (folder / "task.py").write_text(TASK)
    (folder / "agent.py").write_text("def guess():\n    return 0\n")
    loop = {
        "task": f"task.py:{task}",
        "artifact": {"path": "agent.py", "edit": ["guess"]},
        "optimizer": {"model": "callable/one"},
        "budget": {"steps": 1},
        "execution": {"isolation": "inline"},
        **changes,
    }
    better = "One.\n\n### parameter: guess\n```python\ndef guess():\n    return 1\n```\n"
    models = {"callable/one": lambda prompt: better, "callable/agent": lambda prompt: "four"}
    lw.run(lw.Loop.of(loop), folder / "run", root=folder, models=models)
    return str(folder / "run")


def test_a_constant_gain_is_found_exactly_and_nothing_is_written(tmp_path: Path) -> None:
    run = made(tmp_path)
    before = RunFolder(run).journal(readonly=True).canonical()
    found = asyncio.run(compare(side(f"{run}:start"), side(f"{run}:current"), repeats=2))
    assert (found.n, found.unit, found.verdict) == (8, "examples", "higher")
    assert found.mean == pytest.approx(1.0)  # the noise is the seed's, and both sides have the same seeds
    assert len(found.scores[0]) == 16
    assert len(set(found.scores[0])) == 16
    assert RunFolder(run).journal(readonly=True).canonical() == before
    other = asyncio.run(compare(side(f"{run}:start"), side(f"{run}:current"), seed=1))
    assert not set(other.scores[0]) & set(found.scores[0])
    again = asyncio.run(compare(side(f"{run}:start"), side(f"{run}:current"), seed=1))
    assert again == other


def test_few_pairs_claim_nothing(tmp_path: Path) -> None:
    run = made(tmp_path)
    found = asyncio.run(compare(side(f"{run}:start"), side(f"{run}:current"), examples=5))
    assert found.verdict == "no claim"
    found = asyncio.run(compare(side(f"{run}:start"), side(f"{run}:current"), examples=1, repeats=7))
    assert (found.unit, found.n, found.verdict) == ("repeats of one example", 7, "higher")


def test_models_are_asked_within_the_limit_and_complete_pairs_count(tmp_path: Path) -> None:
    run = made(tmp_path, "asks", agent={"model": "callable/agent"})
    asked: list[str] = []

    def agent(prompt: str) -> str:
        asked.append(prompt)
        return "four"

    sides = side(f"{run}:start"), side(f"{run}:current")
    models = {"callable/agent": agent}
    found = asyncio.run(compare(*sides, limits=Limits(calls=100), models=models))
    assert len(asked) == found.usage.calls == 16
    assert cost(*sides, 8).usage.calls == 16
    asked.clear()
    found = asyncio.run(compare(*sides, limits=Limits(calls=13), models=models))
    assert len(asked) <= 13
    assert found.n == len(asked) // 2
    assert "calls = 13" in found.cut


def test_what_cannot_be_compared_is_refused(tmp_path: Path) -> None:
    run = made(tmp_path)
    (tmp_path / "b").mkdir()
    other = made(tmp_path / "b", "asks", agent={"model": "callable/agent"})
    start = side(run + ":start")
    with pytest.raises(UsageError, match="different tasks"):
        check(start, side(other), "test", None)
    with pytest.raises(UsageError, match="same candidate"):
        check(start, side(run + ":start"), "test", None)
    with pytest.raises(UsageError, match="8 test examples, not 9"):
        check(start, side(run + ":current"), "test", 9)
    with pytest.raises(UsageError, match="no candidate 'x'"):
        side(f"{run}:x")


def test_the_command_says_the_cost_first_and_needs_a_limit_for_models(tmp_path: Path) -> None:
    run = made(tmp_path)
    done = console("compare", f"{run}:start", f"{run}:current")
    assert done.exit_code == 0, done.stderr
    assert "16 trials" in done.stderr
    assert "is better" in done.stdout
    plain = console("compare", f"{run}:start", f"{run}:current", "--json")
    assert msgspec.json.decode(plain.stdout)["verdict"] == "higher"
    assert console("compare", f"{run}:start", f"{run}:current", "--dry-run").stdout == ""
    (tmp_path / "b").mkdir()
    asks = made(tmp_path / "b", "asks", agent={"model": "callable/agent"})
    refused = console("compare", f"{asks}:start", f"{asks}:current")
    assert refused.exit_code == 2
    assert "--calls" in refused.stderr
