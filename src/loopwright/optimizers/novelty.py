"""Whether a proposal is new: not a version that is known already, but for its comments, layout or a few words.

Texts are compared, not behaviour; nothing is run and no model is asked.
"""

from __future__ import annotations

import ast
import re
from collections import Counter
from collections.abc import Iterator, Mapping
from itertools import pairwise

import msgspec

from loopwright.optimizers.prompt import is_python
from loopwright.optimizers.protocol import Check, Rejected, View

_WORDS = re.compile(r"\w+|[^\w\s]")


class _Known(msgspec.Struct, frozen=True):
    """A version that is known: what it is called, and the texts that are known of it."""

    name: str
    texts: Mapping[str, str]


def novel(view: View, check: Check, least: float) -> Check:
    """`check`, and after it: a proposal must differ from the parent and from every version of the view.

    The distance between two texts goes from 0 (equal but for comments, layout and case) to 1 (no two words in a row in
    common); of two versions it is that of the parameters' texts together. It must be above 0 and at least `least`.
    """
    python = {each.name: is_python(view.parent, each) for each in view.parent.artifact.parameters}
    known = list(_known(view))

    def checked(texts: Mapping[str, str]) -> Rejected | None:
        refused = check(texts)
        if refused is not None:
            return refused
        child = {**view.parent.texts, **texts}
        for version in known:
            names = [name for name in version.texts if name in child]
            far = distance(child, version.texts, names, python)
            if far == 0.0 or far < least:
                how = "but for comments and layout" if far == 0.0 else "but for a few words"
                return Rejected("duplicate", f"this is {version.name} again {how}; try something really different")
        return None

    return checked


def distance(one: Mapping[str, str], other: Mapping[str, str], names: list[str], python: Mapping[str, bool]) -> float:
    """How far apart two versions are in the named texts: 0 alike, 1 nothing in common. Linear in their length."""
    pairs = [(bare(one[name], python=python[name]), bare(other[name], python=python[name])) for name in names]
    if all(a == b for a, b in pairs):
        return 0.0
    ours, theirs = (Counter(pair for side in pairs for pair in pairwise(["", *side[which], ""])) for which in (0, 1))
    total = ours.total() + theirs.total()
    # What differs in order alone is not the same.
    return max(1e-9, 1.0 - 2 * (ours & theirs).total() / total)


def bare(text: str, *, python: bool) -> list[str]:
    """A text's words and signs, without what says nothing: of code, comments, docstrings and layout; else case."""
    if python:
        try:
            tree = ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return _WORDS.findall(text)
        for node in ast.walk(tree):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef | ast.Module):
                first = node.body[0] if node.body else None
                if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant):
                    node.body = node.body[1:] or [ast.Pass()]
        return _WORDS.findall(ast.unparse(tree))
    return _WORDS.findall(text.lower())


def _known(view: View) -> Iterator[_Known]:
    yield _Known("the present version", view.parent.texts)
    for candidate, _ in view.others:
        yield _Known(f"version {candidate.id}", candidate.texts)
    for past in view.memory:
        if past.texts:
            yield _Known(f"the try of update {past.step}", past.texts)
