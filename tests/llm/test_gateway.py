"""What the gateway guarantees, against a server that misbehaves."""

from __future__ import annotations

import asyncio
import random
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime

import msgspec
import pytest

from loopwright.errors import BudgetExhausted, ModelError, SettingsError
from loopwright.llm.cache import CacheKey, MemoryCache, request_hash
from loopwright.llm.gateway import Gateway
from loopwright.llm.ledger import Ledger, Limits
from loopwright.llm.prices import Price, Prices
from loopwright.llm.protocol import Ask, Reply, conversation
from loopwright.llm.retry import Backoff, CallFailed, RetryableError
from loopwright.llm.traffic import Pace, Traffic
from loopwright.testing import model_server as ms
from loopwright.trial import Usage

QUICK = Backoff(retries=3, first=0.01, longest=0.02, patience=5.0)


def ask_once(server: ms.ModelServer, ask: Ask | None = None, **settings: object) -> tuple[Reply, Gateway]:
    async def go() -> tuple[Reply, Gateway]:
        gateway = Gateway(**({"backoff": QUICK, "timeout": 0.5} | settings))  # type: ignore[arg-type]
        try:
            return await gateway.ask(ask or an_ask(server)), gateway
        finally:
            await gateway.close()

    return asyncio.run(go())


def an_ask(server: ms.ModelServer, text: str = "hello", **fields: object) -> Ask:
    return Ask(server.model, conversation(text), **fields)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("bad", "kind"),
    [
        (ms.refuse(429), "rate"),
        (ms.refuse(429, retry_after="0"), "rate"),
        (ms.refuse(500), "server"),
        (ms.refuse(503, retry_after="nonsense"), "server"),
        (ms.hang(), "timeout"),
        (ms.reset(), "connection"),
        (ms.cut("a long enough text"), "cut"),
        (ms.cut(keep=0.0), "cut"),
        (ms.wrong_json(), "malformed"),
        (ms.raw(b""), "malformed"),
        (ms.raw(b"[" * 100_000), "malformed"),
        (ms.raw(b'{"choices": [{}]}'), "malformed"),
        (ms.raw(b'{"choices": [7]}'), "malformed"),
        (ms.raw(b'{"choices": {}}'), "malformed"),
        (ms.raw(b"\xff\xfe\x00"), "malformed"),
        (ms.raw(b'{"error": {"message": "overloaded", "code": 502}}'), "server"),
        (ms.empty_choices(), "empty"),
    ],
)
def test_a_misbehaviour_is_retried_and_then_told(bad: ms.Behaviour, kind: str) -> None:
    with ms.ModelServer([bad, "fine"]) as server:
        reply, gateway = ask_once(server)
        assert reply.text == "fine"
        assert server.count == reply.usage.calls == gateway.ledger.spent().calls == 2
    with ms.ModelServer(bad) as server:
        with pytest.raises(CallFailed) as caught:
            ask_once(server, timeout=0.05)
        assert caught.value.kind == kind
        assert server.count == caught.value.usage.calls == 1 + QUICK.retries


@pytest.mark.parametrize("status", [400, 401, 403, 404, 413, 422, 301])
def test_other_client_errors_are_not_retried_and_give_the_servers_words(status: int) -> None:
    with ms.ModelServer(ms.refuse(status, "the moon is wrong")) as server:
        with pytest.raises(ModelError, match="the moon is wrong"):
            ask_once(server)
        assert server.count == 1


def test_a_spent_quota_is_not_retried() -> None:
    with ms.ModelServer(ms.refuse(429, "no money", code="insufficient_quota")) as server:
        with pytest.raises(ModelError, match="no money"):
            ask_once(server)
        assert server.count == 1


@pytest.mark.parametrize("dated", [False, True])
def test_retry_after_is_waited_for(dated: bool) -> None:
    # A date has whole seconds, so two of them are at least one.
    moment = datetime.now(UTC) + timedelta(seconds=2)
    value = format_datetime(moment, usegmt=True) if dated else "1"
    with ms.ModelServer([ms.refuse(429, retry_after=value), "fine"]) as server:
        ask_once(server)
        first, second = server.requests
        assert second.at - first.at >= (0.9 if dated else 1.0)


def test_a_retry_after_beyond_patience_ends_the_call() -> None:
    with ms.ModelServer(ms.refuse(429, retry_after="86400")) as server:
        with pytest.raises(CallFailed):
            ask_once(server)
        assert server.count == 1


