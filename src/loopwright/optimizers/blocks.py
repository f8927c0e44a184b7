"""Finding the blocks in a model's reply: fences, tags, bare search/replace hunks, and the name each one carries.

Only the shape of the text is looked at here. What a block means for a parameter is in `replies`.
"""

from __future__ import annotations

import re
from collections.abc import Callable

import msgspec

# A label as the model wrote it, to the parameter it means, or None.
Resolve = Callable[[str], "str | None"]

_FENCE = re.compile(r"^(?P<indent>[ \t]*)(?:(?:[-*+]|\d{1,3}[.)])[ \t]+)?(?P<fence>`{3,}|~{3,})(?P<info>.*)$")
_HEADING = re.compile(r"^\s{0,3}(#{1,6})\s+(.*)$")
_INFO_NAME = re.compile(r"""\b(?:name|parameter|param|title|file|filename|id|path)\s*[=:]\s*["']?([^"'\s}]+)""", re.I)
_TAG = re.compile(
    r"""^\s*<(?P<tag>[A-Za-z_][\w.:-]*)(?:\s+(?:name|parameter|id|path)\s*=\s*["'](?P<name>[^"']+)["'])?\s*>(?P<rest>.*)$"""
)
_TAG_WORDS = {"parameter", "param", "edit", "block", "artifact", "update", "variable"}
_LABEL_WORD = re.compile(
    r"^(?:(?:new|updated|revised|improved|edited|changed|full|the|text|value|code|version|edit|of|for)\s+)*"
    r"(?P<word>parameter|param|function|method|class|file|variable|string|prompt|region|edit|update)?\s*[:=]?\s*",
    re.I,
)
_NUMBER = re.compile(r"^(?:\(?\d{1,3}[.):]|[-*+•])\s+")
_NOTE = re.compile(
    r"\s*\((?:new|updated|revised|improved|edited|changed|function|method|string|class|file)[^)]*\)$", re.I
)
SEARCH = re.compile(r"^\s*<{5,9}\s*SEARCH\s*$")
REPLACE = re.compile(r"^\s*>{5,9}\s*REPLACE\s*$")


class Block(msgspec.Struct, frozen=True):
    """One block. `label` is what it is called ("" where nothing names it).

    `sure`: the word "parameter" or `name=` says that the label is meant as a parameter's name. `clash` is another label
    that also holds for it. `bare`: a fence that opens without a word, and without a name since the block before;
    `bare_follows`: the next block is one. `fence` is how many characters its fence has.
    """

    text: str
    label: str = ""
    sure: bool = False
    language: str = ""
    closed: bool = True
    clash: str = ""
    bare: bool = False
    bare_follows: bool = False
    fence: int = 0


class Scan(msgspec.Struct, frozen=True):
    """The blocks of a reply in order, the prose around them, and a label at the very end that no block follows."""

    blocks: list[Block]
    prose: str
    dangling: str = ""


class _Header(msgspec.Struct, frozen=True):
    """A line that names the blocks after it: a heading until the next heading, another line the next block only."""

    label: str
    sure: bool
    level: int = 0


def scan(text: str, resolve: Resolve) -> Scan:
    """Split a reply (line ends `\\n`) into blocks and prose. Never raises; linear in the text's length."""
    lines = text.split("\n")
    blocks: list[Block] = []
    prose: list[str] = []
    header: _Header | None = None
    named = False
    at = 0
    while at < len(lines):
        line = lines[at]
        if opening := _opening(line):
            block, at = _fenced(lines, at, opening, header)
            block = msgspec.structs.replace(block, bare=not named and not opening["info"].strip())
        elif tag := _tag(line, resolve):
            block, at = _tagged(lines, at, tag)
        elif SEARCH.match(line):
            block, at = _hunks(lines, at, header)
        else:
            found = _header(line, resolve)
            heading = _HEADING.match(line)
            if found is not None:
                header = found
                named = True
            elif heading is not None:
                if header is None or not header.level or len(heading[1]) <= header.level:
                    header = None
                prose.append(line)
            elif line.strip():
                prose.append(line)
                # A plain label holds for what stands right below it; a heading holds on.
                header = header if header is not None and header.level else None
            at += 1
            continue
        blocks.append(block)
        named = False
        header = header if header is not None and header.level else None
    dangling = header.label if header is not None and _ends_with_label(lines, resolve) else ""
    return Scan(_with_followers(blocks), "\n".join(prose).strip(), dangling)


def _ends_with_label(lines: list[str], resolve: Resolve) -> bool:
    last = next((line for line in reversed(lines) if line.strip()), "")
    return _header(last, resolve) is not None


def _with_followers(blocks: list[Block]) -> list[Block]:
    """Tell each block whether an unnamed fence follows it: the mark of a text which held a fence itself."""
    marked: list[Block] = []
    for block, after in zip(blocks, [*blocks[1:], None], strict=False):
        marked.append(msgspec.structs.replace(block, bare_follows=after is not None and after.bare))
    return marked


def _opening(line: str) -> re.Match[str] | None:
    found = _FENCE.match(line)
    # "```code```" on one line is inline code.
    if found is None or (found["fence"][0] == "`" and "`" in found["info"]):
        return None
    return found


