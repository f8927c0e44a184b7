"""How busy the worker slots of a real run are: isolated trials that ask a model, an LLM optimizer, a durable journal.

Everything is real but the model's mind: a server in another process answers every call, of programs and of the
optimizer, after a fixed time. Counted is the learning phase, from the first update's start to the last one's end, its
ramp and its drain included; the start of processes and the trials before and after are left out. Three shares of the
slot-seconds (slots x wall time), each a part of the one before:

- *taken*: a trial had the slot. What is missing here is a scheduler that does not find work for a slot.
- *at work*: the slot's worker was in the trial, waiting for its model call or for a core, or working. What is missing
  besides is the way from one trial to the next; a worker has its next trial at hand, so it does not wait for main.
- *waiting for the model*: the trial's model call itself. Two cores bound it: 16 slots at 50 ms ask for 320 trials a
  second, each with processes of its own; so there is a measurement with a model that takes 500 ms, too.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Sequence
from itertools import pairwise
from pathlib import Path
from statistics import median
from typing import Any, ClassVar, NamedTuple
from unittest import mock

from latency_server import serve
from measure import Row, alone

import loopwright as lw
from loopwright.execution.process import ProcessExecutor
from loopwright.execution.protocol import AskModel, Source, TaskCard
from loopwright.runner import Progress
from loopwright.store import Entry
from loopwright.store.events import Ran, Updated
from loopwright.trial import Trial, TrialSpec

LATENCY = 0.05
SLOTS = 16
WORLD = Path(__file__).parent / "world"


class Busy(NamedTuple):
    """What one run showed, in shares. `cpu` is ms a trial of evaluator and candidate, `main` ms a trial of main."""

    taken: float
    work: float
    waiting: float
    trials: int
    seconds: float
    cpu: float
    main: float


class _Watched(ProcessExecutor):
    """Notes how many trials are asked of the executor at any time: up to its slots, each has one."""

    latest: ClassVar[list[tuple[float, int]]] = []  # of the last one started: since when, how many

    async def start(self) -> TaskCard:
        self.asked = _Watched.latest = [(time.perf_counter(), 0)]
        return await super().start()

    async def run(self, source: Source, spec: TrialSpec, ask: AskModel | None = None) -> Trial:
        self._note(1)
        try:
            return await super().run(source, spec, ask)
        finally:
            self._note(-1)

    def _note(self, more: int) -> None:
        self.asked.append((time.perf_counter(), self.asked[-1][1] + more))


def settings(model: str, *, steps: int, batch: int, branches: int, slots: int = SLOTS, **more: Any) -> lw.Loop:
    """Validation has 16 examples, so one update is `batch` trials on the parent and as many or 16 on the child."""
    return lw.Loop.of(
        {
            "task": "task.py:chat",
            "artifact": {"path": "agent.py", "edit": ["PROMPT"]},
            "evidence": {"batch": {"size": batch}},
            "optimizer": {"model": model},
            "agent": {"model": model},
            "search": {"accept": "not-worse", "gate": "validation", "branches": branches, **more},
            "budget": {"steps": steps},
            "execution": {"slots": slots},
        }
    )


def measure(loop: lw.Loop, latency: float = LATENCY) -> Busy:
    """Run a loop and look when its trials were at work."""
    began = ended = began_cpu = ended_cpu = 0.0
    found: list[Trial] = []

    def listener(entries: Sequence[Entry], progress: Progress) -> None:
        nonlocal began, ended, began_cpu, ended_cpu
        for entry in entries:
            if isinstance(entry.event, Ran):
                if entry.step == 0:  # the opening trials end here, and the first updates begin
                    began, began_cpu = time.perf_counter(), time.process_time()
                elif entry.event.trial.spec.role != "test":
                    found.append(entry.event.trial)
            elif isinstance(entry.event, Updated):
                ended, ended_cpu = time.perf_counter(), time.process_time()

    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch("loopwright.execution.process.ProcessExecutor", _Watched),
    ):
        lw.run(loop, Path(folder) / "run", root=WORLD, listener=listener)
    assert all(trial.usage.calls == 1 for trial in found), "every trial must have asked its model"
    room = (ended - began) * loop.execution.slots
    return Busy(
        taken=_taken(_Watched.latest, loop.execution.slots, began, ended) / room,
        work=sum(trial.seconds for trial in found) / room,
        waiting=len(found) * latency / room,
        trials=len(found),
        seconds=ended - began,
        cpu=sum(trial.cpu for trial in found) / len(found) * 1e3,
        main=(ended_cpu - began_cpu) / len(found) * 1e3,
    )


def _taken(asked: Sequence[tuple[float, int]], slots: int, began: float, ended: float) -> float:
    """Slot-seconds between two moments in which a slot had a trial."""
    total = 0.0
    for (since, count), (until, _) in pairwise([*asked, (ended, 0)]):
        total += max(0.0, min(until, ended) - max(since, began)) * min(count, slots)
    return total


def about(batch: int, branches: int, latency: float = LATENCY) -> str:
    """The settings of a measurement in words."""
    return (
        f"{SLOTS} slots, {latency * 1e3:.0f} ms latency, batch {batch}, 16 validation examples, "
        f"{branches} update{'s' if branches > 1 else ''} at a time"
    )


def shown(got: Sequence[Busy]) -> str:
    """Medians over runs, in words."""
    taken, work, waiting, cpu, main = (
        median(getattr(one, name) for one in got) for name in ("taken", "work", "waiting", "cpu", "main")
    )
    rate = median(one.trials / one.seconds for one in got)
    return (
        f"taken {taken:.0%}, at work {work:.0%}, waiting for the model {waiting:.0%}; {rate:.0f} trials/s; "
        f"CPU a trial: {cpu:.1f} ms isolated, {main:.1f} ms main"
    )


def rows(quick: bool) -> list[Row]:
    plan = [(LATENCY, 16, 1), (LATENCY, 16, 4), (0.5, 16, 4)]
    if not quick:
        plan[1:1] = [(LATENCY, 3, 1), (LATENCY, 3, 8)]
    found: list[Row] = []
    for latency, batch, branches in plan:
        with serve(latency) as model:
            loop = settings(model, steps=48 if branches > 1 else 12, batch=batch, branches=branches)
            got = [measure(loop, latency) for _ in range(1 if quick else 3)]
        counts = branches > 1  # with one update at a time the slots wait for the optimizer, as they must
        found.append(
            Row(
                f"worker slots busy: {about(batch, branches, latency)}",
                shown(got),
                ">= 95 % at work" if counts else "",
                median(one.work for one in got) >= 0.95 if counts else None,
            )
        )
    return found


if __name__ == "__main__":
    alone(rows, __doc__)
