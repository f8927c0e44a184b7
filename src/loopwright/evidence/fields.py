"""A few steps as labelled fields, each call on a line of its own. For questions and answers, and for short windows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from loopwright.evidence.columns import Raised, Ref, cell, literal
from loopwright.evidence.origins import OBSERVATION, SMALL, outcome, seen, unchanged
from loopwright.evidence.pieces import Piece, labelled
from loopwright.evidence.records import Experience
from loopwright.trace import Call, Step, Trace
from loopwright.trace.graph import Graph, graph

# A call longer than this gets a line for each argument.
LONGEST = 240
# A text longer than this stands below its label.
INLINE = 100


def fields(experience: Experience) -> list[Piece]:
    """The steps of the experience, losing nothing. Calls are numbered from 1; `@2` is what call 2 gave."""
    pieces: list[Piece] = []
    start, _, total = experience.window
    count = len(experience.steps)
    acts = any(step.reward is not None for step in experience.steps)
    given = "observation" if acts else "input"
    flow = graph(Trace(experience.steps), first_call=experience.first_call)
    number = 0
    for i, step in enumerate(experience.steps):
        if total != 1:
            pieces.append(Piece(f"Step {start + i + 1}{f' of {total}' if count == 1 else ''}:"))
        pieces += _given(step.observation, given)
        pieces += _calls(step, number, experience.first_call, flow, given)
        number += len(step.calls)
        pieces.append(_field("action" if acts else "output", step.action))
        if step.reward is not None:
            pieces.append(Piece(f"reward: {literal(step.reward)}"))
    return pieces


def one_line(call: Call, inputs: Sequence[tuple[str, object]] | None = None) -> str:
    """A call as `function(argument=value) -> output`; `inputs` may have names instead of values."""
    shown = inputs if inputs is not None else [(name, value) for name, value, _ in call.inputs]
    arguments = ", ".join(f"{name}={_literal(value)}" for name, value in shown)
    return f"{call.function}({arguments}) -> {_literal(outcome(call))}"


def raw(value: object) -> str:
    """A value as text to read: a string as it is, anything else as a literal."""
    return value if isinstance(value, str) and not isinstance(value, Ref | Raised) else _literal(value)


def _literal(value: object) -> str:
    """A value on one line as a literal, or a reference or exception as in a cell."""
    return cell(value) if isinstance(value, Ref | Raised) else literal(value)


def _given(observation: object, name: str) -> list[Piece]:
    if isinstance(observation, dict):
        record = cast("dict[object, object]", observation)
        keyed = [(key if isinstance(key, str) else literal(key), item) for key, item in record.items()]
        return [_field(f"{name} {key}", item) for key, item in keyed]
    return [] if observation is None else [_field(name, observation)]


def _field(label: str, value: object) -> Piece:
    text = raw(value)
    if isinstance(value, str) and not isinstance(value, Ref | Raised):
        return Piece(f"{label}:", text) if len(text) > INLINE or "\n" in text else Piece(f"{label}: {literal(text)}")
    return labelled(label, text)


def _calls(step: Step, number: int, base: int, flow: Graph, given: str) -> list[Piece]:
    """The calls of one step, equal ones folded; `number` calls of the experience, `base` of the trial came before."""
    matters = set(flow.slice())
    pieces: list[Piece] = []
    begin, before = 0, ""
    for i, call in enumerate(step.calls):
        mark = number + i + 1
        # Calls that the last output depends on stay longest when there is no room for all.
        span, weight = (mark, mark), int(call.failure is not None or number + i in matters)
        shown: list[tuple[str, object]] = []
        for name, value, origin in call.inputs:
            source = _source(name, value, origin - base, flow.calls, step)
            shown.append((name, Ref(given) if source is OBSERVATION else source))
        inside = f" (in call {call.parent - base + 1})" if call.parent >= base else ""
        line = one_line(call, shown) + inside
        if line == before:
            pieces[-1] = Piece(f"calls {begin}-{mark}: {line}", "", "row", (begin, mark), "call", weight)
            continue
        begin, before = mark, line
        if len(line) <= LONGEST:
            pieces.append(Piece(f"call {mark}: {line}", "", "row", span, "call", weight))
            continue
        before = ""
        parts = [_field(f"  {name}", value) for name, value in [*shown, ("->", outcome(call))]]
        pieces.append(Piece(f"call {mark}: {call.function}{inside}", "", "row", span, "call", weight))
        pieces += [Piece(part.text, part.body, "row", span, "call", weight) for part in parts]
    return pieces


def _source(name: str, value: object, place: int, calls: Sequence[Call], step: Step) -> object:
    """An input of a call, or where it already stands; a small value is shown for itself."""
    if 0 <= place < len(calls) and type(value) not in SMALL and unchanged(value, calls[place]):
        return Ref(f"{place + 1}")
    return seen(value, name, step.observation, "")
