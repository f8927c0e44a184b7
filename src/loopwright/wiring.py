"""From settings to the parts of a run that do things: the executor of its trials and the gateway to its models."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from loopwright.errors import BudgetExhausted, ModelError, SettingsError
from loopwright.execution.protocol import Executor
from loopwright.llm.models import ASK, connect, is_local
from loopwright.llm.protocol import JUDGE, Ask, Model, Reply
from loopwright.optimizers import Optimizer, make_optimizer
from loopwright.optimizers.asking import Asking
from loopwright.seeding import derive
from loopwright.settings import AgentSettings, Loop
from loopwright.store import Journal, RunFolder
from loopwright.tokenizer import counter
from loopwright.tokens import Counter

if TYPE_CHECKING:
    from loopwright.llm.cache import Cache
    from loopwright.llm.gateway import Gateway
    from loopwright.llm.ledger import Ledger as LedgerType
    from loopwright.llm.local.runtime import Runtimes
    from loopwright.llm.replay import FindReply
    from loopwright.llm.traffic import Traffic

ModelFunction = Callable[[str], str]


def make_executor(loop: Loop, root: Path) -> Executor:
    """The executor that `execution.isolation` names; the task is looked up under `root`."""
    limits, options = loop.execution.limits, loop.task_options
    if loop.execution.isolation == "inline":
        from loopwright.execution.inline import InlineExecutor

        return InlineExecutor(loop.task, root, limits=limits, options=options)
    from loopwright.execution.process import ProcessExecutor

    return ProcessExecutor(loop.task, root, slots=loop.execution.slots, limits=limits, options=options)


def counter_of(loop: Loop, root: Path, gateway: Gateway) -> Counter:
    """What counts the tokens of evidence, as `evidence.tokenizer` says. Raises `SettingsError`."""
    model = loop.optimizer.asked()
    return counter(loop.evidence.tokenizer, root, model, lambda: gateway.counter(model))


# Kinds that read no evidence: how it is combined changes nothing for them.
_BLIND = {"mutate", "opro"}


def optimizer_of(loop: Loop, root: Path) -> Optimizer:
    """The optimizer that the settings name; a class of the user's is looked up under `root`. Raises `SettingsError`."""
    wanted, shared = loop.optimizer, loop.optimizer.shared()
    batch = loop.evidence.batch
    if batch.combine == "concat":
        return make_optimizer(wanted.kind, shared, wanted.options, root=root)
    separate = 'evidence.batch.combine = "separate"'
    if wanted.kind in _BLIND:
        raise SettingsError(
            f"{separate} makes no sense with optimizer.kind = '{wanted.kind}', which does not read the evidence; "
            'remove it, or take a kind such as "optoprime"'
        )
    model = ASK if wanted.kind == "ask" else wanted.model
    if not model:
        raise SettingsError(f"{separate} needs a model that merges the proposals: set optimizer.model")
    if batch.size == 1:
        return make_optimizer(wanted.kind, shared, wanted.options, root=root)
    from loopwright.optimizers.separate import Separate

    inner = make_optimizer(wanted.kind, {**shared, "samples": 1}, wanted.options, root=root)
    return Separate(inner, msgspec.convert({**shared, "model": model}, Asking))


def make_gateway(
    loop: Loop,
    journal: Journal,
    models: Mapping[str, ModelFunction],
    traffic: Traffic | None = None,
    above: LedgerType | None = None,
    runtimes: Runtimes | None = None,
) -> Gateway:
    """The gateway of a run: its journal is the cache and keeps the books; `models` are callables by name.

    `traffic`, `above` (the books of all) and `runtimes` (of models on this machine) are given where runs share them.

    Sends nothing, but fails now for what would fail later: an unknown model, a missing key or price (`SettingsError`,
    `ModelError`), a budget that does not allow one call (`BudgetExhausted`).
    """
    from loopwright.llm.ledger import Ledger, Limits
    from loopwright.llm.traffic import Traffic

    wanted, agent, judge = loop.optimizer, loop.agent, loop.judge
    ledger = Ledger(Limits(loop.budget.calls, loop.budget.tokens, loop.budget.usd), journal, above)
    root = Path(journal.meta("root") or ".")
    caches: list[Cache] = [journal]
    if loop.cache:
        from loopwright.llm.shared_cache import SharedCache

        caches.append(SharedCache(root / loop.cache, loop.seed))
    gateway = _gateway(loop, root, ledger, caches, models, traffic or Traffic(), runtimes)
    gateway.check(_named(loop))
    calls = [(wanted.asked(), wanted.max_tokens, wanted.samples), (agent.model, agent.max_tokens, 1)]
    calls.append((judge.model, judge.max_tokens, 1))
    for model, tokens, n in calls:
        if model and model != ASK and not journal.spent().calls:
            least = gateway.upper_bound(Ask(model, [{"role": "user", "content": ""}], max_tokens=tokens, n=n))
            if problem := ledger.room(least):
                raise BudgetExhausted(f"the budget does not allow one call of '{model}': {problem}")
    return gateway