def test_nobody_listening_is_one_sentence() -> None:
    with ms.ModelServer() as server:
        pass
    with pytest.raises(CallFailed, match="cannot be reached at") as caught:
        ask_once(server)
    assert caught.value.kind == "unreachable"


def test_a_reply_of_a_megabyte_arrives_whole() -> None:
    with ms.ModelServer(ms.large(1)) as server:
        reply, _ = ask_once(server)
        assert len(reply.text) == 1_000_000


@pytest.mark.parametrize(
    "usage",
    [
        None,
        "many",
        {},
        {"prompt_tokens": 10**12, "completion_tokens": -5},
        {"prompt_tokens": "7", "completion_tokens": None},
        {"prompt_tokens": True, "completion_tokens": 1e308},
        {"prompt_tokens": 1, "completion_tokens": 10**18},
    ],
)
def test_wrong_usage_is_said_and_never_passes_the_bound(usage: object) -> None:
    with ms.ModelServer(ms.reply("four words of text", usage=usage)) as server:
        ask = an_ask(server, max_tokens=50)
        reply, gateway = ask_once(server, ask)
        bound = gateway.upper_bound(ask)
        assert 0 < reply.usage.input_tokens <= bound.input_tokens
        assert 0 <= reply.usage.output_tokens <= bound.output_tokens
        assert any("token" in note for note in gateway.notes)


def test_the_key_is_never_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOOPWRIGHT_API_KEY", "sk-very-secret")
    with ms.ModelServer(lambda r: ms.refuse(401, f"bad key {r.headers['authorization']}")) as server:
        with pytest.raises(ModelError) as caught:
            ask_once(server)
        assert server.requests[0].headers["authorization"] == "Bearer sk-very-secret"
        assert "sk-very-secret" not in str(caught.value)
        assert "LOOPWRIGHT_API_KEY" in str(caught.value)


def test_parameters_travel_as_the_protocol_names_them() -> None:
    with ms.ModelServer() as server:
        ask_once(server, an_ask(server, temperature=0.5, seed=3, stop=["X"], schema={"type": "object"}, max_tokens=9))
        body = server.requests[0].body
        assert (body["temperature"], body["seed"], body["stop"], body["max_tokens"]) == (0.5, 3, ["X"], 9)
        assert body["response_format"]["json_schema"]["schema"] == {"type": "object"}
        assert "n" not in body


def test_a_refused_parameter_is_renamed_or_left_out_and_said() -> None:
    def picky(request: ms.Received) -> ms.Behaviour | str:
        if "max_tokens" in request.body:
            return ms.refuse(400, "Unsupported parameter: 'max_tokens'. Use 'max_completion_tokens' instead.")
        if "temperature" in request.body:
            return ms.refuse(400, "Unsupported value: 'temperature' does not support 0.3 with this model.")
        return "fine"

    with ms.ModelServer(picky) as server:
        reply, gateway = ask_once(server, an_ask(server, temperature=0.3))
        assert reply.text == "fine"
        assert server.count == 3 == gateway.ledger.spent().calls
        assert any("temperature" in note for note in gateway.notes)


def test_an_always_refusing_parameter_check_ends() -> None:
    with ms.ModelServer(ms.refuse(400, "Unsupported parameter: 'max_tokens' 'seed' 'temperature'")) as server:
        with pytest.raises(ModelError):
            ask_once(server, an_ask(server, temperature=0.3, seed=1))
        assert server.count <= 5


@pytest.mark.parametrize("at_once", [1, 2, 5])
def test_n_replies_come_however_many_the_endpoint_gives_at_once(at_once: int) -> None:
    with ms.ModelServer(lambda r: ms.reply(f"reply {r.number}", choices=min(at_once, r.body.get("n", 1)))) as server:
        reply, gateway = ask_once(server, an_ask(server, n=5, seed=1))
        assert len(reply.texts) == 5
        assert server.count == gateway.ledger.spent().calls == 1 + (5 - at_once)
        seeds = [request.body["seed"] for request in server.requests]
        assert len(set(seeds)) == len(seeds)


