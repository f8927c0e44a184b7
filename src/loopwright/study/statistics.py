"""The few statistics that a study needs, for small samples: bootstrap intervals, sign-flip tests, Holm, power.

Plain functions on plain numbers; what is compared with what is decided in `contrasts`. Everything random comes from a
fixed seed, so the same scores give the same figures. Needs scipy, loaded when first used.
"""

from __future__ import annotations

import importlib
import math
from collections.abc import Sequence
from functools import lru_cache
from typing import TYPE_CHECKING, Any, NamedTuple

from loopwright.errors import UsageError
from loopwright.study.results import Interval

if TYPE_CHECKING:
    from numpy.typing import NDArray

METHOD = "bootstrap percentile of the mean, widened for few values"
POWER = 0.8
_RESAMPLES = 9_999
_EXACT = 13  # values up to which all sign flips are tried: 8,192
_MANY = 200
_MOST = 1_000_000  # units after which a difference counts as out of reach


class Flips(NamedTuple):
    """A test's p, and the least p that as many values could have given."""

    p: float
    smallest: float


def scipy_stats() -> Any:
    """`scipy.stats`. Raises `UsageError` that says what to install."""
    try:
        return importlib.import_module("scipy.stats")
    except ImportError:
        raise UsageError("statistics need scipy: pip install 'loopwright[study]'") from None


def mean_interval(values: Sequence[float], level: float = 0.95) -> Interval | None:
    """A confidence interval of the mean of independent values; None for fewer than two.

    The percentile bootstrap is too narrow for small n. Its tails are therefore moved outwards so that, for values
    spread like a normal distribution, it is as wide as Student's interval: the expanded percentile interval
    (T. Hesterberg, What Teachers Should Know About the Bootstrap, The American Statistician 69(4), 2015, section 4.2).
    It cannot reach beyond the smallest and the largest value, so below five values it is still too narrow.
    """
    if len(values) < 2:
        return None
    low, high = mean_bands([list(values)], level)[0]
    return Interval(low, high, level, METHOD)


def mean_bands(rows: Sequence[Sequence[float]], level: float = 0.95) -> list[tuple[float, float]]:
    """`mean_interval` of each row; all rows have the same length n >= 2 and are resampled alike."""
    import numpy as np

    table = np.asarray(rows, dtype=float)
    n = table.shape[1]
    means = table @ _weights(n).T
    tail = _tail(n, level)
    low, high = np.quantile(means, [tail, 1 - tail], axis=1)
    return list(zip(low.tolist(), high.tolist(), strict=True))


def sign_flip(values: Sequence[float]) -> Flips:
    """Two-sided permutation test that paired differences have no preferred sign; the statistic is their sum.

    Where the labels of a pair could as well be swapped, each difference has either sign with equal chance. All flips
    are tried for up to thirteen differences that are not zero, else 9,999 random ones with the one seen counted among
    them (so p is never 0, and the test is exact all the same: Phipson and Smyth 2010).
    """
    import numpy as np

    found = np.asarray([abs(value) for value in values if value != 0.0], dtype=float)
    n = len(found)
    if not n:
        return Flips(1.0, 1.0)
    seen = abs(math.fsum(values))
    slack = 1e-9 * float(found.sum())  # sums in another order differ in their last bits
    if n <= _EXACT:
        return Flips(float(np.mean(np.abs(_flips(n) @ found) >= seen - slack)), 1 / (1 << (n - 1)))
    count = int(np.sum(np.abs(_flips(n) @ found) >= seen - slack))
    return Flips((count + 1) / (_RESAMPLES + 1), 1 / (_RESAMPLES + 1))


def holm(ps: Sequence[float]) -> list[float]:
    """Holm's step-down correction: p values that bound the chance of *any* false alarm among them (Holm 1979)."""
    order = sorted(range(len(ps)), key=lambda place: ps[place])
    adjusted = [0.0] * len(ps)
    highest = 0.0
    for rank, place in enumerate(order):
        highest = max(highest, min(1.0, ps[place] * (len(ps) - rank)))
        adjusted[place] = highest
    return adjusted


def units_needed(values: Sequence[float], error: float, power: float = POWER) -> int | None:
    """How many such differences would show a mean as large as theirs with the chance `power`.

    By the paired t-test's power, and at least as many as a sign-flip test needs to reach `error` at all. None where it
    would take more than a million, or where there are fewer than two values to judge by.
    """
    if len(values) < 2:
        return None
    mean, spread = math.fsum(values) / len(values), _spread(values)
    least = least_units(error)
    if mean == 0.0:
        return None
    if spread == 0.0:
        return least
    wanted = abs(mean) / spread
    quantile = scipy_stats().norm.ppf
    many = ((quantile(1 - error / 2) + quantile(power)) / wanted) ** 2
    if many > _MANY:
        return math.ceil(many) if many <= _MOST else None  # so many that t and normal agree
    return next(n for n in range(least, 2 * _MANY) if _smallest_effect(n, error, power) <= wanted)


def least_units(error: float) -> int:
    """How many differences a sign-flip test needs before any p can be at most `error`."""
    return 1 + math.ceil(math.log2(1 / error) - 1e-12)


def detectable(values: Sequence[float], error: float, power: float = POWER) -> float | None:
    """The mean difference that as many values, spread alike, would show with the chance `power`; None below two."""
    if len(values) < 2:
        return None
    return _smallest_effect(len(values), error, power) * _spread(values)


@lru_cache(maxsize=4096)
def _smallest_effect(n: int, error: float, power: float) -> float:
    """The mean, in standard deviations, that a two-sided t-test of n values finds with the chance `power`."""
    low, high = 0.0, 1.0
    while _power(high, n, error) < power:
        low, high = high, high * 2
    for _ in range(30):
        middle = (low + high) / 2
        low, high = (low, middle) if _power(middle, n, error) >= power else (middle, high)
    return high


def _power(effect: float, n: int, error: float) -> float:
    """The chance that a two-sided t-test of n values finds a mean of `effect` standard deviations."""
    stats = scipy_stats()
    bound = stats.t.ppf(1 - error / 2, n - 1)
    shift = effect * math.sqrt(n)
    found = float(stats.nct.sf(bound, n - 1, shift) + stats.nct.cdf(-bound, n - 1, shift))
    return 1.0 if math.isnan(found) else found  # far out in the tail, where nothing is left to gain


@lru_cache(maxsize=64)
def _tail(n: int, level: float) -> float:
    stats = scipy_stats()
    bound = stats.t.ppf(1 - (1 - level) / 2, n - 1)
    return float(stats.norm.cdf(-math.sqrt(n / (n - 1)) * bound))


def _spread(values: Sequence[float]) -> float:
    mean = math.fsum(values) / len(values)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))


@lru_cache(maxsize=16)
def _weights(n: int) -> NDArray[Any]:
    """Resamples of n values as rows of weights, whose product with the values are their means."""
    import numpy as np

    chosen = np.random.default_rng(n).integers(n, size=(_RESAMPLES, n))
    counts = np.zeros((_RESAMPLES, n))
    np.add.at(counts, (np.arange(_RESAMPLES)[:, None], chosen), 1.0)
    return counts / n


@lru_cache(maxsize=16)
def _flips(n: int) -> NDArray[Any]:
    """Signs for n values, one row a flip: all that differ in more than the sign of all, or that many random ones."""
    import numpy as np

    if n <= _EXACT:
        return 1.0 - 2.0 * ((np.arange(1 << (n - 1))[:, None] >> np.arange(n)) & 1)
    return 1.0 - 2.0 * np.random.default_rng(n).integers(2, size=(_RESAMPLES, n))
