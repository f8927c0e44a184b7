"""The one way to every model: cache, limits, budget, retries, and what each call cost. Lives in the main process.

A waiting call is a coroutine, not a thread, so thousands may wait. What it knows of a provider is in the `Model` behind
it; what it knows of money is in the `Ledger`.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence

import msgspec

from loopwright.errors import BudgetExhausted, ModelError, SettingsError
from loopwright.llm.cache import Cache, CacheKey, MemoryCache, request_hash
from loopwright.llm.ledger import Account, Hold, Ledger
from loopwright.llm.models import ASK, connect, is_local
from loopwright.llm.prices import FREE, Price, Prices
from loopwright.llm.protocol import Ask, Model, Reply
from loopwright.llm.replay import ReplayModel
from loopwright.llm.retry import Backoff, CallFailed, RetryableError
from loopwright.llm.tokens import estimate_prompt, upper_bound
from loopwright.llm.traffic import Passage, Traffic
from loopwright.seeding import derive
from loopwright.trial import Usage

# The reply limit of a request that names none. Always sent, so that a budget can count on it.
MAX_TOKENS = 4096
MOST_REPLIES = 128


class _Flight:
    """One call under way, shared by everybody who asked for the same. `sent` once a request of it has left."""

    __slots__ = ("sent", "task", "waiting")

    def __init__(self) -> None:
        self.task: asyncio.Task[Reply] | None = None
        self.waiting = 0
        self.sent = False


class Gateway:
    """Asks models, for one run. Use it in one event loop; `close` it at the end.

    `caches` are asked in order for a finished call, and all get a new one. `connect_model` makes a `Model` of a name;
    `models` are given ones, by name. `timeout` is seconds for one attempt. `say` gets sentences that the user should
    read once each.
    """

    def __init__(
        self,
        *,
        ledger: Ledger | None = None,
        caches: Sequence[Cache] | None = None,
        models: Mapping[str, Model] | None = None,
        connect_model: Callable[[str], Model] = connect,
        traffic: Traffic | None = None,
        prices: Prices | None = None,
        backoff: Backoff | None = None,
        timeout: float = 300.0,
        max_tokens: int = MAX_TOKENS,
        seed: int = 0,
        say: Callable[[str], None] | None = None,
    ) -> None:
        self.ledger = ledger or Ledger()
        self.notes: list[str] = []
        self._caches: Sequence[Cache] = caches if caches is not None else (MemoryCache(),)
        self._models: dict[str, Model] = dict(models or {})
        self._connect = connect_model
        self._traffic = traffic or Traffic()
        self._prices = prices or Prices()
        self._backoff = backoff or Backoff()
        self._timeout = timeout
        self._max_tokens = max_tokens
        self._seed = seed
        self._say = say
        self._flights: dict[CacheKey, _Flight] = {}
        self._reached: set[str] = set()  # models that have answered

    async def ask(self, ask: Ask, *, key: str = "", account: Account = ()) -> Reply:
        """The reply to `ask`, paid for by `account`, or a known one (`cached`; its usage is what it once cost).

        Calls with the same request and `key` are one call, also while under way. May have fewer texts than `ask.n`
        where the endpoint failed or the budget ended after the first. Raises `CallFailed` or another `ModelError` where
        no reply can be had, `BudgetExhausted` before a limit would be passed, `SettingsError` for a name or a price.
        """
        if ask.max_tokens is None:
            ask = msgspec.structs.replace(ask, max_tokens=self._max_tokens)
        _check(ask)
        ident = CacheKey(ask.model, request_hash(ask), key)
        for cache in self._caches:
            if (known := cache.get(ident)) is not None:
                for other in self._caches:
                    if other is not cache:  # a run's journal must hold all that the run was told
                        other.put(ident, known)
                return msgspec.structs.replace(known, cached=True)
        flight = self._flights.get(ident)
        if flight is None:
            flight = self._flights[ident] = _Flight()
            flight.task = asyncio.create_task(self._fly(flight, ident, ask, account))
        return await self._join(flight, ident)

    async def _join(self, flight: _Flight, ident: CacheKey) -> Reply:
        """Wait for a call. Once nobody waits any more it ends, unless something was sent: that is paid, and kept."""
        assert flight.task is not None
        flight.waiting += 1
        try:
            return await asyncio.shield(flight.task)
        finally:
            flight.waiting -= 1
            if not flight.waiting and not flight.sent and not flight.task.done():
                flight.task.cancel()
                # Whoever asks the same from now on must not join a call that is about to end.
                self._land(flight, ident)

    def _land(self, flight: _Flight, ident: CacheKey) -> None:
        if self._flights.get(ident) is flight:
            del self._flights[ident]

    async def _fly(self, flight: _Flight, ident: CacheKey, ask: Ask, account: Account) -> Reply:
        try:
            reply = await self._perform(flight, ident, ask, account)
            for cache in self._caches:
                cache.put(ident, reply)
            return reply
        finally:
            self._land(flight, ident)
            if not flight.waiting and flight.task is not None:
                # Nobody will look: without this, Python complains of an exception that was never retrieved.
                flight.task.add_done_callback(lambda task: task.cancelled() or task.exception())

    async def _perform(self, flight: _Flight, ident: CacheKey, ask: Ask, account: Account) -> Reply:
        """All the requests that one ask takes: several where the endpoint gives one reply at a time."""
        model = self._model(ask.model)
        if isinstance(model, ReplayModel):
            return model.replay(ask, ident.context)
        price = self._price(ask.model)
        began = time.perf_counter()
        first = await self._send(flight, model, ask, ident, account, price)
        replies = [first]
        wanted = max(1, ask.n) - len(first.texts)
        if wanted > 0:
            singles = [
                msgspec.structs.replace(ask, n=1, seed=None if ask.seed is None else derive(ask.seed, number) >> 32)
                for number in range(1, wanted + 1)
            ]
            got = await asyncio.gather(
                *(self._send(flight, model, single, ident, account, price) for single in singles),
                return_exceptions=True,
            )
            for reply in got:
                if isinstance(reply, Reply):
                    replies.append(reply)
                elif not isinstance(reply, ModelError | BudgetExhausted):
                    raise reply
                else:
                    self.note(f"model '{ask.model}' gave fewer than the {ask.n} replies wanted: {reply}")
        usage = sum((reply.usage for reply in replies), Usage())
        texts = [text for reply in replies for text in reply.texts]
        finishes = [finish for reply in replies for finish in (reply.finishes or [reply.finish] * len(reply.texts))]
        return Reply(
            texts=texts,
            usage=usage,
            finish=next((finish for finish in finishes if finish != "stop"), "stop"),
            model=first.model,
            seconds=time.perf_counter() - began,
            finishes=finishes,
        )

    async def _send(
        self, flight: _Flight, model: Model, ask: Ask, ident: CacheKey, account: Account, price: Price
    ) -> Reply:
        """One request, repeated while that may help. The reply's usage is that of all its attempts."""
        lane = self._traffic.lane(ask.model)
        bound = self._bound(ask, price)
        paid = Usage()
        failures = 0
        async with lane.slot:
            while True:
                passage = await lane.enter(estimate_prompt(ask.messages) + (ask.max_tokens or 0) * ask.n)
                hold = await self.ledger.hold(account, bound)
                flight.sent = True
                try:
                    reply = await self._attempt(model, ask, hold, passage, price)
                except RetryableError as error:
                    self._tell(model)
                    paid += _cost_of_failure(error, bound)
                    if error.kind == "parameter":
                        continue
                    failures += 1
                    wait = self._wait(error, failures, ident)
                    if wait is None:
                        raise CallFailed(_final(error, failures), kind=error.kind, usage=paid) from error
                    if error.kind == "rate":
                        lane.pause(wait)
                    await asyncio.sleep(wait)
                else:
                    self._tell(model)
                    self._reached.add(ask.model)
                    return msgspec.structs.replace(reply, usage=paid + reply.usage)

    async def _attempt(self, model: Model, ask: Ask, hold: Hold, passage: Passage, price: Price) -> Reply:
        """One request under a hold, which is settled whatever happens."""
        # Unless we learn better, it may have cost everything it could: a cancelled request is charged all the same.
        usage = hold.bound
        try:
            try:
                # A model on this machine is slow on a slow machine, but it answers or its process ends.
                async with asyncio.timeout(None if is_local(ask.model) else self._timeout):
                    reply = await model.ask(ask)
            except TimeoutError as error:
                message = f"model '{ask.model}': no complete answer within {self._timeout:g} s"
                raise RetryableError(message, kind="timeout", billed=True) from error
            usage = self._checked(ask.model, reply.usage, hold.bound, price)
            return msgspec.structs.replace(reply, usage=usage)
        except RetryableError as error:
            usage = _cost_of_failure(error, hold.bound)
            raise
        except ModelError:
            usage = Usage(calls=1)
            raise
        finally:
            passage.tokens = usage.tokens
            self.ledger.settle(hold, usage)

    def _wait(self, error: RetryableError, failures: int, ident: CacheKey) -> float | None:
        """Seconds until the next attempt, or None where it is not worth one."""
        backoff = self._backoff
        # An address where nobody has ever answered is more likely wrong than busy.
        if error.kind == "unreachable" and ident.model not in self._reached and failures > 1:
            return None
        if failures > backoff.retries or (error.after is not None and error.after > backoff.patience):
            return None
        return backoff.delay(failures, error.after, seed=self._seed, request=ident.request + ident.context)

    def _checked(self, name: str, reported: Usage, bound: Usage, price: Price) -> Usage:
        """The usage to book: more than a request can have is no count but an error of the endpoint."""
        tokens = Usage(
            calls=1,
            input_tokens=min(reported.input_tokens, bound.input_tokens),
            output_tokens=min(reported.output_tokens, bound.output_tokens),
        )
        if tokens.tokens != reported.tokens:
            self.note(f"model '{name}' reports more tokens than its requests can have; the possible number is counted")
        return msgspec.structs.replace(tokens, usd=price.usd(tokens))

    def _bound(self, ask: Ask, price: Price) -> Usage:
        tokens = upper_bound(ask, self._max_tokens)
        return msgspec.structs.replace(tokens, usd=price.most(tokens))

    def upper_bound(self, ask: Ask) -> Usage:
        """The most that one request for `ask` can cost, money included. For checks before a run starts."""
        return self._bound(ask, self._price(ask.model))

    def check(self, models: Iterable[str]) -> None:
        """Fail now, and not an hour into a run, for a name, a key or a price that is missing. Sends nothing."""
        for name in models:
            self._model(name)
            self._price(name)

    def counter(self, name: str) -> Callable[[str], int] | None:
        """The tokenizer of a model that has one at hand (a method `count`), None where there is none."""
        if not name or name == ASK:
            return None
        return getattr(self._model(name), "count", None)

    def _model(self, name: str) -> Model:
        if name not in self._models:
            self._models[name] = self._connect(name)
        return self._models[name]

    def _price(self, name: str) -> Price:
        price = self._prices.find(name)
        if price is not None:
            return price
        if self.ledger.limits.usd is not None:
            raise SettingsError(
                f"budget.usd is set, but the price of '{name}' is unknown; "
                "give it under [prices] in US dollars per million tokens, as [input, output]"
            )
        self.note(f"the price of '{name}' is unknown; its calls are counted as 0 USD")
        return FREE

    def note(self, sentence: str) -> None:
        """Say something once."""
        if sentence not in self.notes:
            self.notes.append(sentence)
            if self._say is not None:
                self._say(sentence)

    def _tell(self, model: Model) -> None:
        notes: list[str] = getattr(model, "notes", [])
        for sentence in notes:
            self.note(sentence)
        notes.clear()

    async def close(self) -> None:
        """Cancel what is under way (it is booked at its upper bound) and close every model. Idempotent."""
        tasks = [flight.task for flight in self._flights.values() if flight.task is not None]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        for model in self._models.values():
            await model.close()


def _check(ask: Ask) -> None:
    """Refuse what cannot be bounded. An ask may come from code that nobody has read."""
    if not 1 <= ask.n <= MOST_REPLIES:
        raise ModelError(f"{ask.n} replies were asked for in one call; it may be 1 to {MOST_REPLIES}")
    # Some servers take a limit below one as none at all.
    if ask.max_tokens is not None and ask.max_tokens < 1:
        raise ModelError(f"a reply of at most {ask.max_tokens} tokens was asked for; it must be at least 1")


def _cost_of_failure(error: RetryableError, bound: Usage) -> Usage:
    """What a failed attempt counts: the request alone, or all it may have cost where nobody can know."""
    return bound if error.billed else Usage(calls=1)


def _final(error: RetryableError, attempts: int) -> str:
    times = "once" if attempts == 1 else f"{attempts} times"
    return f"{error} (tried {times})"
