"""What model calls have cost, by run, step and trial; and limits on it that are never passed.

An account is a path such as `()` for the run, `(3,)` for step 3, `(3, "trial 7")` for one of its trials: what is booked
on a path counts for everything above it too. Calls in flight are held at their upper bound, so a limit is checked
*before* a request leaves. Steps, trials and minutes are limits of the runner.

A ledger may have one `above` it that several runs share, as those of a study do: a call must fit both.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

import msgspec

from loopwright.errors import BudgetExhausted, PoolExhausted, SettingsError
from loopwright.trial import Usage

Account = tuple[str | int, ...]
_CENT_OF_A_NANODOLLAR = 1e-11


class Limits(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The most that model calls may cost: requests sent (retries count), tokens in and out, US dollars, or None."""

    calls: int | None = None
    tokens: int | None = None
    usd: float | None = None

    def __post_init__(self) -> None:
        for name in ("calls", "tokens", "usd"):
            value: float | None = getattr(self, name)
            if value is not None and not value >= 0:
                raise SettingsError(f"budget.{name} is {value}; it must be zero or more")

    def passed_by(self, usage: Usage) -> str | None:
        """Which limit `usage` would pass, as words for a person; None where it fits."""
        if self.calls is not None and usage.calls > self.calls:
            return f"calls = {self.calls}"
        if self.tokens is not None and usage.tokens > self.tokens:
            return f"tokens = {self.tokens}"
        if self.usd is not None and usage.usd > self.usd + _CENT_OF_A_NANODOLLAR:
            return f"usd = {self.usd}"
        return None


class Spending(Protocol):
    """Where the ledger writes what it books; the run's journal implements it.

    So a killed process has spent nothing that its successor does not know of.
    """

    def open_call(self, bound: Usage) -> int:
        """A request is about to leave; until it is settled it counts as `bound`. Gives its number."""
        ...

    def settle_call(self, number: int, usage: Usage) -> None:
        """What the request cost in the end."""
        ...

    def spent(self) -> Usage:
        """Everything written so far."""
        ...


class Hold(msgspec.Struct, frozen=True):
    """A request in flight: its account and the most it can cost. Ended by `Ledger.settle`."""

    id: int
    number: int  # in the written spending
    account: Account
    bound: Usage


class Ledger:
    """The books of one run. Not thread-safe: lives in the event loop of the gateway. Several gateways may share it."""

    def __init__(
        self, limits: Limits | None = None, written: Spending | None = None, above: Ledger | None = None
    ) -> None:
        """`written` holds what earlier processes of the run spent, and is told what this one does.

        Where a call does not fit the limits of `above`, `hold` raises `PoolExhausted`.
        """
        self.limits = limits or Limits()
        self._written = written
        self._above = above
        self._holds_above: dict[int, Hold] = {}
        self._spent: dict[Account, Usage] = {(): written.spent() if written else Usage()}
        self._holds: dict[int, Hold] = {}
        self._held = Usage()
        self._next = 0
        self._turn = asyncio.Lock()
        self._settled = asyncio.Event()

    async def hold(self, account: Account, bound: Usage) -> Hold:
        """Reserve `bound`, waiting (in order of asking) while only calls in flight stand in the way.

        Raises `BudgetExhausted` where what is already spent leaves no room for `bound`.
        """
        above = await self._hold_above(bound)
        try:
            async with self._turn:
                while (held := self.try_hold(account, bound)) is None:
                    self._settled.clear()
                    await self._settled.wait()
        except BaseException:
            if self._above and above:
                self._above.settle(above, Usage())  # nothing was sent
            raise
        if above:
            self._holds_above[held.id] = above
        return held

    async def _hold_above(self, bound: Usage) -> Hold | None:
        try:
            return await self._above.hold((), bound) if self._above else None
        except BudgetExhausted as error:
            raise PoolExhausted(str(error)) from error

    def try_hold(self, account: Account, bound: Usage) -> Hold | None:
        """Reserve `bound`, or None where it will fit only if the calls in flight cost less than they may.

        Raises `BudgetExhausted` where it cannot fit whatever they cost.
        """
        spent = self._spent[()]
        if limit := self.limits.passed_by(spent + bound):
            raise BudgetExhausted(
                f"the next model call could pass the limit {limit} of [budget]: {_words(spent)} spent, "
                f"and the call may take up to {_words(bound)}"
            )
        if self.limits.passed_by(spent + self._held + bound):
            return None
        number = self._written.open_call(bound) if self._written else 0
        held = Hold(self._next, number, account, bound)
        self._next += 1
        self._holds[held.id] = held
        self._held = self._held + bound
        return held

    def settle(self, hold: Hold, usage: Usage) -> None:
        """End a hold and book what it really cost. Settling twice is an error of the caller (KeyError)."""
        del self._holds[hold.id]
        bound = hold.bound
        self._held = Usage(
            self._held.calls - bound.calls,
            self._held.input_tokens - bound.input_tokens,
            self._held.output_tokens - bound.output_tokens,
            # Exactly zero with nothing in flight: no rounding may pile up over a long run.
            self._held.usd - bound.usd if self._holds else 0.0,
        )
        if self._written:
            self._written.settle_call(hold.number, usage)
        if self._above and (above := self._holds_above.pop(hold.id, None)):
            self._above.settle(above, usage)
        self.book(hold.account, usage)
        self._settled.set()

    def book(self, account: Account, usage: Usage) -> None:
        """Add `usage` to an account and to every account above it."""
        for depth in range(len(account) + 1):
            path = account[:depth]
            self._spent[path] = self._spent.get(path, Usage()) + usage

    def spent(self, account: Account = ()) -> Usage:
        """What is booked on an account and below it."""
        return self._spent.get(account, Usage())

    @property
    def held(self) -> Usage:
        """The upper bound of all calls in flight."""
        return self._held

    @property
    def in_flight(self) -> int:
        """How many calls are held."""
        return len(self._holds)

    def room(self, bound: Usage) -> str | None:
        """Why `bound` would not fit beside what is spent, or None. For a check before a step starts."""
        limit = self.limits.passed_by(self._spent[()] + bound)
        return None if limit is None else f"{limit} leaves no room for {_words(bound)}"


def _words(usage: Usage) -> str:
    calls = f"{usage.calls} call{'' if usage.calls == 1 else 's'}"
    money = f", {usage.usd:.4g} USD" if usage.usd else ""
    return f"{calls}, {usage.tokens} tokens{money}"
