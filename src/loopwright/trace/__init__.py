"""What happened inside a trial, as plain records: steps, and the calls of traced functions inside them.

Recording is in `trace.record`; values are never wrapped. Here are only the records, so that everything above can read
them without importing the machinery.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from loopwright.trace.graph import Graph


class Failure(msgspec.Struct, frozen=True):
    """An exception, told so that a reader (person or model) sees where and why.

    `where` is the source around the failing line of the artifact, with `-->` before that line; empty where the
    exception came from outside the artifact.
    """

    type: str
    message: str
    where: str = ""

    def text(self) -> str:
        """The failure in a few lines, source first."""
        head = f"{self.where}\n" if self.where else ""
        return f"{head}{self.type}: {self.message}" if self.message else f"{head}{self.type}"


class Call(msgspec.Struct, frozen=True, array_like=True):
    """One call of a traced function.

    `inputs` are (argument name, value, origin): origin is the index, within the trial's calls, of the call whose output
    this very object was (identity, not equality), or -1. `parent` is the index of the enclosing traced call, or -1.
    Values are plain data; what cannot be plain is described in a short text.
    """

    function: str
    inputs: list[tuple[str, Any, int]]
    output: Any = None
    parent: int = -1
    failure: Failure | None = None


class Step(msgspec.Struct, frozen=True, array_like=True):
    """One turn of an execution: what the program was given, what it answered, and what that earned.

    For an environment: observation, action, reward of one step. For a plain task: one call from the task into the
    program, with the arguments as observation and the result as action; `reward` is None unless the task gives one.
    """

    observation: Any
    action: Any
    reward: float | None = None
    calls: list[Call] = []


class Trace(msgspec.Struct, frozen=True):
    """Everything recorded of one trial, in order. `stdout`/`stderr` are what the candidate printed, cut where long."""

    steps: list[Step] = []
    failure: Failure | None = None
    stdout: str = ""
    stderr: str = ""

    def graph(self) -> Graph:
        """The data flow between the calls; it has `slice`, `svg` and `dot`."""
        from loopwright.trace.graph import graph

        return graph(self)
