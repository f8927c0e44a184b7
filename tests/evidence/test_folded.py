"""Where every trial has the highest score its task declares, evidence is short; nowhere else is anything folded."""

from __future__ import annotations

import random

import episodes
import msgspec
import pytest

from loopwright.evidence import Evidence, Horizon
from loopwright.feedback import Feedback
from loopwright.loop import LearningLoop
from loopwright.optimizers.protocol import Check, Proposing, Rejected, View
from loopwright.search import make_search
from loopwright.store.events import Showed
from loopwright.testing import world
from loopwright.trace import Call, Step, Trace
from loopwright.trial import Trial, TrialSpec

TABLE = "a row of the table\n" * 2_000


def solved(index: int, score: float = 1.0) -> Trial:
    """A question over a large table that thirty calls looked through."""
    calls = [Call("look", [("at", i, -1)], f"cell {index}.{i} " * 40) for i in range(30)]
    trace = Trace(
        [Step({"question": f"Which is {index}?", "table": TABLE}, f"A{index}", None, calls)], stdout="looking"
    )
    return Trial(TrialSpec("c", "train", index, 1), Feedback(score, "correct" if score == 1 else "wrong"), trace)


def test_a_perfect_batch_is_told_by_what_went_in_and_came_out() -> None:
    trials = [solved(i) for i in range(5)]
    short = Evidence.of(trials, tokens=10**6, ceiling=1.0).text
    assert "All 5 trials have the highest score there is" in short
    for i in range(5):
        assert f"input question: 'Which is {i}?'" in short
        assert f"output: 'A{i}'" in short
    assert short.count("(30 calls not shown.)") == 5
    assert short.count("characters left out") == 5
    assert "cell 1.1" not in short
    assert "looking" not in short
    assert len(short) < 4_000 < len(Evidence.of(trials, tokens=10**6).text) / 30


def test_a_perfect_batch_of_one_is_short_too() -> None:
    short = Evidence.of([solved(3)], tokens=10**6, ceiling=1.0).text
    assert "This trial has the highest score there is, so that nothing is to be mended here" in short
    assert len(short) < 1_500


@pytest.mark.parametrize("ceiling", [None, 1.0, 2.0])
def test_one_trial_below_the_ceiling_or_no_ceiling_shows_all_in_full(ceiling: float | None) -> None:
    trials = [solved(0), solved(1, 1.0 if ceiling is None else 0.0)]
    assert Evidence.of(trials, tokens=10**6, ceiling=ceiling).text == Evidence.of(trials, tokens=10**6).text


def test_of_a_perfect_episode_the_steps_are_counted() -> None:
    won = msgspec.structs.replace(episodes.pong(400), feedback=Feedback(21.0, "won"))
    text = Evidence.of([won], ceiling=21.0).text
    assert "(Steps 1-400 with 800 calls: not shown.)" in text
    assert len(text) < 500


def test_a_trial_that_failed_is_never_perfect() -> None:
    failed = msgspec.structs.replace(solved(0), feedback=Feedback(1.0, "it raised", error="exception"))
    assert "highest score" not in Evidence.of([failed], ceiling=1.0).text


def test_feedback_of_a_window_does_not_give_away_the_score_of_the_whole() -> None:
    won = msgspec.structs.replace(episodes.pong(400), feedback=Feedback(21.0, "won"))
    text = Evidence.of([won], Horizon(25, feedback="window"), ceiling=0.0).text
    assert "highest score" not in text
    assert "step|" in text


def test_words_alone_say_nothing_of_a_score() -> None:
    text = Evidence.of([solved(0), solved(1)], show="text", ceiling=1.0).text
    assert "score" not in text
    assert "All 2 trials went well, so that nothing is to be mended" in text


def test_each_context_is_folded_by_itself() -> None:
    seen = Evidence.of([solved(0), solved(1, 0.0)], tokens=10**6, combine="separate", ceiling=1.0)
    first, second = (context.text for context in seen.contexts())
    assert "nothing is to be mended" in first
    assert "nothing is to be mended" not in second
    assert "cell 1.1" in second


def test_leaving_alone_what_needs_no_mending_is_no_failure() -> None:
    class Content:
        def propose(self, view: View, rng: random.Random, check: Check) -> Proposing:
            yield from ()
            return [Rejected("unchanged", "the answer proposes no change")]

    def failures(ceiling: float | None) -> int:
        loop = world.settings(budget={"steps": 4})
        card = msgspec.structs.replace(world.CARD, ceiling=ceiling)
        learning = LearningLoop(loop, world.start(), card, Content(), make_search(loop.search))
        world.drive(learning)
        return learning.population.failures

    assert failures(-9.0) == 0
    assert failures(1.0) == failures(None) == 4


def test_the_ceiling_of_the_task_reaches_the_evidence_of_the_loop() -> None:
    def shown(ceiling: float | None) -> list[str]:
        loop = world.settings(budget={"steps": 3})
        card = msgspec.structs.replace(world.CARD, ceiling=ceiling)
        learning = LearningLoop(loop, world.start(), card, world.Turner(), make_search(loop.search))
        return [entry.event.text for entry in world.drive(learning) if isinstance(entry.event, Showed)]

    # In this world every score lies above -9, so a ceiling there is one that every trial has.
    assert all("nothing is to be mended" in text for text in shown(-9.0))
    assert not any("nothing is to be mended" in text for text in [*shown(None), *shown(1.0)])
