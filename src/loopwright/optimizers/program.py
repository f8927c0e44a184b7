"""What a program's text is made of, for `mutate`: places that may be edited, and material to write there.

Nothing here is random but the draws that a caller asks for, and nothing knows of a task. What is written is seen in the
program: names in scope, look-ups (also with other keys seen at the same depth), constants, and numbers near them. Facts
("'Ball' in obs", "y is not None") are followed through conditions, so that what is written can mostly be evaluated.
"""

from __future__ import annotations

import ast
import random
import re
from collections.abc import Iterator, Sequence
from typing import TypeVar

import msgspec

from loopwright.artifact.source import Positions, parse

Function = ast.FunctionDef | ast.AsyncFunctionDef
Change = tuple[str, str]  # a parameter's new text, and in words what was changed
Valued = ast.Return | ast.Assign
T = TypeVar("T")
# ("in", "obs", "Ball"): that key is there; ("value", "y", ""): that name is not None.
Fact = tuple[str, str, str]
Facts = frozenset[Fact]

_ATOMS = (ast.Name, ast.Call, ast.Subscript, ast.Attribute, ast.List, ast.Dict, ast.Tuple)
# Under these a compound expression needs parentheses.
_BINDING = (ast.BinOp, ast.UnaryOp, ast.BoolOp, ast.Compare, ast.IfExp, ast.Attribute, ast.Subscript, ast.Await)
_SKIPPED = (ast.JoinedStr, ast.Import, ast.ImportFrom, ast.Global, ast.Nonlocal, ast.pattern)
_LEAVING = (ast.Return, ast.Raise, ast.Continue, ast.Break)

_QUOTED = re.compile(r"[`\"']([A-Za-z_]\w*)[`\"']")


class Place(msgspec.Struct, frozen=True, eq=False):
    """An expression or statement that may be edited: what it stands in, the function around it, what holds there.

    `returned` marks what a function may give back, rather than decide by.
    """

    node: ast.expr | ast.stmt
    parent: ast.AST
    function: Function | None
    facts: Facts = frozenset()
    returned: bool = False


