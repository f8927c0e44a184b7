"""`accept = "confident"`: a child that is no better is kept as rarely as stated, one that is better is kept."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from loopwright.budget import trials_of_update
from loopwright.errors import SettingsError, TaskError
from loopwright.search.confident import Wager, least_pairs, pairs_at_most
from loopwright.search.sequential import accepts
from loopwright.store.events import Ran, Updated
from simulation import Walker, card, drive, in_order, new_loop, settings

CAP = 40


def decided(draw: Callable[[], float], error: float = 0.05, cap: int = CAP) -> tuple[bool, int]:
    """Whether a child whose differences `draw` gives is kept, and after how many pairs."""
    wager = Wager(error)
    while wager.pairs < cap and not wager.decision:
        wager.add(draw())
    return wager.decision == "better", wager.pairs


NOISE: dict[str, Callable[[random.Random], float]] = {
    "normal": lambda rng: rng.gauss(0, 1),
    "heavy tails": lambda rng: rng.gauss(0, 1) / max(1e-9, abs(rng.gauss(0, 1))),
    "right or wrong": lambda rng: float(rng.choice([-1, 0, 0, 1])),
    "growing": lambda rng: rng.choice([-1, 1]) * rng.random() ** -2,
    "worse": lambda rng: rng.gauss(-0.3, 1),
}


@pytest.mark.parametrize("noise", NOISE)
@pytest.mark.parametrize("error", [0.05, 0.2])
def test_a_child_that_is_no_better_is_kept_as_rarely_as_stated(noise: str, error: float) -> None:
    """1,500 children each; the wager may look after every pair, and stop where it likes."""
    rng = random.Random(f"{noise} {error}")
    kept = sum(decided(lambda: NOISE[noise](rng), error)[0] for _ in range(1500))
    assert kept / 1500 <= error + 0.012  # two standard errors


def test_improve_keeps_every_second_one() -> None:
    rng = random.Random(1)
    kept = sum(accepts("improve", rng.gauss(0, 1), rng.gauss(0, 1)) for _ in range(2000))
    assert 0.45 < kept / 2000 < 0.55
    lucky = sum(any(accepts("improve", rng.gauss(0, 1), rng.gauss(0, 1)) for _ in range(10)) for _ in range(500))
    assert lucky / 500 > 0.99  # and in ten updates that change nothing, one of them is all but sure
    confident = sum(any(decided(lambda: rng.gauss(0, 1))[0] for _ in range(10)) for _ in range(150))
    assert confident / 150 < 0.45


@pytest.mark.parametrize(("gain", "least", "most_pairs"), [(2.0, 0.98, 10), (1.0, 0.9, 22), (0.6, 0.5, 33)])
def test_a_better_child_is_kept_and_the_sooner_the_better_it_is(gain: float, least: float, most_pairs: float) -> None:
    rng = random.Random(2)
    found = [decided(lambda: rng.gauss(gain, 1)) for _ in range(400)]
    assert sum(kept for kept, _ in found) / 400 >= least
    assert sum(pairs for _, pairs in found) / 400 <= most_pairs


def test_a_worse_child_is_dropped_before_the_cap() -> None:
    rng = random.Random(3)
    found = [decided(lambda: rng.gauss(-1.5, 1)) for _ in range(200)]
    assert not any(kept for kept, _ in found)
    assert sum(pairs for _, pairs in found) / 200 < 15


@pytest.mark.parametrize("error", [0.5, 0.2, 0.05, 0.01, 0.001])
def test_the_least_pairs_are_the_least(error: float) -> None:
    wager = Wager(error)
    for _ in range(least_pairs(error) - 1):
        wager.add(1e9 ** (wager.pairs + 1))
        assert not wager.decision
    assert least_pairs(0.05) == 5


def test_hopeless_is_only_what_cannot_be_won_any_more() -> None:
    rng = random.Random(4)
    for _ in range(300):
        wager = Wager(0.05)
        while not wager.hopeless(12 - wager.pairs) and not wager.decision and wager.pairs < 12:
            wager.add(rng.gauss(0, 1))
        if not wager.decision and wager.pairs < 12:
            while wager.pairs < 12:
                wager.add(1e12 * 10.0**wager.pairs)
            assert wager.decision != "better"


def confident(**changes: object) -> dict[str, object]:
    return {"search__accept": "confident", "search__redraw": True, "budget__steps": 12, **changes}


def test_in_a_loop_pairs_have_the_same_examples_and_seeds_and_none_is_used_twice() -> None:
    entries = in_order(drive(new_loop(settings(**confident()))))
    for step in range(1, 13):
        gate = [e.event.trial.spec for e in entries if e.step == step and isinstance(e.event, Ran)]
        gate = [spec for spec in gate if spec.role == "gate"]
        pairs = list(zip(gate[::2], gate[1::2], strict=True))
        assert pairs
        assert all(one.candidate != other.candidate for one, other in pairs)
        assert all((one.split, one.index, one.seed) == (other.split, other.index, other.seed) for one, other in pairs)
        assert len({one.seed for one, _ in pairs}) == len(pairs)
        assert {spec.split for spec in gate} == {"validation"}


def test_in_a_loop_every_kept_child_is_really_better() -> None:
    """The simulated world's noise is a quarter of a step: a child is better or worse, and the pairs show it."""
    entries = drive(new_loop(settings(**confident(budget__steps=20))))
    updates = [entry.event for entry in entries if isinstance(entry.event, Updated)]
    assert any(update.accepted for update in updates)
    for update in updates:
        (child,) = update.children
        assert child.score is not None
        assert child.parent_score is not None
        assert bool(update.accepted) == (child.score > child.parent_score)
        assert "pairs (error at most 0.05)" in update.reason


def test_pairs_on_the_batch_gate_are_not_the_batch_itself() -> None:
    changes = confident(search__gate="batch", search__redraw=False, search__error=0.2, evidence__batch={"size": 2})
    entries = in_order(drive(new_loop(settings(**changes), task=card(train=9))))
    for step in range(1, 13):
        specs = [e.event.trial.spec for e in entries if e.step == step and isinstance(e.event, Ran)]
        batch = {spec.index for spec in specs if spec.role == "train"}
        gate = [spec.index for spec in specs if spec.role == "gate"]
        assert gate
        assert not batch & set(gate)
        assert len(set(gate)) == len(gate) / 2


@pytest.mark.parametrize("samples", [1, 3])
@pytest.mark.parametrize("gate", ["validation", "batch"])
def test_an_update_never_takes_more_trials_than_foretold(samples: int, gate: str) -> None:
    loop = settings(
        **confident(optimizer__samples=samples, search__gate=gate, search__cap=11, evidence__batch={"size": 2})
    )
    task = card()
    entries = drive(new_loop(loop, Walker(samples), task))
    for step in range(1, 13):
        ran = sum(entry.step == step and isinstance(entry.event, Ran) for entry in entries)
        ran -= sum(isinstance(e.event, Ran) and e.event.trial.spec.role == "test" and e.step == step for e in entries)
        assert 0 < ran <= trials_of_update(loop, task)


def test_a_gate_that_can_never_be_passed_is_refused_with_what_to_do() -> None:
    for changes in ({"search__redraw": False}, {"search__cap": 3}):
        with pytest.raises(TaskError, match=r"at least 5 pairs .*redraw = true"):
            new_loop(settings(**confident(**changes)))
    assert pairs_at_most(settings(**confident(search__redraw=False)).search, card(validation=30), 1) == 30
    with pytest.raises(SettingsError, match=r"search\.error must be a chance"):
        settings(search__error=1.5)
