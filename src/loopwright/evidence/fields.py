"""A few steps as labelled fields, each call on a line of its own. For questions and answers, and for short windows."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from typing import cast

import msgspec

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
# Of a function called in more ways than this in one step, the first calls, the last, the failed ones and those whose
# values lead to the output are shown: a program with a parser makes hundreds of calls, which would bury its input.
MOST_OF_ONE = 12
FIRST, LAST = 4, 2


def fields(experience: Experience) -> list[Piece]:
    """The steps of the experience, losing nothing but the middle of the calls of a function called very often.

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
        failed = experience.failure is not None and step.action is None and i == count - 1
        pieces.append(Piece(f"{result}: none, the program failed") if failed else _field(result, acted))
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


class _Shown(msgspec.Struct):
    """A run of equal calls as it is shown; `kept` where it must be, however often its function is called."""

    function: str
    pieces: list[Piece]
    kept: bool


def _calls(step: Step, number: int, base: int, flow: Graph, given: str, said: dict[str, str]) -> list[Piece]:
    """The calls of one step, equal ones folded; `number` calls of the experience, `base` of the trial came before."""
    matters, leading = set(flow.slice()), set(flow.slice(inside=False))
    runs: list[_Shown] = []
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
        kept = call.failure is not None or number + i in leading
        if line == before:
            runs[-1].pieces = [Piece(f"calls {begin}-{mark}: {line}", "", "row", (begin, mark), "call", weight)]
            runs[-1].kept |= kept
            continue
        begin, before = mark, line
        if len(line) <= LONGEST:
            pieces = [Piece(f"call {mark}: {line}", "", "row", span, "call", weight)]
        else:
            before = ""
            parts = [_field(f"  {name}", value) for name, value in [*shown, ("->", output)]]
            pieces = [Piece(f"call {mark}: {call.function}{inside}", "", "row", span, "call", weight)]
            pieces += [Piece(part.text, part.body, "row", span, "call", weight) for part in parts]
        runs.append(_Shown(call.function, pieces, kept))
    return _without_crowds(runs)


def _without_crowds(runs: Sequence[_Shown]) -> list[Piece]:
    """The pieces of the runs, those in the middle of very many of one function counted in place."""
    places: dict[str, list[int]] = {}
    for i, run in enumerate(runs):
        places.setdefault(run.function, []).append(i)
    crowds = [each[FIRST:-LAST] for each in places.values() if len(each) > MOST_OF_ONE]
    hidden = {i for each in crowds for i in each if not runs[i].kept}
    pieces: list[Piece] = []
    for crowd, group in itertools.groupby(range(len(runs)), hidden.__contains__):
        members = [runs[i] for i in group]
        if crowd:
            counts = Counter(run.function for run in members)
            listed = ", ".join(f"{count} of {function}" for function, count in counts.most_common())
            span = (members[0].pieces[0].span[0], members[-1].pieces[0].span[1])
            pieces.append(Piece(f"(calls {span[0]}-{span[1]} not shown: {listed})", "", "row", span, "call"))
        else:
            pieces += [piece for run in members for piece in run.pieces]
    return pieces


def _source(name: str, value: object, place: int, calls: Sequence[Call], step: Step) -> object:
    """An input of a call, or where it already stands; a small value is shown for itself."""
    if 0 <= place < len(calls) and type(value) not in SMALL and unchanged(value, calls[place]):
        return Ref(f"{place + 1}")
    return seen(value, name, step.observation, "")
