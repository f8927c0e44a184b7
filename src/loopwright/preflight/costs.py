"""What an update and the whole run will cost: trials, calls, tokens, money, time. Does the budget allow it?"""

from __future__ import annotations

import math
from statistics import fmean

import msgspec

from loopwright.budget import Meter, trials_of_end, trials_of_opening, trials_of_update
from loopwright.llm.prices import Prices, price_of
from loopwright.preflight.finding import Finding
from loopwright.preflight.sample import Sample
from loopwright.preflight.shown import prompt_tokens
from loopwright.settings import Loop
from loopwright.trial import Usage

_ANSWER = 1_000  # tokens of an answer where none was seen; a long text takes more


class Cost(msgspec.Struct, frozen=True):
    """An estimate. `seconds` is wall time with the loop's slots, model calls of the optimizer not counted."""

    trials: int
    usage: Usage
    seconds: float


def budget(sample: Sample) -> Finding:
    """`budget`: the price of an update and of the whole run, against the limits."""
    loop = sample.loop
    update, around = cost_of_update(sample), cost_around(sample)
    steps = loop.budget.steps
    whole = Cost(
        around.trials + steps * update.trials,
        _times(update.usage, steps) + around.usage,
        around.seconds + steps * update.seconds,
    )
    details = {"update": msgspec.to_builtins(update), "run": msgspec.to_builtins(whole), "unpriced": _unpriced(loop)}
    text = f"an update takes about {_words(update)}; {steps} updates with start and test about {_words(whole)}"
    possible, limit = _possible(sample, update, around)
    details["possible_updates"] = possible
    if steps and possible == 0:
        return Finding(
            "budget", "error", f"{text}; budget.{limit} does not allow one update", f"raise budget.{limit}", details
        )
    if possible < steps:
        text = f"{text}; budget.{limit} allows about {possible} of the {steps} updates"
        return Finding(
            "budget", "warning", text, f"raise budget.{limit}, or lower budget.steps to what is meant", details
        )
    if details["unpriced"]:
        return Finding(
            "budget", "note", f"{text}; the price of {details['unpriced']} is not known", "give it in [prices]", details
        )
    return Finding("budget", "ok", text, details=details)


def cost_of_update(sample: Sample) -> Cost:
    """The most trials an update takes, at what a trial took on average here; the optimizer's calls by an estimate."""
    loop = sample.loop
    trials = trials_of_update(loop, sample.card)
    asked = loop.optimizer.asked()
    calls = Usage()
    if asked:
        prompt, samples = prompt_tokens(sample), loop.optimizer.samples
        one = Usage(1, prompt, min(_ANSWER, loop.optimizer.max_tokens))
        price = _prices(loop).find(asked)
        calls = _times(msgspec.structs.replace(one, usd=price.usd(one) if price else 0.0), samples)
    # A batch, then a gate: each waits for its slowest, so slots are full only as far as the trials fill them.
    return Cost(trials, _times(_mean_usage(sample), trials) + calls, _seconds(sample, trials))


def cost_around(sample: Sample) -> Cost:
    """The start's validation and the test trials at the end."""
    trials = trials_of_opening(sample.card) + trials_of_end(sample.card)
    return Cost(trials, _times(_mean_usage(sample), trials), _seconds(sample, trials))


def _seconds(sample: Sample, trials: int) -> float:
    found = [trial.seconds for trial in sample.trials]
    return math.ceil(trials / sample.loop.execution.slots) * fmean(found) if found else 0.0


def _mean_usage(sample: Sample) -> Usage:
    meter: Meter = sample.meter
    n = max(1, meter.trials)
    used = meter.usage
    return Usage(
        math.ceil(used.calls / n), math.ceil(used.input_tokens / n), math.ceil(used.output_tokens / n), used.usd / n
    )


def _times(usage: Usage, n: int) -> Usage:
    return Usage(usage.calls * n, usage.input_tokens * n, usage.output_tokens * n, usage.usd * n)


def _possible(sample: Sample, update: Cost, around: Cost) -> tuple[int, str]:
    """How many updates the limits allow, and the limit that is the first to end them."""
    budget = sample.loop.budget
    limits = {
        "trials": (budget.trials, update.trials, around.trials),
        "calls": (budget.calls, update.usage.calls, around.usage.calls),
        "tokens": (budget.tokens, update.usage.tokens, around.usage.tokens),
        "usd": (budget.usd, update.usage.usd, around.usage.usd),
        "minutes": (budget.minutes, update.seconds / 60, around.seconds / 60),
    }
    found = {
        name: max(0, math.floor((limit - fixed) / each))
        for name, (limit, each, fixed) in limits.items()
        if limit is not None and each > 0
    }
    least = min(found, key=lambda name: found[name], default="steps")
    return min(found.get(least, budget.steps), budget.steps), least


def _prices(loop: Loop) -> Prices:
    return Prices({name: price_of(name, row) for name, row in loop.prices.items()})


def _unpriced(loop: Loop) -> str:
    """The models whose price is not known."""
    models = {loop.optimizer.asked(), loop.agent.model} - {"", "ask"}
    prices = _prices(loop)
    return ", ".join(sorted(model for model in models if prices.find(model) is None))


def _words(cost: Cost) -> str:
    parts = [f"{cost.trials:,} trials"]
    if cost.usage.calls:
        parts += [f"{cost.usage.calls:,} model calls", f"{cost.usage.tokens:,} tokens"]
    if cost.usage.usd:
        parts.append(f"${cost.usage.usd:.2g}")
    time = f"{cost.seconds:.2g} s" if cost.seconds < 90 else f"{cost.seconds / 60:.0f} min"
    return ", ".join([*parts, time])
