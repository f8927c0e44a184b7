"""What a study came to, as plain frozen records: its cells, its runs with their curves, and what was found.

`StudyResult` is what was measured (made by `collect`); `Analysis` is what can be said of it (made by `analysis`). A
report, a table or a plot needs nothing else. Scores are higher-is-better means; `None` always means "not measured".
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

# How a run of a study stands. "failed": it ended with an error, said in `why`; "stopped": it was interrupted.
State = Literal["done", "failed", "stopped", "under way", "waiting", "not begun"]
# What a budget is counted in when runs are compared.
By = Literal["updates", "trials", "tokens"]
# What is compared: the best candidate's validation score so far, the current one's, or the final test score.
Score = Literal["best", "current", "test"]


class Axis(msgspec.Struct, frozen=True):
    """One factor of a study. `settings` are, by level label, the dotted settings that the level sets."""

    name: str
    settings: dict[str, dict[str, Any]]

    @property
    def labels(self) -> list[str]:
        return list(self.settings)


class Cell(msgspec.Struct, frozen=True):
    """One combination of levels. `levels` gives a label for every axis, `key` is them as one text."""

    key: str
    levels: dict[str, str]


class Point(msgspec.Struct, frozen=True):
    """Where a run stood after an update (0: before the first).

    `trials`, `calls`, `tokens`, `usd` and `seconds` are spent up to here, test trials apart. `batch` is the parent's
    mean score on the update's examples; `current` and `best` are mean validation scores of the current candidate and
    of the best so far.
    """

    update: int
    trials: int
    calls: int
    tokens: int
    usd: float
    seconds: float
    batch: float | None
    current: float | None
    best: float | None


class RunResult(msgspec.Struct, frozen=True):
    """One run of a study. `repeat` counts from 1; equal repeats have equal seeds in every cell.

    `early` says that the run ended by its own rule (target or patience reached): its last score stands for later
    budgets, too. `start_test` and `best_test` are scores by test example. `folder` is relative to the study's.
    """

    cell: str
    repeat: int
    seed: int
    folder: str
    state: State
    why: str = ""
    early: bool = False
    curve: list[Point] = []
    start_test: list[float] = []
    best_test: list[float] = []


class StudyResult(msgspec.Struct, frozen=True):
    """Everything measured. `runs` has one entry for each cell and repeat, in the order cell by cell.

    `aliases` says, for a fraction of the full design, which effects cannot be told apart (by effect, such as
    "a" or "a x b"); `loop` are the settings that all cells share. `folder` is "" for results that come from no run.
    """

    name: str
    axes: list[Axis]
    cells: list[Cell]
    repeats: int
    runs: list[RunResult]
    aliases: dict[str, list[str]] = {}
    loop: dict[str, Any] = {}
    folder: str = ""


class Interval(msgspec.Struct, frozen=True):
    """Bounds of a quantity, at a confidence `level` such as 0.95, and how they were found."""

    low: float
    high: float
    level: float
    method: str


class Summary(msgspec.Struct, frozen=True):
    """One cell at the common budget: `values` by repeat, and their mean, median, standard error and interval.

    `se` and `interval` are None for fewer than two runs.
    """

    cell: str
    values: dict[int, float]
    mean: float | None
    median: float | None
    se: float | None
    interval: Interval | None


# What is said of a difference. "not settled" is no proof of equality; "no claim": there are too few pairs to say.
Verdict = Literal["higher", "lower", "not settled", "no claim"]


class Effect(msgspec.Struct, frozen=True):
    """A difference between levels: `second` minus `first`, over `n` paired units.

    A main effect has one axis. An interaction has two: by how much the difference of the second axis's levels changes
    with the level of the first. `p` is of a sign-flip permutation test, `adjusted` the same after Holm's correction
    for all effects of the table; `smallest` is the least p that so few units can give at all. `more` is how many
    further repeats would settle a difference as large as the one seen, four times in five (0: it is settled; None:
    more than a thousand, or no repeats could); `detectable` is the difference that this many units find four times in
    five. `dropped` units miss a run.
    """

    axes: list[str]
    first: list[str]
    second: list[str]
    n: int
    unit: Literal["pair", "repeat"]
    mean: float | None
    median: float | None
    interval: Interval | None
    p: float | None
    adjusted: float | None
    smallest: float | None
    verdict: Verdict
    more: int | None
    detectable: float | None
    dropped: int = 0
    aliases: list[str] = []

    @property
    def kind(self) -> Literal["main", "interaction"]:
        return "main" if len(self.axes) == 1 else "interaction"


class Band(msgspec.Struct, frozen=True):
    """A cell's curve at one budget `x`: over `n` runs. `low` and `high` bound the mean; None for fewer than two."""

    x: float
    n: int
    mean: float
    median: float
    low: float | None
    high: float | None


class CellCurve(msgspec.Struct, frozen=True):
    """The learning curve of a cell, for one score."""

    cell: str
    score: Literal["best", "current"]
    bands: list[Band]


class Analysis(msgspec.Struct, frozen=True):
    """What can be said of a study at one common budget: `at` of `by`, which every compared run reached.

    `notes` tell, in sentences, of every run that was left out or carried forward and of every limit of what is said.
    """

    name: str
    score: Score
    by: By
    at: float | None
    error: float
    summaries: list[Summary]
    effects: list[Effect]
    notes: list[str]
