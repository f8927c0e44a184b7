"""Laws of the comparers: right is right, wrong says in what, and nothing an answer can be makes them raise."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

import loopwright as lw
from loopwright.match import choice, exact, number

ANYTHING = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.lists(st.integers()))


def test_the_comparers_are_public() -> None:
    assert lw.match.exact is exact


@pytest.mark.parametrize(
    ("got", "expected", "options", "score", "words"),
    [
        ("proved", "proved", {}, 1, ["correct"]),
        (" proved\n", "proved", {}, 1, ["correct"]),
        ("a  b", "a b", {}, 1, ["correct"]),
        ("a  b", "a b", {"blanks": True}, 0, ["blanks"]),
        ("Proved", "proved", {"case": False}, 1, ["correct"]),
        ("Proved", "proved", {}, 0, ["Only capital", "'proved'"]),
        ("[proved]", "proved", {}, 0, ["Only punctuation"]),
        ("so it is proved then", "proved", {}, 0, ["other text around"]),
        ("pro", "proved", {}, 0, ["only a part"]),
        ("probed", "proved", {}, 0, ["character 4 on", "'probed'"]),
        ("unknown", "proved", {}, 0, ["'unknown'", "Expected: 'proved'"]),
        ("", "proved", {}, 0, ["empty"]),
        (None, "proved", {}, 0, ["text", "nothing"]),
        (3, "3", {}, 0, ["type int"]),
    ],
)
def test_exact(got, expected, options, score, words) -> None:
    feedback = exact(got, expected, **options)
    assert feedback.score == score
    assert all(word in feedback.text for word in words), feedback.text


@pytest.mark.parametrize(
    ("got", "expected", "options", "score", "words"),
    [
        ("42", 42, {}, 1, ["correct"]),
        (42, 42, {}, 1, ["correct"]),
        (" 1,234.5 ", 1234.5, {}, 1, ["correct"]),
        ("\u22123", -3, {}, 1, ["correct"]),
        (".5", 0.5, {}, 1, ["correct"]),
        ("2e-4", 2e-4, {}, 1, ["correct"]),
        ("41", 42, {"absolute": 1}, 1, ["correct"]),
        ("40", 42, {"absolute": 1}, 0, ["too small by 2"]),
        (101.0, 100, {"relative": 0.01}, 1, ["correct"]),
        (102.0, 100, {"relative": 0.01}, 0, ["too large by 2", "0.02 of"]),
        ("-7", 7, {}, 0, ["sign"]),
        ("it is 42", 42, {}, 0, ["a number in it"]),
        ("42 or 43", 42, {}, 0, ["2 numbers"]),
        ("many", 42, {}, 0, ["one number"]),
        ("$42", 42, {}, 0, ["a number in it"]),
        (True, 1, {}, 0, ["type bool"]),
        (None, 1, {}, 0, ["nothing"]),
        (math.nan, 1, {}, 0, ["nan"]),
        (10**400, 1, {}, 0, ["inf"]),
        (1e-12, 0, {}, 0, ["too large"]),
    ],
)
def test_number(got, expected, options, score, words) -> None:
    feedback = number(got, expected, **options)
    assert feedback.score == score
    assert all(word in feedback.text for word in words), feedback.text


@pytest.mark.parametrize(
    ("got", "expected", "options", "score", "words"),
    [
        ("(B)", "(B)", {}, 1, ["correct"]),
        ("b", "(B)", {}, 1, ["correct"]),
        ("**B.**", "B", {}, 1, ["correct"]),
        ("not (A) but (B)", "B", {}, 1, ["(A), (B)", "last"]),
        ("(A), since (B) is wrong", "A", {"last": False}, 1, ["first"]),
        ("(A), since (B) is wrong", "A", {}, 0, ["(B) is wrong", "last counts", "'(A)'"]),
        ("the second one", "B", {}, 0, ["No letter"]),
        ("", "B", {}, 0, ["No letter"]),
        ("(Z)", "B", {"options": "ABC"}, 0, ["no option (Z)"]),
        (["B"], "B", {}, 0, ["type list"]),
    ],
)
def test_choice(got, expected, options, score, words) -> None:
    feedback = choice(got, expected, **options)
    assert feedback.score == score
    assert all(word in feedback.text for word in words), feedback.text


@given(ANYTHING)
def test_no_answer_makes_a_comparer_raise_and_a_hidden_answer_stays_hidden(got: object) -> None:
    for feedback in (exact(got, "K7#secret"), number(got, 8642097531.0), choice(got, "Q")):
        assert feedback.score in (0.0, 1.0)
        assert feedback.error is None
    hidden = exact(got, "K7#secret", reveal=False).text + number(got, 8642097531.0, reveal=False).text
    if "K7" not in str(got) and "8642097531" not in str(got):
        assert "K7#secret" not in hidden
        assert "8642097531" not in hidden


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_equals_itself_however_it_is_written(value: float) -> None:
    assert number(value, value).score == 1
    assert number(repr(value), value).score == 1


def test_a_mistake_of_the_task_is_raised() -> None:
    for wrong in (lambda: choice("A", "42"), lambda: choice("A", "D", options="ABC"), lambda: number(1, math.nan)):
        with pytest.raises(ValueError, match=r"match\."):
            wrong()
    with pytest.raises(ValueError, match="tolerance"):
        number(1, 1, absolute=-1)
