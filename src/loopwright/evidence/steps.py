"""The steps of an experience as pieces of text: a table with a row a step, or labelled fields where there are few.

A cell or field may refer to a value that already stands there: `@observation`, `@Ball` (a field of the observation of
the same step), `@predict->` (what the call of `predict` gave in the same step). Call origins are identities, see
`trace.Call`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import cast

from loopwright.evidence.columns import ABSENT, Columns, Raised, Ref, cell, digest, flatten, literal, path
from loopwright.evidence.pieces import Piece, labelled
from loopwright.evidence.records import Experience
from loopwright.trace import Call, Step, Trace
from loopwright.trace.graph import graph

# Up to so many steps are shown as fields, more as a table.
FEW = 3
# A cell longer than this leaves the table and stands below it.
WIDEST = 120
# A function called more often than this in one step is listed below the table.
MOST_CALLS = 4
# Values worth looking for in the observation; a number equals another too easily.
_BULKY = (dict, list, str)
_OBSERVATION = Ref("observation")
_SMALL = (int, bool, type(None))


def steps(experience: Experience) -> list[Piece]:
    """All steps of the experience, in order, losing nothing."""
    if not experience.steps:
        return []
    return _fields(experience) if len(experience.steps) <= FEW else _table(experience)


def headline(experience: Experience) -> str:
    """Which steps these are, numbered from 1."""
    start, stop, total = experience.window
    span = f"Step {stop}" if stop - start == 1 else f"Steps {start + 1}-{stop}"
    return span if total == stop - start else f"{span} of {total}"


# --- the table -------------------------------------------------------------------------------------------------------


def _table(experience: Experience) -> list[Piece]:
    columns, listed = _columns(experience)
    first = experience.window[0] + 1
    sorted_out = digest(columns)
    count = len(experience.steps)
    table = sorted_out.table
    wide = [name for name, texts in table.items() if max(map(len, texts)) > WIDEST]
    narrow = [texts for name, texts in table.items() if name not in wide]
    pieces = [
        Piece(
            f"{headline(experience)}, one row each; an empty cell: absent; a range of steps: the same in each of them;"
            " @: the value that stands under that name."
        )
    ]
    constants = [(name, text) for name, text in sorted_out.constant if len(text) <= WIDEST]
    if constants:
        line = "The same in every step: " + "|".join(f"{name}={text}" for name, text in constants)
        pieces.append(Piece(line, kind="detail"))
    pieces += [
        Piece(f"The same in every step: {name} =", _raw(columns[name][0]), "detail")
        for name, text in sorted_out.constant
        if len(text) > WIDEST
    ]
    others: dict[str, list[str]] = {}
    for name, text, other in sorted_out.where:
        others.setdefault(other, []).append(f"{name}={text}")
    for other, names in others.items():
        pieces.append(Piece(f"Wherever {other} is not empty: " + "|".join(names), kind="detail"))
    if sorted_out.same:
        line = "Equal columns: " + "|".join(f"{name}={other}" for name, other in sorted_out.same)
        pieces.append(Piece(line, kind="detail"))
    for name, other, text in sorted_out.lagged:
        pieces.append(Piece(f"{name} is {other} of the step before; first: {text}", kind="detail"))
    names = [name for name in table if name not in wide]
    pieces.append(Piece("|".join(["step", *names])))
    heavy = [bool(step.reward) or any(call.failure for call in step.calls) for step in experience.steps]
    texts = list(map("|".join, zip(*narrow, strict=True))) if narrow else [""] * count
    begin = 0
    for i in range(1, count + 1):
        if i == count or texts[i] != texts[begin]:
            low, high = first + begin, first + i - 1
            span = str(low) if low == high else f"{low}-{high}"
            row = f"{span}|{texts[begin]}" if narrow else span
            pieces.append(Piece(row, kind="row", span=(low, high), weight=int(any(heavy[begin:i]))))
            begin = i
    for i in range(count):
        for name in wide:
            if (value := columns[name][i]) is not ABSENT:
                body = _raw(value)
                pieces.append(Piece(f"Step {first + i}, {name}:", body, "row", (first + i, first + i), "long text"))
    for i, call in listed:
        line = f"Step {first + i}: {_one_line(call)}"
        pieces.append(Piece(line, "", "row", (0, 0), "call", int(call.failure is not None)))
    return pieces


def _columns(experience: Experience) -> tuple[Columns, list[tuple[int, Call]]]:
    """Every column of the table before anything is sorted out, and the calls which are too many for columns."""
    steps = experience.steps
    observations = [step.observation for step in steps]
    prefix = "observation" if _needs_prefix(observations) else ""
    columns: Columns = {}
    if any(observation is not None for observation in observations):
        seen = flatten(observations, prefix)
        columns.update((_apart(name), values) for name, values in seen.items())
    columns.update(flatten([step.action for step in steps], "action"))
    rewards: list[object] = [ABSENT if step.reward is None else step.reward for step in steps]
    columns["reward"] = rewards
    columns_of_calls, listed = _call_columns(experience, prefix)
    for name, values in columns_of_calls.items():
        columns.update(flatten(values, name))
    return columns, listed


def _needs_prefix(observations: Sequence[object]) -> bool:
    """Whether the fields of the observation cannot stand for themselves, but must stand under "observation."."""
    for observation in observations:
        if not isinstance(observation, dict) or not observation:
            return True
        record = cast("dict[object, object]", observation)
        if "observation" in record or set(map(type, record)) != {str}:
            return True
    return False


def _apart(name: str) -> str:
    """The name of a column of the observation, told apart from the columns that every table has."""
    clashes = name.partition(".")[0].partition("[")[0] in ("step", "action", "reward")
    return f"observation.{name}" if clashes else name


def _call_columns(experience: Experience, prefix: str) -> tuple[Columns, list[tuple[int, Call]]]:
    """A column for each argument and output of each call that a step makes, named by function and turn in the step.

    A small value is named by its origin only where the whole column has that one origin: `None`, `True` and small
    numbers exist once, so that a single agreement may be chance, and the value is as short as its name.
    """
    count = len(experience.steps)
    slots: list[tuple[int, str]] = []  # of every call in the window: its step, its name in that step
    crowded: set[str] = set()
    for i, step in enumerate(experience.steps):
        turns: dict[str, int] = {}
        for call in step.calls:
            turn = turns[call.function] = turns.get(call.function, 0) + 1
            slots.append((i, call.function if turn == 1 else f"{call.function}#{turn}"))
            if turn > MOST_CALLS:
                crowded.add(call.function)
    columns: Columns = {}
    refs: dict[tuple[str, int], Ref] = {}
    guesses: dict[str, dict[int, object]] = {}
    listed: list[tuple[int, Call]] = []
    made: list[Call] = [call for step in experience.steps for call in step.calls]
    number = -1
    for i, step in enumerate(experience.steps):
        observation = step.observation
        for call in step.calls:
            number += 1
            if call.function in crowded:
                listed.append((i, call))
                continue
            slot = slots[number][1]
            for argument, value, origin in call.inputs:
                name = f"{slot}({argument})"
                if (column := columns.get(name)) is None:
                    column = columns[name] = [ABSENT] * count
                place = origin - experience.first_call
                if origin >= 0 and 0 <= place < number and made[place].function not in crowded:
                    before, origin_slot = i - slots[place][0], slots[place][1]
                    if (ref := refs.get((origin_slot, before))) is None:
                        ref = refs[origin_slot, before] = _ref_to(origin_slot, before)
                    column[i] = ref if _unchanged(value, made[place]) else value
                    if type(value) in _SMALL:
                        guesses.setdefault(name, {})[i] = value
                else:
                    column[i] = _seen(value, argument, observation, prefix)
            name = f"{slot}->"
            if (column := columns.get(name)) is None:
                column = columns[name] = [ABSENT] * count
            column[i] = call.output if call.failure is None else Raised(_brief(call))
            place = call.parent - experience.first_call
            if 0 <= place < number:
                columns.setdefault(f"{slot} inside", [ABSENT] * count)[i] = Ref(slots[place][1])
    for name, values in guesses.items():
        if len({text if isinstance(text, Ref) else "" for text in columns[name] if text is not ABSENT}) > 1:
            for i, value in values.items():
                columns[name][i] = value
    return columns, listed


def _unchanged(value: object, origin: Call) -> bool:
    """Whether a value still is what the call gave: the same object may have been changed since."""
    try:
        return bool(value == origin.output)
    except RecursionError:  # nested too deep to compare: then it is shown for itself
        return False


def _ref_to(slot: str, before: int) -> Ref:
    """The name of an output, given so many steps before."""
    if before == 0:
        return Ref(f"{slot}->")
    return Ref(f"{slot}-> of {'the step before' if before == 1 else f'{before} steps before'}")


def _seen(value: object, argument: str, observation: object, prefix: str) -> object:
    """`value`, or where it already stands in the step's observation."""
    try:
        if value is observation or (type(value) in _BULKY and value == observation):
            return _OBSERVATION
        if isinstance(observation, dict):
            record = cast("dict[object, object]", observation)
            if argument in record and record[argument] == value:
                return Ref(_apart(path(prefix, argument)))
            if value and type(value) in (dict, list):
                for key, item in record.items():
                    if item == value and isinstance(key, str):
                        return Ref(_apart(path(prefix, key)))
    except RecursionError:  # nested too deep to compare: then it is shown for itself
        pass
    return value


