"""How good predictions are: the measures of both kinds of competition, each with its standard error over the rows.

Plain numpy: the evaluator needs no scikit-learn for a handful of means. All take arrays of one length, at least one
row.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

Array = Any


def classes(truth: Array, predicted: Array) -> dict[str, float]:
    """Accuracy, and F1, precision and recall of True; `share` of rows predicted True; `se_accuracy`."""
    hits = float((truth & predicted).sum())
    accuracy = float((truth == predicted).mean())
    said, true = float(predicted.sum()), float(truth.sum())
    precision = hits / said if said else 0.0
    recall = hits / true if true else 0.0
    return {
        "accuracy": accuracy,
        "f1": 2 * precision * recall / (precision + recall) if hits else 0.0,
        "precision": precision,
        "recall": recall,
        "share": said / len(truth),
        "se_accuracy": (accuracy * (1 - accuracy) / len(truth)) ** 0.5,
    }


def amounts(truth: Array, predicted: Array) -> dict[str, float]:
    """MAE, RMSE, R2 and RMSLE (root mean square of the difference of logarithms), `bias` (mean of predicted - true),
    `se_mae` and `se_rmsle`.

    A logarithm needs a positive amount: what is less than 1 counts as 1.
    """
    numpy: Any = import_module("numpy")
    error = predicted - truth
    size = len(truth)
    squares = error**2
    around = float(((truth - truth.mean()) ** 2).sum())
    logs = (numpy.log(numpy.maximum(predicted, 1.0)) - numpy.log(truth)) ** 2
    rmsle = float(logs.mean()) ** 0.5
    return {
        "mae": float(abs(error).mean()),
        "rmse": float(squares.mean()) ** 0.5,
        "r2": 1 - float(squares.sum()) / around if around else 0.0,
        "rmsle": rmsle,
        "bias": float(error.mean()),
        "se_mae": float(abs(error).std()) / size**0.5,
        # The error of a root from that of the mean under it.
        "se_rmsle": float(logs.std()) / size**0.5 / (2 * rmsle) if rmsle else 0.0,
    }