def test_what_was_paid_for_is_kept_when_later_replies_fail() -> None:
    with ms.ModelServer(lambda r: ms.reply(choices=1) if not r.number else ms.refuse(400, "no more")) as server:
        reply, gateway = ask_once(server, an_ask(server, n=3))
        assert reply.texts == ["ok"]
        assert any("fewer" in note for note in gateway.notes)


def test_equal_calls_are_one_call_and_other_keys_are_others() -> None:
    async def go(server: ms.ModelServer) -> None:
        gateway = Gateway()
        same = await asyncio.gather(*(gateway.ask(an_ask(server), key="a", account=(1,)) for _ in range(20)))
        assert {reply.text for reply in same} == {"reply 0"}
        again = await gateway.ask(an_ask(server), key="a")
        assert again.cached
        assert again.usage == same[0].usage
        other = await gateway.ask(an_ask(server), key="b", account=(2,))
        assert other.text == "reply 1"
        assert server.count == 2
        assert gateway.ledger.spent((1,)).calls == gateway.ledger.spent((2,)).calls == 1
        await gateway.close()

    with ms.ModelServer(ms.reply(lambda r: f"reply {r.number}", latency=0.05)) as server:
        asyncio.run(go(server))


def test_a_failed_call_is_asked_again_next_time() -> None:
    async def go(server: ms.ModelServer) -> None:
        gateway = Gateway(backoff=QUICK)
        with pytest.raises(ModelError):
            await gateway.ask(an_ask(server))
        assert (await gateway.ask(an_ask(server))).text == "fine"
        await gateway.close()

    with ms.ModelServer([ms.refuse(400), "fine"]) as server:
        asyncio.run(go(server))


def test_every_cache_gets_a_reply_and_the_first_that_has_it_answers() -> None:
    async def go(server: ms.ModelServer) -> None:
        run, shared = MemoryCache(), MemoryCache()
        gateway = Gateway(caches=[run, shared])
        await gateway.ask(an_ask(server), key="k")
        assert len(run) == len(shared) == 1
        later = Gateway(caches=[MemoryCache(), shared])
        assert (await later.ask(an_ask(server), key="k")).cached
        assert server.count == 1
        await gateway.close()

    with ms.ModelServer() as server:
        asyncio.run(go(server))


def test_a_cancelled_caller_leaves_the_others_their_reply() -> None:
    async def go(server: ms.ModelServer) -> None:
        gateway = Gateway()
        first = asyncio.create_task(gateway.ask(an_ask(server)))
        second = asyncio.create_task(gateway.ask(an_ask(server)))
        await asyncio.sleep(0.05)
        first.cancel()
        assert (await second).text == "ok"
        await gateway.close()

    with ms.ModelServer(ms.reply(latency=0.2)) as server:
        asyncio.run(go(server))


