"""What is no prediction for each row is refused in words that say what was expected; what is one is taken."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from loopwright.tasks.mlbench import HOUSES, SPACESHIP
from loopwright.tasks.mlbench.predictions import NoPredictions, checked

NAN = float("nan")


@pytest.mark.parametrize(
    "returned",
    [
        [True, False, True],
        np.array([True, False, True]),
        [1, 0, 1],
        np.array([1.0, 0.0, 1.0]),
        pd.Series([True, False, True], index=[7, 8, 9]),
        pd.DataFrame({"Transported": [True, False, True]}),
        np.array([[1], [0], [1]]),
        pd.Series([True, False, True], dtype=object),
        pd.Series([True, False, True], dtype="boolean"),
        (np.True_, np.False_, np.True_),
    ],
)
def test_classes_in_any_form_are_taken(returned: Any) -> None:
    assert checked(SPACESHIP, returned, 3).tolist() == [True, False, True]


@pytest.mark.parametrize(
    "returned", [[1, 2.5, 3], np.array([1, 2.5, 3]), pd.Series([1, 2.5, 3]), pd.array([1, 2.5, 3], dtype="Float64")]
)
def test_amounts_in_any_form_are_taken(returned: Any) -> None:
    assert checked(HOUSES, returned, 3).tolist() == [1.0, 2.5, 3.0]


WRONG: list[tuple[Any, Any, str]] = [
    (SPACESHIP, None, "it returned None"),
    (SPACESHIP, True, "it returned a bool"),
    (SPACESHIP, "True", "it returned a str"),
    (SPACESHIP, {"Transported": [True]}, "it returned a dict"),
    (SPACESHIP, [True, False], "3 rows of test_data; it returned 2 values"),
    (SPACESHIP, [], "it returned 0 values"),
    (SPACESHIP, np.zeros((3, 2)), r"it returned 3 x 2 values \(probabilities of the two classes\?\)"),
    (SPACESHIP, np.zeros((3, 4)), "it returned 3 x 4 values$"),
    (SPACESHIP, [[True], [True, False], [True]], "it returned values of different shapes"),
    (SPACESHIP, [0.2, 0.73, 1.0], "probabilities such as 0.2: compare them with a threshold"),
    (SPACESHIP, [1, 0, 7], "numbers such as 7"),
    (SPACESHIP, ["True", "False", "True"], "texts such as 'True'"),
    (SPACESHIP, pd.Series(["True", "False", "True"]), "texts such as 'True'"),
    (SPACESHIP, [1.0, NAN, NAN], "2 of the values are NaN, the first in row 1"),
    (SPACESHIP, [True, None, False], "1 of the values are NaN, the first in row 1"),
    (HOUSES, [1.0, 2.0, NAN], "a price in dollars for each of the 3 rows.*1 of the values are NaN, the first in row 2"),
    (HOUSES, [1.0, float("-inf"), 2.0], "1 of the values are infinite, the first in row 1"),
    (HOUSES, [1.0, 2.0], "it returned 2 values"),
    (HOUSES, ["120000", "1", "2"], "texts such as '120000'"),
    (HOUSES, [1 + 2j, 1, 2], "complex numbers"),
    (HOUSES, pd.Series(pd.to_datetime(["2020-01-01"] * 3)), "dates such as"),
    (HOUSES, [[1], [2], [3, 4]], "different shapes"),
    (HOUSES, [{}, {}, {}], "values of type dict"),
]


@pytest.mark.parametrize(("competition", "returned", "told"), WRONG)
def test_what_is_no_prediction_is_refused_with_what_was_expected(competition: Any, returned: Any, told: str) -> None:
    with pytest.raises(NoPredictions, match=told) as error:
        checked(competition, returned, 3)
    assert str(error.value).startswith("expected ")
