"""Two ways to decide whether an answer is right: the paper's strict one and the benchmark's own. Pure functions.

They differ on the same answers: "the answer is B" is wrong for the first and right for the second where (B) is
expected, "(A) or (B)" the other way round. A loop must be judged by one of them throughout; the other is recorded
beside it as a metric.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Literal

Scorer = Literal["strict", "benchmark"]

_OPTION = re.compile(r"\([A-Z]\)")
_LEADS = ("The answer is:", "The final answer is ", "The final answer is: ", "The answer is ")
_WRAPPERS = ("boxed{", "text{", "texttt{")


def strict(got: str, expected: str) -> bool:
    """The scorer of arXiv 2603.23994 (appendix C), in words:

    Where the expected answer holds an option such as "(B)", the last such token of the answer counts: a capital letter
    in parentheses. Everywhere else the answer must be the expected text, character by character: case, blanks and a
    final full stop count. (In the task hyperbaton options are expected without parentheses, so that is a text.)
    """
    if _OPTION.search(expected):
        tokens = _OPTION.findall(got)
        return bool(tokens) and tokens[-1] == expected
    return got == expected


def benchmark(got: str, expected: str) -> bool:
    """The benchmark's own scorer (its `evaluate.py`), written anew from its description.

    Of the answer counts what follows the last "The answer is" or "The final answer is" (with or without a colon), else
    all of it; a final full stop, `$...$`, `boxed{...}`, `text{...}` and `texttt{...}` around it are dropped; it is
    lower-cased, ", " becomes ",", "**" is dropped, and only the first line is kept. The expected answer is lower-cased
    and its ", " becomes ",".

    Right is: the same; "(a)" for "a" or the other way round; the same number ("8.0" for "8"); the same but for
    apostrophes; one is the other in square brackets; the answer has a question mark too many at its end.

    A full stop that belongs to the expected answer is not dropped there, so the exact words of 11 answers of the task
    linguini count as wrong. That is the benchmark's scorer, and is left as it is.
    """
    answer, wanted = normal_answer(got), normal_reference(expected)
    return (
        answer == wanted
        or _in_parentheses(answer, wanted)
        or _same_number(answer, wanted)
        or answer.replace("'", "") == wanted.replace("'", "")
        or answer == f"[{wanted}]"
        or wanted == f"[{answer}]"
        or answer == wanted + "?"
    )


def normal_answer(got: str) -> str:
    """What of a reply the benchmark's scorer compares."""
    answer = got.strip()
    for lead in _LEADS:
        if lead in answer:
            answer = answer.rpartition(lead)[2].strip()
    answer = _unwrapped(answer.removesuffix("."))
    answer = answer.lower().replace(", ", ",").replace("**", "")
    return answer.split("\n")[0].removesuffix(".")


def normal_reference(expected: str) -> str:
    """What of an expected answer the benchmark's scorer compares."""
    return expected.strip().lower().replace(", ", ",")


def _unwrapped(text: str) -> str:
    if len(text) > 1 and text.startswith("$") and text.endswith("$"):
        text = text[1:-1]
    for wrapper in _WRAPPERS:
        if wrapper in text and text.endswith("}"):
            text = text[:-1].split(wrapper)[1]
    return text


def _in_parentheses(one: str, other: str) -> bool:
    """Whether one of them is a single character in parentheses and the other that character."""
    for bracketed, bare in ((one, other), (other, one)):
        if len(bracketed) == 3 and bracketed[0] == "(" and bracketed[2] == ")":
            return bracketed[1] == bare
    return False


def _same_number(one: str, other: str) -> bool:
    try:
        return float(one) == float(other)
    except ValueError:
        return False


SCORERS: dict[str, Callable[[str, str], bool]] = {"strict": strict, "benchmark": benchmark}
