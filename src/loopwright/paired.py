"""Two candidates on the same examples: the paired difference of their scores and how sure it is."""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import fmean, stdev

import msgspec

# Two-sided 95 % points of Student's t by degrees of freedom; between two of them the smaller freedom is used, which
# makes an interval a little too wide, never too narrow.
_T95 = {
    1: 12.706, 2: 4.303, 3: 3.182, 4: 2.776, 5: 2.571, 6: 2.447, 7: 2.365, 8: 2.306, 9: 2.262, 10: 2.228,
    11: 2.201, 12: 2.179, 13: 2.160, 14: 2.145, 15: 2.131, 16: 2.120, 17: 2.110, 18: 2.101, 19: 2.093, 20: 2.086,
    25: 2.060, 30: 2.042, 40: 2.021, 60: 2.000, 120: 1.980,
}  # fmt: skip


class Paired(msgspec.Struct, frozen=True):
    """The mean of the differences (second minus first) over `n` examples, and its 95 % interval by Student's t.

    `low` and `high` are None where there are fewer than two examples.
    """

    n: int
    first: float
    second: float
    difference: float
    low: float | None = None
    high: float | None = None

    @property
    def better(self) -> bool:
        """Whether the interval lies above zero."""
        return self.low is not None and self.low > 0

    @property
    def worse(self) -> bool:
        return self.high is not None and self.high < 0


def paired(first: Sequence[float], second: Sequence[float], span: float | None = None) -> Paired | None:
    """Compare scores of the same examples in the same order; None where there are none, or they do not match.

    `span` is the largest difference that two scores can have, where it is known: the interval stays within it.
    """
    if not first or len(first) != len(second):
        return None
    differences = [after - before for before, after in zip(first, second, strict=True)]
    mean, n = fmean(differences), len(differences)
    if n == 1:
        return Paired(n, first[0], second[0], mean)
    half = t95(n - 1) * stdev(differences) / math.sqrt(n)
    return Paired(n, fmean(first), fmean(second), mean, *within(mean - half, mean + half, span))


def within(low: float, high: float, span: float | None) -> tuple[float, float]:
    """An interval of a difference, cut to what differences can be: Student's t knows of no largest score."""
    return (low, high) if span is None else (max(low, -span), min(high, span))


def t95(freedom: int) -> float:
    """The two-sided 95 % point of Student's t."""
    return _T95[max(known for known in _T95 if known <= freedom)]
