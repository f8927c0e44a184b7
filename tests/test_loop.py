"""The laws of the loop: the same course in whatever order it is told, and after whatever interruption."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from loopwright.errors import StoreError, TaskError
from loopwright.optimizers.protocol import Rejected
from loopwright.store.events import Answered, Ended, Proposed, Ran, Showed, Updated
from simulation import Walker, card, drive, in_order, new_loop, settings

VARIETIES = st.fixed_dictionaries(
    {
        "seed": st.integers(0, 5),
        "search__accept": st.sampled_from(["always", "not-worse", "improve", "confident"]),
        "search__cap": st.just(9),
        "search__redraw": st.just(True),
        "search__gate": st.sampled_from(["batch", "validation"]),
        "search__branches": st.integers(1, 4),
        "search__revert": st.sampled_from([None, 2]),
        "optimizer__samples": st.integers(1, 3),
        "evidence__batch": st.fixed_dictionaries(
            {"size": st.integers(1, 4), "draw": st.sampled_from(["order", "shuffle", "failures", "contrast"])}
        ),
    }
)


@given(VARIETIES, st.randoms(use_true_random=False))
@profile(max_examples=40, deadline=None)
def test_the_order_in_which_results_come_changes_nothing(variety: dict, rng: random.Random) -> None:
    straight = drive(new_loop(settings(**variety)))
    shuffled = drive(new_loop(settings(**variety)), rng=rng)
    assert in_order(shuffled) == in_order(straight)


@given(VARIETIES, st.randoms(use_true_random=False), st.integers(0, 120))
@profile(max_examples=40, deadline=None)
def test_a_run_cut_off_anywhere_continues_exactly(variety: dict, rng: random.Random, cut: int) -> None:
    whole = drive(new_loop(settings(**variety)))
    before = drive(new_loop(settings(**variety)), rng=rng, stop_after=cut)
    after = drive(new_loop(settings(**variety)), recorded=in_order(before), rng=rng)
    assert in_order(before + after) == in_order(whole)


@given(VARIETIES)
@profile(max_examples=30, deadline=None)
def test_events_have_places_without_gap_or_twin(variety: dict) -> None:
    entries = drive(new_loop(settings(**variety)))
    places = [entry[:2] for entry in entries]
    assert len(set(places)) == len(places)
    for step in {step for step, _ in places}:
        numbers = sorted(number for at, number in places if at == step)
        assert numbers == list(range(len(numbers)))


@given(VARIETIES)
@profile(max_examples=30, deadline=None)
def test_no_validation_or_test_trial_is_run_twice_without_branches(variety: dict) -> None:
    variety = {**variety, "search__branches": 1}
    entries = drive(new_loop(settings(**variety)))
    lasting = [e.event.trial.spec for e in entries if isinstance(e.event, Ran) and e.event.trial.spec.role != "train"]
    lasting = [spec for spec in lasting if spec.role in {"validation", "test"}]
    assert len(set(lasting)) == len(lasting)


@given(VARIETIES)
@profile(max_examples=30, deadline=None)
def test_test_examples_come_only_after_the_last_update(variety: dict) -> None:
    events = [entry.event for entry in drive(new_loop(settings(**variety)))]
    last = max(i for i, event in enumerate(events) if isinstance(event, Updated))
    tests = [i for i, event in enumerate(events) if isinstance(event, Ran) and event.trial.spec.split == "test"]
    assert tests
    assert min(tests) > last


@given(VARIETIES)
@profile(max_examples=30, deadline=None)
def test_the_best_has_the_highest_validation_score_of_the_accepted(variety: dict) -> None:
    loop = new_loop(settings(**variety))
    drive(loop)
    means = {node.id: loop.population.mean(node.id) for node in loop.population.nodes.values() if node.accepted}
    assert loop.population.mean(loop.population.best) == max(mean for mean in means.values() if mean is not None)


def test_improve_on_validation_climbs_to_the_goal() -> None:
    loop = new_loop(settings(search__accept="improve", budget__steps=40))
    drive(loop)
    assert int(loop.population.candidates[loop.population.best].texts["number.txt"]) == 7
    assert loop.ended is not None
    assert sum(loop.ended.best_test) > sum(loop.ended.start_test)


def test_an_ended_run_asks_nothing_and_a_larger_budget_goes_on_where_it_stood() -> None:
    short, long = settings(budget__steps=4), settings(budget__steps=9)
    first = drive(new_loop(short))
    again = new_loop(short)
    assert again.begin(in_order(first)) == []
    assert again.ask() == []
    assert again.ended is not None
    rest = drive(new_loop(long), recorded=in_order(first))
    whole = drive(new_loop(long))

    def updates(entries: list) -> list:
        return [entry for entry in in_order(entries) if isinstance(entry.event, Updated | Proposed | Showed | Answered)]

    assert updates(first + rest) == updates(whole)


@given(st.integers(0, 60))
@profile(max_examples=20, deadline=None)
def test_a_run_that_went_further_and_was_cut_off_still_comes_to_its_end(cut: int) -> None:
    short, long = settings(budget__steps=4), settings(budget__steps=9)
    first = drive(new_loop(short))
    further = drive(new_loop(long), recorded=in_order(first), stop_after=cut)
    recorded = in_order(first + further)
    done = max(entry.step for entry in recorded if isinstance(entry.event, Updated))
    for steps in (done, 9):
        loop = new_loop(settings(budget__steps=steps))
        drive(loop, recorded=recorded)
        assert loop.ended is not None
        assert loop.ended.reason == f"all {steps} updates are done"
        assert loop.ended.best == loop.population.best


def test_patience_and_target_end_a_run() -> None:
    loop = new_loop(settings(search__accept="improve", search__target=-3.0, budget__steps=100))
    drive(loop)
    assert loop.ended is not None
    assert "target" in loop.ended.reason
    loop = new_loop(settings(search__accept="improve", search__patience=3, budget__steps=100))
    drive(loop)
    assert loop.ended is not None
    assert "no new best" in loop.ended.reason


def test_a_trial_budget_is_never_passed_and_keeps_the_test() -> None:
    for trials in range(30, 80, 7):
        loop = new_loop(settings(search__accept="improve", budget__trials=trials, budget__steps=100))
        entries = drive(loop)
        assert sum(isinstance(entry.event, Ran) for entry in entries) <= trials
        assert isinstance(entries[-1].event, Ended)
        assert entries[-1].event.best_test


def test_refused_proposals_are_remembered_and_counted() -> None:
    talk = {step: Rejected("unparsable", "no block found", "hello") for step in (2, 3, 4)}
    walker = Walker(talk=talk)
    loop = new_loop(settings(budget__steps=5), walker)
    drive(loop)
    assert [entry.outcome for entry in walker.views[-1].memory].count("unparsable") == 3
    walker = Walker(talk={step: Rejected("refusal", "no") for step in range(1, 6)})
    loop = new_loop(settings(budget__steps=5), walker)
    drive(loop)
    assert loop.population.failures == 5
    assert loop.population.failure == "proposal refusal"


def test_memory_shows_as_many_entries_as_set() -> None:
    for memory in (0, 2, 5):
        walker = Walker()
        drive(new_loop(settings(optimizer__memory=memory, budget__steps=9), walker))
        assert max(len(view.memory) for view in walker.views) == memory


def test_a_changed_optimizer_is_noticed_on_resume() -> None:
    before = drive(new_loop(settings(seed=1)))[:-6]
    while isinstance(before[-1].event, Updated | Ended) or before[-1].event.__struct_config__.tag == "ran":
        before.pop()
    with pytest.raises(StoreError, match="takes another course"):
        drive(new_loop(settings(seed=2)), recorded=in_order(before))


def test_a_task_without_the_needed_examples_is_refused() -> None:
    with pytest.raises(TaskError, match="no training examples"):
        new_loop(settings(), task=card(train=0))
    with pytest.raises(TaskError, match="6 training examples"):
        new_loop(settings(evidence__batch={"size": 7}))
    with pytest.raises(TaskError, match="no validation examples"):
        new_loop(settings(search__accept="improve"), task=card(validation=0))
    assert new_loop(settings(search__accept="improve", search__gate="batch"), task=card(validation=0))
