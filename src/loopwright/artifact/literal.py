"""Writing a string value as a Python literal in the style of the one it replaces. Reading is `ast`'s business."""

from __future__ import annotations

import ast
import re

_OPENING = re.compile(r"(?P<prefix>[A-Za-z]*)(?P<quotes>\"\"\"|'''|\"|')(?P<continued>\\\r?\n|\\\r)?")


def opening(literal: str) -> str:
    """How a literal opens: prefix, quotes, and a backslash where its text begins on the next line."""
    match = _OPENING.match(literal)
    if match is None:
        return '"'
    return match["prefix"] + match["quotes"] + ("\\" if match["continued"] else "")


def write(value: str, style: str, encoding: str) -> str:
    """A literal whose value is exactly `value`, opening like `style` where that is possible.

    Several lines are written between triple quotes; a raw literal stays raw where the value allows. The text uses
    `\\n`; what `encoding` lacks is escaped.
    """
    match = _OPENING.match(style)
    prefix, quotes = (match["prefix"], match["quotes"]) if match else ("", '"')
    continued = style.endswith("\\")
    if "\n" in value and len(quotes) == 1:
        quotes = quotes * 3 if quotes == '"' or "'''" not in value else '"""'
    raw = "r" in prefix.lower()
    if raw:
        plain = f"{prefix}{quotes}{value}{quotes}"
        if not continued and _printable(value, encoding) and _means(plain, value):
            return plain
        prefix = ""
    body = _escape(value, quotes, encoding)
    start = "\\\n" if continued and len(quotes) == 3 else ""
    literal = f"{prefix}{quotes}{start}{body}{quotes}"
    return literal if _means(literal, value) else ascii(value)


def _escape(value: str, quotes: str, encoding: str) -> str:
    quote = quotes[0]
    triple = len(quotes) == 3
    text = value.replace("\\", "\\\\")
    if triple:
        # A run that would close the literal, and a last quote that would join the closing ones.
        text = re.sub(f"{quote}{{3,}}|{quote}\\Z", lambda run: f"\\{quote}" * len(run[0]), text)
    else:
        text = text.replace(quote, f"\\{quote}")
    if _printable(text, encoding) and (triple or not ("\n" in text or "\t" in text)):
        return text
    return "".join(_character(c, triple, encoding) for c in text)


def _character(c: str, triple: bool, encoding: str) -> str:
    if triple and c in "\n\t":
        return c
    if c.isprintable() and _encodable(c, encoding):
        return c
    # ascii() gives \n, \t, \xNN, \uNNNN as needed; quotes and backslashes are printable and never come here.
    return ascii(c)[1:-1]


def _printable(text: str, encoding: str) -> bool:
    return text.replace("\n", "").replace("\t", "").isprintable() and _encodable(text, encoding)


def _encodable(text: str, encoding: str) -> bool:
    try:
        text.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True


def _means(literal: str, value: str) -> bool:
    try:
        return ast.literal_eval(literal) == value
    except (SyntaxError, ValueError):
        return False
