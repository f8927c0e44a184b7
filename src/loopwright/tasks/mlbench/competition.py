"""What is known of one competition: its files, target, how it is scored, and its texts. Not here: tables and scores."""

from __future__ import annotations

from typing import Literal

import msgspec

from loopwright.staged import Staged

Protocol = Literal["mlagentbench", "kaggle"]
Metric = Literal["accuracy", "mae", "rmsle"]


class Competition(msgspec.Struct, frozen=True):
    """One competition.

    `data` is its data set (`loopwright.data`), with `train.csv` and `test.csv`; `answers` a further file with the
    answers of the test file, "" where nobody has them. `target` is the column to predict and `id` names the rows;
    `group` is how many letters of the id rows of one group share (they are never split), 0 for no groups. `kind` says
    whether the target is True/False or a positive amount. `unit` is what a row is. `metrics` are those that a score
    may be, `floors` the lowest score of each. `stages` of feedback go by `staged_by`, a metric's name.
    """

    name: str
    data: str
    target: str
    id: str
    kind: Literal["classes", "amounts"]
    unit: str
    metrics: dict[Protocol, Metric]
    floors: dict[Metric, float]
    goal: str
    staged: Staged
    staged_by: str
    answers: str = ""
    group: int = 0
