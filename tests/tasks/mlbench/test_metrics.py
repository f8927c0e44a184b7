"""The measures are those of the textbooks, worked out by hand on a few rows; their errors shrink with the rows."""

from __future__ import annotations

from math import log

import numpy as np
import pytest

from loopwright.tasks.mlbench import HOUSES, SPACESHIP, metrics
from loopwright.tasks.mlbench.judging import judged, placed


def test_classes_by_hand() -> None:
    found = metrics.classes(np.array([True, True, True, False]), np.array([True, False, False, True]))
    assert found["accuracy"] == 0.25
    assert (found["precision"], found["recall"]) == (0.5, pytest.approx(1 / 3))
    assert found["f1"] == pytest.approx(0.4)
    assert found["se_accuracy"] == pytest.approx((0.25 * 0.75 / 4) ** 0.5)


def test_nothing_predicted_true_is_an_f1_of_zero() -> None:
    assert metrics.classes(np.array([True, False]), np.array([False, False]))["f1"] == 0


def test_amounts_by_hand() -> None:
    found = metrics.amounts(np.array([100.0, 200.0]), np.array([110.0, 170.0]))
    assert found["mae"] == 20
    assert found["rmse"] == pytest.approx(500**0.5)
    assert found["r2"] == pytest.approx(1 - 1000 / 5000)
    assert found["rmsle"] == pytest.approx(((log(1.1) ** 2 + log(0.85) ** 2) / 2) ** 0.5)
    assert found["bias"] == -10


def test_a_price_under_one_dollar_counts_as_one() -> None:
    assert metrics.amounts(np.array([100.0]), np.array([-5.0]))["rmsle"] == pytest.approx(log(100))


def test_the_error_of_a_mean_is_that_of_many_draws() -> None:
    rng = np.random.default_rng(0)
    truth = rng.uniform(50, 150, 400)
    draws = [metrics.amounts(truth, truth * rng.lognormal(0, 0.2, 400)) for _ in range(200)]
    for name in ("mae", "rmsle"):
        spread = np.std([draw[name] for draw in draws])
        assert np.mean([draw[f"se_{name}"] for draw in draws]) == pytest.approx(spread, rel=0.2)


def test_a_score_is_higher_when_better_and_never_under_the_floor() -> None:
    truth = np.array([100_000.0, 200_000.0])
    good, bad, hopeless = (
        judged(HOUSES, "mae", "x", truth, p, hints=False) for p in (truth + 1, truth + 9, truth + 1e9)
    )
    assert good.score == -1 > bad.score == -9 > hopeless.score == HOUSES.floors["mae"]


def test_logarithms_of_prices_are_recognised() -> None:
    truth = np.array([100_000.0, 200_000.0, 150_000.0])
    assert "they look like logarithms" in judged(HOUSES, "mae", "x", truth, np.log(truth), hints=False).text
    assert "logarithms" not in judged(HOUSES, "mae", "x", truth, truth, hints=False).text


def test_hints_go_by_the_papers_measures_and_can_be_left_out() -> None:
    truth = np.array([True, False] * 10)
    texts = [judged(SPACESHIP, "accuracy", "x", truth, guess, hints=True).text for guess in (~truth, truth)]
    assert "F1 score is poor" in texts[0]
    assert "does not overfit" in texts[1]
    assert "overfit" not in judged(SPACESHIP, "accuracy", "x", truth, truth, hints=False).text


def test_a_test_score_comes_with_its_place_and_what_board_it_is() -> None:
    truth = np.array([True] * 80 + [False] * 20)
    feedback = placed(judged(SPACESHIP, "accuracy", "x", truth, np.array([True] * 100), hints=False), same_rows=False)
    assert "interpolated" in feedback.text
    assert "one standard error" in feedback.text
    # One standard error is .04: from "fewer than half" to nearly all.
    assert feedback.metrics["teams_beaten_accuracy_low"] == 0
    assert 0.9 < feedback.metrics["teams_beaten_accuracy_high"] <= 1
