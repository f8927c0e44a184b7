"""A few steps as labelled fields, each call on a line of its own. For questions and answers, and for short windows."""

from __future__ import annotations

import itertools
from collections import Counter
from collections.abc import Sequence
from typing import cast

import msgspec

from loopwright.evidence.columns import Raised, Ref, cell, literal
from loopwright.evidence.origins import INLINE, OBSERVATION, SMALL, Said, outcome, seen, unchanged
from loopwright.evidence.pieces import Piece
from loopwright.evidence.records import Experience
from loopwright.trace import Call, Step, Trace
from loopwright.trace.graph import Graph, graph

# A call longer than this gets a line for each argument.
LONGEST = 240
# Of a function called in more ways than this in one step, the first calls, the last, the failed ones and those whose
# values lead to the output are shown: a program with a parser makes hundreds of calls, which would bury its input.
MOST_OF_ONE = 12
FIRST, LAST = 4, 2


def fields(experience: Experience) -> list[Piece]:
    """The steps of the experience, losing nothing but the middle of the calls of a function called very often.

    Calls are numbered from 1; `@2` is what call 2 gave, `@2 prompt` what it was given as `prompt`. A long value that
    comes again is named by where it stands.
    """
    parts: list[Piece | list[_Shown]] = []
    start, _, total = experience.window
    count = len(experience.steps)
    acts = any(step.reward is not None for step in experience.steps)
    given, result = ("observation", "action") if acts else ("input", "output")
    flow = graph(Trace(experience.steps), first_call=experience.first_call)
    said = Said()
    number = 0
    for i, step in enumerate(experience.steps):
        if total != 1:
            parts.append(Piece(f"Step {start + i + 1}{f' of {total}' if count == 1 else ''}:"))
        where = "" if count == 1 else f" of step {start + i + 1}"
        for label, name, value in _given(step.observation, given):
            parts.append(_field(label, said.once(value, f"{name}{where}")))
        # What the step came to is named before its calls are: calls may be cut, it stays.
        acted = said.once(step.action, f"{result}{where}")
        parts.append(_calls(step, number, experience.first_call, flow, given, said))
        number += len(step.calls)
        failed = experience.failure is not None and step.action is None and i == count - 1
        parts.append(Piece(f"{result}: none, the program failed") if failed else _field(result, acted))
        if step.reward is not None:
            parts.append(Piece(f"reward: {literal(step.reward)}"))
    hidden = _crowds([part for part in parts if isinstance(part, list)])
    pieces: list[Piece] = []
    for part in parts:
        pieces += [part] if isinstance(part, Piece) else _without(part, hidden)
    return pieces


def one_line(call: Call, place: str, said: Said) -> str:
    """A call as `function(argument=value) -> output`; `place` names it where its long values come again."""
    inputs = [(name, said.once(value, f"{name} of {place}")) for name, value, _ in call.inputs]
    return _line(call, inputs, said.once(outcome(call), f"what {place} gave"))


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
    values: list[tuple[str, object]]

    @property
    def span(self) -> tuple[int, int]:
        return self.pieces[0].span

    @property
    def numbers(self) -> range:
        return range(self.span[0], self.span[1] + 1)

    def refers(self) -> list[int]:
        """The calls by which it names its values."""
        heads = [value.partition(" ")[0] for _, value in self.values if isinstance(value, Ref)]
        return [int(head) for head in heads if head.isdecimal()]


def _calls(step: Step, number: int, base: int, flow: Graph, given: str, said: Said) -> list[_Shown]:
    """The calls of one step, equal ones folded; `number` calls of the experience, `base` of the trial came before."""
    matters = set(flow.slice())
    nested = any(not edge.name for edge in flow.edges)
    leading = set(flow.slice(inside=False)) if nested else matters
    runs: list[_Shown] = []
    begin, before = 0, ""
    for i, call in enumerate(step.calls):
        mark = number + i + 1
        # Calls that the last output depends on stay longest when there is no room for all.
        span, weight = (mark, mark), int(call.failure is not None or number + i in matters)
        shown: list[tuple[str, object]] = []
        for name, value, origin in call.inputs:
            source = _source(name, value, origin - base, flow.calls, step)
            shown.append((name, Ref(given) if source is OBSERVATION else said.once(source, f"{mark} {name}")))
        output = said.once(outcome(call), f"{mark}")
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
        shown.append(("->", output))
        runs.append(_Shown(call.function, pieces, kept, shown))
    return runs


def _crowds(steps: Sequence[Sequence[_Shown]]) -> set[int]:
    """The numbers of the calls not to be shown: those in the middle of very many of one function in a step.

    Whatever names its value by a call that would be hidden brings that call back.
    """
    hidden: dict[int, _Shown] = {}  # by the numbers of their calls
    for runs in steps:
        places: dict[str, list[_Shown]] = {}
        for run in runs:
            places.setdefault(run.function, []).append(run)
        middle = [run for each in places.values() if len(each) > MOST_OF_ONE for run in each[FIRST:-LAST]]
        hidden.update((number, run) for run in middle if not run.kept for number in run.numbers)
    waiting = [run for runs in steps for run in runs if run.span[0] not in hidden] if hidden else []
    while waiting:
        for number in waiting.pop().refers():
            if (run := hidden.get(number)) is not None:
                for each in run.numbers:
                    del hidden[each]
                waiting.append(run)
    return set(hidden)


def _without(runs: Sequence[_Shown], hidden: set[int]) -> list[Piece]:
    """The pieces of the runs, those of hidden ones counted in place."""
    pieces: list[Piece] = []
    for crowd, group in itertools.groupby(runs, lambda run: run.span[0] in hidden):
        members = list(group)
        if crowd:
            counts = Counter(run.function for run in members)
            listed = ", ".join(f"{count} of {function}" for function, count in counts.most_common())
            span = (members[0].span[0], members[-1].span[1])
            pieces.append(Piece(f"(calls {span[0]}-{span[1]} not shown: {listed})", "", "row", span, "call"))
        else:
            pieces += [piece for run in members for piece in run.pieces]
    return pieces


def _source(name: str, value: object, place: int, calls: Sequence[Call], step: Step) -> object:
    """An input of a call, or where it already stands; a small value is shown for itself."""
    if 0 <= place < len(calls) and type(value) not in SMALL and unchanged(value, calls[place]):
        return Ref(f"{place + 1}")
    return seen(value, name, step.observation, "")
