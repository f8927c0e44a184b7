"""Spaceship Titanic: who was transported to another dimension? The task's texts."""

from __future__ import annotations

from loopwright.staged import Stage, Staged
from loopwright.tasks.mlbench.competition import Competition

GOAL = """Improve a machine-learning pipeline that predicts which passengers of the Spaceship Titanic were transported
to another dimension (Kaggle's competition of this name).

`fit_predict(x, y, test_data)` is given a table of passengers `x`, a series `y` that says of each of them whether it
was transported (True or False), and a table of other passengers `test_data` with the same columns. It returns True or
False for each row of `test_data`, in their order.

A PassengerId such as 0013_02 is a group (0013) that travels together and a number in it; a Cabin such as G/3/S is
deck, number and side (P port, S starboard). CryoSleep means that the passenger slept through the voyage in the cabin.
RoomService, FoodCourt, ShoppingMall, Spa and VRDeck are amounts spent."""

STAGED = Staged(
    first="The F1 score is poor. Begin with the features: prepare the columns and make better ones from them.",
    stages=(
        Stage(0.5, "A promising beginning. Think about the balance of the two classes."),
        Stage(0.7, "A good pipeline. Fine-tune the parameters of its models."),
        Stage(0.8, "Excellent. Take care now that it does not overfit."),
    ),
)

SPACESHIP = Competition(
    name="spaceship-titanic",
    data="spaceship-titanic",
    target="Transported",
    id="PassengerId",
    kind="classes",
    unit="passengers",
    metrics={"mlagentbench": "accuracy", "kaggle": "accuracy"},
    floors={"accuracy": 0.0},
    goal=GOAL,
    staged=STAGED,
    staged_by="f1",
    group=4,
)
