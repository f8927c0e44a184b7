"""A small world on disk for the command line: a number that shall become 7, edited by `mutate` or by hand."""

from __future__ import annotations

from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from console import Cli

from loopwright.cli.app import app

AGENT = b'''"""An agent."""  # a comment that stays\r
\r
def guess(x):   # this too\r
    return 3 * x\r
\r
\r
# the end, without a newline'''

TASK = '''
import loopwright as lw

@lw.task(train=range(6), validation=range(6, 10), test=range(10, 15), floor=-1e9)
def times(program, x, trial):
    """Return four times x."""
    got = program.guess(x)
    return -abs(float(got) - 4 * x), f"wanted {4 * x}, got {got}"
'''

LOOP = """
task = "task.py:times"
[artifact]
path = "agent.py"
edit = ["guess"]
[evidence]
batch = { size = 2 }
[optimizer]
kind = "mutate"
[search]
accept = "improve"
[budget]
steps = 12
failures = 50
[execution]
isolation = "inline"
"""


@pytest.fixture
def cli() -> Cli:
    """Run the command line in this process; checks that no traceback is ever printed."""

    def call(*args: object, stdin: bytes | None = None, code: int | None = 0) -> Result:
        result = CliRunner().invoke(app, [str(arg) for arg in args], input=stdin)
        assert "Traceback" not in result.output
        if code is not None:
            assert result.exit_code == code, result.output
        return result

    return call


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder with a loop, which is also the working directory."""
    (tmp_path / "agent.py").write_bytes(AGENT)
    (tmp_path / "task.py").write_text(TASK)
    (tmp_path / "loop.toml").write_text(LOOP)
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def finished(world: Path, cli: Cli) -> Path:
    """The folder of a run that has ended, and that found something better than its start."""
    cli("run", "loop.toml", "--out", "done", "--quiet", "--set", "budget.steps=40")
    return world / "done"
