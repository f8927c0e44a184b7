"""Which rows a pipeline is fitted on and scored on: nothing that is to be predicted is ever fitted on too soon."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from small_competitions import house_tables, passenger_tables

from loopwright import data
from loopwright.errors import TaskError
from loopwright.tasks.mlbench import SpaceshipTitanic
from loopwright.tasks.mlbench.tables import parts

TABLES = {"passengers": passenger_tables(), "houses": house_tables()}


@pytest.mark.parametrize("name", TABLES)
@pytest.mark.parametrize("protocol", ["mlagentbench", "kaggle"])
def test_no_row_is_to_be_predicted_in_two_splits_or_fitted_on_before(name: str, protocol: Any) -> None:
    train, [validation], [test] = parts(TABLES[name], protocol, folds=4, seed=3)
    learn = set(validation.fit)
    assert sorted(row for part in train for row in part.new) == sorted(learn)  # the folds cover the rows to learn from
    for part in train:
        assert set(part.fit) | set(part.new) == learn
        assert not set(part.fit) & set(part.new)
    assert not set(validation.new) & learn
    assert set(validation.new) | learn == set(test.fit)
    assert len(validation.new) == pytest.approx(0.2 * len(test.fit), abs=2)
    if protocol == "kaggle":
        assert test.new is None
        assert len(test.fit) == 160
    else:
        assert list(test.fit) == list(range(128))
        assert list(test.new) == list(range(128, 160))


def test_a_group_of_passengers_is_never_split() -> None:
    tables = TABLES["passengers"]
    train, [validation], _ = parts(tables, "kaggle", folds=3, seed=0)
    for part in [*train, validation]:
        fitted, new = ({name[:4] for name in tables.train["PassengerId"].iloc[rows]} for rows in (part.fit, part.new))
        assert not fitted & new


def test_the_seed_and_nothing_else_decides() -> None:
    def rows(seed: int) -> list[list[int]]:
        train, validation, _ = parts(TABLES["houses"], "kaggle", folds=3, seed=seed)
        return [list(part.new) for part in [*train, *validation]]

    assert rows(1) == rows(1)
    assert rows(1) != rows(2)


def test_what_the_candidate_is_given_has_no_answers_and_tells_no_places() -> None:
    tables = TABLES["houses"]
    for part in [part for group in parts(tables, "kaggle", folds=3, seed=0) for part in group]:
        x, y, new = tables.given(part)
        assert "SalePrice" not in {*x.columns, *new.columns}
        assert list(x.index) == list(range(len(x)))
        assert list(new.index) == list(range(len(new)))
        assert len(x) == len(y) == len(part.fit)
        assert not set(x["Id"]) & set(new["Id"])


def test_too_many_folds_are_refused() -> None:
    with pytest.raises(TaskError, match="folds = 150: there are not enough rows"):
        parts(TABLES["houses"], "mlagentbench", folds=150, seed=0)


def test_the_real_files_give_the_sizes_of_mlagentbench() -> None:
    if any(file.state != "good" for file in data.states("spaceship-titanic")):
        pytest.skip("the data set spaceship-titanic is not here")
    task = SpaceshipTitanic()
    [test] = task.examples("test")
    assert (len(test.fit), len(test.new)) == (6954, 1739)
    assert np.array_equal(test.new, np.arange(6954, 8693))
