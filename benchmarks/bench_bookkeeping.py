"""CPU and disk of the loop's own work per update: drawing, evidence, edit, gate, journal; no trial and no model costs anything.

Prints CPU milliseconds per update around update 10, 100, 1,000 and 10,000, and the disk used against the distinct text
written, with candidates of 8 KB. Usage: python benchmarks/bench_bookkeeping.py [UPDATES]
"""

from __future__ import annotations

import random
import sys
import tempfile
import time
from pathlib import Path

from loopwright.artifact import Artifact
from loopwright.execution.protocol import TaskCard
from loopwright.feedback import Feedback
from loopwright.flow import Request, Result
from loopwright.llm.protocol import Ask, Reply
from loopwright.loop import LearningLoop
from loopwright.optimizers.protocol import Check, Proposal, Proposing, View
from loopwright.search import make_search
from loopwright.settings import Loop
from loopwright.store import Journal
from loopwright.trace import Step, Trace
from loopwright.trial import Trial, Usage

SIZE = 8192
CHANGED = 200  # characters that an edit changes: enough that every candidate is its own text


def text_of(rng: random.Random) -> str:
    """A text of 8 KB in words, so that it is compressed about as much as code is."""
    words = ["alpha", "beta", "return", "lambda", "x", "y", "value", "if", "else", "=", "+", "(", ")", "\n"]
    text = ""
    while len(text) < SIZE:
        text += rng.choice(words) + " "
    return text[:SIZE]


class Scribbler:
    """Writes some new characters into the parent's text."""

    def propose(self, view: View, rng: random.Random, check: Check) -> Proposing:
        yield from ()
        text = view.parent.texts["text"]
        at = rng.randrange(SIZE - CHANGED)
        fresh = "".join(rng.choice("abcdefghijklmnopqrstuvwxyz     \n") for _ in range(CHANGED))
        return [Proposal({"text": text[:at] + fresh + text[at + CHANGED :]}, "some new words")]


def result(request: Request) -> Result:
    if isinstance(request.work, Ask):
        return Reply(["ok"])
    score = random.Random(request.work.seed ^ request.step).random()
    trace = Trace([Step("question", "answer", score)]) if request.work.record else None
    return Trial(request.work, Feedback(score, "some feedback"), trace, Usage())


def measure(updates: int) -> None:
    marks = [mark for mark in (10, 100, 1_000, 10_000) if mark <= updates]
    loop = Loop.of(
        {
            "task": "bench:task",
            "artifact": {"path": "text", "edit": ["text"]},
            "evidence": {"batch": {"size": 3}},
            "search": {"accept": "not-worse", "gate": "batch"},
            "budget": {"steps": updates},
        }
    )
    artifact = Artifact.from_texts(text_of(random.Random(0)))
    card = TaskCard("bench", {"train": 50, "validation": 0, "test": 0})
    learning = LearningLoop(loop, artifact.start, card, Scribbler(), make_search(loop.search))
    distinct = 0
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(Path(folder) / "journal.db")
        journal.append(learning.begin())
        began, window = time.process_time(), []
        while requests := learning.ask():
            before = learning.population.steps
            for request in requests:
                journal.append(learning.tell(request, result(request)))
            if learning.population.steps != before:
                now = time.process_time()
                window = [*window[-99:], (now - began) * 1e3]
                began = now
                if learning.population.steps in marks:
                    middle = sorted(window[-min(100, learning.population.steps // 2) :])
                    print(f"update {learning.population.steps:>6,}: {middle[len(middle) // 2]:.2f} ms CPU (median)")
        distinct = sum(len(candidate.texts["text"]) for candidate in learning.population.candidates.values())
        journal.close()
        disk = sum(path.stat().st_size for path in Path(folder).iterdir())
    count = len(learning.population.candidates)
    print(f"disk: {disk / 1e6:.1f} MB for {count:,} candidates of 8 KB, {disk / distinct:.2f} x their distinct text")


if __name__ == "__main__":
    measure(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000)
