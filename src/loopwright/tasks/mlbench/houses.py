"""House prices in Ames, Iowa: what did each house sell for? The task's texts."""

from __future__ import annotations

from loopwright.staged import Stage, Staged
from loopwright.tasks.mlbench.competition import Competition

GOAL = """Improve a machine-learning pipeline that predicts what houses in Ames, Iowa, were sold for (Kaggle's
competition House Prices).

`fit_predict(x, y, test_data)` is given a table of houses `x`, a series `y` with the price of each in dollars, and a
table of other houses `test_data` with the same columns. It returns a price in dollars for each row of `test_data`, in
their order.

In many text columns a missing value means that the house has no such thing (no alley, no basement, no garage, no
pool, no fence). Ex, Gd, TA, Fa, Po are grades from excellent to poor."""

STAGED = Staged(
    first="This is no better than always saying the mean price. Work on the features: make them and choose them.",
    stages=(
        Stage(0, "It explains little of the prices. Prepare the columns further, or try other models.", above=True),
        Stage(0.5, "It is getting better. Think about features that act together."),
        Stage(0.7, "A good pipeline. Fine-tune the parameters of its models."),
    ),
)

HOUSES = Competition(
    name="house-prices",
    data="house-prices",
    target="SalePrice",
    id="Id",
    kind="amounts",
    unit="houses",
    metrics={"mlagentbench": "mae", "kaggle": "rmsle"},
    floors={"mae": -250_000.0, "rmsle": -15.0},
    goal=GOAL,
    staged=STAGED,
    staged_by="r2",
    answers="solution_recovered.csv",
)
