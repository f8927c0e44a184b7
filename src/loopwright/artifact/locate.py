"""Finding the named parts of one file: definitions and strings by their syntax, regions by their marker lines."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator, Sequence
from typing import TypeGuard

import msgspec

from loopwright.artifact import literal
from loopwright.artifact.parameter import Kind, Parameter
from loopwright.artifact.source import (
    Positions,
    Text,
    dedent,
    newline_of,
    parse,
    unix,
)
from loopwright.errors import ArtifactError

Definition = ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef

_MARKER = re.compile(r"[^\w\r\n]*EVOLVE-BLOCK-(?P<side>START|END)\b(?:[ \t]+(?P<name>[\w.-]*\w))?[^\w\r\n]*")


class Named(msgspec.Struct, frozen=True):
    """A name found in a Python file: a definition, or an assignment. `owner` is the enclosing class's name or ""."""

    qualname: str
    owner: str
    node: ast.stmt


def is_definition(node: ast.AST) -> TypeGuard[Definition]:
    return isinstance(node, Definition)


def tree_of(source: Text) -> ast.Module:
    """The user's own file parsed; raises `ArtifactError` that shows the line."""
    try:
        return parse(source.text)
    except SyntaxError as error:
        line = error.lineno or 0
        lines = unix(source.text).split("\n")
        shown = f": {lines[line - 1].strip()}" if 0 < line <= len(lines) else ""
        place = f"line {line} of {source.name}" if line else source.name
        raise ArtifactError(f"{place} is no valid Python ({error.msg}){shown}") from None


def names(tree: ast.Module) -> Iterator[Named]:
    """Every definition and assigned name of the module and of its classes, also under `if`, `try`, `with`, loops."""
    yield from _names(tree.body, "")


def _names(body: Sequence[ast.stmt], owner: str) -> Iterator[Named]:
    prefix = f"{owner}." if owner else ""
    for node in body:
        if is_definition(node):
            yield Named(prefix + node.name, owner, node)
            if isinstance(node, ast.ClassDef):
                yield from _names(node.body, prefix + node.name)
        elif isinstance(node, ast.Assign):
            for target in node.targets:
                if isinstance(target, ast.Name):
                    yield Named(prefix + target.id, owner, node)
        elif isinstance(node, ast.AnnAssign | ast.AugAssign):
            if isinstance(node.target, ast.Name):
                yield Named(prefix + node.target.id, owner, node)
        else:
            for field in ("body", "handlers", "orelse", "finalbody", "cases"):
                for part in getattr(node, field, ()):
                    inner = part.body if isinstance(part, ast.ExceptHandler | ast.match_case) else [part]
                    yield from _names(inner, owner)


def header(node: Definition) -> str:
    """The signature as Python writes it: `async def f(a: int=1) -> str`, `class A(B)`."""
    if isinstance(node, ast.ClassDef):
        empty: Definition = ast.ClassDef(node.name, node.bases, node.keywords, [], [])
    else:
        empty = type(node)(node.name, node.args, [], [], node.returns)
    empty.__dict__["type_params"] = getattr(node, "type_params", [])
    return ast.unparse(ast.fix_missing_locations(empty)).strip().removesuffix(":")


def decorators(node: Definition) -> tuple[str, ...]:
    return tuple(ast.unparse(decorator) for decorator in node.decorator_list)


def span(positions: Positions, node: Definition) -> tuple[int, int, str]:
    """(start, end, indentation) of a definition.

    It begins at `def`, `async` or `class` and ends with the comment behind its last line, and with the comment lines
    below that are indented deeper than it.
    """
    text = positions.text
    start = positions.offset(node.lineno, node.col_offset)
    # A form feed makes Python count the columns anew.
    indent = text[positions.starts[node.lineno - 1] : start].rpartition("\f")[2]
    last = node.end_lineno or node.lineno
    end = positions.offset(last, node.end_col_offset or 0)
    rest = text[end : positions.line_end(last)].rstrip(" \t\f")
    if not rest.endswith("\\"):
        end += len(rest)
        for line in range(last + 1, len(positions.starts) + 1):
            whole = text[positions.starts[line - 1] : positions.line_end(line)]
            inner = whole.removeprefix(indent)
            if inner[:1] in {" ", "\t"} and inner.lstrip(" \t\f").startswith("#") and whole.startswith(indent):
                end = positions.starts[line - 1] + len(whole.rstrip(" \t\f"))
            elif whole.strip(" \t\f"):
                break
    return start, end, indent


