"""`mutate`: seeded edits of the program's own syntax, with no model. The honest baseline for every LLM optimizer.

It knows nothing of the task: every name, key, constant and expression that it writes is one it has seen in the program
(or in the other candidates of the view), scaled or shifted numbers aside. Each edit replaces the text of one node and
leaves the rest of the parameter as it was. It does not read the evidence.
"""

from __future__ import annotations

import ast
import itertools
import random
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Literal, TypeVar

import msgspec

from loopwright.artifact import Parameter
from loopwright.artifact.source import is_python
from loopwright.errors import SettingsError
from loopwright.optimizers.program import (
    Change,
    Code,
    Material,
    Place,
    Valued,
    chain,
    facts_of,
    jitter,
    numbers,
    unparse,
)
from loopwright.optimizers.protocol import Check, Proposal, Proposing, Rejected, View

T = TypeVar("T")

_TRIES = 40  # draws for one proposal before it is given up
_SHORT = 20  # longest string constant that is exchanged for another
_COMPARE: Sequence[type[ast.cmpop]] = (ast.Lt, ast.LtE, ast.Gt, ast.GtE, ast.Eq, ast.NotEq)
_INVERSE: Mapping[type[ast.cmpop], type[ast.cmpop]] = {
    ast.Is: ast.IsNot,
    ast.IsNot: ast.Is,
    ast.In: ast.NotIn,
    ast.NotIn: ast.In,
}
_ARITHMETIC: Sequence[type[ast.operator]] = (ast.Add, ast.Sub, ast.Mult, ast.Div, ast.FloorDiv, ast.Mod)


class Mutate(msgspec.Struct, frozen=True):
    """An optimizer that draws `samples` proposals a step, each of `edits[0]` to `edits[1]` random edits.

    It asks no model. A string or another text is changed by words and lines.
    """

    samples: int = 1
    edits: tuple[int, int] = (1, 3)

    def __post_init__(self) -> None:
        if self.samples < 1 or not 1 <= self.edits[0] <= self.edits[1]:
            raise SettingsError("mutate needs samples >= 1 and edits = (least, most) with 1 <= least <= most")

    def propose(self, view: View, rng: random.Random, check: Check) -> Proposing:
        yield from ()
        others = [candidate.texts for candidate, _ in view.others]
        found: list[Proposal | Rejected] = []
        seen: list[dict[str, str]] = []
        for _ in range(self.samples):
            proposal = self._one(view, others, seen, rng, check)
            if isinstance(proposal, Proposal):
                seen.append(proposal.texts)
            found.append(proposal)
        return found

    def _count(self, rng: random.Random) -> int:
        """How many edits: fewer more often, each number half as likely as the one below."""
        least, most = self.edits
        return rng.choices(range(least, most + 1), [0.5**n for n in range(most - least + 1)])[0]

    def _one(
        self,
        view: View,
        others: Sequence[Mapping[str, str]],
        seen: Sequence[dict[str, str]],
        rng: random.Random,
        check: Check,
    ) -> Proposal | Rejected:
        refused = Rejected(
            "unchanged", f"none of {_TRIES} drawn edits changed anything; the parameters hold too little"
        )
        parent = view.parent
        for _ in range(_TRIES):
            texts = dict(parent.texts)
            words: list[str] = []
            for _ in range(self._count(rng)):
                parameter = rng.choice(parent.artifact.parameters)
                change = mutate(parameter, texts, others, rng)
                if change is not None and change[0] != texts[parameter.name]:
                    texts[parameter.name] = change[0]
                    words.append(f"{parameter.name}: {change[1]}")
            changed = {name: text for name, text in texts.items() if text != parent.texts[name]}
            if not changed or changed in seen:
                continue
            rejection = check(changed)
            if rejection is None:
                return Proposal(changed, "; ".join(words))
            refused = rejection
        return refused


def mutate(
    parameter: Parameter, texts: Mapping[str, str], others: Sequence[Mapping[str, str]], rng: random.Random
) -> Change | None:
    """One random edit of a parameter, given every parameter's text; None where the drawn one finds no place."""
    text = texts[parameter.name]
    foreign = [other[parameter.name] for other in others if other.get(parameter.name, text) != text]
    if foreign and rng.random() < 0.15:
        return rng.choice(foreign), "taken whole from another candidate"
    if parameter.kind == "string" or not is_python(parameter.file):
        return _reword(text, foreign, rng)
    code = Code.of(text)
    if code is None:
        return _reword(text, foreign, rng)
    # Expressions of the whole program may be used, so far as their names mean something in the place of the edit.
    program = [part for name, other in texts.items() if name != parameter.name and (part := Code.of(other))]
    foreign_code = [part for other in foreign if (part := Code.of(other))]
    material = Material(code, program, foreign_code)
    operator = rng.choices([*_OPERATORS], [*_OPERATORS.values()])[0]
    return operator(code, material, rng)