class Code:
    """A parameter's text parsed, with every place that may be edited: no docstring, signature, annotation, f-string."""

    def __init__(self, text: str, tree: ast.Module, shift: int) -> None:
        self.text = text
        self.shift = shift
        self.positions = Positions("if 1:\n" * bool(shift) + text)
        self.bodies: list[list[ast.stmt]] = []
        self.docs: list[str] = []
        self.places: list[Place] = []
        body = tree.body[0].body if shift and isinstance(tree.body[0], ast.If) else tree.body
        self._statements(body, tree, None, frozenset())

    @classmethod
    def of(cls, text: str) -> Code | None:
        """The text as code, also where it is an indented region; None where it is no Python."""
        for head in ("", "if 1:\n"):
            try:
                return cls(text, parse(head + text), len(head))
            except (SyntaxError, RecursionError):
                continue
        return None

    def _statements(self, body: list[ast.stmt], parent: ast.AST, function: Function | None, facts: Facts) -> None:
        kept: list[ast.stmt] = []
        for statement in body:
            if not isinstance(statement, ast.Expr) or not isinstance(statement.value, ast.Constant):
                kept.append(statement)
            elif isinstance(statement.value.value, str):
                self.docs.append(statement.value.value)
        if function is not None:
            self.bodies.append(kept)
        for statement in kept:
            self._visit(statement, parent, function, facts)
            if isinstance(statement, ast.If) and isinstance(statement.body[-1], _LEAVING):
                facts |= facts_of(statement.test, False)

    def _visit(
        self, node: ast.AST, parent: ast.AST, function: Function | None, facts: Facts, returned: bool = False
    ) -> None:
        if isinstance(node, _SKIPPED):
            return
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            self._statements(node.body, node, node, frozenset())
            return
        if isinstance(node, ast.expr | ast.stmt) and not isinstance(node, ast.ClassDef):
            self.places.append(Place(node, parent, function, facts, returned))
        for name, value in ast.iter_fields(node):
            if name in {"annotation", "decorator_list", "bases", "keywords"} and not isinstance(node, ast.Call):
                continue
            inner = facts
            if isinstance(node, ast.If | ast.IfExp | ast.While) and name in {"body", "orelse"}:
                inner = facts | facts_of(node.test, name == "body")
            parts = list(_nodes(value))
            statements = [part for part in parts if isinstance(part, ast.stmt)]
            if statements:
                self._statements(statements, node, function, inner)
                continue
            for part in parts:
                given = isinstance(node, ast.Return) or (returned and not isinstance(node, ast.Compare | ast.Subscript))
                self._visit(part, node, function, inner, given and name != "test")
                if isinstance(node, ast.BoolOp) and isinstance(part, ast.expr):
                    inner |= facts_of(part, isinstance(node.op, ast.And))

    def expressions(self, *kinds: type[T]) -> list[tuple[T, Place]]:
        """The nodes of these kinds that are read, not assigned to."""
        return [
            (place.node, place)
            for place in self.places
            if isinstance(place.node, kinds) and not isinstance(getattr(place.node, "ctx", None), ast.Store | ast.Del)
        ]

    def valued(self) -> list[tuple[Valued, ast.expr, Place]]:
        """The returns and assignments inside functions, with the value they give."""
        return [
            (place.node, place.node.value, place)
            for place in self.places
            if isinstance(place.node, Valued) and place.node.value is not None and place.function is not None
        ]

    def span(self, node: ast.expr | ast.stmt) -> tuple[int, int]:
        start = self.positions.offset(node.lineno, node.col_offset)
        end = self.positions.offset(node.end_lineno or node.lineno, node.end_col_offset or 0)
        return start - self.shift, end - self.shift

    def shown(self, node: ast.expr | ast.stmt) -> str:
        """The node's text in one line of at most 60 characters."""
        start, end = self.span(node)
        return _short(self.text[start:end])

    def indent(self, statement: ast.stmt) -> str | None:
        """What stands before a statement on its line; None where that is not only space."""
        before = self.text[: self.span(statement)[0]].rpartition("\n")[2]
        return None if before.strip(" \t") else before

    def replaced(self, place: Place, new: ast.expr) -> Change | None:
        """The text with an expression in the place of another."""
        start, end = self.span(place.node)
        text = unparse(new)
        if text == unparse(place.node):
            return None
        atom = isinstance(new, _ATOMS) or (isinstance(new, ast.Constant) and not text.startswith("-"))
        inside = f"({text})" if isinstance(place.parent, _BINDING) and not atom else text
        line = self.text[:start].rpartition("\n")[2] + self.text[start:].partition("\n")[0]
        words = f"replaced `{self.shown(place.node)}` by `{text}` in `{_short(line)}`"
        return self.text[:start] + inside + self.text[end:], words


def _nodes(value: object) -> Iterator[ast.AST]:
    if isinstance(value, ast.AST):
        yield value
    elif isinstance(value, list):
        for item in value:  # pyright: ignore[reportUnknownVariableType]
            if isinstance(item, ast.AST):
                yield item


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 60 else line[:57] + "..."


def facts_of(test: ast.expr, truth: bool) -> Facts:
    """What is known where `test` came out as `truth`."""
    if isinstance(test, ast.UnaryOp) and isinstance(test.op, ast.Not):
        return facts_of(test.operand, not truth)
    if isinstance(test, ast.BoolOp):
        if isinstance(test.op, ast.And) == truth:
            return frozenset[Fact]().union(*(facts_of(value, truth) for value in test.values))
        return frozenset()
    if isinstance(test, ast.Name) and truth:
        return frozenset({("value", test.id, "")})
    if not isinstance(test, ast.Compare) or len(test.ops) > 1:
        return frozenset()
    left, right = test.left, test.comparators[0]
    holds = isinstance(test.ops[0], ast.In | ast.IsNot) == truth
    if isinstance(test.ops[0], ast.In | ast.NotIn) and holds:
        if isinstance(left, ast.Constant) and isinstance(left.value, str):
            return frozenset({("in", unparse(right), left.value)})
    elif isinstance(test.ops[0], ast.Is | ast.IsNot) and holds and isinstance(right, ast.Constant):
        return frozenset({("value", unparse(left), "")})
    return frozenset()


