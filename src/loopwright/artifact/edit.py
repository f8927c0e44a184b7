"""Judging a new text for a parameter, and writing it into its file: all that is checked before anything runs.

`read` says what text an edit really means (or why it is refused), `write` puts texts into a file, `verify` looks at the
file as a whole. Behaviour is not judged here; that is what trials are for.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from typing import Literal

from loopwright.artifact import literal, locate
from loopwright.artifact.parameter import Parameter
from loopwright.artifact.source import (
    Positions,
    Text,
    compiles,
    decode,
    dedent,
    indented,
    parse,
    unix,
)
from loopwright.errors import ArtifactError


class EditError(Exception):
    """An edit that is refused. `kind` and `reason` fit `optimizers.protocol.Rejected`.

    `reason` is one sentence that a model can act on.
    """

    def __init__(self, kind: Literal["invalid", "unchanged"], reason: str) -> None:
        super().__init__(reason)
        self.kind = kind
        self.reason = reason


def invalid(reason: str) -> EditError:
    return EditError("invalid", reason)


def read(parameter: Parameter, text: str, max_chars: int | None) -> str:
    """The text as the parameter holds it: line ends as `\\n`, a definition without what surrounds it.

    Raises `EditError` where it is no text for this parameter.
    """
    if "\x00" in text:
        raise invalid(f"the text for {parameter.what} contains a null byte; leave it out")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        bad = text[error.start]
        raise invalid(
            f"the text for {parameter.what} contains {bad!a}, half of a surrogate pair; write the whole character"
        ) from None
    if parameter.kind == "string":
        held = text
        lost = [hole for hole in parameter.placeholders if hole not in text]
        if lost:
            raise invalid(
                f"the text for {parameter.what} has lost the placeholder {lost[0]}, which the program fills in; keep it"
            )
    elif parameter.kind in {"file", "region"}:
        held = unix(text).rstrip("\n")
    else:
        held = _definition(parameter, text)
    if parameter.kind == "region":
        for line in held.split("\n"):
            if locate.is_marker(line):
                raise invalid(
                    f"the text for {parameter.what} contains the marker line '{line.strip()}'; "
                    "give only the lines between the markers"
                )
    if max_chars is not None and len(held) > max_chars:
        raise invalid(f"the text for {parameter.what} has {len(held):,} characters; at most {max_chars:,} are allowed")
    return held


def _definition(parameter: Parameter, text: str) -> str:
    text = unix(text).strip("\n")
    first = text.lstrip(" \t\f")
    try:
        text = dedent(text, text[: len(text) - len(first)], first=True)
        tree = parse(text)
    except SyntaxError as error:
        raise invalid(_syntax(f"the text for {parameter.what}", text, error)) from None
    node = _only_definition(parameter, tree, text)
    new = locate.header(node)
    if new != parameter.signature:
        raise invalid(
            f"the signature of {parameter.what} must stay `{parameter.signature}`, but the new text has `{new}`; "
            "change only what is inside"
        )
    wrapped = locate.decorators(node)
    if wrapped and wrapped != parameter.decorators:
        were = " ".join(f"@{decorator}" for decorator in parameter.decorators) or "none"
        raise invalid(f"the decorators of {parameter.what} must stay as they are ({were}); leave them out of the text")
    start, end, _ = locate.span(Positions(text), node)
    return dedent(text[start:end], "")


def _only_definition(parameter: Parameter, tree: ast.Module, text: str) -> locate.Definition:
    name = parameter.qualname.rpartition(".")[2]
    word = "class" if parameter.kind == "class" else "def"
    found = [node for node in tree.body if locate.is_definition(node) and node.name == name]
    if not found:
        owner = parameter.qualname.rpartition(".")[0].rpartition(".")[2]
        if any(isinstance(node, ast.ClassDef) and node.name == owner for node in tree.body):
            raise invalid(
                f"the text for {parameter.what} must be the method alone, `{parameter.signature}: ...`, "
                f"without `class {owner}` around it"
            )
        raise invalid(
            f"the text for {parameter.what} has no definition of it; it must begin with `{word} {name}`"
            if "async" not in parameter.signature[:5]
            else f"the text for {parameter.what} has no definition of it; it must begin with `async def {name}`"
        )
    if len(found) > 1:
        raise invalid(f"the text for {parameter.what} defines '{name}' {len(found)} times; define it once")
    extra = next((node for node in tree.body if node is not found[0]), None)
    if extra is not None:
        line = text.split("\n")[extra.lineno - 1].strip()
        inside = "" if parameter.kind == "class" else "; move imports and helpers inside it"
        raise invalid(
            f"the text for {parameter.what} must hold its definition and nothing else, but has `{line[:80]}` "
            f"on line {extra.lineno}{inside}"
        )
    return found[0]


def write(source: Text, parameters: Sequence[Parameter], texts: Mapping[str, str]) -> tuple[str, dict[str, int]]:
    """The file's text with `texts` in place, and by parameter name the offset where each one ends in it.

    A parameter whose text is the starting one keeps its very characters. Texts are as `read` gives them.
    """
    parts: list[str] = []
    ends: dict[str, int] = {}
    done = 0
    length = 0
    for parameter in sorted(parameters, key=lambda p: p.start):
        text = texts[parameter.name]
        before = source.text[done : parameter.start]
        if text == parameter.text:
            new = source.text[parameter.start : parameter.end]
        else:
            new = _written(source, parameter, text).replace("\n", parameter.newline)
        parts += [before, new]
        length += len(before) + len(new)
        ends[parameter.name] = length
        done = parameter.end
    parts.append(source.text[done:])
    return "".join(parts), ends


def _written(source: Text, parameter: Parameter, text: str) -> str:
    if parameter.kind == "string":
        return literal.write(text, parameter.style, source.encoding)
    if parameter.kind == "region":
        # A region that was empty has no line of its own yet.
        return text + "\n" if text and parameter.start == parameter.end else text
    if parameter.kind == "file":
        return text
    return indented(text, parameter.indent)


def verify(source: Text, parameters: Sequence[Parameter], texts: Mapping[str, str], changed: Sequence[str]) -> None:
    """Look at a whole file with its new texts; raises `EditError`. `changed` are the parameters this edit names."""
    mine = [parameter for parameter in parameters if parameter.name in changed]
    what = " and ".join(parameter.what for parameter in mine)
    text, ends = write(source, parameters, texts)
    try:
        data = source.encode(text)
    except UnicodeEncodeError as error:
        bad = text[error.start]
        raise invalid(
            f"the text for {what} contains {bad!a}, which {source.name} cannot hold in its encoding "
            f"{source.encoding}; use another character or an escape"
        ) from None
    if not source.python or all(parameter.kind == "string" for parameter in mine):
        return
    try:
        compiles(text)
    except SyntaxError as error:
        raise invalid(_syntax(f"{source.name} with the new text for {what}", unix(text), error)) from None
    if any(parameter.kind in {"file", "region"} for parameter in mine):
        _same_encoding(source, data, text, what)
    if any(parameter.kind == "region" for parameter in mine):
        old_ends = {parameter.name: parameter.end for parameter in parameters}
        before = _frozen(source.text, [(p.start, old_ends[p.name]) for p in parameters])
        after = _frozen(text, _spans(parameters, ends))
        if before != after:
            raise invalid(
                f"the text for {what} changes what the frozen lines around it mean (an open string or bracket, "
                "or another indentation at its end); keep its first and last lines at their indentation"
            )


def _spans(parameters: Sequence[Parameter], ends: Mapping[str, int]) -> list[tuple[int, int]]:
    spans: list[tuple[int, int]] = []
    shift = 0
    for parameter in sorted(parameters, key=lambda p: p.start):
        end = ends[parameter.name]
        spans.append((parameter.start + shift, end))
        shift = end - parameter.end
    return spans


def _same_encoding(source: Text, data: bytes, text: str, what: str) -> None:
    try:
        again = decode(source.name, data)
    except ArtifactError:
        again = None
    if again is None or (again.encoding, again.text) != (source.encoding, text):
        raise invalid(f"the text for {what} changes the encoding line of {source.name}; keep it {source.encoding}")


def _frozen(text: str, spans: Sequence[tuple[int, int]]) -> object:
    """The shape of a Python text without the nodes that lie inside `spans`; equal shapes mean equal frozen code."""
    positions = Positions(text)
    lines = [(positions.line(start), positions.line(max(start, end - 1))) for start, end in spans]

    def shape(value: object) -> object:
        if isinstance(value, ast.AST):
            return (type(value).__name__, [shape(field) for _, field in ast.iter_fields(value)])
        if isinstance(value, list):
            items: list[object] = value  # type: ignore[assignment]
            return [shape(item) for item in items if not editable(item)]
        return repr(value)

    def editable(value: object) -> bool:
        first = getattr(value, "lineno", None)
        last = getattr(value, "end_lineno", None)
        return first is not None and any(start <= first and (last or first) <= end for start, end in lines)

    try:
        return shape(parse(text))
    except RecursionError:
        raise invalid("the file is nested too deeply to be checked; write flatter code") from None


def _syntax(where: str, text: str, error: SyntaxError) -> str:
    lines = text.split("\n")
    line = error.lineno or 0
    shown = f" on line {line}: `{lines[line - 1].strip()[:120]}`" if 0 < line <= len(lines) else ""
    return f"{where} is no valid Python ({error.msg}){shown}; give complete code"
