"""The 23 tasks of BIG-Bench Extra Hard (Kazemi et al. 2025, arXiv 2502.19187): what each asks and how it is answered.

Only facts about the tasks, in our own words; the examples are never in this package: they carry a canary and must not
be published.
"""

from __future__ import annotations

from typing import Literal

import msgspec

from loopwright.errors import TaskError, nearest

# Whether a program without a model can solve it: "yes" (done, with solvers of under 60 lines), "likely" (the rules are
# in the input, nobody tried), "partly" (some of its rules are world knowledge), "no" (it needs a model).
Solvable = Literal["yes", "likely", "partly", "no"]


class Entry(msgspec.Struct, frozen=True):
    """One task: what it asks, the form of its answers, and whether a program can solve it.

    `count` is how many examples it has, `short` that all its inputs are under 2,000 characters.
    """

    asks: str
    answer: str
    program: Solvable
    count: int = 200
    short: bool = False


_LETTER = "one letter in parentheses, such as (C)"

TASKS: dict[str, Entry] = {
    "boardgame_qa": Entry(
        "whether a statement about a board game can be proved from facts and rules with preferences",
        "proved, disproved or unknown",
        "partly",
    ),
    "boolean_expressions": Entry(
        "which one of five long expressions of logic, arithmetic and well-known facts is true", _LETTER, "yes"
    ),
    "buggy_tables": Entry(
        "a figure computed from a table that was damaged in a described way", "a number as text", "likely"
    ),
    "causal_understanding": Entry(
        "what most people would say caused something in a short story", "Yes, No or Ambiguous", "no"
    ),
    "disambiguation_qa": Entry("whom the pronouns of a sentence stand for", _LETTER, "no", count=120, short=True),
    "dyck_languages": Entry(
        "the first wrong thought in a worked completion of brackets",
        "the number of that thought, or No where none is wrong",
        "yes",
    ),
    "geometric_shapes": Entry("which shapes an SVG path draws", _LETTER, "likely"),
    "hyperbaton": Entry(
        "which phrases keep an unusual order of adjectives, to be found out from examples",
        "the letters of all right options together, such as BC, without parentheses",
        "yes",
    ),
    "linguini": Entry("a puzzle about the grammar of a rare language", "words of that language", "no", short=True),
    "movie_recommendation": Entry("which group of films the same people would like", _LETTER, "no", short=True),
    "multistep_arithmetic": Entry(
        "the value of nested expressions with operations defined on the spot", "a number in digits", "yes", short=True
    ),
    "nycc": Entry("which caption of a described cartoon is the funniest", _LETTER, "no", short=True),
    "object_counting": Entry("a count over many things that relatives have", "a number in digits", "yes"),
    "object_properties": Entry(
        "a count over things whose properties were changed step by step", "a number in digits, or unknown", "likely"
    ),
    "sarc_triples": Entry(
        "which of three replies are sarcastic", "three digits 0 or 1 with commas, such as 0,1,0", "no"
    ),
    "shuffled_objects": Entry("who holds what after a long row of swaps", _LETTER, "yes"),
    "spatial_reasoning": Entry(
        "what is found at the end of a walk over a described map", "the name of the thing, or unknown", "likely"
    ),
    "sportqa": Entry(
        "a question on the rules of a sport with two questions below it",
        "the letters of the right options of each, with a comma and a blank between, such as AC, D, BD",
        "no",
    ),
    "temporal_sequence": Entry(
        "the longest possible meeting in several calendars, and how many there are",
        "two numbers with a comma and a blank between, such as 45, 3",
        "likely",
    ),
    "time_arithmetic": Entry(
        "dates, spans and clock times that build on one another",
        "as the question says, often a number or a list in square brackets",
        "likely",
        short=True,
    ),
    "web_of_lies": Entry(
        "who tells the truth, from who says what of whom",
        "three words yes, no or unknown, with a comma and a blank between",
        "yes",
    ),
    "word_sorting": Entry(
        "words in the order of an altered alphabet, or the first wrong step of a worked sorting",
        "as the question says: words, a number, or No",
        "partly",
    ),
    "zebra_puzzles": Entry("at which place somebody is, from many clues", "a number in digits", "likely"),
}

# Those of arXiv 2603.23994, section 6.
EIGHT = (
    "dyck_languages",
    "boolean_expressions",
    "geometric_shapes",
    "linguini",
    "disambiguation_qa",
    "movie_recommendation",
    "boardgame_qa",
    "causal_understanding",
)


def entry(name: str) -> Entry:
    """What is known of a task. Raises `TaskError` that names the nearest."""
    if name not in TASKS:
        raise TaskError(f"BIG-Bench Extra Hard has no task '{name}'{nearest(name, TASKS)}")
    return TASKS[name]
