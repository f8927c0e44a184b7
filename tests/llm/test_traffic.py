"""Pace and patience: how fast requests leave, and how long a retry waits."""

from __future__ import annotations

import asyncio

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopwright.errors import SettingsError
from loopwright.llm.protocol import Ask, conversation
from loopwright.llm.retry import Backoff, retry_after
from loopwright.llm.tokens import estimate_prompt, upper_bound
from loopwright.llm.traffic import Lane, Pace


@pytest.mark.parametrize("pace", [Pace(requests=5), Pace(tokens=50), Pace(requests=7, tokens=50)])
def test_no_window_has_more_requests_or_tokens_than_the_pace(pace: Pace) -> None:
    window = 0.15

    async def go() -> list[tuple[float, int]]:
        lane = Lane(pace, window=window)
        passages = await asyncio.gather(*(lane.enter(10) for _ in range(20)))
        return [(passage.at, passage.tokens) for passage in passages]

    passed = asyncio.run(go())
    assert passed == sorted(passed, key=lambda each: each[0])
    for start, _ in passed:
        inside = [tokens for at, tokens in passed if start <= at < start + window]
        assert pace.requests is None or len(inside) <= pace.requests
        assert pace.tokens is None or sum(inside) <= pace.tokens


def test_tokens_are_counted_as_they_turn_out() -> None:
    async def go() -> float:
        lane = Lane(Pace(tokens=100), window=30.0)
        loop = asyncio.get_running_loop()
        began = loop.time()
        for _ in range(50):
            passage = await lane.enter(90)
            passage.tokens = 0
        return loop.time() - began

    assert asyncio.run(go()) < 5


def test_a_request_larger_than_a_minute_goes_alone() -> None:
    async def go() -> list[float]:
        lane = Lane(Pace(tokens=10), window=0.1)
        return [(await lane.enter(1_000)).at for _ in range(3)]

    first, second, third = asyncio.run(go())
    assert second - first >= 0.1
    assert third - second >= 0.1


def test_a_pause_holds_everybody() -> None:
    async def go(pace: Pace) -> float:
        lane = Lane(pace)
        loop = asyncio.get_running_loop()
        began = loop.time()
        lane.pause(0.1)
        await asyncio.gather(*(lane.enter(1) for _ in range(5)))
        return loop.time() - began

    assert asyncio.run(go(Pace())) >= 0.1
    assert asyncio.run(go(Pace(requests=100))) >= 0.1


@pytest.mark.parametrize("field", ["concurrency", "requests", "tokens"])
def test_a_pace_of_nothing_is_an_error(field: str) -> None:
    with pytest.raises(SettingsError, match=field):
        Pace(**{field: 0})


@given(st.integers(1, 40), st.integers(), st.text(max_size=5))
def test_waits_grow_to_their_limit_with_a_jitter_that_repeats(attempt: int, seed: int, request: str) -> None:
    backoff = Backoff(first=0.5, longest=30.0)
    wait = backoff.delay(attempt, None, seed=seed, request=request)
    whole = min(30.0, 0.5 * 2.0 ** (attempt - 1))
    assert whole / 2 <= wait <= whole
    assert wait == backoff.delay(attempt, None, seed=seed, request=request)


@given(st.floats(0, 1e6))
def test_nobody_comes_back_earlier_than_told(after: float) -> None:
    assert after <= Backoff().delay(1, after, seed=0, request="r") <= after + 1.0


@pytest.mark.parametrize(
    ("value", "seconds"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("7", 7.0),
        (" 1.5 ", 1.5),
        ("-3", 0.0),
        ("inf", None),
        ("nan", None),
        ("Thu, 01 Jan 1970 00:01:00 GMT", 50.0),
        ("Thu, 01 Jan 1970 00:00:05 GMT", 0.0),
        ("Thu, 99 Jan 1970 00:01:00 GMT", None),
    ],
)
def test_retry_after_is_seconds_or_a_date(value: str | None, seconds: float | None) -> None:
    assert retry_after(value, now=10.0) == seconds


@given(st.text())
def test_no_header_crashes(value: str) -> None:
    seconds = retry_after(value)
    assert seconds is None or seconds >= 0


@given(st.text(), st.integers(1, 5), st.none() | st.integers(1, 100))
def test_the_bound_holds_the_estimate(text: str, n: int, max_tokens: int | None) -> None:
    ask = Ask("m", conversation(text, "system"), n=n, max_tokens=max_tokens)
    bound = upper_bound(ask, 50)
    assert bound.calls == 1
    assert bound.input_tokens >= estimate_prompt(ask.messages)
    assert bound.output_tokens == n * (max_tokens or 50)
