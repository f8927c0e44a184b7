"""What share of a competition's teams a score would have beaten, from real leaderboards.

Each board is that of one day. The whole of it is used where the data set `leaderboards` is here, else a few of its
quantiles, which stand below. For Spaceship Titanic there is no whole board, only marks from several snapshots: what
lies between them is interpolated, and that is said, with the sampling error beside it.

Kaggle scored these boards on a part of the test rows that it does not name, so a score on all of them is not the
number the board would have shown.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from itertools import pairwise

import msgspec

from loopwright import data
from loopwright.errors import DataError


class Board(msgspec.Struct, frozen=True):
    """One leaderboard at one day: of which competition, when, how many teams, and quantiles of its scores.

    `marks` are (score, share of teams that are better), best first. `file` is its whole list of scores in the data
    set `leaderboards`. `remark` says what one should know of it.
    """

    metric: str
    competition: str
    date: str
    teams: int
    marks: tuple[tuple[float, float], ...]
    file: str = ""
    remark: str = ""
    higher: bool = False


_SHARES = (0.01, 0.05, 0.10, 0.25, 0.50, 0.75, 0.90)
_MAE = (14047.0, 15833.0, 16269.0, 16434.0, 16619.0, 20999.0, 21218.0)
_RMSLE = (0.10963, 0.11408, 0.11544, 0.12055, 0.13437, 0.15979, 0.23809)

MAE = Board(
    "mae",
    "home-data-for-ml-course",
    "2021-11-08",
    27_163,
    tuple(zip(_MAE, _SHARES, strict=True)),
    "home-data-for-ml-course_MAE_2021-11-08.txt",
)
RMSLE = Board(
    "rmsle",
    "house-prices-advanced-regression-techniques",
    "2018-10-10",
    4_066,
    tuple(zip(_RMSLE, _SHARES, strict=True)),
    "house-prices_RMSLE_2018-10-10.txt",
)
RMSLE_2022 = Board(
    "rmsle",
    "house-prices-advanced-regression-techniques",
    "2022-07-21",
    3_991,
    (),
    "house-prices_RMSLE_2022-07-21.txt",
    "its top is a leak",
)
SPACESHIP = Board(
    "accuracy",
    "spaceship-titanic",
    "2025/26",
    0,
    ((0.8207, 0.002), (0.81716, 0.043), (0.81061, 0.106), (0.8034, 0.25), (0.7968, 0.50)),
    remark="from five marks of several snapshots, which disagree by a few points",
    higher=True,
)


# The boards a metric is compared with, the most telling one first.
BOARDS: dict[str, tuple[Board, ...]] = {"mae": (MAE,), "rmsle": (RMSLE, RMSLE_2022), "accuracy": (SPACESHIP,)}


class Percentile(msgspec.Struct, frozen=True):
    """A share of teams beaten, 0 to 1, as far as it is known: `low` and `high` are equal where it is exact.

    `low` and `high` differ outside the marks, where no more is known than "less than half"; `source` says what board
    it is and how it was read.
    """

    low: float
    high: float
    source: str

    def text(self) -> str:
        low, high = f"{self.low:.1%}", f"{self.high:.1%}"
        return f"better than {low} of the teams" if low == high else f"better than {low} to {high} of the teams"


def percentile(board: Board, score: float, error: float = 0.0) -> Percentile | None:
    """What share of a board's teams `score` beats. Equal scores count as not beaten.

    None where nothing is known of the board here. `score` is as the board has it: an error where lower is better.
    With `error` (one standard error of the score) the range runs from one error worse to one better.
    """
    scores = _whole(board)
    step = error if board.higher else -error
    if scores:
        low, high = (_beaten(scores, each) for each in (score - step, score + step))
        remark = f" ({board.remark})" if board.remark else ""
        return Percentile(low, high, f"{board.competition} on {board.date}, all {len(scores):,} teams{remark}")
    if not board.marks:
        return None
    low, high = _between(board, score - step)[0], _between(board, score + step)[1]
    size = f", {board.teams:,} teams" if board.teams else ""
    how = board.remark or f"from {len(board.marks)} quantiles of the board"
    return Percentile(low, high, f"{board.competition} {board.date}{size}; interpolated, {how}")


def _whole(board: Board) -> list[float]:
    """All scores of a board, best first; empty where the file is not here."""
    if not board.file:
        return []
    try:
        text = data.read("leaderboards", board.file).decode()
    except DataError:
        # Not here: the quantiles serve. A file that is here but changed must be heard of.
        if any(each.name == board.file and each.path is not None for each in data.states("leaderboards")):
            raise
        return []
    return sorted(float(line) for line in text.split())


def _beaten(scores: Sequence[float], score: float) -> float:
    """The share of teams with a higher error than `score`; `scores` ascend."""
    return (len(scores) - bisect_right(scores, score)) / len(scores)


def _between(board: Board, score: float) -> tuple[float, float]:
    """The share beaten between two marks, on a straight line; a range outside them."""
    sign = 1.0 if board.higher else -1.0
    good = sign * score
    marks = [(sign * mark, share) for mark, share in board.marks]  # best first, so descending
    if good > marks[0][0]:
        return 1 - marks[0][1], 1.0
    if good < marks[-1][0]:
        return 0.0, 1 - marks[-1][1]
    for (better, above), (worse, below) in pairwise(marks):
        if good >= worse:
            part = (better - good) / (better - worse)
            share = 1 - (above + part * (below - above))
            return share, share
    return 0.0, 1 - marks[-1][1]
