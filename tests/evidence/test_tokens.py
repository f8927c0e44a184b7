"""The estimate of tokens against counts of four public tokenizers, taken once and kept in token_counts.json."""

from __future__ import annotations

import json
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from loopwright.evidence import estimate

COUNTS = json.loads((Path(__file__).parent / "token_counts.json").read_text("utf-8"))


def test_estimate_is_within_its_documented_error_of_four_tokenizers():
    english = [each for each in COUNTS if each["name"] not in {"german", "chinese"}]
    for tokenizer in ("cl100k_base", "o200k_base", "claude", "deepseek"):
        errors = [estimate(each["text"]) / each["tokens"][tokenizer] - 1 for each in english]
        assert sum(map(abs, errors)) / len(errors) < 0.10, tokenizer
        assert max(map(abs, errors)) < 0.20, tokenizer
    for each in COUNTS:
        mean = sum(each["tokens"].values()) / 4
        assert abs(estimate(each["text"]) / mean - 1) < 0.20, each["name"]


@given(st.text(), st.text())
def test_estimate_is_nearly_additive_and_zero_only_for_nothing(left, right):
    assert (estimate(left) == 0) == (left == "")
    assert abs(estimate(left + right) - estimate(left) - estimate(right)) <= 3


def test_estimate_takes_half_characters():
    assert estimate("\ud800") >= 1
