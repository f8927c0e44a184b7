"""A run with any optimizer, cut off at any event or told out of order, takes the course of an undisturbed one."""

from __future__ import annotations

import random
from zlib import crc32

import msgspec
import pytest

from loopwright.execution.protocol import TaskCard
from loopwright.feedback import Feedback
from loopwright.flow import Request, Result
from loopwright.llm.protocol import Ask, Reply
from loopwright.loop import LearningLoop
from loopwright.optimizers import KINDS, make_optimizer
from loopwright.optimizers.asking import Asking
from loopwright.optimizers.separate import Separate
from loopwright.search import make_search
from loopwright.settings import Loop
from loopwright.store.events import Answered
from loopwright.testing import OptimizerConformance, world
from loopwright.testing.optimizers import candidate, views
from loopwright.trace import Trace
from loopwright.trial import Trial

CARD = TaskCard("letters", {"train": 3, "validation": 3, "test": 2}, goal="Answer well.")
VIEWS = views()
MODEL = OptimizerConformance().answering(VIEWS["many parameters"])


def perform(loop: LearningLoop, request: Request) -> Result:
    """A model whose every fifth answer is no good, and a world in which the texts decide the score."""
    work = request.work
    if isinstance(work, Ask):
        return Reply(["I am not sure."] * work.n) if (work.seed or 0) % 5 == 0 else MODEL(work)
    texts = loop.candidate(work.candidate).texts
    score = crc32(f"{sorted(texts.items())} {work.index}".encode()) % 100 / 100
    seen = VIEWS["many parameters"].evidence.experiences[0]
    trace = Trace(seen.steps) if work.record else None
    return Trial(work, Feedback(score, f"scored {score}"), trace)


def made(kind: str, branches: int) -> LearningLoop:
    loop = Loop.of(
        {
            "task": "t.py:letters",
            "artifact": {"path": "agent.py", "edit": ["PROMPT", "extract", "solve"]},
            "evidence": {"batch": {"size": 2, "combine": "separate" if kind == "separate" else "concat"}},
            "optimizer": {"kind": "optoprime" if kind == "separate" else kind, "model": "m", "samples": 2},
            "search": {"accept": "not-worse", "kind": "pareto", "branches": branches},
            "budget": {"steps": 4},
        }
    )
    shared = loop.optimizer.shared()
    optimizer = make_optimizer(loop.optimizer.kind, shared)
    if kind == "separate":
        inner = make_optimizer("optoprime", {**shared, "samples": 1})
        optimizer = Separate(inner, msgspec.convert(shared, Asking))
    return LearningLoop(loop, candidate(), CARD, optimizer, make_search(loop.search))


@pytest.mark.parametrize("kind", [*sorted(set(KINDS) - {"ask", "mutate"}), "separate"])
@pytest.mark.parametrize("branches", [1, 3])
def test_cut_off_or_out_of_order_the_course_is_the_same(kind: str, branches: int) -> None:
    whole = world.drive(made(kind, branches), perform)
    assert sum(isinstance(entry.event, Answered) for entry in whole) >= 4
    rng = random.Random(branches)
    assert world.in_order(world.drive(made(kind, branches), perform, rng=rng)) == world.in_order(whole)
    for cut in range(1, len(whole), max(1, len(whole) // 5)):
        before = world.drive(made(kind, branches), perform, rng=rng, stop_after=cut)
        after = world.drive(made(kind, branches), perform, recorded=world.in_order(before), rng=rng)
        assert world.in_order(before + after) == world.in_order(whole)
