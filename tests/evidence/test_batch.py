"""Laws of the draws: which examples make one update."""

from __future__ import annotations

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopwright.errors import SettingsError
from loopwright.evidence import Batch, draw

DRAWS = ("order", "shuffle", "failures", "contrast", "stratified")


@st.composite
def asked(draws: st.DrawFn) -> dict[str, object]:
    n = draws(st.integers(1, 25))
    return {
        "n": n,
        "step": draws(st.integers(1, 60)),
        "seed": draws(st.integers(-5, 5)),
        "last": draws(st.dictionaries(st.integers(0, n - 1), st.sampled_from([0.0, 0.5, 1.0]))),
        "strata": [draws(st.sampled_from("abc")) for _ in range(n)],
    }


@given(st.sampled_from(DRAWS), asked(), st.data())
def test_a_draw_is_size_distinct_indices_and_depends_on_its_arguments_alone(how, given_, data):
    batch = Batch(data.draw(st.integers(1, given_["n"])), how)
    got = draw(batch, **given_)
    assert len(got) == len(set(got)) == batch.size
    assert all(0 <= index < given_["n"] for index in got)
    assert got == draw(batch, **given_)


@given(st.integers(1, 20), st.integers(1, 20), st.integers(0, 3))
def test_shuffle_shows_every_example_once_an_epoch(n, size, seed):
    size = min(size, n)
    epochs = 4
    flat = [i for step in range(1, epochs * n // size + 2) for i in draw(Batch(size), n=n, step=step, seed=seed)]
    for epoch in range(epochs):
        assert sorted(flat[epoch * n : (epoch + 1) * n]) == list(range(n))


def test_shuffle_gives_another_order_each_epoch_and_seed():
    def epoch(number: int, seed: int) -> list[int]:
        return [i for step in range(5) for i in draw(Batch(3), n=15, step=5 * number + step + 1, seed=seed)]

    assert len({tuple(epoch(number, seed)) for number in range(4) for seed in range(4)}) == 16


def test_order_goes_round():
    assert [draw(Batch(2, "order"), n=3, step=step, seed=0) for step in (1, 2, 3, 4)] == [
        [0, 1],
        [2, 0],
        [1, 2],
        [0, 1],
    ]


@given(asked(), st.integers(1, 25))
def test_failures_come_before_unseen_and_unseen_before_solved(given_, size):
    last, n = given_["last"], given_["n"]
    got = draw(Batch(min(size, n), "failures"), solved=1.0, **given_)

    def rank(index: int) -> tuple[int, float]:
        return (1, 0.0) if index not in last else (2 if last[index] >= 1.0 else 0, last[index])

    assert [rank(index) for index in got] == sorted(map(rank, range(n)))[: len(got)]


@given(asked(), st.integers(1, 25))
def test_contrast_takes_the_lowest_and_the_highest_of_those_seen(given_, size):
    last, n = given_["last"], given_["n"]
    size = min(size, n)
    got = draw(Batch(size, "contrast"), **given_)
    seen = [last[index] for index in got if index in last]
    if given_["step"] % 2:
        assert n - len(last) >= size or set(got) >= set(range(n)) - set(last)
    if len(seen) == size:
        high = size // 2
        ranked = sorted(last.values())
        assert sorted(seen) == sorted(ranked[: size - high] + ranked[len(ranked) - high :])
    else:
        assert given_["step"] % 2 or set(got) >= set(last)


def test_contrast_shows_wrong_against_right():
    last = {i: float(i % 2) for i in range(10)}
    assert sorted(last[i] for i in draw(Batch(4, "contrast"), n=10, step=2, seed=0, last=last)) == [0.0, 0.0, 1.0, 1.0]


@given(st.lists(st.sampled_from("abcd"), min_size=1, max_size=25), st.integers(1, 25), st.integers(1, 50))
def test_stratified_shares_are_equal_as_far_as_the_labels_reach(strata, size, step):
    size = min(size, len(strata))
    got = [strata[i] for i in draw(Batch(size, "stratified"), n=len(strata), step=step, seed=1, strata=strata)]
    shares = {label: got.count(label) for label in set(strata)}
    not_exhausted = [share for label, share in shares.items() if share < strata.count(label)]
    if not_exhausted:
        assert max(shares.values()) - min(not_exhausted) <= 1


@given(st.lists(st.sampled_from("ab"), min_size=4, max_size=16), st.integers(1, 5))
def test_stratified_goes_round_every_stratum(strata, size):
    size = min(size, len(strata))
    drawn = [draw(Batch(size, "stratified"), n=len(strata), step=s, seed=1, strata=strata) for s in range(1, 60)]
    for label in set(strata):
        own = [index for batch in drawn for index in batch if strata[index] == label]
        count = strata.count(label)
        for begin in range(0, len(own) - count + 1, count):
            assert len(set(own[begin : begin + count])) == count


def test_what_cannot_be_drawn_is_refused_in_a_sentence():
    with pytest.raises(SettingsError, match="size is 4, but there are 3 train examples"):
        draw(Batch(4), n=3, step=1, seed=0)
    with pytest.raises(SettingsError, match="stratum"):
        draw(Batch(2, "stratified"), n=3, step=1, seed=0)
    with pytest.raises(SettingsError, match="size"):
        Batch(0)
    with pytest.raises(SettingsError, match="did you mean 'shuffle'"):
        Batch(1, "shufle")  # type: ignore[arg-type]
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"sizes": 1}, Batch)


def test_a_late_draw_costs_no_more_than_an_early_one():
    """No draw replays the ones before: a step in the millions is as quick as the first (it would hang otherwise)."""
    for how in DRAWS:
        draw(Batch(4, how), n=15, step=10**12, seed=0, strata=list("aaaaabbbbbccccc"))
