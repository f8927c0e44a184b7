"""Published means are judged by Welch's test, and the page about the released table says what its command prints."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path
from statistics import fmean, stdev

import pytest
from scipy import stats

from loopwright.study.published import Published, judge

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "case_studies" / "released-atari"


def test_the_test_is_welchs() -> None:
    (found,) = judge([("x", Published(5, 5.8, 2.458), Published(7, 12.0, 4.025))])
    wanted = stats.ttest_ind_from_stats(12.0, 4.025 * 7**0.5, 7, 5.8, 2.458 * 5**0.5, 5, equal_var=False)
    assert found.p == pytest.approx(wanted.pvalue)
    assert found.interval is not None
    interval = wanted.confidence_interval(0.95) if hasattr(wanted, "confidence_interval") else None
    if interval is not None:
        assert (found.interval.low, found.interval.high) == pytest.approx((interval.low, interval.high))


def test_claims_are_corrected_over_the_table_and_need_an_error() -> None:
    strong = (Published(5, 0.0, 1.0), Published(5, 5.0, 1.0))
    assert judge([("x", *strong)])[0].verdict == "higher"
    assert judge([("x", *reversed(strong))])[0].verdict == "lower"
    assert [each.verdict for each in judge([("x", *strong)] * 20)] == ["not settled"] * 20
    assert judge([("x", Published(1, 0.0, 0.0), Published(5, 5.0, 1.0))])[0].verdict == "no claim"
    assert judge([("x", Published(4, 1.0, 0.0), Published(5, 5.0, 0.0))])[0].verdict == "no claim"


def test_the_reconstructed_runs_have_the_released_mean_and_error() -> None:
    def rows(name: str) -> list[dict[str, str]]:
        text = (FOLDER / name).read_text(encoding="utf-8")
        return list(csv.DictReader(line for line in text.splitlines() if not line.startswith("#")))

    ends = {row["game"]: row for row in rows("released.csv") if (row["condition"], row["where"]) == ("multi", "end")}
    for row in rows("finals.csv"):
        released = ends[row.pop("game")]
        runs = [float(value) for value in row.values()]
        assert fmean(runs) == pytest.approx(float(released["mean"]), rel=2e-3)
        assert stdev(runs) / 5**0.5 == pytest.approx(float(released["se"]), rel=2e-3)


def test_the_page_shows_what_the_command_prints() -> None:
    command = [sys.executable, str(FOLDER / "reanalyse.py")]
    printed = subprocess.run(command, capture_output=True, text=True, check=True, timeout=60).stdout
    page = (ROOT / "docs" / "case-studies" / "released-atari.md").read_text(encoding="utf-8")
    for line in printed.splitlines():
        assert line in page
