"""Laws of the ledger: nothing passes a limit, and what is held is what is in flight."""

from __future__ import annotations

import asyncio
import tempfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopwright.errors import BudgetExhausted, SettingsError
from loopwright.llm.ledger import Hold, Ledger, Limits
from loopwright.store import Journal
from loopwright.trial import Usage

small = st.integers(0, 50)
usages = st.builds(Usage, st.just(1), small, small, st.floats(0, 0.05))
limits = st.builds(
    Limits,
    st.none() | st.integers(0, 30),
    st.none() | st.integers(0, 500),
    st.none() | st.floats(0, 0.5),
)


@given(limits, st.lists(st.tuples(usages, st.floats(0, 1), st.booleans()), max_size=60), st.randoms())
def test_no_order_of_holds_and_settlements_passes_a_limit(limit: Limits, requests: list, rng) -> None:
    ledger = Ledger(limit)
    open_holds: list[Hold] = []
    for number, (bound, share, end_one) in enumerate(requests):
        if end_one and open_holds:
            hold = open_holds.pop(rng.randrange(len(open_holds)))
            b = hold.bound
            cost = Usage(1, int(b.input_tokens * share), int(b.output_tokens * share), b.usd * share)
            ledger.settle(hold, cost)
        try:
            hold = ledger.try_hold((number % 3, number), bound)
        except BudgetExhausted:
            assert limit.passed_by(ledger.spent() + bound)
            continue
        if hold is None:
            assert open_holds
        else:
            open_holds.append(hold)
        assert ledger.in_flight == len(open_holds)
        assert limit.passed_by(ledger.spent() + ledger.held) is None
    for hold in open_holds:
        ledger.settle(hold, hold.bound)
    assert limit.passed_by(ledger.spent()) is None
    assert ledger.held == Usage()


@given(st.lists(st.tuples(st.lists(st.integers(0, 2), max_size=3), usages), max_size=40))
def test_an_account_holds_what_is_booked_on_it_and_below(entries: list) -> None:
    ledger = Ledger()
    for path, usage in entries:
        ledger.book(tuple(path), usage)
    for account in {tuple(path) for path, _ in entries} | {()}:
        below = [usage for path, usage in entries if tuple(path[: len(account)]) == account]
        assert ledger.spent(account).calls == len(below)
        assert ledger.spent(account).tokens == sum(usage.tokens for usage in below)
        assert ledger.spent(account).usd == pytest.approx(sum(usage.usd for usage in below))


def test_what_an_earlier_process_spent_counts() -> None:
    with tempfile.TemporaryDirectory() as folder:
        journal = Journal(Path(folder) / "journal.db")
        earlier = Ledger(Limits(calls=5), journal)
        for cost in (Usage(1, 10, 20, 0.5), Usage(1, 5, 0, 0.25)):
            hold = earlier.try_hold((), Usage(1, 100, 100, 1.0))
            assert hold is not None
            earlier.settle(hold, cost)
        assert earlier.try_hold((), Usage(2, 100, 100, 1.0)) is not None  # and here the process is killed
        journal.close()
        later = Ledger(Limits(calls=5), Journal(Path(folder) / "journal.db"))
        # What was under way has cost what it might have cost: nobody saw its end.
        assert later.spent() == Usage(4, 115, 120, 1.75)
        with pytest.raises(BudgetExhausted, match="calls = 5"):
            later.try_hold((), Usage(calls=2))


def test_waiting_holds_are_served_in_order() -> None:
    async def go() -> None:
        ledger = Ledger(Limits(tokens=100))
        served: list[int] = []
        first = await ledger.hold((), Usage(1, 60))

        async def want(number: int, tokens: int) -> None:
            hold = await ledger.hold((), Usage(1, tokens))
            served.append(number)
            ledger.settle(hold, Usage(1, 1))

        # The second would fit beside the first, but would overtake the one before it.
        tasks = [asyncio.create_task(want(0, 90)), asyncio.create_task(want(1, 10))]
        await asyncio.sleep(0.01)
        assert served == []
        ledger.settle(first, Usage(1, 1))
        await asyncio.gather(*tasks)
        assert served == [0, 1]

    asyncio.run(go())


def test_a_cancelled_wait_blocks_nobody() -> None:
    async def go() -> None:
        ledger = Ledger(Limits(tokens=100))
        first = await ledger.hold((), Usage(1, 90))
        waiting = asyncio.create_task(ledger.hold((), Usage(1, 50)))
        await asyncio.sleep(0.01)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
        assert await ledger.hold((), Usage(1, 10))
        assert ledger.in_flight == 2
        ledger.settle(first, Usage())

    asyncio.run(go())


@pytest.mark.parametrize("bad", [{"calls": -1}, {"tokens": -5}, {"usd": -0.1}, {"usd": float("nan")}])
def test_a_limit_below_zero_is_an_error(bad: dict) -> None:
    with pytest.raises(SettingsError, match="budget"):
        Limits(**bad)


def test_a_limit_of_zero_lets_nothing_through() -> None:
    for limit in (Limits(calls=0), Limits(tokens=0), Limits(usd=0.0)):
        with pytest.raises(BudgetExhausted):
            Ledger(limit).try_hold((), Usage(1, 1, 1, 0.01))


def test_room_says_what_is_missing() -> None:
    ledger = Ledger(Limits(calls=10))
    assert ledger.room(Usage(calls=10)) is None
    assert "11 calls" in str(ledger.room(Usage(calls=11)))
