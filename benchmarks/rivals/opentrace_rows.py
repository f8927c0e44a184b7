"""OpenTrace's trainer (`opto.trainer`): busy workers with its parallel minibatches.

The release on the package index has no trainer, so the user names a Python in whose environment OpenTrace is installed
from its repository: python opentrace_rows.py MODEL_URL REPEATS
"""

from __future__ import annotations

import contextlib
import io
import json
import os
import sys
import tempfile
import time
from types import SimpleNamespace
from typing import Any

from asker import Asker, Busy, row, said
from opto import trace
from opto.optimizers import OptoPrime
from opto.trainer.algorithms.basic_algorithm import MinibatchAlgorithm
from opto.trainer.guide import AutoGuide

SLOTS = 16


class Guide(AutoGuide):
    """The task's score and feedback, as in the other benchmarks."""

    def get_feedback(self, query: str, response: str, reference: Any = None, **kwargs: Any) -> tuple[float, str]:
        return float(len(response) % 7), f"the reply was {response!r}"


class Timed(MinibatchAlgorithm):
    """Notes when the first minibatch began: what is evaluated before is left out, as for everybody."""

    began = 0.0

    def forward(self, *args: Any) -> Any:
        self.began = self.began or time.perf_counter()
        return super().forward(*args)


def slots(model: str, *, batch: int, steps: int) -> Busy:
    """As many examples and workers as the benchmark of loopwright has; it makes one update at a time."""
    asker, number = Asker(model), iter(range(1, 10**9))

    @trace.bundle()
    def respond(prompt: str, question: str) -> str:
        """Ask the model."""
        return asker.work(f"{prompt}\n{question}")

    @trace.model
    class Agent:
        def __init__(self) -> None:
            self.prompt = trace.node("Answer. Try 0.", trainable=True)

        def __call__(self, question: str) -> Any:
            return respond(self.prompt, question)

    agent = Agent()
    (parameter,) = agent.parameters()

    def llm(messages: list[dict[str, str]], **kwargs: Any) -> Any:
        asker.ask(messages[-1]["content"])
        reply = {"reasoning": "", "answer": "", "suggestion": {parameter.py_name: f"Answer. Try {next(number)}."}}
        return SimpleNamespace(choices=[SimpleNamespace(message=SimpleNamespace(content=json.dumps(reply)))])

    train = [f"Question {i}?" for i in range(batch * steps)]
    validation = [f"Validation {i}?" for i in range(16)]
    algorithm = Timed(agent, OptoPrime(agent.parameters(), llm=llm), num_threads=SLOTS)
    algorithm.train(
        Guide(),
        {"inputs": train, "infos": train},
        test_dataset={"inputs": validation, "infos": validation},
        batch_size=batch,
        min_score=0,
        num_threads=SLOTS,
    )
    return asker.busy(SLOTS, algorithm.began, time.perf_counter())


def main() -> None:
    model, repeats = sys.argv[1], int(sys.argv[2])
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)  # it draws every minibatch into a file
        for batch in (3, 16):
            with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
                runs = sorted(slots(model, batch=batch, steps=12) for _ in range(repeats))
            row(
                f"workers busy: {SLOTS} workers, 50 ms latency, minibatch {batch}, 16 validation examples, "
                "1 update at a time",
                said(runs[len(runs) // 2]),
            )


if __name__ == "__main__":
    main()
