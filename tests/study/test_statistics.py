"""The statistics keep what they promise: coverage, size, exactness, and what a power estimate says."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from loopwright.study.statistics import (
    detectable,
    holm,
    least_units,
    mean_bands,
    mean_interval,
    sign_flip,
    units_needed,
)

ERROR = 0.05


@pytest.mark.parametrize(("n", "least"), [(5, 0.90), (10, 0.93), (30, 0.93)])
@pytest.mark.parametrize("kind", ["normal", "skewed"])
def test_an_interval_covers_the_mean_about_as_often_as_it_says(n: int, least: float, kind: str) -> None:
    """1,500 samples each; a skewed distribution (exponential) is harder, and five values are few: docs say so."""
    rng = np.random.default_rng(n)
    draws = rng.normal(size=(1500, n)) if kind == "normal" else rng.exponential(size=(1500, n)) - 1
    bands = mean_bands(draws.tolist())
    covered = np.mean([low <= 0 <= high for low, high in bands])
    assert covered >= (least if kind == "normal" else least - 0.06)
    assert covered <= 0.97


def test_an_interval_of_one_value_does_not_exist_and_of_equal_ones_is_a_point() -> None:
    assert mean_interval([3.0]) is None
    interval = mean_interval([2.0, 2.0, 2.0])
    assert interval is not None
    assert (interval.low, interval.high) == (2.0, 2.0)
    assert mean_interval([1.0, 5.0, 2.0]) == mean_interval([1.0, 5.0, 2.0])


def test_a_sign_flip_test_is_exact_for_few_values() -> None:
    values = [3.0, -1.0, 2.5, 0.5, 0.0]
    sums = [
        abs(sum(s * v for s, v in zip(signs, values, strict=True))) for signs in itertools.product([1, -1], repeat=5)
    ]
    assert sign_flip(values).p == pytest.approx(np.mean([each >= 5.0 - 1e-9 for each in sums]))
    assert sign_flip([1.0] * 5) == (2 / 32, 2 / 32)
    assert sign_flip([1.0] * 6).p == 2 / 64
    assert sign_flip([0.0, 0.0]) == (1.0, 1.0)


@pytest.mark.parametrize("n", [8, 20])
def test_without_an_effect_p_is_small_as_rarely_as_it_says(n: int) -> None:
    """Heavy-tailed differences, symmetric about zero: what no effect looks like."""
    draws = np.random.default_rng(7 + n).standard_t(2, size=(800, n))
    rate = np.mean([sign_flip(row.tolist()).p <= ERROR for row in draws])
    assert ERROR - 0.025 <= rate <= ERROR + 0.02


def test_a_random_test_agrees_with_the_exact_one() -> None:
    values = np.random.default_rng(1).normal(0.5, 1, size=13).tolist()
    exact = sign_flip(values).p
    assert sign_flip([*values, 1e-12]).p == pytest.approx(exact, abs=0.012)  # fourteen: no longer all flips


def test_holm_is_between_bonferroni_and_nothing() -> None:
    assert holm([0.01, 0.04, 0.03]) == pytest.approx([0.03, 0.06, 0.06])
    assert holm([0.5, 0.9]) == [1.0, 1.0]
    assert holm([]) == []


def test_the_repeats_said_to_be_needed_are_about_enough_and_half_of_them_are_not() -> None:
    rng = np.random.default_rng(3)
    seen = (rng.normal(size=40) * 2 + 1).tolist()
    seen = [1 + 2 * (value - np.mean(seen)) / np.std(seen, ddof=1) for value in seen]  # mean 1, spread 2 exactly
    needed = units_needed(seen, ERROR)
    assert needed is not None

    def found(n: int) -> float:
        return float(np.mean([sign_flip((rng.normal(size=n) * 2 + 1).tolist()).p <= ERROR for _ in range(300)]))

    assert 0.73 <= found(needed) <= 0.87
    assert found(needed // 2) < 0.65
    assert detectable(seen[:needed], ERROR) == pytest.approx(1.0, rel=0.35)


def test_what_cannot_be_estimated_is_none() -> None:
    assert units_needed([1.0], ERROR) is None
    assert units_needed([1.0, -1.0], ERROR) is None
    assert units_needed([1.0, 1.0], ERROR) == least_units(ERROR) == 6
    assert detectable([1.0], ERROR) is None