# The operators: (code, material, rng) -> a change, or None where the code has no place for it.


def _pick(items: Sequence[T], rng: random.Random) -> T | None:
    return rng.choice(items) if items else None


def _constant(code: Code, material: Material, rng: random.Random) -> Change | None:
    """A number moved or scaled, a bool flipped, a short string changed for another that is used likewise."""
    places = [
        (node, place)
        for node, place in code.expressions(ast.Constant)
        if node.value is not None and not (isinstance(place.parent, ast.Compare) and material.guards(place.parent))
    ]
    picked = _pick(places, rng)
    if picked is None:
        return None
    node, place = picked
    value = node.value
    if isinstance(value, bool):
        return code.replaced(place, ast.Constant(not value))
    if isinstance(value, int | float):
        choices = [n for n in material.choices(place.function) if n != value] if place.returned else []
        if choices and rng.random() < 0.8:
            return code.replaced(place, ast.Constant(rng.choice(choices)))
        near = [n for n in material.numbers if n != value]
        return code.replaced(
            place, ast.Constant(rng.choice(near) if near and rng.random() < 0.3 else jitter(value, rng))
        )
    if isinstance(value, str) and len(value) <= _SHORT:
        known = _like_string(code, material, node, place.parent)
        return code.replaced(place, ast.Constant(rng.choice(known))) if known else None
    return None


def _like_string(code: Code, material: Material, node: ast.Constant, parent: ast.AST) -> list[str]:
    """The other keys seen in the same place for a key, the other short literals of the parameter otherwise."""
    key = chain(parent)
    known: list[object] = [other.value for other, _ in code.expressions(ast.Constant)]
    if key is not None and key[1]:
        known = [*material.keys.get((key[0], len(key[1]) - 1), [])]
    elif isinstance(parent, ast.Compare) and parent.left is node and (held := chain(parent.comparators[0])):
        known = [*material.keys.get((held[0], len(held[1])), [])]
    texts = [text for text in known if isinstance(text, str) and text != node.value and len(text) <= _SHORT]
    return list(dict.fromkeys(texts))


def _comparison(code: Code, material: Material, rng: random.Random) -> Change | None:
    """Another comparison operator."""
    picked = _pick([(node, place) for node, place in code.expressions(ast.Compare) if not material.guards(node)], rng)
    if picked is None:
        return None
    node, place = picked
    at = rng.randrange(len(node.ops))
    old = type(node.ops[at])
    new = _INVERSE.get(old) or rng.choice([op for op in _COMPARE if op is not old])
    return code.replaced(place, ast.Compare(node.left, [*node.ops[:at], new(), *node.ops[at + 1 :]], node.comparators))


def _arithmetic(code: Code, material: Material, rng: random.Random) -> Change | None:
    """Another operator, or one more term."""
    picked = _pick(code.expressions(ast.BinOp), rng)
    if picked is not None and rng.random() < 0.4:
        node, place = picked
        new = rng.choice([op for op in _ARITHMETIC if not isinstance(node.op, op)])
        return code.replaced(place, ast.BinOp(node.left, new(), node.right))
    numeric = [(n, p) for n, p in _numeric(code) if not isinstance(n, ast.Constant)]
    found = _pick([(n, p) for n, p in numeric if not (p.returned and material.choices(p.function))], rng)
    if found is None:
        return None
    node, place = found
    other = material.number(rng) if rng.random() < 0.6 else material.numeric(place, rng, facts=place.facts)
    if other is None:
        return None
    operator = rng.choice((ast.Add, ast.Sub, ast.Add, ast.Sub, ast.Mult))
    return code.replaced(place, ast.BinOp(node, operator(), other))


def _numeric(code: Code) -> list[tuple[ast.expr, Place]]:
    """The expressions that are likely numbers: what is compared, computed, returned or assigned."""
    found: list[tuple[ast.expr, Place]] = []
    for node, place in code.expressions(ast.Name, ast.Subscript, ast.Call, ast.Constant, ast.BinOp):
        if isinstance(node, ast.Constant) and not isinstance(node.value, int | float):
            continue
        if isinstance(place.parent, ast.Compare) and isinstance(place.parent.ops[0], tuple(_INVERSE)):
            continue
        if isinstance(place.parent, ast.Compare | ast.BinOp | ast.Return | ast.Assign | ast.AugAssign | ast.IfExp):
            found.append((node, place))
    return found