def _brief(call: Call) -> str:
    failure = call.failure
    if failure is None:
        return ""
    return f"{failure.type}: {failure.message}" if failure.message else failure.type


# --- the fields ------------------------------------------------------------------------------------------------------


def _fields(experience: Experience) -> list[Piece]:
    pieces: list[Piece] = []
    first = experience.window[0] + 1
    number = 0
    alone = len(experience.steps) == 1
    acts = any(step.reward is not None for step in experience.steps)
    for i, step in enumerate(experience.steps):
        if not alone or experience.window[2] != 1:
            pieces.append(Piece(f"Step {first + i}" + (f" of {experience.window[2]}" if alone else "") + ":"))
        pieces += _given(step.observation, "observation" if acts else "input")
        pieces += _calls(step, number, experience)
        number += len(step.calls)
        pieces.append(_field("action" if acts else "output", step.action))
        if step.reward is not None:
            pieces.append(Piece(f"reward: {literal(step.reward)}"))
    return pieces


def _given(observation: object, name: str) -> list[Piece]:
    if isinstance(observation, dict):
        record = cast("dict[object, object]", observation)
        keyed = [(key if isinstance(key, str) else literal(key), item) for key, item in record.items()]
        return [_field(f"{name} {key}", item) for key, item in keyed]
    return [] if observation is None else [_field(name, observation)]


