"""A place is the share of teams beaten: exact on a whole board, between marks on a line, a range outside them."""

from __future__ import annotations

from pathlib import Path

import pytest

from loopwright import data
from loopwright.errors import DataError
from loopwright.tasks.mlbench.leaderboards import BOARDS, MAE, RMSLE, RMSLE_2022, SPACESHIP, percentile


@pytest.fixture
def nothing_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("LOOPWRIGHT_DATA", str(tmp_path))
    return tmp_path


def test_marks_of_spaceship_are_given_back_and_lines_drawn_between_them(nothing_here: Path) -> None:
    for mark, above in SPACESHIP.marks:
        found = percentile(SPACESHIP, mark)
        assert found is not None
        assert (found.low, found.high) == (pytest.approx(1 - above), pytest.approx(1 - above))
    middle = percentile(SPACESHIP, (0.8034 + 0.7968) / 2)
    assert middle is not None
    assert middle.low == pytest.approx((0.75 + 0.50) / 2)
    assert "interpolated" in middle.source


def test_outside_the_marks_no_more_is_said_than_is_known(nothing_here: Path) -> None:
    low, high = percentile(SPACESHIP, 0.7), percentile(SPACESHIP, 0.9)
    assert low is not None
    assert (low.low, low.high) == (0.0, 0.5)
    assert high is not None
    assert (high.low, high.high) == (pytest.approx(0.998), 1.0)


def test_an_error_widens_the_place(nothing_here: Path) -> None:
    found = percentile(SPACESHIP, 0.8034, 0.0066)
    assert found is not None
    assert found.low == pytest.approx(0.5)
    assert found.high > 0.85


def test_without_the_files_quantiles_serve_and_a_board_without_any_says_nothing(nothing_here: Path) -> None:
    found = percentile(MAE, 16_434)
    assert found is not None
    assert found.low == pytest.approx(0.75)
    assert "7 quantiles" in found.source
    assert percentile(RMSLE_2022, 0.13) is None


def test_a_changed_board_is_refused(nothing_here: Path) -> None:
    (nothing_here / "leaderboards").mkdir()
    (nothing_here / "leaderboards" / MAE.file).write_text("1\n2\n")
    with pytest.raises(DataError, match="not the file expected"):
        percentile(MAE, 16_434)


def test_on_the_whole_boards_the_quantiles_are_those_that_stand_here() -> None:
    if any(file.state != "good" for file in data.states("leaderboards")):
        pytest.skip("the data set leaderboards is not here")
    for board in (MAE, RMSLE):
        for mark, above in board.marks:
            found = percentile(board, mark)
            assert found is not None
            assert f"{board.teams:,} teams" in found.source
            # A mark is printed with few digits, and many teams may share it.
            better, worse = percentile(board, mark * 0.9995), percentile(board, mark * 1.0005)
            assert better is not None
            assert worse is not None
            assert worse.low - 0.01 <= 1 - above <= better.low + 0.01


def test_equal_scores_are_not_beaten() -> None:
    assert {metric for boards in BOARDS.values() for metric in (boards[0].metric,)} == {"mae", "rmsle", "accuracy"}
    from loopwright.tasks.mlbench.leaderboards import _beaten  # pyright: ignore[reportPrivateUsage]

    assert _beaten([1.0, 2.0, 2.0, 3.0], 2.0) == 0.25
    assert _beaten([1.0, 2.0, 2.0, 3.0], 0.5) == 1.0