def definition(source: Text, positions: Positions, name: str, found: Named) -> Parameter:
    """The parameter of a function, method or class."""
    node = found.node
    assert is_definition(node)
    start, end, indent = span(positions, node)
    if indent.strip(" \t"):
        raise ArtifactError(f"{source.name}:{node.lineno}: '{name}' must begin on a line of its own")
    raw = source.text[start:end]
    kind: Kind = "class" if isinstance(node, ast.ClassDef) else "method" if found.owner else "function"
    return Parameter(
        name=name,
        file=source.name,
        kind=kind,
        line=node.lineno,
        text=dedent(unix(raw), indent),
        start=start,
        end=end,
        qualname=found.qualname,
        indent=indent,
        newline=newline_of(raw, newline_of(source.text)),
        signature=header(node),
        decorators=decorators(node),
    )


def string(source: Text, positions: Positions, name: str, found: Named) -> Parameter:
    """The parameter of an assigned string; its span is the literal. Raises `ArtifactError` where it is none."""
    node = found.node
    value = node.value if isinstance(node, ast.Assign | ast.AnnAssign) else None
    here = f"{source.name}:{node.lineno}: '{name}'"
    if not isinstance(value, ast.Constant) or not isinstance(value.value, str):
        what = "no string"
        for of, words in ((ast.JoinedStr, "an f-string"), (ast.Call, "a call"), (ast.BinOp, "an expression")):
            what = words if isinstance(value, of) else what
        raise ArtifactError(f"{here} is {what}; an editable value must be one plain string literal")
    if isinstance(node, ast.Assign) and len(node.targets) > 1:
        raise ArtifactError(f"{here} is assigned together with another name; give it an assignment of its own")
    start = positions.offset(value.lineno, value.col_offset)
    end = positions.offset(value.end_lineno or value.lineno, value.end_col_offset or 0)
    raw = source.text[start:end]
    return Parameter(
        name=name,
        file=source.name,
        kind="string",
        line=node.lineno,
        text=value.value,
        start=start,
        end=end,
        qualname=found.qualname,
        newline=newline_of(raw, newline_of(source.text)),
        style=literal.opening(raw),
    )


def file(source: Text) -> Parameter:
    """The parameter of a whole file, without its final line ends."""
    kept = source.text.rstrip("\r\n")
    return Parameter(
        name=source.name,
        file=source.name,
        kind="file",
        line=1,
        text=unix(kept),
        start=0,
        end=len(kept),
        newline=newline_of(source.text),
    )


def _inside_strings(tree: ast.AST) -> frozenset[int]:
    """The lines that begin inside a string, by the tree: the tokenizer of 3.11 refuses some files that Python runs."""
    texts = (
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.JoinedStr) or (isinstance(node, ast.Constant) and isinstance(node.value, str | bytes))
    )
    return frozenset(line for text in texts for line in range(text.lineno + 1, (text.end_lineno or text.lineno) + 1))


def regions(source: Text, before: int = 0) -> list[Parameter]:
    """The EVOLVE-BLOCK regions in order; unnamed ones are counted on from `before`. Raises `ArtifactError`."""
    if "EVOLVE-BLOCK-" not in source.text:
        return []
    positions = Positions(source.text)
    inside: frozenset[int] = frozenset()
    if source.python:
        inside = _inside_strings(tree_of(source))
    found: list[Parameter] = []
    opened: tuple[int, str] | None = None
    for line, start in enumerate(positions.starts, 1):
        marker = _MARKER.fullmatch(source.text, start, positions.line_end(line))
        if marker is None or line in inside:
            continue
        here = f"{source.name}:{line}"
        if marker["side"] == "START":
            if opened is not None:
                raise ArtifactError(f"{here}: EVOLVE-BLOCK-START inside the region of line {opened[0]}; end that first")
            opened = (line, marker["name"] or f"EVOLVE-BLOCK-{before + len(found) + 1}")
        elif opened is None:
            raise ArtifactError(f"{here}: EVOLVE-BLOCK-END without an EVOLVE-BLOCK-START before it")
        else:
            found.append(_region(source, positions, opened, line))
            opened = None
    if opened is not None:
        raise ArtifactError(f"{source.name}:{opened[0]}: EVOLVE-BLOCK-START without an EVOLVE-BLOCK-END after it")
    return found


def _region(source: Text, positions: Positions, opened: tuple[int, str], closing: int) -> Parameter:
    line, name = opened
    start = positions.starts[line]
    kept = source.text[start : positions.starts[closing - 1]].rstrip("\r\n")
    return Parameter(
        name=name,
        file=source.name,
        kind="region",
        line=line + 1,
        text=unix(kept),
        start=start,
        end=start + len(kept),
        qualname=name,
        newline=newline_of(kept, newline_of(source.text)),
    )


def is_marker(line: str) -> bool:
    return _MARKER.fullmatch(line) is not None