def _field(label: str, value: object) -> Piece:
    text = _raw(value)
    if isinstance(value, str) and not isinstance(value, Ref | Raised):
        return Piece(f"{label}:", text) if len(text) > 100 or "\n" in text else Piece(f"{label}: {literal(text)}")
    return labelled(label, text)


def _raw(value: object) -> str:
    """A long value as text to read: a string as it is, anything else as a literal."""
    return value if isinstance(value, str) and not isinstance(value, Ref | Raised) else _quoted(value)


def _quoted(value: object) -> str:
    """A value on one line as a literal, or a reference or exception as in a cell."""
    return cell(value) if isinstance(value, Ref | Raised) else literal(value)


def _calls(step: Step, number: int, experience: Experience) -> list[Piece]:
    """The calls of one step, numbered from 1 within the experience (`number` came before); equal ones are folded."""
    base = experience.first_call
    flow = graph(Trace(experience.steps), first_call=base)
    made, matters = flow.calls, set(flow.slice())
    pieces: list[Piece] = []
    begin, before = 0, ""
    for i, call in enumerate(step.calls):
        mark = number + i + 1
        # Calls that the last output depends on stay longest when there is no room for all.
        span, weight = (mark, mark), int(call.failure is not None or number + i in matters)
        shown = [(name, _source(name, value, origin - base, made, step)) for name, value, origin in call.inputs]
        inside = f" (in call {call.parent - base + 1})" if call.parent >= base else ""
        line = _one_line(call, shown) + inside
        if line == before:
            pieces[-1] = Piece(f"calls {begin}-{mark}: {line}", "", "row", (begin, mark), "call", weight)
            continue
        begin, before = mark, line
        if len(line) <= 2 * WIDEST:
            pieces.append(Piece(f"call {mark}: {line}", "", "row", span, "call", weight))
            continue
        before = ""
        outcome = Raised(_brief(call)) if call.failure else call.output
        fields = [_field(f"  {name}", value) for name, value in [*shown, ("->", outcome)]]
        pieces.append(Piece(f"call {mark}: {call.function}{inside}", "", "row", span, "call", weight))
        pieces += [Piece(field.text, field.body, "row", span, "call", weight) for field in fields]
    return pieces


def _source(name: str, value: object, place: int, made: Sequence[Call], step: Step) -> object:
    """An input of a call, or where it already stands. Small values exist once, so they are shown for themselves."""
    if 0 <= place < len(made) and type(value) not in _SMALL and _unchanged(value, made[place]):
        return Ref(f"{place + 1}")
    return _seen(value, name, step.observation, "")


def _one_line(call: Call, shown: Sequence[tuple[str, object]] | None = None) -> str:
    pairs = shown if shown is not None else [(name, value) for name, value, _ in call.inputs]
    inputs = ", ".join(f"{name}={_quoted(value)}" for name, value in pairs)
    return f"{call.function}({inputs}) -> {_quoted(Raised(_brief(call)) if call.failure else call.output)}"


def metrics(values: Mapping[str, float]) -> str:
    """Named numbers on one line."""
    return ", ".join(f"{name} = {literal(value)}" for name, value in values.items())
