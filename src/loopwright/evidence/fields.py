"""A few steps as labelled fields, each call on a line of its own. For questions and answers, and for short windows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from loopwright.evidence.columns import Raised, Ref, cell, literal
from loopwright.evidence.origins import OBSERVATION, SMALL, outcome, seen, unchanged
from loopwright.evidence.pieces import Piece
from loopwright.evidence.records import Experience
from loopwright.trace import Call, Step, Trace
from loopwright.trace.graph import Graph, graph

# A call longer than this gets a line for each argument.
LONGEST = 240
# A text longer than this stands below its label.
INLINE = 100


def fields(experience: Experience) -> list[Piece]:
    """The steps of the experience, losing nothing.

    Calls are numbered from 1; `@2` is what call 2 gave, `@2 prompt` what it was given as `prompt`. A long text that
    comes again is named by where it stands.
    """
    pieces: list[Piece] = []
    start, _, total = experience.window
    count = len(experience.steps)
    acts = any(step.reward is not None for step in experience.steps)
    given, result = ("observation", "action") if acts else ("input", "output")
    flow = graph(Trace(experience.steps), first_call=experience.first_call)
    said: dict[str, str] = {}
    number = 0
    for i, step in enumerate(experience.steps):
        if total != 1:
            pieces.append(Piece(f"Step {start + i + 1}{f' of {total}' if count == 1 else ''}:"))
        where = "" if count == 1 else f" of step {start + i + 1}"
        for label, name, value in _given(step.observation, given):
            pieces.append(_field(label, _once(value, f"{name}{where}", said)))
        # What the step came to is named before its calls are: calls may be cut, it stays.
        acted = _once(step.action, f"{result}{where}", said)
        pieces += _calls(step, number, experience.first_call, flow, given, said)
        number += len(step.calls)
        pieces.append(_field(result, acted))
        if step.reward is not None:
            pieces.append(Piece(f"reward: {literal(step.reward)}"))
    return pieces


def one_line(call: Call) -> str:
    """A call as `function(argument=value) -> output`."""
    return _line(call, [(name, value) for name, value, _ in call.inputs], outcome(call))


def _line(call: Call, inputs: Sequence[tuple[str, object]], output: object) -> str:
    arguments = ", ".join(f"{name}={_literal(value)}" for name, value in inputs)
    return f"{call.function}({arguments}) -> {_literal(output)}"


def raw(value: object) -> str:
    """A value as text to read: a string as it is, anything else as a literal."""
    return value if isinstance(value, str) and not isinstance(value, Ref | Raised) else _literal(value)


def _literal(value: object) -> str:
    """A value on one line as a literal, or a reference or exception as in a cell."""
    return cell(value) if isinstance(value, Ref | Raised) else literal(value)


def _given(observation: object, name: str) -> list[tuple[str, str, object]]:
    """The parts of an observation: how each is labelled, how it is named elsewhere, and its value."""
    if isinstance(observation, dict):
        record = cast("dict[object, object]", observation)
        keyed = [(key if isinstance(key, str) else literal(key), item) for key, item in record.items()]
        return [(f"{name} {key}", key, item) for key, item in keyed]
    return [] if observation is None else [(name, name, observation)]


def _once(value: object, name: str, said: dict[str, str]) -> object:
    """`value`, or where it stood first if it is a long text that comes again; `said` remembers."""
    if type(value) is not str or len(value) <= INLINE:
        return value
    first = said.setdefault(value, name)
    return value if first == name else Ref(first)


def _field(label: str, value: object) -> Piece:
    text = raw(value)
    name = label if label.endswith("->") else f"{label}:"
    if len(text) > INLINE or "\n" in text:
        return Piece(name, text)
    quoted = isinstance(value, str) and not isinstance(value, Ref | Raised)
    return Piece(f"{name} {literal(text) if quoted else text}")


def _calls(step: Step, number: int, base: int, flow: Graph, given: str, said: dict[str, str]) -> list[Piece]:
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
            shown.append((name, Ref(given) if source is OBSERVATION else _once(source, f"{mark} {name}", said)))
        output = _once(outcome(call), f"{mark}", said)
        inside = f" (in call {call.parent - base + 1})" if call.parent >= base else ""
        line = _line(call, shown, output) + inside
        if line == before:
            pieces[-1] = Piece(f"calls {begin}-{mark}: {line}", "", "row", (begin, mark), "call", weight)
            continue
        begin, before = mark, line
        if len(line) <= LONGEST:
            pieces.append(Piece(f"call {mark}: {line}", "", "row", span, "call", weight))
            continue
        before = ""
        parts = [_field(f"  {name}", value) for name, value in [*shown, ("->", output)]]
        pieces.append(Piece(f"call {mark}: {call.function}{inside}", "", "row", span, "call", weight))
        pieces += [Piece(part.text, part.body, "row", span, "call", weight) for part in parts]
    return pieces


def _source(name: str, value: object, place: int, calls: Sequence[Call], step: Step) -> object:
    """An input of a call, or where it already stands; a small value is shown for itself."""
    if 0 <= place < len(calls) and type(value) not in SMALL and unchanged(value, calls[place]):
        return Ref(f"{place + 1}")
    return seen(value, name, step.observation, "")