def unparse(node: ast.AST) -> str:
    return ast.unparse(ast.fix_missing_locations(node))


def chain(node: ast.AST) -> tuple[str, list[str]] | None:
    """(name, keys) of `name["a"]["b"]`, `name.get("a", {}).get("b")`; a bare name has no keys; None otherwise."""
    if isinstance(node, ast.Name):
        return node.id, []
    key: ast.expr | None = None
    inner: ast.expr | None = None
    if isinstance(node, ast.Subscript):
        inner, key = node.value, node.slice
    elif isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr == "get" and node.args:
        inner, key = node.func.value, node.args[0]
    if inner is None or not isinstance(key, ast.Constant) or not isinstance(key.value, str):
        return None
    before = chain(inner)
    return None if before is None else (before[0], [*before[1], key.value])


def with_keys(node: ast.expr, keys: list[str]) -> ast.expr:
    """The same look-up with other keys."""
    if isinstance(node, ast.Subscript):
        return ast.Subscript(with_keys(node.value, keys[:-1]), ast.Constant(keys[-1]), ast.Load())
    if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
        function = ast.Attribute(with_keys(node.func.value, keys[:-1]), node.func.attr, ast.Load())
        return ast.Call(function, [ast.Constant(keys[-1]), *node.args[1:]], [])
    return node


def numbers(nodes: Sequence[ast.AST]) -> list[int | float]:
    """The different numeric constants among nodes, in order."""
    found: list[int | float] = []
    for node in nodes:
        value = node.value if isinstance(node, ast.Constant) else None
        if isinstance(value, int | float) and not isinstance(value, bool) and value not in found:
            found.append(value)
    return found


