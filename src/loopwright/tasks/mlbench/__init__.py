"""Two Kaggle competitions as tasks: a pipeline is fitted on a table and scored on rows whose answers it never has.

    task = "loopwright.tasks.mlbench:SpaceshipTitanic"
    [task_options]
    protocol = "mlagentbench"

The candidate's function `fit_predict(x, y, test_data)` gets tables and returns predictions; the answers of the rows
to predict stay in the evaluator. The data must be fetched first (`loopwright data pull`); pandas and scikit-learn
come with the extra `ml`. `starting` gives the text of a starting artifact.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loopwright.errors import TaskError, nearest
from loopwright.feedback import Feedback
from loopwright.tasks.mlbench.competition import Competition, Metric, Protocol
from loopwright.tasks.mlbench.forms import editable as editable
from loopwright.tasks.mlbench.forms import starting as starting
from loopwright.tasks.mlbench.houses import HOUSES
from loopwright.tasks.mlbench.spaceship import SPACESHIP
from loopwright.tasks.task import Task

if TYPE_CHECKING:
    from loopwright.tasks.mlbench.tables import Part, Tables

COMPETITIONS = {each.name: each for each in (SPACESHIP, HOUSES)}
NEEDED = ("numpy", "pandas", "sklearn", "lightgbm")  # by the task or by its starting artifacts
PROTOCOLS: tuple[Protocol, ...] = ("mlagentbench", "kaggle")


def mlbench(
    name: str,
    *,
    protocol: Protocol = "mlagentbench",
    metric: Metric | None = None,
    folds: int = 5,
    split_seed: int = 0,
    hints: bool = True,
    submission: str = "",
) -> Task:
    """A competition as a task.

    Under `"mlagentbench"` the test is the last 20 % of the train file (MLAgentBench, Huang et al. 2024, scores so);
    under `"kaggle"` it is the competition's test file: house prices are scored on all its rows with recovered
    answers, Spaceship Titanic has no known answers and so no test. Of the other rows, 80 % are to learn from, in
    `folds` (each is a training example: fit on the others, predict it), and 20 % are for validation; `split_seed`
    says which. `metric` is what the score is: accuracy, or the negative of `"mae"` or `"rmsle"`. `hints` adds staged
    feedback. `submission` is a file into which the predictions of a test trial are written in Kaggle's form; where
    there are no answers, there is then a test example without a score. Raises `TaskError`.
    """
    from loopwright.tasks.mlbench import tables

    competition = competition_of(name)
    missing = [module for module in NEEDED if find_spec(module) is None]
    if missing:
        raise TaskError(f"{name} needs the package {missing[0]}: pip install 'loopwright[ml]'")
    if protocol not in PROTOCOLS:
        raise TaskError(f"protocol = '{protocol}' is none of {name}'s{nearest(protocol, PROTOCOLS)}")
    wanted = metric or competition.metrics[protocol]
    if wanted not in competition.floors:
        raise TaskError(f"metric = '{wanted}' is none of {name}'s{nearest(wanted, competition.floors)}")
    if not 2 <= folds <= 50:
        raise TaskError(f"folds = {folds}: {name} can have 2 to 50 of them")
    return made(tables.read(competition), protocol, wanted, folds, split_seed, hints, submission)


def made(
    tables: Tables,
    protocol: Protocol,
    metric: Metric,
    folds: int = 5,
    split_seed: int = 0,
    hints: bool = True,
    submission: str = "",
) -> Task:
    """The task of tables that were read already; the arguments are those of `mlbench`, checked."""
    from loopwright.tasks.mlbench.columns import described
    from loopwright.tasks.mlbench.tables import parts

    train, validation, test = parts(tables, protocol, folds=folds, seed=split_seed)
    scored = [part for part in test if submission or tables.truth(part) is not None]
    competition = tables.competition

    def run(program: Any, part: Part, trial: Any) -> Feedback:
        return _run(program, tables, part, metric, hints=hints, submission=submission)

    known = tables.given(validation[0])[0]
    return Task(
        run,
        train=train,
        validation=validation,
        test=scored,
        goal=f"{competition.goal}\n\n{_scoring(competition, metric)}\n\nThe columns of x:\n{described(known)}",
        floor=competition.floors[metric],
        name=competition.name,
        calls=["fit_predict"],
    )


def _run(program: Any, tables: Tables, part: Part, metric: Metric, *, hints: bool, submission: str) -> Feedback:
    """One trial: fit, predict, check, judge."""
    from loopwright.tasks.mlbench.judging import judged, placed
    from loopwright.tasks.mlbench.predictions import NoPredictions, checked

    competition = tables.competition
    x, y, new = tables.given(part)
    returned = program.fit_predict(x, y, new)
    try:
        predicted = checked(competition, returned, len(new))
    except NoPredictions as error:
        return Feedback.failed("output", f"fit_predict: {error}", floor=competition.floors[metric])
    if part.name == "test" and submission:
        _submit(tables, part, predicted, Path(submission))
    truth = tables.truth(part)
    if truth is None:
        return Feedback(competition.floors[metric], "these rows have no known answers; the predictions were written")
    unit = competition.unit
    where = f"Fitted on {len(x):,} {unit}, predicted {len(new):,}"
    feedback = judged(competition, metric, where, truth, predicted, hints=hints)
    return placed(feedback, same_rows=part.new is None) if part.name == "test" else feedback


def _submit(tables: Tables, part: Part, predicted: Any, path: Path) -> None:
    """Write predictions as the competition wants them."""
    lines = [f"{id},{value}\n" for id, value in zip(tables.ids(part).tolist(), predicted.tolist(), strict=True)]
    path.write_text("".join([f"{tables.competition.id},{tables.competition.target}\n", *lines]), encoding="utf-8")


def _scoring(competition: Competition, metric: Metric) -> str:
    how = {
        "accuracy": "The score is the accuracy: the share of rows that are right, between 0 and 1.",
        "mae": "The score is the mean absolute error in dollars, with a minus sign: higher is better, 0 is perfect.",
        "rmsle": (
            "The score is the root of the mean squared difference between the logarithms of predicted and true prices, "
            "with a minus sign: higher is better, 0 is perfect."
        ),
    }[metric]
    return (
        f"{how} Every trial fits the pipeline anew on some {competition.unit} and predicts others. It may use numpy, "
        "pandas, scikit-learn and lightgbm; its file has 'import numpy as np', 'import pandas as pd', 'import "
        "lightgbm', and 'import sklearn.X' for X = compose, ensemble, feature_selection, impute, linear_model, "
        "model_selection, neighbors, neural_network, pipeline, preprocessing, svm: write "
        "sklearn.preprocessing.StandardScaler. It has one thread and no network, and keeps nothing between trials. A "
        "pipeline that returns something else than one prediction a row fails."
    )


def competition_of(name: str) -> Competition:
    """A competition by its name. Raises `TaskError` that names the nearest."""
    if name not in COMPETITIONS:
        raise TaskError(f"there is no ML task '{name}'{nearest(name, COMPETITIONS)}")
    return COMPETITIONS[name]


Factory = Callable[..., Task]
SpaceshipTitanic: Factory = partial(mlbench, "spaceship-titanic")
HousePrices: Factory = partial(mlbench, "house-prices")
