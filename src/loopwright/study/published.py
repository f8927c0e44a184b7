"""Two published means, each with its standard error and number of runs: what can be said of their difference?

For tables of which the single runs are not at hand, so that nothing can be paired or resampled: Welch's interval and
test, with Holm's correction over the table. Scores of few runs with heavy tails fit Welch's assumptions badly: an
interval is then rather too short than too long, and a claim here is weaker than one of `analysis`.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import msgspec

from loopwright.study.results import Interval, Verdict
from loopwright.study.statistics import holm, scipy_stats


class Published(msgspec.Struct, frozen=True):
    """A mean over `n` runs, with its standard error."""

    n: int
    mean: float
    se: float


class Difference(msgspec.Struct, frozen=True):
    """`second` minus `first`. `adjusted` is p after Holm's correction over all differences judged together."""

    name: str
    first: Published
    second: Published
    mean: float
    interval: Interval | None
    p: float | None
    adjusted: float | None
    verdict: Verdict


def judge(rows: Sequence[tuple[str, Published, Published]], error: float = 0.05) -> list[Difference]:
    """Every row's difference, judged together: the chance of any false claim among them is at most `error`."""
    found = [_welch(name, first, second, error) for name, first, second in rows]
    tested = [each.p for each in found if each.p is not None]
    adjusted = iter(holm(tested))
    return [_told(each, next(adjusted) if each.p is not None else None, error) for each in found]


def _welch(name: str, first: Published, second: Published, error: float) -> Difference:
    mean = second.mean - first.mean
    spread = math.hypot(first.se, second.se)
    if min(first.n, second.n) < 2 or spread == 0.0:
        return Difference(name, first, second, mean, None, None, None, "no claim")
    parts = [each.se**4 / (each.n - 1) for each in (first, second)]
    freedom = spread**4 / math.fsum(parts)  # Welch and Satterthwaite
    t = scipy_stats().t
    half = float(t.ppf(1 - error / 2, freedom)) * spread
    p = float(2 * t.sf(abs(mean) / spread, freedom))
    return Difference(
        name, first, second, mean, Interval(mean - half, mean + half, 1 - error, "Welch"), p, None, "no claim"
    )


def _told(found: Difference, adjusted: float | None, error: float) -> Difference:
    if adjusted is None:
        return found
    verdict: Verdict = "not settled" if adjusted > error else "higher" if found.mean > 0 else "lower"
    return msgspec.structs.replace(found, adjusted=adjusted, verdict=verdict)