def _boolean(code: Code, material: Material, rng: random.Random) -> Change | None:
    """`and` for `or`, an operand dropped, a test negated, or a further condition."""
    picked = _pick(code.expressions(ast.BoolOp), rng)
    chance = rng.random()
    if picked is not None and chance < 0.4:
        node, place = picked
        if chance < 0.2:
            return code.replaced(
                place, ast.BoolOp(ast.Or() if isinstance(node.op, ast.And) else ast.And(), node.values)
            )
        kept = list(node.values)
        idle = [i for i, value in enumerate(kept) if not material.guards(value)]
        if not idle:
            return None
        kept.pop(rng.choice(idle))
        return code.replaced(place, kept[0] if len(kept) == 1 else ast.BoolOp(node.op, kept))
    tests = [
        (place.node, place)
        for place in code.places
        if isinstance(place.parent, ast.If | ast.While | ast.IfExp) and place.node is place.parent.test
    ]
    test = _pick(tests, rng)
    if test is None or not isinstance(test[0], ast.expr):
        return None
    if chance < 0.55 and not material.guards(test[0]):
        return code.replaced(test[1], ast.UnaryOp(ast.Not(), test[0]))
    known = msgspec.structs.replace(test[1], facts=test[1].facts | facts_of(test[0], True))
    condition = material.condition(known, rng)
    return code.replaced(test[1], ast.BoolOp(ast.And(), [test[0], condition])) if condition else None


def _swap(code: Code, material: Material, rng: random.Random) -> Change | None:
    """Two adjacent statements change places."""
    pair = _pick([pair for body in code.bodies for pair in itertools.pairwise(body)], rng)
    if pair is None:
        return None
    (a, b), (c, d) = code.span(pair[0]), code.span(pair[1])
    text = code.text
    words = f"swapped `{code.shown(pair[0])}` and `{code.shown(pair[1])}`"
    return text[:a] + text[c:d] + text[b:c] + text[a:b] + text[d:], words


def _delete(code: Code, material: Material, rng: random.Random) -> Change | None:
    """A statement becomes `pass`."""
    statement = _pick([statement for body in code.bodies for statement in body], rng)
    if statement is None or isinstance(statement, ast.Pass):
        return None
    start, end = code.span(statement)
    return code.text[:start] + "pass" + code.text[end:], f"deleted `{code.shown(statement)}`"


def _given(code: Code, rng: random.Random) -> tuple[Valued, ast.expr, Place] | None:
    """A return or an assignment to work on; one that already gives more than a constant twice as often."""
    found = code.valued()
    weights = [1 if isinstance(value, ast.Constant) else 2 for _, value, _ in found]
    return rng.choices(found, weights)[0] if found else None


def _conditional(code: Code, material: Material, rng: random.Random) -> Change | None:
    """A return, before it, or an assignment, after it, comes once more under a condition and with another value."""
    picked = _given(code, rng)
    if picked is None:
        return None
    node, old, place = picked
    condition = material.condition(place, rng)
    indent = code.indent(node)
    if condition is None or indent is None:
        return None
    value = material.variant(old, place, rng, place.facts | facts_of(condition, True))
    if value is None or unparse(value) == unparse(old):
        return None
    test = f"if {unparse(condition)}:"
    start, end = code.span(node)
    if isinstance(node, ast.Return):
        new = f"return {unparse(value)}"
        text = f"{code.text[:start]}{test}\n{indent}    {new}\n{indent}{code.text[start:]}"
        return text, f"inserted `{test} {new}` before `{code.shown(node)}`"
    rest, newline, below = code.text[end:].partition("\n")
    if rest.strip().startswith(";"):
        return None
    new = f"{unparse(node.targets[0])} = {unparse(value)}"
    text = f"{code.text[:end]}{rest}\n{indent}{test}\n{indent}    {new}{newline}{below}"
    return text, f"inserted `{test} {new}` after `{code.shown(node)}`"


def _choice(code: Code, material: Material, rng: random.Random) -> Change | None:
    """A returned or assigned value becomes `a if condition else b`."""
    picked = _given(code, rng)
    if picked is None:
        return None
    node, old, place = picked
    condition = material.condition(place, rng)
    if condition is None:
        return None
    choices = material.choices(place.function) if isinstance(node, ast.Return) else []
    if len(choices) > 1 and rng.random() < 0.5:
        own = [n for n in choices if n in numbers(list(ast.walk(old)))]
        a, b = rng.sample(own if len(own) > 1 else choices, 2)
        return code.replaced(Place(old, node, place.function), ast.IfExp(condition, ast.Constant(a), ast.Constant(b)))
    first = material.variant(old, place, rng, place.facts | facts_of(condition, True))
    second = old if rng.random() < 0.3 else material.variant(old, place, rng, place.facts)
    if first is None or second is None or unparse(first) == unparse(second):
        return None
    return code.replaced(Place(old, node, place.function), ast.IfExp(condition, first, second))


