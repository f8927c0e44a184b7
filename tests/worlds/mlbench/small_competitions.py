"""A small competition made by a seed, for tests of the ML tasks without their data: passengers or houses.

    small_competitions.py:passengers, small_competitions.py:houses

with `[task_options]` as for `loopwright.tasks.mlbench`.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from loopwright.tasks.mlbench import HOUSES, SPACESHIP, made
from loopwright.tasks.mlbench.tables import Tables

ROWS = 200
SECRET = 424_242.0  # the answer of one row, which a candidate must never see: it is in no table it is given


def passenger_tables() -> Tables:
    rng = np.random.default_rng(0)
    names = [f"{group:04d}_{number:02d}" for group in range(ROWS // 2) for number in (1, 2)]
    spent = {
        name: rng.exponential(300, ROWS).round()
        for name in ("RoomService", "FoodCourt", "ShoppingMall", "Spa", "VRDeck")
    }
    table = pd.DataFrame(
        {
            "PassengerId": names,
            "HomePlanet": rng.choice(["Earth", "Europa", "Mars"], ROWS),
            "CryoSleep": pd.Series(rng.random(ROWS) < 0.4, dtype=object).where(rng.random(ROWS) > 0.05, np.nan),
            "Cabin": [
                f"{deck}/{number}/S" for deck, number in zip(rng.choice(list("ABC"), ROWS), range(ROWS), strict=True)
            ],
            "Destination": "TRAPPIST-1e",
            "Age": rng.integers(0, 80, ROWS).astype(float),
            "VIP": pd.Series(rng.random(ROWS) < 0.1, dtype=object),
            **spent,
            "Name": [f"Someone {number}" for number in range(ROWS)],
        }
    )
    table["Transported"] = (table["Spa"] < 200) ^ (rng.random(ROWS) < 0.1)
    return Tables(SPACESHIP, table.iloc[:160], table.iloc[160:].drop(columns="Transported").reset_index(drop=True))


def house_tables() -> Tables:
    rng = np.random.default_rng(0)
    area = rng.integers(500, 3000, ROWS)
    table = pd.DataFrame(
        {
            "Id": range(1, ROWS + 1),
            "GrLivArea": area,
            "LotFrontage": np.where(rng.random(ROWS) < 0.2, np.nan, rng.integers(20, 120, ROWS)),
            "Alley": np.where(rng.random(ROWS) < 0.9, None, "Pave"),
            "SalePrice": (area * 100 + rng.normal(0, 5000, ROWS)).round() + 1,
        }
    )
    answers = table["SalePrice"].iloc[160:].reset_index(drop=True)
    answers.iloc[0] = SECRET
    return Tables(HOUSES, table.iloc[:160], table.iloc[160:].drop(columns="SalePrice").reset_index(drop=True), answers)


def passengers(protocol="mlagentbench", folds=3, split_seed=0, hints=True, submission=""):
    return made(passenger_tables(), protocol, "accuracy", folds, split_seed, hints, submission)


def houses(protocol="mlagentbench", metric="mae", folds=3, split_seed=0, hints=True, submission=""):
    return made(house_tables(), protocol, metric, folds, split_seed, hints, submission)
