"""`show`: every view of finished, unfinished and waiting runs; evidence to the byte; harmless output."""

from __future__ import annotations

import json
import re
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from console import Cli, sentence

from loopwright.cli.text import clean
from loopwright.record import opened, record
from loopwright.store.events import Showed, Updated
from loopwright.store.run_folder import RunFolder
from loopwright.wording import number

VIEWS = [
    [],
    ["--step", "2"],
    ["--candidate", "best"],
    ["--diff", "start", "best"],
    ["--trials"],
    ["--step", "2", "--trials"],
]
VIEWS += [["--step", "2", "--trace"], ["--step", "2", "--evidence"], ["--all"]]


@pytest.mark.parametrize("view", VIEWS, ids=" ".join)
def test_every_view_is_there_for_people_and_for_programs(finished: Path, cli: Cli, view: list[str]) -> None:
    assert cli("show", finished, *view).stdout.strip()
    json.loads(cli("show", finished, *view, "--json").stdout)


def test_the_evidence_is_what_the_journal_says_byte_for_byte(finished: Path, cli: Cli) -> None:
    run = record(finished)
    for update in run.updates:
        assert isinstance(update.showed, Showed)
        result = cli("show", finished, "--step", update.step, "--evidence")
        assert result.stdout_bytes == update.showed.text.encode()
        assert all(name in result.stderr for name in update.showed.tokens)


def test_the_summary_has_a_row_an_update_and_the_same_scores_as_the_journal(finished: Path, cli: Cli) -> None:
    run = record(finished)
    told = cli("show", finished, "--all").stdout.splitlines()
    head = next(place for place, line in enumerate(told) if line.startswith("step"))
    rows = told[head + 1 : head + 1 + len(run.updates)]
    assert [int(row.split()[0]) for row in rows] == [update.step for update in run.updates]
    assert [row.split()[1] for row in rows] == [update.parent()[:8] for update in run.updates]


@pytest.mark.parametrize("accept", ["improve", "always"])
def test_a_row_says_which_score_is_the_parents_and_which_the_childs(world: Path, cli: Cli, accept: str) -> None:
    """Also that of the last child, which is nobody's parent; and where no gate had to judge it."""
    cli("run", "loop.toml", "--out", "r", "--quiet", "--set", f"search.accept={accept}")
    run = record("r")
    told = cli("show", "r", "--all").stdout.splitlines()
    head = next(place for place, line in enumerate(told) if line.startswith("step"))
    assert told[head].split("  ")[0] == "step"
    compared = 0
    for update, row in zip(run.updates, told[head + 1 :], strict=False):
        both = run.compared(update)
        assert number(update.batch_score) in row
        if both is not None:
            compared += 1
            assert both.child[:8] in row
            assert f"{number(run.population.mean(both.child))} vs {number(run.population.mean(update.parent()))}" in row
    assert compared
    both = run.compared(last := next(each for each in reversed(run.updates) if run.compared(each)))
    assert both is not None
    told = cli("show", "r", "--step", last.step).stdout
    assert re.search(rf"  {both.child}  [a-z ]+, {number(both.score)} against the parent's", told)


def test_nothing_is_under_way_in_a_run_that_has_ended(finished: Path, cli: Cli) -> None:
    """A budget that runs out within an update leaves its first trials, and no update."""
    with opened(finished) as (run, journal):
        last = run.updates[-1].step
        entries = [e for e in journal.entries() if not (e.step == last and isinstance(e.event, Updated))]
    with RunFolder(finished.with_name("short")) as place, closing(place.journal()) as journal:
        journal.append(entries)
        assert "under way" in cli("show", "short").stdout  # somebody is at work on it
    told = cli("show", "short").stdout
    assert "not finished" in told
    assert "under way" not in told
    assert "came to a stop" in cli("show", "short", "--step", last).stdout
    assert json.loads(cli("show", "short", "--json").stdout)["updates"][-1]["verdict"] == "not finished"


def test_a_long_run_keeps_what_brought_something_and_the_latest(world: Path, cli: Cli) -> None:
    cli("run", "loop.toml", "--out", "r", "--quiet", "--set", "budget.steps=90")
    told = cli("show", "r").stdout
    assert "left out; --all shows them" in told
    news = [update for update in record("r").updates if update.updated and update.updated.accepted]
    steps = {line.split()[0] for line in told.splitlines() if line.strip()}
    assert news
    assert {str(update.step) for update in news} <= steps
    assert "90" in steps


