"""What the tests of the command line share: the type of the runner, and how an error must look."""

from __future__ import annotations

from collections.abc import Callable

from click.testing import Result

Cli = Callable[..., Result]


def sentence(result: Result) -> str:
    """The one line in which an error is told."""
    told = [line for line in result.stderr.splitlines() if line.startswith("error: ")]
    assert len(told) == 1, result.stderr
    assert "see 'loopwright" in told[0] or not told[0].endswith("."), told[0]
    return told[0]
