"""One text file as exact characters: decoding and encoding that lose nothing, positions, newlines, indentation.

What a name in the file means is in `locate`; here is only the text. Everything is measured in characters of the
decoded text with its newlines as they are in the file; `ast` columns, which are UTF-8 bytes, are translated here
and nowhere else.
"""

from __future__ import annotations

import ast
import codecs
import io
import re
import tokenize
import warnings
from bisect import bisect_right
from pathlib import PurePosixPath
from types import CodeType

import msgspec

from loopwright.errors import ArtifactError

# What Python's tokenizer calls a line end; `str.splitlines` knows seven more (form feed, U+2028, ...).
_NEWLINE = re.compile(r"\r\n|\r|\n")
_BLANK = re.compile(r"^[ \t\f]+$", re.MULTILINE)
# A text without these holds no string that spans lines (since 3.12 an f-string may, with any quotes).
_MAY_SPAN = re.compile(r"\"\"\"|'''|\\\n|(?i:\b(?:[ft]r?|r[ft])['\"])")
# Beyond this, compiling a hostile text costs more than it can be worth.
LONGEST = 2_000_000


class Text(msgspec.Struct, frozen=True):
    """A decoded file. `encoding` is what Python would use; `bom` is kept apart from `text`."""

    name: str
    encoding: str
    bom: bytes
    text: str

    @property
    def python(self) -> bool:
        return is_python(self.name)

    def encode(self, text: str) -> bytes:
        """`text` as bytes of this file; raises `UnicodeEncodeError` where the encoding has no such character."""
        return self.bom + text.encode(self.encoding)


def is_python(name: str) -> bool:
    return PurePosixPath(name).suffix in {".py", ".pyi"}


def decode(name: str, data: bytes) -> Text:
    """The file as text: by its BOM or coding cookie for Python, as UTF-8 otherwise. Raises `ArtifactError`."""
    bom = codecs.BOM_UTF8 if data.startswith(codecs.BOM_UTF8) else b""
    encoding = "utf-8"
    if is_python(name):
        try:
            encoding = python_encoding(data)
        except SyntaxError as error:
            raise ArtifactError(f"{name}: {error.msg}; save it as UTF-8, or name its encoding on line 1") from None
    body = data[len(bom) :]
    try:
        text = body.decode(encoding)
    except (UnicodeDecodeError, LookupError) as error:
        where = body.count(b"\n", 0, error.start) + 1 if isinstance(error, UnicodeDecodeError) else 1
        raise ArtifactError(
            f"{name}: line {where} is not {encoding} text; only text files can have editable parts"
        ) from None
    if text.encode(encoding) != body:
        raise ArtifactError(f"{name}: its {encoding} bytes do not survive decoding and encoding; save it as UTF-8")
    return Text(name, encoding, bom, text)


def python_encoding(data: bytes) -> str:
    """The encoding in which Python would read these bytes; raises `SyntaxError` where it would not."""
    # Python translates line ends before it looks for the cookie, `tokenize` does not.
    lines = data.replace(b"\r\n", b"\n").replace(b"\r", b"\n") if b"\r" in data else data
    return tokenize.detect_encoding(io.BytesIO(lines).readline)[0].removesuffix("-sig")


class Positions:
    """Offsets in one text for `ast`'s lines (from 1) and columns (UTF-8 bytes)."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.starts = [0, *(match.end() for match in _NEWLINE.finditer(text))]

    def offset(self, line: int, column: int) -> int:
        start = self.starts[line - 1]
        head = self.text[start : start + column]
        if head.isascii():
            return start + column
        end = self.starts[line] if line < len(self.starts) else len(self.text)
        return start + len(self.text[start:end].encode()[:column].decode())

    def line(self, offset: int) -> int:
        return bisect_right(self.starts, offset)

    def line_end(self, line: int) -> int:
        """The offset where the line's own characters end, before its newline."""
        end = self.starts[line] if line < len(self.starts) else len(self.text)
        return self.starts[line - 1] + len(self.text[self.starts[line - 1] : end].rstrip("\r\n"))


def unix(text: str) -> str:
    """`text` with every line end as `\\n`, as Python itself reads a source."""
    return _NEWLINE.sub("\n", text) if "\r" in text else text


def newline_of(text: str, otherwise: str = "\n") -> str:
    """The line end that `text` uses most."""
    crlf = text.count("\r\n")
    counts = {"\n": text.count("\n") - crlf, "\r\n": crlf, "\r": text.count("\r") - crlf}
    best = max(counts, key=lambda end: counts[end])
    return best if counts[best] else otherwise


def parse(text: str) -> ast.Module:
    """`ast.parse` that says `SyntaxError` for everything which cannot be parsed, and warns of nothing."""
    return _quietly(text, ast.PyCF_ONLY_AST)  # type: ignore[return-value]


def compiles(text: str) -> None:
    """Raise `SyntaxError` where Python would refuse `text`, also for what the grammar alone allows."""
    _quietly(text, 0)


def _quietly(text: str, flags: int) -> ast.Module | CodeType:
    if len(text) > LONGEST:
        raise SyntaxError(f"more than {LONGEST:,} characters")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            return compile(text, "<text>", "exec", flags=flags, dont_inherit=True)
        except (RecursionError, MemoryError):
            raise SyntaxError("nested too deeply") from None
        except ValueError as error:  # null bytes, lone surrogates, before 3.12
            raise SyntaxError(str(error)) from None


def string_lines(text: str) -> frozenset[int]:
    """The lines (from 1) of a `\\n` text that begin inside a string: there every character counts.

    Raises `SyntaxError` where the text cannot be read as tokens.
    """
    if not _MAY_SPAN.search(text):
        return frozenset()
    found: set[int] = set()
    opened: list[int] = []
    try:
        for token in tokenize.generate_tokens(io.StringIO(text).readline):
            name = tokenize.tok_name[token.type]
            if name == "STRING":
                found.update(range(token.start[0] + 1, token.end[0] + 1))
            elif name in {"FSTRING_START", "TSTRING_START"}:
                opened.append(token.start[0])
            elif name in {"FSTRING_END", "TSTRING_END"}:
                found.update(range(opened.pop() + 1, token.end[0] + 1))
    except tokenize.TokenError as error:
        raise SyntaxError(str(error.args[0])) from None
    return frozenset(found)


def dedent(text: str, indent: str, *, first: bool = False) -> str:
    """A `\\n` text without `indent` before its lines, and with blank lines empty; lines inside strings as they are.

    The first line is left alone unless `first`. A line that does not begin with `indent` (a comment, a continuation)
    keeps what it has.
    """
    if not indent and not _BLANK.search(text):
        return text
    inside = string_lines(text)
    lines = text.split("\n")
    for number, line in enumerate(lines, 1):
        if number not in inside and (number > 1 or first):
            lines[number - 1] = line.removeprefix(indent) if line.strip(" \t\f") else ""
    return "\n".join(lines)


def indented(text: str, indent: str) -> str:
    """The inverse of `dedent`: `indent` before every line but the first, blank lines, and lines inside strings."""
    if not indent:
        return text
    inside = string_lines(text)
    lines = text.split("\n")
    for number, line in enumerate(lines[1:], 2):
        if line and number not in inside:
            lines[number - 1] = indent + line
    return "\n".join(lines)
