"""The contract between the runner and whatever runs trials, and between a task and the program it scores."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any, Literal, Protocol

import msgspec

from loopwright.llm.protocol import Ask, Reply
from loopwright.trial import Split, Trial, TrialSpec


class TaskCard(msgspec.Struct, frozen=True):
    """What the main process knows of a task without holding it: no example, no answer, no scorer.

    `sizes` are the examples per split. `strata` are, per split, one short label an example (empty where the task gives
    none), used only to draw and to report balance; they never enter evidence. `goal` is the task's own text for the
    optimizer (its docstring unless given). `floor` is the score of a trial that failed, `ceiling` the highest that one
    can have, None where there is none or the task does not say. `calls` are the names which the
    task calls on the program, where it declares them. `continues` says whether its trials can go on with an episode
    that was begun before (`TrialSpec.begun`).
    """

    name: str
    sizes: dict[Split, int]
    goal: str = ""
    floor: float = 0.0
    strata: dict[Split, list[str]] = {}
    calls: list[str] = []
    continues: bool = False
    ceiling: float | None = None

    @property
    def span(self) -> float | None:
        """The largest difference that two scores can have; None where scores have no ceiling."""
        return None if self.ceiling is None else self.ceiling - self.floor


class Source(msgspec.Struct, frozen=True):
    """A candidate as it is handed to an executor: plain files, and which functions in them to trace.

    `files` maps a relative path to its exact bytes. `entry` is the Python file whose names are the program's, or "".
    `traced` are (file, qualified name) of functions and methods whose calls are recorded.
    """

    id: str
    files: dict[str, bytes]
    entry: str = ""
    traced: list[tuple[str, str]] = []


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What one trial may use. `seconds` of wall time for the whole trial; memory per process; sizes in megabytes.

    `threads` is how many each numerical library starts, where trials run in a sandbox.
    """

    seconds: float = 60.0
    memory: int = 2048
    processes: int = 64
    files: int = 256
    disk: int = 64
    output: int = 100_000
    threads: int = 1


# Answers a model call made inside a trial. The number says how many equal calls the trial made before (0 for the
# first): a program may want two draws, and a trial that is run again must get those it got before.
AskModel = Callable[[Ask, int], Awaitable[Reply]]


class Executor(Protocol):
    """Runs trials. Guarantees: one result for each spec asked; whatever the candidate does becomes a labelled feedback.

    Raises `ExecutionError` only where the machinery itself cannot work, `TaskError` where the task cannot be loaded or
    breaks its contract. `run` may be called concurrently; at most `slots` trials run at a time, further ones wait.
    """

    async def start(self) -> TaskCard:
        """Load the task, start what is needed, and describe the task."""
        ...

    async def run(self, source: Source, spec: TrialSpec, ask: AskModel | None = None) -> Trial:
        """Run one trial; `ask` answers the model calls it makes. Cancelling kills what was started.

        What `ask` raises, except `ModelError`, ends the trial and is raised from here.
        """
        ...

    async def close(self) -> None:
        """End every process that was started; idempotent."""
        ...


class Command(msgspec.Struct, frozen=True):
    """The outcome of `program.run(...)`. `status` is the exit code; 124 with `timed_out` at the time limit."""

    status: int
    stdout: str
    stderr: str
    timed_out: bool = False
    seconds: float = 0.0


class Program(Protocol):
    """A candidate as the task sees it.

    `program.name(...)` calls the entry file's function `name` (a coroutine function gives an awaitable in an async
    task; a plain one may be awaited too). A module-level value is read with `program.value("NAME")`.
    """

    def __getattr__(self, name: str) -> Any: ...

    def value(self, name: str) -> Any:
        """A plain module-level value of the entry file."""
        ...

    def text(self, name: str) -> str:
        """The text of one of the candidate's files."""
        ...

    def run(
        self,
        command: Sequence[str],
        *,
        stdin: str = "",
        seconds: float | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Command:
        """Run a command in the candidate's private folder, which holds its files, under the trial's limits."""
        ...


Isolation = Literal["process", "inline"]
