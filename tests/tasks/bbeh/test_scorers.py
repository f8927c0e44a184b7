"""The two scorers on hand-made cases: what each calls right, and where they differ."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopwright.tasks.bbeh.scorers import SCORERS, benchmark, strict

# (answer, expected, right by the strict one, right by the benchmark's own)
CASES = [
    # -- options: the last "(X)" counts for the strict one
    ("(B)", "(B)", True, True),
    ("(A)", "(B)", False, False),
    ("B", "(B)", False, True),
    ("b", "(B)", False, True),
    ("(b)", "(B)", False, True),
    (" (B) ", "(B)", True, True),
    ("(B).", "(B)", True, True),
    ("(B)\n", "(B)", True, True),
    ("( B )", "(B)", False, False),
    ("[B]", "(B)", False, False),
    ("B)", "(B)", False, False),
    ("(B) a wooden box", "(B)", True, False),
    ("Option (B)", "(B)", True, False),
    ("(A) or (B)", "(B)", True, False),
    ("(B) or (A)", "(B)", False, False),
    ("(B), surely not (C)", "(B)", False, False),
    ("The answer is (B)", "(B)", True, True),
    ("The answer is: (B)", "(B)", True, True),
    ("The answer is: (B).", "(B)", True, True),
    ("The final answer is (B)", "(B)", True, True),
    ("The final answer is: (B)", "(B)", True, True),
    ("The answer is B", "(B)", False, True),
    ("The answer is B.", "(B)", False, True),
    ("the answer is (B)", "(B)", True, False),
    ("Answer: (B)", "(B)", True, False),
    ("First (A) looks right.\nThe answer is (B).", "(B)", True, True),
    ("The answer is (A). No: The answer is (B)", "(B)", True, True),
    ("The answer is (B). No: The answer is (A)", "(B)", False, False),
    ("The answer is (B)\nbecause of (A)", "(B)", False, True),
    ("**(B)**", "(B)", True, True),
    ("The answer is **(B)**", "(B)", True, True),
    ("The answer is $(B)$", "(B)", True, True),
    ("The answer is \\boxed{(B)}", "(B)", True, True),
    ("The answer is \\boxed{B}", "(B)", False, True),
    ("The answer is $\\boxed{\\text{(B)}}$", "(B)", True, True),
    ("The answer is \\texttt{(B)}", "(B)", True, True),
    ("", "(B)", False, False),
    ("(BB)", "(B)", False, False),
    ("(B)(B)", "(B)", True, False),
    ("(1)", "(B)", False, False),
    ("(AA)(B)", "(B)", True, False),
    # -- letters expected without parentheses
    ("BD", "BD", True, True),
    ("bd", "BD", False, True),
    ("(BD)", "BD", False, False),
    ("B", "B", True, True),
    ("(B)", "B", False, True),
    ("BD.", "BD", False, True),
    ("DB", "BD", False, False),
    ("The answer is BD.", "BD", False, True),
    # -- numbers
    ("8", "8", True, True),
    ("8.0", "8", False, True),
    ("08", "8", False, True),
    ("8.", "8", False, True),
    (" 8", "8", False, True),
    ("-52", "-52", True, True),
    ("+52", "52", False, True),
    ("1e2", "100", False, True),
    ("8", "8.0", False, True),
    ("1,234", "1234", False, False),
    ("8 apples", "8", False, False),
    ("eight", "8", False, False),
    ("$8$", "8", False, True),
    ("\\boxed{8}", "8", False, True),
    ("The final answer is: 8.", "8", False, True),
    ("7", "8", False, False),
    ("", "8", False, False),
    # -- words
    ("proved", "proved", True, True),
    ("Proved", "proved", False, True),
    ("proved.", "proved", False, True),
    ("disproved", "proved", False, False),
    ("Yes", "Yes", True, True),
    ("yes", "Yes", False, True),
    ("Yes!", "Yes", False, False),
    ("The answer is Yes?", "Yes", False, True),
    ("unknown?", "unknown", False, True),
    ("unknown", "unknown?", False, False),
    ("yes, no, yes", "yes, no, yes", True, True),
    ("yes,no,yes", "yes, no, yes", False, True),
    ("yes,  no, yes", "yes, no, yes", False, False),
    ("Yes, No, Yes.", "yes, no, yes", False, True),
    ("0,1,1", "0,1,1", True, True),
    ("0, 1, 1", "0,1,1", False, True),
    ("[0,1,1]", "0,1,1", False, True),
    ("0 1 1", "0,1,1", False, False),
    ("[ada, bo]", "[ada, bo]", True, True),
    ("ada, bo", "[ada, bo]", False, True),
    ("ada,bo", "[ada, bo]", False, True),
    ("[bo, ada]", "[ada, bo]", False, False),
    ("the cat's hat", "the cats hat", False, True),
    ("'lamp'", "lamp", False, True),
    ('"lamp"', "lamp", False, False),
    ("a lamp", "lamp", False, False),
    ("lamp\nand a chair", "lamp", False, True),
    ("\nlamp", "lamp", False, True),
    ("AC, D, BD", "AC, D, BD", True, True),
    ("AC,D,BD", "AC, D, BD", False, True),
    ("ac, d, bd", "AC, D, BD", False, True),
    ("\\text{lamp}", "lamp", False, True),
    ("naïve", "naïve", True, True),
    ("naive", "naïve", False, False),
    ("nan", "nan", True, True),
    ("..", "", False, True),
]


def test_there_are_enough_cases_on_each_side() -> None:
    assert len(CASES) == len({case[:2] for case in CASES}) >= 60
    for side in (2, 3):
        rights = sum(bool(case[side]) for case in CASES)
        assert 20 <= rights <= len(CASES) - 20


@pytest.mark.parametrize(("got", "expected", "right"), [(case[0], case[1], case[2]) for case in CASES])
def test_strict(got: str, expected: str, right: bool) -> None:
    assert strict(got, expected) is right


@pytest.mark.parametrize(("got", "expected", "right"), [(case[0], case[1], case[3]) for case in CASES])
def test_benchmark(got: str, expected: str, right: bool) -> None:
    assert benchmark(got, expected) is right


@given(st.text(), st.text())
def test_no_text_makes_a_scorer_raise(got: str, expected: str) -> None:
    for judge in SCORERS.values():
        assert judge(got, expected) in (True, False)


@given(st.text(alphabet="abcXYZ019 -", min_size=1, max_size=12))
def test_the_expected_words_themselves_are_right(expected: str) -> None:
    assert strict(expected, expected)
    assert benchmark(expected.strip(), expected.strip())
