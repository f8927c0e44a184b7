"""CPU and disk of the loop's own work per update, with durable state; no trial and no model costs anything here.

Counted is everything between two updates: drawing, evidence, the edit, the gate, and the journal, one transaction for
each event as the runner writes them. Candidates have 8 KB, and every one of them is another.
"""

from __future__ import annotations

import random
import tempfile
import time
from pathlib import Path
from statistics import median
from typing import NamedTuple

from measure import Row, alone

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
MARKS = (10, 100, 1_000, 10_000)
WINDOW = 100  # a mark's figure is the median of the updates before it: at most so many, at most half of all


class Kept(NamedTuple):
    """Median CPU ms per update at each mark; at the end, bytes on disk and of all distinct texts of candidates."""

    cpu: dict[int, float]
    disk: int
    distinct: int


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


def measure(updates: int) -> Kept:
    """Run a loop of so many updates on results that cost nothing."""
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
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(Path(folder) / "journal.db")
        journal.append(learning.begin())
        cpu: dict[int, float] = {}
        began, window = time.process_time(), []
        while requests := learning.ask():
            before = learning.population.steps
            for request in requests:
                journal.append(learning.tell(request, result(request)))
            done = learning.population.steps
            if done == before:
                continue
            window = [*window[1 - WINDOW :], (time.process_time() - began) * 1e3]
            if done in MARKS:
                cpu[done] = median(window[-min(WINDOW, done // 2) :])
            began = time.process_time()
        journal.close()
        disk = sum(path.stat().st_size for path in Path(folder).iterdir())
    distinct = sum(len(one.texts["text"].encode()) for one in learning.population.candidates.values())
    return Kept(cpu, disk, distinct)


def rows(quick: bool) -> list[Row]:
    got = [measure(1_000 if quick else 10_000) for _ in range(1 if quick else 3)]
    cpu = {mark: median(one.cpu[mark] for one in got) for mark in got[0].cpu}
    shown = ", ".join(f"{ms:.2f} ms at update {mark:,}" for mark, ms in cpu.items())
    _, disk, distinct = measure(1_000)
    return [
        Row(
            "bookkeeping per update, durable, candidates of 8 KB",
            f"CPU: {shown}",
            "<= 2 ms, flat",
            max(cpu.values()) <= 2.0 and max(cpu.values()) <= 1.5 * min(cpu.values()),
        ),
        Row(
            "disk for 1,000 candidates of 8 KB",
            f"{disk / 1e6:.1f} MB, {disk / distinct:.2f} x their distinct text "
            "(events of 6,000 trials included; while a run is open, up to 4 MB of write-ahead log more)",
            "<= 1.2 x distinct text",
            disk <= 1.2 * distinct,
        ),
    ]


if __name__ == "__main__":
    alone(rows, __doc__)
