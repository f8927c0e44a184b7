"""From predictions to a feedback: the score, the metrics in words, a hint for the stage reached, and at the end the
place among the teams of the competition.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

from loopwright.feedback import Feedback
from loopwright.tasks.mlbench import metrics
from loopwright.tasks.mlbench.competition import Competition, Metric
from loopwright.tasks.mlbench.leaderboards import BOARDS, percentile

NAMES = {"accuracy": "Accuracy {:.4f}", "mae": "MAE {:,.0f}", "rmsle": "RMSLE {:.4f}"}
QUARTERS = ("cheapest", "second", "third", "dearest")


def judged(
    competition: Competition, metric: Metric, where: str, truth: Any, predicted: Any, *, hints: bool
) -> Feedback:
    """The feedback on predictions that were checked.

    `where` is what the metrics were measured on, in words; `hints` adds the text of the stage reached.
    """
    if competition.kind == "classes":
        found = metrics.classes(truth, predicted)
        text = _classes(found, truth, predicted)
    else:
        found = metrics.amounts(truth.astype(float), predicted)
        text = _amounts(found, truth.astype(float), predicted)
    hint = f" {competition.staged.text(found[competition.staged_by])}" if hints else ""
    shown = {name: float(f"{value:.6g}") for name, value in found.items()}  # no further digit says anything
    return Feedback(score_of(competition, metric, found), f"{where}: {text}{hint}", shown)


def score_of(competition: Competition, metric: Metric, found: dict[str, float]) -> float:
    """Higher is better: accuracy as it is, an error with its sign turned; never under the floor."""
    value = found[metric] if metric == "accuracy" else -found[metric]
    return max(value, competition.floors[metric])


def placed(feedback: Feedback, *, same_rows: bool) -> Feedback:
    """The feedback of the test with what share of the teams each metric beats; as metrics too, from 0 to 1.

    `same_rows`: whether these are the rows on which the competition was scored.
    """
    told: list[str] = []
    found = dict(feedback.metrics)
    for metric, boards in BOARDS.items():
        if metric not in found:
            continue
        # On other rows than the board's the score itself is uncertain by its sampling error.
        error = 0.0 if same_rows else found[f"se_{metric}"]
        places = [place for board in boards if (place := percentile(board, found[metric], error)) is not None]
        if places:
            found[f"teams_beaten_{metric}_low"] = float(f"{places[0].low:.4g}")
            found[f"teams_beaten_{metric}_high"] = float(f"{places[0].high:.4g}")
        told += [f"{NAMES[metric].format(found[metric])}: {place.text()} ({place.source})" for place in places]
    if told and not same_rows:
        told.append("These are not the competition's test rows: the ranges are those of one standard error")
    return Feedback(feedback.score, " ".join([feedback.text, *(f"{each}." for each in told)]), found)


def _classes(found: dict[str, float], truth: Any, predicted: Any) -> str:
    missed = int((truth & ~predicted).sum())
    wrong = int((predicted & ~truth).sum())
    return (
        f"accuracy {found['accuracy']:.4f}, F1 {found['f1']:.4f} (precision {found['precision']:.3f}, recall "
        f"{found['recall']:.3f}). {missed:,} of {int(truth.sum()):,} True rows were predicted False, {wrong:,} of "
        f"{int((~truth).sum()):,} False rows True."
    )


def _amounts(found: dict[str, float], truth: Any, predicted: Any) -> str:
    numpy: Any = import_module("numpy")
    aside = "high" if found["bias"] > 0 else "low"
    text = (
        f"MAE {found['mae']:,.0f} dollars, RMSE {found['rmse']:,.0f}, R2 {found['r2']:.4f}, "
        f"RMSLE {found['rmsle']:.4f}; on the mean {abs(found['bias']):,.0f} too {aside}."
    )
    edges = numpy.quantile(truth, [0.25, 0.5, 0.75])
    quarter = numpy.searchsorted(edges, truth)
    means = [float(abs(predicted - truth)[quarter == k].mean()) for k in range(4) if (quarter == k).any()]
    if len(means) == len(QUARTERS):
        shown = ", ".join(f"{name} {mean:,.0f}" for name, mean in zip(QUARTERS, means, strict=True))
        text += f" MAE by quarter of true prices: {shown}."
    if float(predicted.min()) > 5 and float(predicted.max()) < 20:
        text += (
            f" The predictions lie between {predicted.min():.3g} and {predicted.max():.3g}: they look like logarithms "
            "of prices; take their exponential."
        )
    elif found["mae"] > 0 and float(predicted.min()) < 1:
        text += f" {int((predicted < 1).sum()):,} predictions are less than one dollar; RMSLE counts them as 1."
    return text
