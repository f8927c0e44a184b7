"""Comparers: small pure functions that score an answer against the expected one and say what differed.

    return lw.match.number(got, row["target"], relative=0.01)

Each gives a `Feedback` of score 1 or 0 whose text is for the optimizer: not only that an answer is wrong, but in what
(its case, its blanks, a wrong letter, how far off). The texts name the expected answer unless `reveal` is off. Partial
credit and judgement by a model are not here (`loopwright.judge`).
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence

from loopwright.feedback import Feedback

RIGHT = "The answer is correct."
LONGEST = 200  # characters of an answer that a text quotes

# A number as people and models write it: a sign, groups of thousands, a decimal point, an exponent.
_NUMBER = re.compile(r"[-+\u2212]?(?:\d{1,3}(?:,\d{3})+|\d+)?(?:\.\d+|\d\.?)(?:[eE][-+]?\d+)?")
_LETTER = re.compile(r"\(\s*([A-Za-z])\s*\)")
_BARE = re.compile(r"\s*\**\s*\(?([A-Za-z])[).:]?\s*\**\s*\.?\s*")


def exact(got: object, expected: str, *, case: bool = True, blanks: bool = False, reveal: bool = True) -> Feedback:
    """Right where the two texts are equal.

    Blanks at both ends never count; with `blanks` every one inside does, else runs of them are alike. Without `case`
    capitals and small letters are alike. Anything but a text is wrong, and the text says what it is.
    """
    if not isinstance(got, str):
        return _wrong(f"The answer must be a text, not {_kind(got)}.", expected, reveal)
    if _folded(got, case, blanks) == _folded(expected, case, blanks):
        return Feedback(1.0, RIGHT)
    return _wrong(
        f"The answer is wrong: {_quoted(got)}. {_difference(got, expected, reveal)}".rstrip(), expected, reveal
    )


def number(
    got: object, expected: float, *, absolute: float = 0.0, relative: float = 1e-9, reveal: bool = True
) -> Feedback:
    """Right where the number is off by at most `absolute`, or at most `relative` times the expected one.

    A text counts where it is one number and nothing else ("1,234.5", "-3", "2e-4"; a currency sign or a percent sign
    is something else). With `reveal` the metric "error" is how far off it was. Raises `ValueError` for an expected
    value or a tolerance that is no finite number, or for a negative tolerance: those are the task's.
    """
    for name, value in (("expected", expected), ("absolute", absolute), ("relative", relative)):
        if not math.isfinite(value) or (name != "expected" and value < 0):
            raise ValueError(f"match.number: {name} is {value}; it must be a finite number, a tolerance not negative")
    value = _read(got)
    if value is None:
        inside = len(_NUMBER.findall(got)) if isinstance(got, str) else 0
        hint = {0: "", 1: " It has a number in it; give that alone."}.get(inside, f" It has {inside} numbers in it.")
        what = _quoted(got) if isinstance(got, str) else _kind(got)
        return _wrong(f"The answer must be one number, not {what}.{hint}", f"{expected:.12g}", reveal)
    if not math.isfinite(value):
        return _wrong(f"The answer is {value}, which is no finite number.", f"{expected:.12g}", reveal)
    error = value - expected
    metrics = {"error": error} if reveal and math.isfinite(error) else {}  # with it the expected number is told
    if abs(error) <= max(absolute, relative * abs(expected)):
        return Feedback(1.0, RIGHT, metrics)
    told = f"The answer {value:.12g} is wrong."
    if reveal:
        told += f" It is {_off(value, expected)}"
    wrong = _wrong(told, f"{expected:.12g}", reveal)
    return Feedback(0.0, wrong.text, metrics)


def choice(
    got: object, expected: str, *, options: Sequence[str] = (), last: bool = True, reveal: bool = True
) -> Feedback:
    """Right where the letter chosen is the expected one. `expected` is "(B)", "B" or "b".

    The letter is the last "(X)" in the text (the first, with `last` off), else a text that is one letter and nothing
    else. `options` are the letters there are, so that a letter beyond them is told apart from a wrong one.
    Raises `ValueError` where `expected` is no letter, or is not among the options: that is the task's.
    """
    wanted = _one_letter(expected)
    known = [letter for letter in (_one_letter(option) for option in options) if letter]
    if wanted is None or (known and wanted not in known):
        raise ValueError(f"match.choice: expected is {expected!r}; it must be a letter among the options")
    if not isinstance(got, str):
        return _wrong(f"The answer must be a text with a letter such as ({wanted}), not {_kind(got)}.", "", False)
    found = [letter.upper() for letter in _LETTER.findall(got)]
    chosen = (found[-1] if last else found[0]) if found else _one_letter(got)
    right = f"({wanted})"
    if chosen is None:
        return _wrong(f"No letter was chosen in {_quoted(got)}; the answer must hold one, such as (A).", right, reveal)
    several = ""
    if len(set(found)) > 1:
        several = f" It names {', '.join(f'({each})' for each in dict.fromkeys(found))}; the {_which(last)} counts."
    if chosen == wanted:
        return Feedback(1.0, RIGHT + several)
    beyond = f" There is no option ({chosen})." if known and chosen not in known else ""
    return _wrong(f"The choice ({chosen}) is wrong.{beyond}{several}", right, reveal)


def _wrong(text: str, expected: str, reveal: bool) -> Feedback:
    return Feedback(0.0, f"{text} Expected: {_quoted(expected)}." if reveal else text)


def _which(last: bool) -> str:
    return "last" if last else "first"


def _folded(text: str, case: bool, blanks: bool) -> str:
    text = text.strip() if blanks else " ".join(text.split())
    return text if case else text.casefold()


def _difference(got: str, expected: str, reveal: bool) -> str:
    """In what two unequal texts differ, the least of it first. Only what the answer alone shows without `reveal`."""
    if not got.strip():
        return "It is empty."
    if not reveal:
        return ""
    if _folded(got, True, False) == _folded(expected, True, False):
        return "Only its blanks or line breaks differ."
    if _folded(got, False, False) == _folded(expected, False, False):
        return "Only capital and small letters differ."
    if _letters(got) == _letters(expected) != "":
        return "Only punctuation differs."
    inner, outer = " ".join(expected.split()), " ".join(got.split())
    if inner and inner in outer:
        return "It holds the expected answer, but with other text around it; give the answer alone."
    if outer in inner:
        return "It is only a part of the expected answer."
    place = next((i for i, (a, b) in enumerate(zip(outer, inner, strict=False)) if a != b), min(len(outer), len(inner)))
    return f"It differs from character {place + 1} on." if place else ""


def _letters(text: str) -> str:
    return "".join(character for character in text.casefold() if character.isalnum())


def _read(got: object) -> float | None:
    """A number, or a text that is one."""
    if isinstance(got, bool):
        return None
    try:
        if isinstance(got, int | float):
            return float(got)
        if isinstance(got, str) and _NUMBER.fullmatch(got.strip()):
            return float(got.strip().replace(",", "").replace("\u2212", "-"))
    except OverflowError:
        return math.inf
    return None


def _off(value: float, expected: float) -> str:
    """How far off a number is, in words."""
    side = "too large" if value > expected else "too small"
    if expected and value == -expected:
        return "right but for its sign."
    share = f", {abs(value - expected) / abs(expected):.3g} of the expected number" if expected else ""
    return f"{side} by {abs(value - expected):.6g}{share}."


def _one_letter(text: str) -> str | None:
    found = _BARE.fullmatch(text)
    return found[1].upper() if found else None


def _quoted(text: str) -> str:
    if len(text) > LONGEST:
        return f"{text[:LONGEST]!r}... ({len(text):,} characters)"
    return repr(text)


def _kind(value: object) -> str:
    return "nothing" if value is None else f"a value of the type {type(value).__name__}"
