"""The history of versions and scores: worst first, each once, the best kept where there is no room, and no trace."""

from __future__ import annotations

import re
from typing import Any

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from loopwright.evidence.tokens import estimate
from loopwright.llm.protocol import Reply
from loopwright.optimizers.opro import Opro
from loopwright.optimizers.protocol import Optimizer, Remembered, View
from loopwright.testing import OptimizerConformance
from loopwright.testing.optimizers import views

VIEW = views()["a past"]


class Driver(OptimizerConformance):
    def make(self, **settings: Any) -> Optimizer:
        return Opro(**{"model": "m", **settings})


def prompt(view: View = VIEW, **given: Any) -> str:
    _, rounds = Driver().drive(view, lambda ask: Reply(["NO CHANGE"]), **given)
    return rounds[0][0].messages[1]["content"]


def scores(text: str) -> list[float]:
    return [float(found) for found in re.findall(r"^## score (-?[\d.e-]+)", text, re.MULTILINE)]


tries = st.builds(
    lambda n, score: Remembered(n, "worse", "", {"PROMPT": f"Say {n % 7} {{question}}"}, score, 0.0),
    st.integers(0, 50),
    st.floats(-10, 10),
)


@given(st.lists(tries, max_size=30), st.integers(0, 12), st.integers(1, 12), st.integers(0, 600))
@settings(max_examples=60, deadline=None)
def test_versions_are_sorted_each_once_and_within_their_limits(memory, most, history, tokens) -> None:
    view = msgspec.structs.replace(VIEW, memory=memory)
    text = prompt(view, memory=most, history=history, memory_tokens=tokens)
    found = scores(text)
    assert found == sorted(found)
    assert len(found) <= min(history, most + 3)
    texts = re.findall(r"Say \d \{question\}", text)
    assert len(texts) == len(set(texts))
    assert "# Versions" not in text or estimate(text.split("# Versions")[1].split("# Your answer")[0]) <= tokens + 20


def test_the_best_versions_are_kept_where_room_ends() -> None:
    memory = [Remembered(n, "worse", "", {"PROMPT": f"{n} " * 60 + "{question}"}, float(n), 0.0) for n in range(9)]
    view = msgspec.structs.replace(VIEW, memory=memory, others=[], score=-1.0)
    assert scores(prompt(view, memory=9, history=3)) == [6.0, 7.0, 8.0]
    few = scores(prompt(view, memory=9, memory_tokens=400))
    assert few[-1] == 8.0
    assert len(few) < 9


def test_the_present_version_has_its_validation_score_and_no_trace_is_shown() -> None:
    text = prompt()
    assert "## score 0.5: the parameters as they are now" in text
    assert "expected 'B', got 'A'" not in text
    assert "Which letter" not in text
    assert text.index("## score 0.5") < text.index("## score 0.75")
    assert "expected 'B', got 'A'" in prompt(examples=1)
    assert "Which letter" not in prompt(examples=1)


def test_what_was_refused_is_told_without_its_text() -> None:
    text = prompt()
    assert "mark-2" in text
    assert "mark-3" in text
    assert "mark-3 {question}" not in text
