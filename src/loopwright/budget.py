"""What a run has spent and whether it can afford more: pure counting over events.

The gateway enforces the limits on model calls to the single call; here whole updates are weighed, so that a run ends
between updates and keeps enough for its test trials.
"""

from __future__ import annotations

from collections.abc import Sequence

from loopwright.execution.protocol import TaskCard
from loopwright.search.confident import pairs_at_most
from loopwright.settings import Loop
from loopwright.store.events import Answered, AnyEvent, Ran
from loopwright.trial import Usage


def trials_of_update(loop: Loop, card: TaskCard) -> int:
    """The most trials one update can take: its batch, the gate of every child, the validation of the accepted one."""
    batch = loop.evidence.batch.size
    validation = card.sizes["validation"]
    samples = loop.optimizer.samples
    if loop.search.accept == "confident":
        choosing = samples * batch if samples > 1 else 0
        return batch + choosing + 2 * pairs_at_most(loop.search, card, batch) + validation
    judged = samples > 1 or loop.search.accept != "always"
    gates = 0
    if judged:
        gates = samples * (validation if loop.search.gate == "validation" else batch)
    return batch + gates + (0 if judged and loop.search.gate == "validation" else validation)


def trials_of_opening(card: TaskCard) -> int:
    """The starting artifact's validation."""
    return card.sizes["validation"]


def trials_of_end(card: TaskCard) -> int:
    """The test trials of the starting artifact and of the best candidate."""
    return 2 * card.sizes["test"]


class Meter:
    """Counts what events say was spent, and keeps the dearest trial and optimizer call seen, to estimate by."""

    def __init__(self) -> None:
        self.trials = 0
        self.usage = Usage()
        self.dearest_trial = Usage()
        self.dearest_call = Usage(calls=1)
        self.most_asked = 0  # model calls of one update, the most of all

    def add(self, event: AnyEvent) -> None:
        if isinstance(event, Ran):
            self.trials += 1
            self.usage += event.trial.usage
            self.dearest_trial = _most(self.dearest_trial, event.trial.usage)
        elif isinstance(event, Answered):
            self.usage += event.reply.usage
            self.dearest_call = _most(self.dearest_call, event.reply.usage)

    def add_update(self, events: Sequence[AnyEvent]) -> None:
        """Take in what one update asked the optimizer's model, repair turns included. Its events are added apart."""
        self.most_asked = max(self.most_asked, sum(isinstance(event, Answered) for event in events))

    def shortage(self, loop: Loop, card: TaskCard, updates: int, *, opening: bool = False) -> str:
        """Why `updates` more updates and the end cannot be afforded; "" where they can, as far as is known now.

        `opening` says that the starting artifact's validation is still to come.
        """
        budget = loop.budget
        trials = updates * trials_of_update(loop, card) + trials_of_end(card)
        trials += trials_of_opening(card) if opening else 0
        asks = max(loop.optimizer.samples, self.most_asked) if loop.optimizer.kind != "mutate" else 0
        if loop.evidence.batch.combine == "separate":  # a call for each experience, and the merging one
            asks = max(asks, loop.evidence.batch.size + loop.optimizer.samples)
        calls = updates * asks
        needed = Usage(
            calls=trials * self.dearest_trial.calls + calls * self.dearest_call.calls,
            input_tokens=trials * self.dearest_trial.tokens + calls * self.dearest_call.tokens,
            usd=trials * self.dearest_trial.usd + calls * self.dearest_call.usd,
        )
        return (
            _short("trials", budget.trials, self.trials, trials)
            or _short("calls", budget.calls, self.usage.calls, needed.calls)
            or _short("tokens", budget.tokens, self.usage.tokens, needed.tokens)
            or _short("usd", budget.usd, self.usage.usd, needed.usd)
        )


def _short(name: str, limit: float | None, spent: float, needed: float) -> str:
    if limit is None or spent + needed <= limit:
        return ""
    return (
        f"budget.{name} = {limit:g} does not allow another update: {spent:g} spent, "
        f"{needed:g} needed for the update and the trials around it"
    )


def _most(one: Usage, other: Usage) -> Usage:
    return Usage(
        max(one.calls, other.calls),
        max(one.input_tokens, other.input_tokens),
        max(one.output_tokens, other.output_tokens),
        max(one.usd, other.usd),
    )
