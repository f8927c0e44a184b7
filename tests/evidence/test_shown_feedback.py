"""`evidence.feedback` and `evidence.staged` change what the optimizer sees of a feedback, and nothing else of it."""

from __future__ import annotations

import pytest

from loopwright.errors import SettingsError
from loopwright.evidence import Evidence
from loopwright.feedback import Feedback
from loopwright.settings import Loop
from loopwright.staged import Stage, Staged
from loopwright.trace import Failure, Step, Trace
from loopwright.trial import Trial, TrialSpec
from simulation import Walker, new_loop, perform, settings

STAGED = Staged("Find the form first.", (Stage(0.5, "Half way: {score}."), Stage(1, "Nothing missing: {missing}.")), 1)


def trial(score: float, text: str = "wanted a comma", **more: float) -> Trial:
    steps = [Step({"x": 31415}, "y")]
    return Trial(TrialSpec("c", "train", 0, 0), Feedback(score, text, dict(more)), Trace(steps))


@pytest.mark.parametrize("count", [1, 3])
def test_score_shows_numbers_and_no_words(count: int) -> None:
    text = Evidence.of([trial(0.625, recall=0.875)] * count, show="score").text
    assert "0.625" in text
    assert "recall = 0.875" in text
    assert "wanted a comma" not in text
    assert "31415" in text  # the trace is the horizon's business


@pytest.mark.parametrize("count", [1, 3])
def test_text_shows_words_and_no_numbers(count: int) -> None:
    text = Evidence.of([trial(0.625, recall=0.875)] * count, show="text").text
    assert "wanted a comma" in text
    assert "625" not in text
    assert "recall" not in text
    assert "31415" in text


def test_both_is_the_default_and_shows_both() -> None:
    trials = [trial(0.625)]
    assert Evidence.of(trials).text == Evidence.of(trials, show="both").text
    assert "0.625" in Evidence.of(trials).text
    assert "wanted a comma" in Evidence.of(trials).text


def test_an_exception_is_words_and_that_a_trial_failed_is_always_said() -> None:
    trace = Trace([Step(1, None)], failure=Failure("ValueError", "no colon here", ""))
    failed = Trial(TrialSpec("c", "train", 0, 0), Feedback.failed("exception", "it raised"), trace)
    score, text = (Evidence.of([failed], show=show).text for show in ("score", "text"))
    assert "no colon here" not in score
    assert "no colon here" in text
    assert "The trial failed: exception" in score
    assert "The trial failed: exception" in text


def test_the_stage_goes_with_the_mean_score() -> None:
    def hint(*scores: float) -> str:
        return Evidence.of([trial(score) for score in scores], staged=STAGED).text

    assert "Find the form first." in hint(0.0)
    assert "Half way: 0.5." in hint(0.0, 1.0)
    assert "Nothing missing: 0." in hint(1.0, 1.0)
    assert "Half way" not in hint(1.0, 1.0)


def views(**changes: object) -> list:
    """What the optimizer is shown in a short run of a small world."""
    walker = Walker()
    loop = new_loop(settings(budget__steps=4, search__accept="improve", **changes), walker)
    loop.begin()
    while requests := loop.ask():
        for request in requests:
            loop.tell(request, perform(loop, request))
    return walker.views


def test_the_settings_reach_the_optimizer() -> None:
    both, words, numbers = (views(evidence__feedback=name) for name in ("both", "text", "score"))
    assert "you are at" in both[0].evidence.text
    assert "score" in both[0].evidence.text
    assert "you are at" not in numbers[0].evidence.text
    assert "score" not in words[0].evidence.text
    hinted = views(evidence__staged={"first": "Walk on.", "stages": [{"start": -1.0, "text": "Nearly there."}]})
    assert "Walk on." in hinted[0].evidence.text


def test_words_alone_leave_no_score_in_memory() -> None:
    both, words = (views(evidence__feedback=name)[-1].memory for name in ("both", "text"))
    assert any(each.score is not None for each in both)
    assert words
    assert all(each.score is None and each.parent_score is None and "against" not in each.reason for each in words)


TABLE = {"task": "t.py:t", "artifact": {"path": "a.py", "edit": ["f"]}}


@pytest.mark.parametrize(
    ("staged", "words"),
    [
        ({"frist": "a"}, "frist"),
        ({"stages": [{"start": 1, "text": "b"}, {"start": 0, "text": "a"}]}, "ascending"),
        ({"stages": [{"start": "high", "text": "b"}]}, "start"),
        ({"stages": [{"start": 0.5}]}, "text"),
    ],
)
def test_a_mistake_in_stages_is_one_sentence(staged: dict, words: str) -> None:
    for make in (lambda: Staged.of(staged), lambda: Loop.of({**TABLE, "evidence": {"staged": staged}})):
        with pytest.raises(SettingsError, match=words) as caught:
            make()
        assert "\n" not in str(caught.value)


def test_stages_come_back_from_a_loop_file_as_written() -> None:
    table = {"first": "a", "stages": [{"start": 0.5, "text": "b", "above": True}], "goal": 1.0}
    loop = Loop.of({**TABLE, "evidence": {"staged": table}})
    assert loop.evidence.staged == Staged.of(table)
    assert Loop.of(loop.data()) == loop


def test_a_task_gives_its_own_words_and_the_stage() -> None:
    assert STAGED.feedback(0.5, "wrong letter", {"n": 2.0}) == Feedback(0.5, "wrong letter Half way: 0.5.", {"n": 2.0})