def _fenced(lines: list[str], at: int, opening: re.Match[str], header: _Header | None) -> tuple[Block, int]:
    """The block that opens at line `at`, and the line after it.

    A fence inside that carries a language opens a nested one, so that a text with fenced examples comes out whole;
    fences shorter than the outer one, or indented four or more further, belong to the text.
    """
    fence, indent = opening["fence"], opening["indent"]
    deepest = len(indent.expandtabs(4)) + 3
    inner = re.compile(rf"^([ \t]*)({re.escape(fence[0])}{{{len(fence)},}})[ \t]*([^`]*)$")
    depth = 1
    content: list[str] = []
    end = at + 1
    while end < len(lines):
        found = inner.match(lines[end])
        if found is not None and len(found[1].expandtabs(4)) <= deepest:
            depth += 1 if found[3].strip() else -1
            if depth == 0:
                break
        content.append(_shifted(lines[end], indent))
        end += 1
    label, sure, language = _info(opening["info"].strip())
    clash = ""
    if header is not None:
        clash = header.label if label and label != header.label else ""
        sure = sure if label else header.sure
        label = label or header.label
    closed = end < len(lines)
    block = Block("\n".join(content), label, sure, language, closed=closed, clash=clash, fence=len(fence))
    return block, end + 1


def _shifted(line: str, indent: str) -> str:
    """`line` without the indentation of its fence, as far as it has it."""
    if line.startswith(indent):
        return line[len(indent) :]
    return line.lstrip(" \t") if not line[: len(indent)].strip() else line


def _info(info: str) -> tuple[str, bool, str]:
    """(label, sure, language) of a fence's info string such as `python name=predict`, `python:predict`, `predict`."""
    if named := _INFO_NAME.search(info):
        language = info[: named.start()].strip(" {}.:#,").lower()
        return named[1].strip(",;"), True, language
    words = info.strip("{}").replace(":", " ", 1).split() if "://" not in info else []
    if not words:
        return "", False, ""
    if len(words) == 1:
        # One word is a language, unless the caller knows it as a parameter (see `replies`).
        return "", False, words[0].lstrip(".")
    rest = [word for word in words[1:] if word not in {"#", "//"}]
    return (rest[0] if len(rest) == 1 else ""), False, words[0].lstrip(".").lower()


def _tag(line: str, resolve: Resolve) -> re.Match[str] | None:
    found = _TAG.match(line)
    if found is None:
        return None
    if found["name"] is not None:
        return found if found["tag"].lower() in _TAG_WORDS or resolve(found["name"]) else None
    return found if resolve(found["tag"]) else None


def _tagged(lines: list[str], at: int, tag: re.Match[str]) -> tuple[Block, int]:
    closing = f"</{tag['tag']}>"
    label = tag["name"] or tag["tag"]
    content = [tag["rest"]]
    end = at
    while closing not in content[-1]:
        end += 1
        if end == len(lines):
            return Block("\n".join(content[1:]), label, sure=True, closed=False), end
        content.append(lines[end])
    content[-1] = content[-1][: content[-1].index(closing)]
    # The line breaks after the opening and before the closing tag belong to the tags.
    if len(content) > 1:
        content = content[1:] if not content[0].strip() else content
        content = content[:-1] if not content[-1].strip() else content
    text = "\n".join(content)
    inner = _opening(content[0]) if content else None
    if inner is not None:
        block, after = _fenced(content, 0, inner, None)
        if block.closed and not any(line.strip() for line in content[after:]):
            return msgspec.structs.replace(block, label=label, sure=True), end + 1
    return Block(text, label, sure=True), end + 1


def _hunks(lines: list[str], at: int, header: _Header | None) -> tuple[Block, int]:
    """Search/replace hunks that stand in the reply without a fence around them, up to the last one in a row."""
    end = at
    last = -1
    while end < len(lines):
        if REPLACE.match(lines[end]):
            last = end
        elif last >= 0 and lines[end].strip() and not _within(lines, last, end):
            break
        end += 1
    label, sure = (header.label, header.sure) if header is not None else ("", False)
    if last < 0:
        return Block("\n".join(lines[at:]), label, sure, "hunks", closed=False), len(lines)
    return Block("\n".join(lines[at : last + 1]), label, sure, "hunks"), last + 1


def _within(lines: list[str], last: int, at: int) -> bool:
    """Whether line `at` lies in a hunk that opened after line `last`."""
    first = next((number for number in range(last + 1, at + 1) if lines[number].strip()), at)
    return SEARCH.match(lines[first]) is not None


def _header(line: str, resolve: Resolve) -> _Header | None:
    """The name that a line gives to what follows it, or None where it is prose."""
    if not line.strip() or len(line) > 200:
        return None
    heading = _HEADING.match(line)
    level = len(heading[1]) if heading else 0
    body = _undecorated(_NUMBER.sub("", (heading[2] if heading else line).strip()))
    word = _LABEL_WORD.match(body)
    rest = _undecorated(body[word.end() :]) if word else body
    kind = word["word"].lower() if word and word["word"] else ""
    for label, sure in ((rest, bool(kind)), (body, False)):
        for name in (label, _unemphasized(label)):
            if name and not re.search(r"\s", name) and resolve(name) is not None:
                return _Header(name, sure, level)
    # A name that nobody knows: meant as a parameter's where it says so, perhaps a misspelt one as a heading.
    if rest and not re.search(r"\s", rest) and (kind in {"parameter", "param"} or heading is not None):
        return _Header(rest, kind in {"parameter", "param"}, level)
    return None


def _undecorated(text: str) -> str:
    """`text` without the marks and notes around a name: `**name**:`, `[name]`, `name()`, `name (updated)`."""
    for _ in range(2):
        text = _NOTE.sub("", text.strip(" \t*#:`'\"<>[]")).removesuffix("()")
    return text


def _unemphasized(text: str) -> str:
    """`_name_` as `name`."""
    found = re.fullmatch(r"(_{1,3})(.*[^_])\1", text)
    return found[2] if found else text