def jitter(value: int | float, rng: random.Random) -> int | float:
    """A number near `value`, or of another sign or scale."""
    if isinstance(value, int):
        step = rng.choice((1, 1, 1, 2, 3, max(1, abs(value) // 4)))
        return rng.choice((value + step, value - step, value + step, value - step, value * 2, value // 2, -value))
    near = value + rng.gauss(0, max(abs(value) * 0.2, 0.1))
    return round(rng.choice((value * rng.uniform(0.5, 1.5), near, value * 2, -value)), 4)


class Material:
    """What may be written into `own`: constants, keys and numeric expressions seen in the program."""

    def __init__(self, own: Code, others: Sequence[Code], foreign: Sequence[Code]) -> None:
        self.own = own
        self.foreign = foreign
        places = [place for code in (own, *others, *foreign) for place in code.places]
        self.numbers = numbers([place.node for place in places])
        self.chains: list[ast.expr] = []
        self.keys: dict[tuple[str, int], list[str]] = {}
        self.tested: set[tuple[str, int, str]] = set()  # keys that the program asks for with `in`: they may be absent
        self.nullable: set[str] = set()
        self.not_numbers: set[str] = set()
        for place in places:
            self._look(place)
        # Words that a docstring quotes may be keys too; nothing tells of which look-up, so they are always guarded.
        known = {key for keys in self.keys.values() for key in keys} | self.not_numbers
        known |= {place.function.name for place in places if place.function}
        quoted = [word for code in (own, *others) for text in code.docs for word in _QUOTED.findall(text)]
        self.words: list[str] = [word for word in dict.fromkeys(quoted) if word not in known]

    def _look(self, place: Place) -> None:
        node = place.node
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name):
            self.not_numbers.add(node.func.id)
        elif isinstance(node, ast.For) and isinstance(node.iter, ast.Name):
            self.not_numbers.add(node.iter.id)
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            self.not_numbers.add(node.value.id)
        elif isinstance(node, ast.Compare):
            self._test(node)
        found = chain(node) if isinstance(node, ast.expr) else None
        if found is None or not found[1] or not isinstance(node, ast.expr):
            return
        self.not_numbers.add(found[0])
        for depth, key in enumerate(found[1]):
            self._key(found[0], depth, key)
        # Of `obs["a"]["b"]` only the whole is a value of its own; what is asked for a key holds others.
        asked = isinstance(place.parent, ast.Compare) and isinstance(place.parent.ops[0], ast.In | ast.NotIn)
        if not asked and not isinstance(place.parent, ast.Attribute) and chain(place.parent) is None:
            self.chains.append(node)

    def _test(self, node: ast.Compare) -> None:
        held = chain(node.comparators[0])
        if isinstance(node.ops[0], ast.In | ast.NotIn) and held is not None:
            self.not_numbers.add(held[0])
            if isinstance(node.left, ast.Constant) and isinstance(node.left.value, str):
                self._key(held[0], len(held[1]), node.left.value)
                self.tested.add((held[0], len(held[1]), node.left.value))
        elif isinstance(node.ops[0], ast.Is | ast.IsNot) and isinstance(node.left, ast.Name):
            self.nullable.add(node.left.id)

    def _key(self, root: str, depth: int, key: str) -> None:
        known = self.keys.setdefault((root, depth), [])
        if key not in known:
            known.append(key)

    def needs(self, node: ast.expr) -> Facts:
        """What must hold for an expression to have a numeric value, as far as the program tells."""
        found: set[Fact] = set()
        for part in ast.walk(node):
            if isinstance(part, ast.Name) and part.id in self.nullable:
                found.add(("value", part.id, ""))
            looked = chain(part) if isinstance(part, ast.Subscript) else None
            if looked is not None and isinstance(part, ast.Subscript):
                root, keys = looked
                if (root, len(keys) - 1, keys[-1]) in self.tested or keys[-1] in self.words:
                    found.add(("in", unparse(part.value), keys[-1]))
        return frozenset(found)

    def numeric(self, place: Place, rng: random.Random, *, facts: Facts | None = None) -> ast.expr | None:
        """A numeric expression: a name in scope, or a look-up seen, perhaps with other keys, perhaps with an operation.

        With `facts`, only one that has a value where these hold.
        """
        for _ in range(6):
            found = self._term(place, rng)
            if found is None:
                return None
            if rng.random() < 0.2:
                other = self.number(rng) if rng.random() < 0.5 else self._term(place, rng) or self.number(rng)
                operator = rng.choice((ast.Add, ast.Sub, ast.Add, ast.Sub, ast.Mult, ast.FloorDiv))
                if operator is ast.FloorDiv:
                    other = ast.Constant(rng.choice((2, 2, 3, 4, 8)))
                found = ast.BinOp(found, operator(), other)
            if facts is None or self.needs(found) <= facts:
                return found
        return None

    def _term(self, place: Place, rng: random.Random) -> ast.expr | None:
        scope = _scope(place)
        names = [name for name in scope if name not in self.not_numbers]
        chains = [node for node in self.chains if (found := chain(node)) and found[0] in scope]
        if chains and (not names or rng.random() < 0.6):
            return self.rekeyed(rng.choice(chains), rng)
        return ast.Name(rng.choice(names), ast.Load()) if names else None

    def rekeyed(self, node: ast.expr, rng: random.Random) -> ast.expr:
        """A look-up with some keys changed: for others seen at that depth of that name, or for a word of the docs."""
        root, keys = chain(node) or ("", [])
        new = [rng.choice(self.keys[root, depth]) if rng.random() < 0.9 else key for depth, key in enumerate(keys)]
        if self.words and rng.random() < 0.2:
            new[-1] = rng.choice(self.words)
        return with_keys(node, new)

    def number(self, rng: random.Random) -> ast.Constant:
        """A constant: one seen in the program, one near it, or a round one of any size."""
        if self.numbers and rng.random() < 0.6:
            value = rng.choice(self.numbers)
            return ast.Constant(value if rng.random() < 0.6 else jitter(value, rng))
        return ast.Constant(rng.choice((0, 1, 2, 3, 4, 5, 6, 8, 10, 12, 16, 20, 32, 50, 64, 100)))

    def condition(self, place: Place, rng: random.Random) -> ast.expr | None:
        """A comparison of two numeric expressions, or of one with a constant; guarded where the place is not safe."""
        left = self.numeric(place, rng)
        if left is None:
            return None
        terms = _terms(left)
        for _ in range(6):
            right = self.numeric(place, rng) if rng.random() < 0.75 else self.number(rng)
            if right is None or terms & _terms(right):
                continue
            operator = rng.choice((ast.Lt, ast.Gt, ast.Lt, ast.Gt, ast.LtE, ast.GtE))
            compared = ast.Compare(left, [operator()], [right])
            guards = [_guard(fact) for fact in sorted(self.needs(compared) - place.facts)]
            return ast.BoolOp(ast.And(), [*guards, compared]) if guards else compared
        return None

    def choices(self, function: Function | None) -> list[int | float]:
        """The constants that a function returns, where it returns nothing else: its answers are a choice of these."""
        returns = [p for p in self.own.places if p.function is function and isinstance(p.node, ast.Return)]
        values = [
            leaf for p in returns if isinstance(p.node, ast.Return) and p.node.value for leaf in _leaves(p.node.value)
        ]
        return [] if any(_terms(value) for value in values) else numbers([n for v in values for n in ast.walk(v)])

    def guards(self, test: ast.expr) -> bool:
        """Whether a test keeps a look-up or an operation of the program from failing."""
        looked = {(found[0], key) for node in self.chains if (found := chain(node)) for key in found[1]}
        return any(
            kind == "value" or (what.partition("[")[0], key) in looked
            for kind, what, key in facts_of(test, True) | facts_of(test, False)
        )

    def variant(self, value: ast.expr, place: Place, rng: random.Random, facts: Facts) -> ast.expr | None:
        """Something to return or assign in the place of `value`, evaluable where `facts` hold.

        Its own constants come first, then others of the function. Where a function returns nothing but constants,
        another kind of value is seldom tried.
        """
        own = [] if isinstance(value, ast.Constant) else numbers(list(ast.walk(value)))
        here = numbers([p.node for p in self.own.places if p.function is place.function and p.node is not value])
        near = [n for n in here if n not in own]
        chance = rng.random()
        if own and chance < 0.55:
            return ast.Constant(rng.choice(own))
        if near and chance < 0.75:
            return ast.Constant(rng.choice(near))
        if rng.random() < 0.8 and (choices := self.choices(place.function)):
            return ast.Constant(rng.choice(choices))
        return self.numeric(place, rng, facts=facts) if chance < 0.92 else self.number(rng)


def _leaves(value: ast.expr) -> list[ast.expr]:
    """The values that a conditional expression chooses between."""
    return [*_leaves(value.body), *_leaves(value.orelse)] if isinstance(value, ast.IfExp) else [value]


def _terms(node: ast.expr) -> set[str]:
    """The names and look-ups that an expression reads, each as a whole; functions and modules aside."""
    if (isinstance(node, ast.Subscript | ast.Call) and chain(node)) or isinstance(node, ast.Name):
        return {unparse(node)}
    parts = node.args if isinstance(node, ast.Call) else list(ast.iter_child_nodes(node))
    return {term for part in parts if isinstance(part, ast.expr) for term in _terms(part)}


def _guard(fact: Fact) -> ast.expr:
    kind, what, key = fact
    held = ast.parse(what, mode="eval").body
    if kind == "in":
        return ast.Compare(ast.Constant(key), [ast.In()], [held])
    return ast.Compare(held, [ast.IsNot()], [ast.Constant(None)])


def _scope(place: Place) -> list[str]:
    """The names that have a value at a place: arguments, and locals assigned on an earlier line."""
    if place.function is None:
        return []
    arguments = place.function.args
    names = [a.arg for a in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]
    for node in ast.walk(place.function):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store) and node.lineno < place.node.lineno:
            names.append(node.id)
    return [name for name in dict.fromkeys(names) if name not in {"self", "cls"}]
