"""The command itself: quick help, names, errors; and the small parts that decide how things are said."""

from __future__ import annotations

import math
import subprocess
import sys
from importlib import import_module

import pytest
from click.testing import CliRunner
from console import Cli, sentence
from hypothesis import given
from hypothesis import strategies as st

from loopwright import __version__
from loopwright.cli.app import COMMANDS, app
from loopwright.cli.text import clean, curve, line, table
from loopwright.execution.protocol import TaskCard
from loopwright.paired import paired, t95
from loopwright.trajectories import Gap
from loopwright.wording import duration

scores = st.lists(st.tuples(st.floats(-1e6, 1e6), st.floats(-1e6, 1e6)), min_size=2, max_size=40)


def test_help_imports_no_command() -> None:
    code = (
        "import sys; from loopwright.cli.app import app\n"
        "try: app(['--help'])\n"
        "except SystemExit: pass\n"
        "heavy = {'rich', 'asyncio', 'loopwright.runner', 'msgspec', 'loopwright.cli.show'} & set(sys.modules)\n"
        "assert not heavy, heavy"
    )
    subprocess.run([sys.executable, "-c", code], check=True, stdout=subprocess.DEVNULL)


def test_show_needs_neither_rich_nor_the_runner() -> None:
    code = "import sys, loopwright.cli.show; print({'rich', 'asyncio', 'loopwright.runner'} & set(sys.modules))"
    told = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert told.strip() == "set()"


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_help(cli: Cli, name: str) -> None:
    command = getattr(import_module(f"loopwright.cli.{name}"), name)
    assert command.name == name
    assert cli(name, "--help").stdout.startswith(f"Usage: loopwright {name}")
    assert COMMANDS[name] in CliRunner().invoke(app, ["--help"], terminal_width=200, max_content_width=200).stdout


def test_version_and_bare_call(cli: Cli) -> None:
    assert cli("--version").stdout == f"loopwright {__version__}\n"
    assert cli().stdout == cli("--help").stdout


@pytest.mark.parametrize(
    ("args", "hint"),
    [(["rnu"], "did you mean 'run'"), (["run"], "LOOP.toml"), (["show", "--nope"], "--nope"), (["run", "a", "b"], "b")],
)
def test_wrong_usage_is_one_sentence(cli: Cli, args: list[str], hint: str) -> None:
    assert hint in sentence(cli(*args, code=2))


def test_a_fault_of_ours_asks_to_be_reported(cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loopwright.record.record", lambda folder: 1 / 0)
    assert "please report" in sentence(cli("ask", "x", code=1))
    for args in (["--debug", "ask", "x"], ["ask", "x", "--debug"]):
        told = CliRunner().invoke(app, args)
        assert "ZeroDivisionError" in told.stderr
        assert "Traceback" in told.stderr


def test_a_reader_that_goes_away_is_no_fault(finished: object) -> None:
    command = f"{sys.executable} -c 'from loopwright.cli import main; main()' show {finished} --trials --json | head -1"
    told = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=False)
    assert told.stderr == ""


@given(scores)
def test_the_interval_holds_its_difference_and_turns_with_the_order(pairs: list[tuple[float, float]]) -> None:
    first, second = [pair[0] for pair in pairs], [pair[1] for pair in pairs]
    one, other = paired(first, second), paired(second, first)
    assert one is not None
    assert other is not None
    assert one.low is not None
    assert one.high is not None
    assert one.low <= one.difference <= one.high
    assert math.isclose(one.difference, -other.difference, rel_tol=1e-9, abs_tol=1e-9)
    assert not (one.better and one.worse)
    assert one.better == other.worse


def test_a_known_interval() -> None:
    # Differences 1..5: mean 3, standard error sqrt(2.5 / 5), t(4) = 2.776.
    found = paired([0] * 5, [1, 2, 3, 4, 5])
    assert found is not None
    assert (found.low, found.high) == pytest.approx((3 - 2.776 * 0.5**0.5, 3 + 2.776 * 0.5**0.5))
    assert paired([1.0], [2.0]).low is None  # pyright: ignore
    assert paired([], []) is None


def test_an_interval_stays_within_what_scores_can_differ_by() -> None:
    free, bound = (paired([0.0, 0.0, 1.0], [1.0, 1.0, 1.0], span) for span in (None, 1.0))
    assert free is not None
    assert bound is not None
    assert free.high is not None
    assert free.high > 1
    assert (bound.low, bound.high, bound.difference) == (free.low, 1.0, free.difference)
    assert TaskCard("t", {}, floor=-1.0, ceiling=1.0).span == 2
    assert TaskCard("t", {}, floor=-1.0).span is None
    assert Gap.of([1.0, 1.0, 0.9], [0.0, 0.1], span=1.0).high == 1.0


def test_pairs_that_do_not_match_are_not_compared() -> None:
    assert paired([1.0], [1.0, 2.0]) is None


@given(st.integers(1, 10_000))
def test_a_wider_interval_is_used_between_known_points(freedom: int) -> None:
    assert t95(freedom) >= 1.9599
    assert t95(freedom) >= t95(freedom + 1)


@given(st.text())
def test_cleaned_text_has_no_control_letters(text: str) -> None:
    found = clean(text)
    assert all(letter in "\t\n" or letter.isprintable() or ord(letter) > 0x9F for letter in found)
    assert "\x1b" not in found
    found.encode()
    assert "\n" not in line(text)


@given(st.lists(st.lists(st.text(max_size=9), min_size=3, max_size=3), max_size=5))
def test_a_table_has_a_line_a_row(rows: list[list[str]]) -> None:
    lines = table(["a", "b", "c"], rows, right=(1,))
    assert len(lines) == len(rows) + 1
    assert all("\n" not in each for each in lines)


@given(st.lists(st.floats(-1e9, 1e9), max_size=300))
def test_a_curve_has_a_bar_a_value_up_to_its_size(values: list[float]) -> None:
    assert len(curve(values)) == min(len(values), 60)


def test_durations() -> None:
    assert [duration(each) for each in (0, 7.4, 61, 3723)] == ["0:00", "0:07", "1:01", "1:02:03"]
