"""Text made of pieces that know how they may be cut: lines that stay, rows that may go, long texts that may shrink.

Rendering makes pieces; `shrink` fits them to a number of tokens, in a fixed order (long texts in the middle, then
rows in the middle, then details), and says in place what was cut. Nothing here knows what the pieces are about.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import msgspec

from loopwright.evidence.tokens import Counter

# A long text is never cut below this many characters while rows or details could go instead.
SHORTEST = 200
# Where all rows are calls, those beyond this many go before any text is cut: what a program was given says more than
# the hundredth call of its parser.
MANY_CALLS = 40


class Piece(msgspec.Struct, frozen=True):
    """A line, with a longer text below it where `body` is not empty.

    `kind`: "fixed" stays; "row" is one of a run of which the middle may go, and stands for the numbers `span` of `unit`
    ("step", "call"), with `weight` 1 where it should stay longer (a reward, a failure); "detail" goes last.
    """

    text: str
    body: str = ""
    kind: Literal["fixed", "row", "detail"] = "fixed"
    span: tuple[int, int] = (0, 0)
    unit: str = "step"
    weight: int = 0


def labelled(label: str, body: str, *, inline: int = 100) -> Piece:
    """`label: body` on one line where it is short, else the label with the body below."""
    if len(body) <= inline and "\n" not in body:
        return Piece(f"{label}: {body}")
    return Piece(f"{label}:", body)


def middle(text: str, limit: int) -> str:
    """`text` cut in the middle to about `limit` characters of its own, with what was cut counted in place."""
    if len(text) <= limit:
        return text
    tail = limit // 3
    return f"{text[: limit - tail]} ... {len(text) - limit:,} characters left out ... {text[len(text) - tail :]}"


def write(pieces: Sequence[Piece], limit: int | None = None) -> str:
    """The pieces as text; bodies stand below their line, indented, cut to `limit` characters where given."""
    lines: list[str] = []
    for piece in pieces:
        if piece.text:
            lines.append(piece.text)
        if piece.body:
            body = piece.body if limit is None else middle(piece.body, limit)
            lines += ["    " + line for line in body.split("\n")]
    text = "\n".join(lines)
    try:
        text.encode()
    except UnicodeEncodeError:  # half a character, which no file or request could hold: shown as its escape
        return text.encode("utf-8", "backslashreplace").decode()
    return text


def shrink(pieces: Sequence[Piece], tokens: int, count: Counter) -> tuple[str, list[str]]:
    """The pieces as text of at most `tokens` tokens, and what was cut for it, in words.

    In this order: calls beyond `MANY_CALLS`, long texts in the middle, rows in the middle, details.

    The text is empty where the fixed lines, two rows and the heads of long texts are already too much.
    """
    text = write(pieces)
    if count(text) <= tokens:
        return text, []
    units = [piece.unit for piece in pieces if piece.kind == "row"]
    few = min(len(units), MANY_CALLS) if set(units) == {"call"} else len(units)
    if few < len(units):
        keep = _largest(few, len(units), lambda n: count(write(_without_middle(pieces, n))) <= tokens)
        text = write(_without_middle(pieces, keep))
        if count(text) <= tokens:
            return text, [_left_out(keep, units)]
    notes: list[str] = []
    longest = max((len(piece.body) for piece in pieces), default=0)
    limit = None
    if longest > SHORTEST:
        fewer = _without_middle(pieces, few)
        limit = _largest(SHORTEST, longest, lambda chars: count(write(fewer, chars)) <= tokens)
        notes.append(f"texts longer than {limit:,} characters cut in the middle")
        text = write(fewer, limit)
        if count(text) <= tokens:
            return text, notes + ([_left_out(few, units)] if few < len(units) else [])
    if len(units) > 2:
        keep = _largest(2, few, lambda n: count(write(_without_middle(pieces, n), limit)) <= tokens)
        text = write(_without_middle(pieces, keep), limit)
        notes.append(_left_out(keep, units))
        if count(text) <= tokens:
            return text, notes
        pieces = _without_middle(pieces, 2)
    details = [piece for piece in pieces if piece.kind == "detail"]
    if details:
        pieces = [piece for piece in pieces if piece.kind != "detail"]
        lines = f"{len(details)} line{'s' if len(details) > 1 else ''} of detail"
        text = write([*pieces, Piece(f"... {lines} left out ...")], limit)
        notes.append(f"{lines} left out")
        if count(text) <= tokens:
            return text, notes
    return "", notes


def _left_out(kept: int, units: Sequence[str]) -> str:
    return f"{len(units) - kept} of {len(units)} rows left out"


def squeeze(text: str, tokens: int, count: Counter) -> str:
    """`text` cut in the middle until it has at most `tokens` tokens; empty where not even the remark would fit."""
    if count(text) <= tokens:
        return text
    kept = _largest(0, len(text), lambda chars: count(middle(text, chars)) <= tokens)
    squeezed = middle(text, kept)
    if count(squeezed) <= tokens:
        return squeezed
    return "..." if count("...") <= tokens else ""


def _largest(low: int, high: int, fits: Callable[[int], bool]) -> int:
    """The largest number between the two that fits, by bisection; `low` where none does."""
    while low < high:
        middle_ = (low + high + 1) // 2
        if fits(middle_):
            low = middle_
        else:
            high = middle_ - 1
    return low


def _without_middle(pieces: Sequence[Piece], keep: int) -> list[Piece]:
    """The pieces with only `keep` of their rows, and a remark where rows are gone.

    First and last row stay first, then the rows with weight (at most half of those kept), then those nearest to
    either end.
    """
    places = [i for i, piece in enumerate(pieces) if piece.kind == "row"]
    if keep >= len(places):
        return list(pieces)
    ends = [place for pair in zip(places, reversed(places), strict=True) for place in pair]
    heavy = [place for place in ends if pieces[place].weight][: max(0, keep // 2)]
    chosen = set(list(dict.fromkeys([*ends[:2], *heavy, *ends]))[:keep])
    result: list[Piece] = []
    gone: list[Piece] = []
    for i, piece in enumerate(pieces):
        if piece.kind == "row" and i not in chosen:
            if gone and gone[-1].unit != piece.unit:
                result.append(_remark(gone))
                gone = []
            gone.append(piece)
            continue
        if gone:
            result.append(_remark(gone))
            gone = []
        result.append(piece)
    return [*result, _remark(gone)] if gone else result


def _remark(gone: Sequence[Piece]) -> Piece:
    first, last, unit = gone[0].span[0], gone[-1].span[1], gone[0].unit
    if last < first or any(piece.span == (0, 0) for piece in gone):
        return Piece(f"... {len(gone):,} {unit}s left out ...")
    span = str(first) if first == last else f"{first}-{last}"
    number = last - first + 1
    return Piece(f"... {number:,} {unit}{'s' if number > 1 else ''} ({span}) left out ...")