def test_candidates_are_found_by_word_id_and_beginning(finished: Path, cli: Cli) -> None:
    run = record(finished)
    best = run.population.best
    assert best != run.population.start
    whole = cli("show", finished, "--candidate", best).stdout
    assert run.best.texts["guess"] in whole
    assert cli("show", finished, "--candidate", "best").stdout == whole
    assert cli("show", finished, "--candidate", best[:8]).stdout == whole
    assert cli("show", finished, "--diff", "start", best).stdout == clean(run.start.diff(run.best))


@pytest.mark.parametrize(
    ("view", "hint"),
    [
        (["--step", "99"], "no update 99"),
        (["--step", "0"], "no update 0"),
        (["--step", "2", "--evidence", "--call", "3"], "no model call 3"),
        (["--candidate", "zzz"], "no candidate 'zzz'"),
        (["--candidate", ""], "no candidate ''"),
        (["--diff", "start", "bets"], "no candidate 'bets'"),
        (["--evidence"], "add --step"),
        (["--trace"], "add --step"),
        (["--call", "1"], "add --evidence"),
        (["--step", "1", "--candidate", "best"], "different things"),
        (["--steps", "1"], "--step"),
    ],
)
def test_what_is_not_there_is_one_sentence(finished: Path, cli: Cli, view: list[str], hint: str) -> None:
    assert hint in sentence(cli("show", finished, *view, code=2))


@pytest.mark.parametrize("share", [0.1, 0.35, 0.6, 0.95])
def test_a_run_is_shown_whatever_it_has_written_so_far(finished: Path, cli: Cli, share: float) -> None:
    """A run cut anywhere: it stopped there, or is being written."""
    with sqlite3.connect(finished / "journal.db") as database:
        last = database.execute("SELECT max(id) FROM events").fetchone()[0]
        database.execute("DELETE FROM events WHERE id > ?", (int(last * share),))
    told = cli("show", finished).stdout
    assert "stopped before its end" in told
    assert "no validation examples" not in told
    assert f"loopwright resume {finished.name}" in told
    for update in record(finished).updates:
        assert cli("show", finished, "--step", update.step).stdout
        json.loads(cli("show", finished, "--step", update.step, "--json").stdout)
    cli("apply", finished, "--dry-run")


def test_a_run_that_has_not_begun_says_so(finished: Path, cli: Cli) -> None:
    with sqlite3.connect(finished / "journal.db") as database:
        database.execute("DELETE FROM events")
    assert "has not begun" in sentence(cli("show", finished, code=1))


def test_what_a_candidate_prints_cannot_steer_the_terminal(world: Path, cli: Cli) -> None:
    (world / "agent.py").write_text('def guess(x):\n    raise ValueError("\\x1b[2J\\x1b]0;owned\\x07")\n')
    cli("run", "loop.toml", "--out", "r", "--set", "budget.steps=1", "--quiet")
    for view in (["--step", "1"], ["--trials"], [], ["--step", "1", "--trace"]):
        assert "\x1b" not in cli("show", "r", *view).stdout
    assert "\\x1b[2J" in cli("show", "r", "--trials").stdout
    json.loads(cli("show", "r", "--trials", "--json").stdout)


def test_the_calls_of_a_trial_are_drawn_into_a_file(finished: Path, cli: Cli, tmp_path: Path) -> None:
    told = cli("show", finished, "--step", "2", "--graph", tmp_path / "g.svg", "--trial", "2").stdout
    assert "trial 2 of 2 in update 2" in told
    assert "guess" in (tmp_path / "g.svg").read_text()
    assert "no recorded trial 3" in sentence(
        cli("show", finished, "--step", "2", "--graph", tmp_path / "g.svg", "--trial", "3", code=None)
    )
    assert "add --step N" in sentence(cli("show", finished, "--graph", tmp_path / "g.svg", code=None))
    assert "add --graph FILE" in sentence(cli("show", finished, "--step", "2", "--trial", "1", code=None))
    nowhere = tmp_path / "no" / "g.svg"
    assert "cannot be written" in sentence(cli("show", finished, "--step", "2", "--graph", nowhere, code=None))