def test_a_call_that_was_sent_comes_in_though_nobody_waits() -> None:
    async def go(server: ms.ModelServer) -> None:
        gateway = Gateway()
        task = asyncio.create_task(gateway.ask(an_ask(server)))
        await asyncio.sleep(0.1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        await asyncio.sleep(0.3)
        assert (await gateway.ask(an_ask(server))).cached
        assert server.count == 1
        assert gateway.ledger.in_flight == 0
        await gateway.close()

    with ms.ModelServer(ms.reply(latency=0.2)) as server:
        asyncio.run(go(server))


def test_a_call_that_was_not_sent_ends_with_its_caller_and_can_be_asked_again() -> None:
    async def go(server: ms.ModelServer) -> None:
        gateway = Gateway(traffic=Traffic(default=Pace(concurrency=1)))
        busy = asyncio.create_task(gateway.ask(an_ask(server, "first")))
        await asyncio.sleep(0.02)
        waiting = asyncio.create_task(gateway.ask(an_ask(server, "second")))
        await asyncio.sleep(0.02)
        waiting.cancel()
        again = asyncio.create_task(gateway.ask(an_ask(server, "second")))
        await busy
        assert (await again).text == "ok"
        assert [request.prompt for request in server.requests] == ["first", "second"]
        await gateway.close()

    with ms.ModelServer(ms.reply(latency=0.1)) as server:
        asyncio.run(go(server))


def test_closing_books_what_is_in_flight_at_its_upper_bound() -> None:
    async def go(server: ms.ModelServer) -> None:
        gateway = Gateway()
        ask = an_ask(server, max_tokens=100)
        task = asyncio.create_task(gateway.ask(ask))
        await asyncio.sleep(0.2)
        await gateway.close()
        await asyncio.gather(task, return_exceptions=True)
        assert gateway.ledger.in_flight == 0
        assert gateway.ledger.spent() == gateway.upper_bound(ask)

    with ms.ModelServer(ms.hang()) as server:
        asyncio.run(go(server))


def misbehaving(seed: int) -> Callable[[ms.Received], ms.Behaviour]:
    """A server of the worst sort, the same for the same seed and request number."""

    def act(request: ms.Received) -> ms.Behaviour:
        rng = random.Random(seed * 1_000_003 + request.number)
        good = ms.reply("fine " * rng.randrange(1, 30), latency=rng.random() * 0.01)
        bad = [ms.refuse(429, retry_after="0"), ms.refuse(500), ms.reset(), ms.cut("x" * 50), ms.empty_choices()]
        bad += [ms.wrong_usage(), ms.wrong_usage({"prompt_tokens": 5, "completion_tokens": 10**9}), ms.wrong_json()]
        return good if rng.random() < 0.6 else rng.choice(bad)

    return act


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("limits", [Limits(calls=37), Limits(tokens=3_000), Limits(usd=0.003)])
def test_a_budget_is_never_passed_by_concurrent_calls_to_a_misbehaving_server(seed: int, limits: Limits) -> None:
    async def go(server: ms.ModelServer) -> None:
        ledger = Ledger(limits)
        gateway = Gateway(
            ledger=ledger,
            prices=Prices({server.model: Price(1.0, 2.0)}),
            traffic=Traffic(default=Pace(concurrency=12)),
            backoff=QUICK,
            seed=seed,
        )
        asks = (gateway.ask(an_ask(server, f"q{i}", max_tokens=40), account=(i % 4, i)) for i in range(120))
        got = await asyncio.gather(*asks, return_exceptions=True)
        await gateway.close()
        unexpected = [g for g in got if not isinstance(g, Reply | BudgetExhausted | CallFailed)]
        assert not unexpected
        assert any(isinstance(g, BudgetExhausted) for g in got)
        spent = ledger.spent()
        assert limits.passed_by(spent) is None
        assert spent.calls == server.count
        assert ledger.in_flight == 0
        assert ledger.held == Usage()
        # What accounts paid adds up to what the run paid.
        steps = sum((ledger.spent((step,)) for step in range(4)), Usage())
        assert (steps.calls, steps.tokens) == (spent.calls, spent.tokens)

    with ms.ModelServer(misbehaving(seed)) as server:
        asyncio.run(go(server))


def test_a_budget_of_calls_is_used_up_whole() -> None:
    async def go(server: ms.ModelServer) -> None:
        gateway = Gateway(ledger=Ledger(Limits(calls=10)))
        got = await asyncio.gather(*(gateway.ask(an_ask(server, f"{i}")) for i in range(30)), return_exceptions=True)
        assert sum(isinstance(g, Reply) for g in got) == 10 == server.count
        await gateway.close()

    with ms.ModelServer() as server:
        asyncio.run(go(server))


def test_a_budget_of_tokens_waits_for_calls_in_flight_before_it_refuses() -> None:
    # Each call may take 1,100 tokens and takes about 10: one at a time they all fit, all at once they might not.
    async def go(server: ms.ModelServer) -> None:
        gateway = Gateway(ledger=Ledger(Limits(tokens=1_500)))
        got = await asyncio.gather(*(gateway.ask(an_ask(server, f"{i}", max_tokens=1_000)) for i in range(10)))
        assert len(got) == 10
        await gateway.close()

    with ms.ModelServer() as server:
        asyncio.run(go(server))


def test_an_unknown_price_is_said_once_and_refused_under_a_limit_in_money() -> None:
    with ms.ModelServer() as server:
        _, gateway = ask_once(server)
        assert sum("price" in note for note in gateway.notes) == 1
        with pytest.raises(SettingsError, match="price"):
            Gateway(ledger=Ledger(Limits(usd=1.0))).check([server.model])
        Gateway(ledger=Ledger(Limits(usd=1.0)), prices=Prices({server.model: Price(1, 1)})).check([server.model])


def test_a_callable_is_a_model_and_its_error_names_it() -> None:
    from loopwright.llm.callable import CallableModel

    async def shout(prompt: str) -> str:
        return prompt.upper()

    def broken(prompt: str) -> str:
        raise ZeroDivisionError("oh")

    async def go() -> None:
        models = {"callable/a": CallableModel(shout), "callable/b": CallableModel(broken)}
        models["callable/c"] = CallableModel(lambda prompt: 7)  # type: ignore[arg-type, return-value]
        models["callable/d"] = CallableModel(str.lower)
        gateway = Gateway(models=models)
        assert (await gateway.ask(Ask("callable/a", conversation("hi"), n=2))).texts == ["HI", "HI"]
        assert (await gateway.ask(Ask("callable/d", conversation("HI")))).text == "hi"
        with pytest.raises(ModelError, match="ZeroDivisionError: oh"):
            await gateway.ask(Ask("callable/b", conversation("hi")))
        with pytest.raises(ModelError, match="returned int"):
            await gateway.ask(Ask("callable/c", conversation("hi")))
        await gateway.close()

    asyncio.run(go())


def test_a_callable_may_ask_for_a_retry() -> None:
    from loopwright.llm.callable import CallableModel

    tries: list[str] = []

    def moody(prompt: str) -> str:
        tries.append(prompt)
        if len(tries) < 3:
            raise RetryableError("not yet", kind="server")
        return "now"

    async def go() -> None:
        gateway = Gateway(models={"m": CallableModel(moody)}, backoff=QUICK)
        assert (await gateway.ask(Ask("m", conversation("hi")))).text == "now"
        await gateway.close()

    asyncio.run(go())


def test_concurrency_stays_under_its_limit() -> None:
    async def go(server: ms.ModelServer) -> None:
        gateway = Gateway(traffic=Traffic(default=Pace(concurrency=7)))
        await asyncio.gather(*(gateway.ask(an_ask(server, f"{i}")) for i in range(60)))
        await gateway.close()

    with ms.ModelServer(ms.reply(latency=0.01)) as server:
        asyncio.run(go(server))
        assert server.most_open <= 7


def test_the_hash_sees_everything_but_the_models_name() -> None:
    ask = Ask("a", conversation("x"))
    assert request_hash(ask) == request_hash(msgspec.structs.replace(ask, model="b"))
    changes = [{"temperature": 1.0}, {"seed": 1}, {"n": 2}, {"max_tokens": 1}, {"stop": ["a"]}, {"schema": {}}]
    changes += [{"grammar": "x"}, {"messages": conversation("y")}, {"messages": conversation("x", "system")}]
    hashes = {request_hash(msgspec.structs.replace(ask, **change)) for change in changes}
    assert len(hashes | {request_hash(ask)}) == len(changes) + 1


def test_a_replay_gives_the_replies_of_the_earlier_run_and_invents_none() -> None:
    from loopwright.llm.replay import ReplayModel

    ask = Ask("openai/x", conversation("hi"), max_tokens=5)
    kept = {(request_hash(ask), "step 1"): Reply(["one"], Usage(1, 2, 3)), (request_hash(ask), ""): Reply(["any"])}

    async def go() -> None:
        gateway = Gateway(models={"replay/r": ReplayModel("replay/r", lambda r, c: kept.get((r, c)))})
        again = msgspec.structs.replace(ask, model="replay/r")
        assert (await gateway.ask(again, key="step 1")).texts == ["one"]
        assert (await gateway.ask(again, key="step 9")).texts == ["any"]
        with pytest.raises(ModelError, match="no reply to this request"):
            await gateway.ask(Ask("replay/r", conversation("other")))
        assert gateway.ledger.spent() == Usage()

    asyncio.run(go())


@pytest.mark.parametrize(
    "fields", [{"n": 0}, {"n": 10**9}, {"max_tokens": -1}, {"max_tokens": 0}, {"messages": conversation("a\ud800")}]
)
def test_what_no_budget_could_bound_or_nobody_can_send_is_refused(fields: dict) -> None:
    with ms.ModelServer() as server:
        with pytest.raises(ModelError):
            ask_once(server, msgspec.structs.replace(an_ask(server), **fields))
        assert server.count == 0


def test_a_memory_cache_keeps_contexts_apart() -> None:
    cache = MemoryCache()
    cache.put(CacheKey("m", "r", "a"), Reply(["x"]))
    assert cache.get(CacheKey("m", "r", "b")) is None
    assert cache.get(CacheKey("m", "r", "a")) == Reply(["x"])