def loose_gateway(loop: Loop, root: Path, calls: int | None, models: Mapping[str, ModelFunction]) -> Gateway:
    """A gateway to the models of a run for what is done after it: books and cache end with it, `calls` limits it."""
    from loopwright.llm.cache import MemoryCache
    from loopwright.llm.ledger import Ledger, Limits
    from loopwright.llm.traffic import Traffic

    return _gateway(loop, root, Ledger(Limits(calls)), [MemoryCache()], models, Traffic(), None)


def _named(loop: Loop) -> set[str]:
    """The models that a run will ask."""
    return {loop.optimizer.asked(), loop.agent.model, loop.judge.model} - {"", ASK}


def _gateway(
    loop: Loop,
    root: Path,
    ledger: LedgerType,
    caches: list[Cache],
    models: Mapping[str, ModelFunction],
    traffic: Traffic,
    runtimes: Runtimes | None,
) -> Gateway:
    from loopwright.llm.callable import CallableModel
    from loopwright.llm.gateway import Gateway
    from loopwright.llm.prices import Prices, price_of
    from loopwright.llm.traffic import Pace

    for name in _named(loop):
        if is_local(name):
            traffic.set_pace(name, Pace(concurrency=loop.local.parallel))
    return Gateway(
        ledger=ledger,
        caches=caches,
        models={name: CallableModel(function) for name, function in models.items()},
        connect_model=partial(
            connect,
            open_replay=replies_of,
            open_local=lambda name: _local_model(name, root, loop, runtimes),
        ),
        prices=Prices({name: price_of(name, row) for name, row in loop.prices.items()}),
        seed=loop.seed,
        traffic=traffic,
    )


def _local_model(name: str, root: Path, loop: Loop, runtimes: Runtimes | None) -> Model:
    from loopwright.llm.local.model import open_local

    return open_local(name, root=root, settings=loop.local, shared=runtimes)


def for_trial(loop: Loop, ask: Ask, seed: int, before: int) -> Ask:
    """A model call from inside a trial, with the model that it is for (agent or judge) and what the settings say of it.

    `seed` is the trial's and `before` how many equal calls it made before. The call's own seed follows from them, by
    example and draw and not by candidate: candidates are compared under the same luck. Raises `ModelError` where the
    settings name no model.
    """
    agent = loop.agent
    if ask.model == JUDGE:
        judge = loop.judge
        agent = AgentSettings(judge.model or agent.model, judge.temperature, judge.max_tokens)
        if not agent.model:
            raise ModelError("the task asks a judge, but the loop names no model for it; set judge.model")
    if not agent.model:
        raise ModelError("the program called trial.llm, but the loop names no model for it; set agent.model")
    return msgspec.structs.replace(
        ask,
        model=agent.model,
        seed=derive(seed, "llm", before) >> 33 if ask.seed is None else ask.seed,
        temperature=agent.temperature if ask.temperature is None else ask.temperature,
        max_tokens=agent.max_tokens if ask.max_tokens is None else ask.max_tokens,
    )


def replies_of(folder: str) -> FindReply:
    """The finished model calls of an earlier run, for `model = "replay/FOLDER"`. Raises `StoreError`."""
    with contextlib.closing(RunFolder(folder).journal(readonly=True)) as journal:
        known: dict[tuple[str, str], Reply] = {}
        for key, reply in journal.replies():
            known[key.request, key.context] = reply
            known.setdefault((key.request, ""), reply)
    return lambda request, context: known.get((request, context))
