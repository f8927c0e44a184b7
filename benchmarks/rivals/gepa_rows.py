"""gepa: busy workers with its parallel evaluation, and bookkeeping per iteration with a run folder.

Runs in an environment with gepa alone: python gepa_rows.py MODEL_URL UPDATES REPEATS
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import Any

from asker import Asker, Busy, row, said
from gepa.optimize_anything import EngineConfig, GEPAConfig, ReflectionConfig, optimize_anything
from gepa.strategies.proposal_sampling import IndependentSampling

SLOTS = 16
SIZE = 8192
CHANGED = 200


class Clock:
    """A gepa callback: when iterations began and ended, in wall and CPU seconds."""

    def __init__(self) -> None:
        self.began: list[float] = []
        self.ended: list[float] = []
        self.cpu: list[float] = []

    def on_iteration_start(self, event: Any) -> None:
        self.began.append(time.perf_counter())

    def on_iteration_end(self, event: Any) -> None:
        self.ended.append(time.perf_counter())
        self.cpu.append(time.process_time())


def slots(model: str, *, batch: int, parallel: int, steps: int) -> Busy:
    """As many examples, workers and updates at a time as the benchmark of loopwright has."""
    asker, clock, number = Asker(model), Clock(), iter(range(10**9))

    def evaluate(candidate: str, example: Any = None) -> tuple[float, dict[str, str]]:
        reply = asker.work(f"{candidate}\nQuestion {example}?")
        return float(len(reply) % 7), {"feedback": f"the reply was {reply!r}"}

    def reflect(prompt: Any) -> str:
        asker.ask(prompt if isinstance(prompt, str) else prompt[-1]["content"])
        return f"```\nAnswer. Try {next(number)}.\n```"

    more = {"sampling_strategy": IndependentSampling(parallel)} if parallel > 1 else {}
    optimize_anything(
        "Answer. Try 0.",
        evaluator=evaluate,
        dataset=[f"train {i}" for i in range(64)],
        valset=[f"validation {i}" for i in range(16)],
        config=GEPAConfig(
            engine=EngineConfig(
                max_candidate_proposals=steps,
                parallel=True,
                max_workers=SLOTS,
                acceptance_criterion="improvement_or_equal",
                **more,
            ),
            reflection=ReflectionConfig(reflection_lm=reflect, reflection_minibatch_size=batch),
            callbacks=[clock],
        ),
    )
    return asker.busy(SLOTS, clock.began[0], clock.ended[-1])


def bookkeeping(updates: int) -> str:
    """CPU of an iteration with a run folder, candidates of 8 KB, batches of 3; evaluations and replies cost nothing."""
    clock, rng = Clock(), random.Random(0)
    words = ["alpha", "beta", "return", "lambda", "x", "y", "value", "if", "else", "=", "+", "(", ")", "\n"]
    start = " ".join(rng.choice(words) for _ in range(SIZE))[:SIZE]
    latest = {"text": start}

    def evaluate(candidate: str, example: Any = None) -> tuple[float, dict[str, str]]:
        latest["text"] = candidate
        return rng.random(), {"feedback": "some feedback"}

    def reflect(prompt: Any) -> str:
        text, at = latest["text"], rng.randrange(SIZE - CHANGED)
        fresh = "".join(rng.choice("abcdefghijklmnopqrstuvwxyz     \n") for _ in range(CHANGED))
        return f"```\n{text[:at]}{fresh}{text[at + CHANGED :]}\n```"

    with tempfile.TemporaryDirectory() as folder:
        optimize_anything(
            start,
            evaluator=evaluate,
            dataset=list(range(50)),
            valset=[0],
            config=GEPAConfig(
                engine=EngineConfig(
                    run_dir=folder,
                    max_candidate_proposals=updates,
                    parallel=False,
                    acceptance_criterion="improvement_or_equal",
                ),
                reflection=ReflectionConfig(reflection_lm=reflect, reflection_minibatch_size=3),
                callbacks=[clock],
            ),
        )
        disk = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
    spent = [(two - one) * 1e3 for one, two in zip(clock.cpu, clock.cpu[1:], strict=False)]
    shown = [
        f"{median(spent[max(mark // 2, mark - 100) : mark]):.1f} ms at iteration {mark:,}"
        for mark in (10, 100, 1_000)
        if mark <= len(spent) + 1
    ]
    return f"CPU: {', '.join(shown)}; {disk / 1e6:.1f} MB on disk after {len(clock.cpu):,} iterations"


def main() -> None:
    model, updates, repeats = sys.argv[1], int(sys.argv[2]), int(sys.argv[3])
    for batch, parallel in ((3, 1), (16, 1), (16, 4)):
        runs = sorted(slots(model, batch=batch, parallel=parallel, steps=12 * parallel) for _ in range(repeats))
        row(
            f"workers busy: {SLOTS} workers, 50 ms latency, minibatch {batch}, 16 validation examples, "
            f"{parallel} update{'s' if parallel > 1 else ''} at a time",
            said(runs[len(runs) // 2]),
        )
    row("bookkeeping per iteration, `run_dir`, candidates of 8 KB", bookkeeping(updates))


if __name__ == "__main__":
    sys.stdout.flush()
    main()
