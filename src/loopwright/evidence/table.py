"""Many steps as a table: a row a step, a column for each value that changes; everything else is said once above it.

Above the table stand values that never change, values that never change while another is there, columns that equal
another, and columns that repeat another's step before. Runs of equal rows are one row. Values too long for a cell, and
calls too many for columns, stand below. Nothing is lost: a test reads tables back.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

from loopwright.evidence.columns import ABSENT, Columns, Digest, Ref, digest, flatten
from loopwright.evidence.fields import one_line, raw
from loopwright.evidence.origins import SMALL, Said, field, outcome, output_of, seen, unchanged
from loopwright.evidence.pieces import Piece
from loopwright.evidence.records import Experience
from loopwright.trace import Call, Step

# A cell longer than this leaves the table and stands below it.
WIDEST = 120
# A function called more often than this in one step is listed below the table.
MOST_CALLS = 4


def table(experience: Experience, headline: str) -> list[Piece]:
    """The steps of the experience under a line that begins with `headline`."""
    columns, listed = _columns(experience)
    sorted_out = digest(columns)
    wide = [name for name, texts in sorted_out.table.items() if max(map(len, texts)) > WIDEST]
    narrow = {name: texts for name, texts in sorted_out.table.items() if name not in wide}
    first = experience.window[0] + 1
    legend = (
        "an empty cell: absent; a range of steps: the same in each of them; @: the value that stands under that name"
    )
    pieces = [Piece(f"{headline}, one row each; {legend}."), *_above(sorted_out, columns)]
    pieces.append(Piece("|".join(["step", *narrow])))
    pieces += _rows(narrow, experience.steps, first)
    said = Said()
    for i in range(len(experience.steps)):
        for name in wide:
            if (value := columns[name][i]) is not ABSENT:
                shown = raw(said.once(value, f"{name} of step {first + i}"))
                pieces.append(Piece(f"Step {first + i}, {name}:", shown, "row", (first + i, first + i), "long text"))
    return [*pieces, *_listed(listed, first, said)]


def _listed(calls: Sequence[tuple[int, int, Call]], first: int, said: Said) -> list[Piece]:
    """The calls that are too many for columns, a line each, numbered within their step."""
    pieces: list[Piece] = []
    for i, turn, call in calls:
        place = f"call {turn} of step {first + i}"
        line = f"Step {first + i}, call {turn}: {one_line(call, place, said)}"
        pieces.append(Piece(line, "", "row", unit="call", weight=int(call.failure is not None)))
    return pieces


def _above(sorted_out: Digest, columns: Columns) -> list[Piece]:
    """What is said once."""
    lines: list[str] = []
    constant = "The same in every step: "
    if short := [f"{name}={text}" for name, text in sorted_out.constant if len(text) <= WIDEST]:
        lines.append(constant + "|".join(short))
    others: dict[str, list[str]] = {}
    for name, text, other in sorted_out.where:
        others.setdefault(other, []).append(f"{name}={text}")
    lines += [f"Wherever {other} is not empty: {'|'.join(pairs)}" for other, pairs in others.items()]
    if sorted_out.same:
        lines.append("Equal columns: " + "|".join(f"{name}={other}" for name, other in sorted_out.same))
    lines += [f"{name} is {other} of the step before; first: {text}" for name, other, text in sorted_out.lagged]
    long = [name for name, text in sorted_out.constant if len(text) > WIDEST]
    return [
        *(Piece(line, kind="detail") for line in lines),
        *(Piece(f"{constant}{name} =", raw(columns[name][0]), "detail") for name in long),
    ]


def _rows(columns: dict[str, list[str]], steps: Sequence[Step], first: int) -> list[Piece]:
    """The rows, runs folded. A row with a reward or a failure weighs more."""
    count = len(steps)
    texts = ["|" + text for text in map("|".join, zip(*columns.values(), strict=True))] if columns else [""] * count
    heavy = [bool(step.reward) or any(call.failure for call in step.calls) for step in steps]
    pieces: list[Piece] = []
    begin = 0
    for i in range(1, count + 1):
        if i == count or texts[i] != texts[begin]:
            low, high = first + begin, first + i - 1
            span = str(low) if low == high else f"{low}-{high}"
            pieces.append(Piece(span + texts[begin], "", "row", (low, high), weight=int(any(heavy[begin:i]))))
            begin = i
    return pieces


def _columns(experience: Experience) -> tuple[Columns, list[tuple[int, int, Call]]]:
    """Every column before anything is sorted out, and the calls which are too many for columns: (step, turn, call)."""
    steps = experience.steps
    observations = [step.observation for step in steps]
    prefix = "" if all(map(_stands_alone, observations)) else "observation"
    columns: Columns = {}
    if any(observation is not None for observation in observations):
        columns.update((field(name), values) for name, values in flatten(observations, prefix).items())
    columns.update(flatten([step.action for step in steps], "action"))
    columns["reward"] = [ABSENT if step.reward is None else step.reward for step in steps]
    slots, crowded = _slots(steps)
    for name, values in _call_columns(experience, prefix, slots, crowded).items():
        columns.update(flatten(values, name))
    listed = [
        (i, turn, call)
        for i, step in enumerate(steps)
        for turn, call in enumerate(step.calls, 1)
        if call.function in crowded
    ]
    return columns, listed


def _stands_alone(observation: object) -> bool:
    """Whether the fields of the observation can stand for themselves, and need not stand under "observation."."""
    if not isinstance(observation, dict):
        return False
    record = cast("dict[object, object]", observation)
    return "observation" not in record and set(map(type, record)) == {str}


def _slots(steps: Sequence[Step]) -> tuple[list[tuple[int, str]], set[str]]:
    """Of every call its step, and its name by function and turn in that step; and the functions called too often."""
    slots: list[tuple[int, str]] = []
    crowded: set[str] = set()
    for i, step in enumerate(steps):
        turns: dict[str, int] = {}
        for call in step.calls:
            turn = turns[call.function] = turns.get(call.function, 0) + 1
            slots.append((i, call.function if turn == 1 else f"{call.function}#{turn}"))
            if turn > MOST_CALLS:
                crowded.add(call.function)
    return slots, crowded


def _call_columns(experience: Experience, prefix: str, slots: Sequence[tuple[int, str]], crowded: set[str]) -> Columns:
    """A column for each argument and output of each call, and one for what it was called inside of.

    A small value is named by its origin only where the whole column has that one origin: `None`, `True` and small
    numbers exist once, so that a single agreement may be chance, and the value is as short as its name.
    """
    count = len(experience.steps)
    made = [call for step in experience.steps for call in step.calls]
    columns: Columns = {}
    refs: dict[tuple[str, int], Ref] = {}
    small: dict[str, dict[int, object]] = {}
    for number, (call, (i, slot)) in enumerate(zip(made, slots, strict=True)):
        if call.function in crowded:
            continue
        observation = experience.steps[i].observation
        for argument, value, origin in call.inputs:
            name = f"{slot}({argument})"
            if (column := columns.get(name)) is None:
                column = columns[name] = [ABSENT] * count
            place = origin - experience.first_call
            if origin < 0 or not 0 <= place < number or made[place].function in crowded:
                column[i] = seen(value, argument, observation, prefix)
            elif unchanged(value, made[place]):
                key = (slots[place][1], i - slots[place][0])
                if (ref := refs.get(key)) is None:
                    ref = refs[key] = output_of(*key)
                column[i] = ref
                if type(value) in SMALL:
                    small.setdefault(name, {})[i] = value
            else:
                column[i] = value
        name = f"{slot}->"
        if (column := columns.get(name)) is None:
            column = columns[name] = [ABSENT] * count
        column[i] = outcome(call)
        if 0 <= (place := call.parent - experience.first_call) < number:
            columns.setdefault(f"{slot} inside", [ABSENT] * count)[i] = Ref(slots[place][1])
    for name, values in small.items():
        if len({each if isinstance(each, Ref) else "" for each in columns[name] if each is not ABSENT}) > 1:
            for i, value in values.items():
                columns[name][i] = value
    return columns
