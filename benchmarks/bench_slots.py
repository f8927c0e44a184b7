"""How busy the worker slots of a real run are: isolated trials that ask a model, an LLM optimizer, a durable journal.

Everything is real but the model's mind: a server in another process answers every call, of programs and of the
optimizer, after 50 ms. Counted is the learning phase, from the first update's start to the last one's end, its ramp and
its drain included, the start of processes and the trials before and after left out:

- *busy*: the share of slot-seconds (slots x wall time) in which a slot held a trial, from the moment its worker took
  it to the moment it gave the result: waiting for its model call, or at work;
- *waiting for the model*: the share that would remain if everything but the model's own 50 ms took no time. Two cores
  bound it: 16 slots at 50 ms ask for 320 trials a second.
"""

from __future__ import annotations

import resource
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from latency_server import serve
from measure import Row, alone

import loopwright as lw
from loopwright.runner import Progress
from loopwright.store import Entry
from loopwright.store.events import Ran, Updated

LATENCY = 0.05
SLOTS = 16
WORLD = Path(__file__).parent / "world"


class Busy(NamedTuple):
    """What one run showed. `cpu` is of all processes of the run, per trial, in ms."""

    busy: float
    waiting: float
    trials: int
    seconds: float
    cpu: float


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


def measure(loop: lw.Loop) -> Busy:
    """Run a loop and look when its trials were at work."""
    began, ended = 0.0, 0.0
    held, trials = 0.0, 0

    def listener(entries: Sequence[Entry], progress: Progress) -> None:
        nonlocal began, ended, held, trials
        now = time.perf_counter()
        for entry in entries:
            if isinstance(entry.event, Ran):
                role = entry.event.trial.spec.role
                if role == "test":
                    continue
                if entry.step == 0:
                    began = now  # the opening trials end here, and the first updates begin
                else:
                    held += entry.event.trial.seconds
                    trials += 1
            elif isinstance(entry.event, Updated):
                ended = now

    before = _cpu()
    with tempfile.TemporaryDirectory() as folder:
        lw.run(loop, Path(folder) / "run", root=WORLD, listener=listener)
    cpu = _cpu() - before
    room = (ended - began) * loop.execution.slots
    return Busy(held / room, trials * LATENCY / room, trials, ended - began, cpu / trials * 1e3)


def _cpu() -> float:
    used = [resource.getrusage(who) for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)]
    return sum(one.ru_utime + one.ru_stime for one in used)


def rows(quick: bool) -> list[Row]:
    found: list[Row] = []
    with serve(LATENCY) as model:
        for branches, batch in ((1, 16), (4, 16)) if quick else ((1, 3), (1, 16), (4, 3), (4, 16), (8, 16)):
            steps = 8 * branches if quick else max(12, 12 * branches)
            got = [
                measure(settings(model, steps=steps, batch=batch, branches=branches)) for _ in range(1 if quick else 3)
            ]
            busy = median(one.busy for one in got)
            found.append(
                Row(
                    f"worker slots busy: {SLOTS} slots, 50 ms latency, batch {batch}, 16 validation examples, "
                    f"branches {branches}",
                    f"{busy:.0%} (waiting for the model alone {median(one.waiting for one in got):.0%}; "
                    f"{median(one.trials / one.seconds for one in got):.0f} trials/s, "
                    f"{median(one.cpu for one in got):.1f} ms CPU a trial)",
                    ">= 95 %" if branches > 1 else "",
                    busy >= 0.95 if branches > 1 else None,
                )
            )
    return found


if __name__ == "__main__":
    alone(rows, __doc__)
