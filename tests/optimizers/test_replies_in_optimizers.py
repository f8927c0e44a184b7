"""The corpus through the optimizers: whatever a model answers at whatever turn, only what it said is adopted."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st
from test_replies import CORPUS, PARENTS

from loopwright.llm.protocol import Reply
from loopwright.optimizers import KINDS, make_optimizer
from loopwright.optimizers.asking import Asking
from loopwright.optimizers.protocol import Proposal, Rejected, View
from loopwright.optimizers.separate import Separate
from loopwright.testing.optimizers import check_of, views

PARENT = PARENTS["three"]
EXPECTED = {text for case in CORPUS for text in case.expected.values()}
JOINT = views()["many parameters"].evidence
APART = views()["separate contexts"].evidence
# A fragment and a whole: what models say, and what is left of it where a connection breaks.
REPLIES = st.sampled_from([case.reply for case in CORPUS]).flatmap(
    lambda reply: st.just(reply) | st.integers(0, len(reply)).map(lambda end: reply[:end])
)


@pytest.mark.parametrize("kind", sorted(set(KINDS) - {"ask", "mutate"}))
@pytest.mark.parametrize("apart", [False, True])
@given(st.lists(REPLIES, min_size=1, max_size=6), st.integers(0, 99))
@profile(max_examples=30, deadline=None)
def test_every_adopted_line_was_said(kind: str, apart: bool, said: list[str], seed: int) -> None:
    given_ = {"model": "m", "samples": 2}
    optimizer = make_optimizer(kind, {**given_, "samples": 1 if apart else 2})
    optimizer = Separate(optimizer, Asking("m", 2)) if apart else optimizer
    view = View(seed + 1, PARENT, APART if apart else JOINT)
    rng = random.Random(seed)
    proposing = optimizer.propose(view, random.Random(seed), check_of(PARENT))
    try:
        asks = next(proposing)
        while True:
            asks = proposing.send([Reply([rng.choice(said) for _ in range(ask.n)]) for ask in asks])
    except StopIteration as stop:
        results = stop.value
    assert 1 <= len(results) <= 2
    known = {line.strip() for text in PARENT.texts.values() for line in text.split("\n")}
    lines = {line.strip() for reply in said for line in reply.split("\n")}
    for result in results:
        assert isinstance(result, Proposal | Rejected)
        if isinstance(result, Proposal):
            PARENT.edit(result.texts)
            for text in result.texts.values():
                if text in EXPECTED:  # also from a literal of several lines
                    continue
                for line in text.split("\n"):
                    # A string may come out of a literal, or of one line with its tags.
                    assert line.strip() in known | lines or any(line.strip() in each for each in lines)