def _replace(code: Code, material: Material, rng: random.Random) -> Change | None:
    """An expression becomes another one of the same function and rough kind."""
    chance = rng.random()
    if chance < 0.3:
        tests = [item for item in code.expressions(ast.Compare, ast.BoolOp) if not material.guards(item[0])]
        picked = _pick(tests, rng)
        if picked is None:
            return None
        place = picked[1]
        fresh = material.condition(place, rng) if rng.random() < 0.5 else None
        alike = [node for node, other in tests if other.function is place.function]
        return code.replaced(place, fresh or rng.choice(alike))
    if chance < 0.6:
        given = _given(code, rng)
        if given is None:
            return None
        node, old, place = given
        new = material.variant(old, place, rng, place.facts)
        return code.replaced(Place(old, node, place.function), new) if new else None
    found = _pick(_numeric(code), rng)
    if found is None:
        return None
    place = found[1]
    new = material.numeric(place, rng, facts=place.facts)
    if rng.random() < 0.4:
        new = rng.choice([node for node, other in _numeric(code) if other.function is place.function])
    return code.replaced(place, new) if new is not None and material.needs(new) <= place.facts else None


def _graft(code: Code, material: Material, rng: random.Random) -> Change | None:
    """A statement of another candidate's version of this parameter, before a statement here or in its place."""
    donor = _pick(material.foreign, rng)
    target = _pick([statement for body in code.bodies for statement in body], rng)
    if donor is None or target is None:
        return None
    have = {unparse(statement) for body in code.bodies for statement in body}
    new = [text for body in donor.bodies for statement in body if (text := unparse(statement)) not in have]
    indent = code.indent(target)
    if not new or indent is None:
        return None
    lines = rng.choice(new).split("\n")
    start, end = code.span(target)
    text = f"\n{indent}".join(lines)
    if rng.random() < 0.5:
        words = f"inserted `{lines[0]}` of another candidate before `{code.shown(target)}`"
        return f"{code.text[:start]}{text}\n{indent}{code.text[start:]}", words
    words = f"replaced `{code.shown(target)}` by `{lines[0]}` of another candidate"
    return code.text[:start] + text + code.text[end:], words


_Operator = Callable[[Code, Material, random.Random], "Change | None"]
_OPERATORS: Mapping[_Operator, float] = {
    _constant: 2.5,
    _comparison: 1,
    _arithmetic: 2,
    _boolean: 1.5,
    _swap: 0.5,
    _delete: 0.5,
    _conditional: 5,
    _choice: 4,
    _replace: 2.5,
    _graft: 1,
}


def _reword(text: str, foreign: Sequence[str], rng: random.Random) -> Change | None:
    """Lines or words dropped, swapped, doubled; a line of another candidate taken. Words with braces stay."""
    how: Literal["lines", "words"] = "lines" if "\n" in text and rng.random() < 0.6 else "words"
    parts = text.split("\n") if how == "lines" else re.split(r"(?<=\s)(?=\S)", text)
    free = [i for i, part in enumerate(parts) if part.strip() and not re.search(r"[{}]", part)]
    if not free:
        return None
    unit = how[:-1]
    at = rng.choice(free)
    shown = parts[at].strip()[:60]
    action = rng.choice(("drop", "swap", "double", "take" if foreign else "swap"))
    if action == "drop" and len(free) > 1:
        return _joined(parts[:at] + parts[at + 1 :], how), f"dropped the {unit} '{shown}'"
    if action == "double" and how == "lines":
        return _joined([*parts[: at + 1], *parts[at:]], how), f"doubled the line '{shown}'"
    if action == "take":
        lines = [line for line in rng.choice(foreign).split("\n") if line.strip() and line not in text]
        if lines:
            line = rng.choice(lines)
            return f"{text}\n{line}", f"added the line '{line.strip()[:60]}' from another candidate"
    if len(free) > 1:
        other = rng.choice([i for i in free if i != at])
        swapped = list(parts)
        if how == "words":
            # The space behind a word stays where it is.
            a, b = parts[at], parts[other]
            swapped[at], swapped[other] = b.rstrip() + a[len(a.rstrip()) :], a.rstrip() + b[len(b.rstrip()) :]
        else:
            swapped[at], swapped[other] = parts[other], parts[at]
        return _joined(swapped, how), f"swapped the {how} '{shown}' and '{parts[other].strip()[:60]}'"
    return None


def _joined(parts: Sequence[str], how: Literal["lines", "words"]) -> str:
    return ("\n" if how == "lines" else "").join(parts)
