"""What a dry run says: trials never below the truth, the rest by a probe or finished runs; nothing is written."""

from __future__ import annotations

import asyncio
from pathlib import Path

from loopwright.study.estimate import Estimate, estimate
from study.test_study_runner import WORLD, next_number, run, study


def estimated(tmp_path: Path, **changes: object) -> Estimate:
    return asyncio.run(estimate(study(**changes), tmp_path / "study", root=WORLD))


def test_a_dry_run_bounds_what_is_run_and_writes_nothing(tmp_path: Path) -> None:
    said = estimated(tmp_path)
    assert not (tmp_path / "study").exists()
    outcome = run(tmp_path, study())
    used = sum(each.curve[-1].trials + 2 * len(each.best_test) for each in outcome.result.runs)
    assert said.runs == 8
    assert used <= said.trials <= 1.5 * used
    assert said.usage.calls == 24
    assert said.usage.output_tokens == 24 * 4096
    assert said.usage.input_tokens > 0
    assert any("optimizer" in text for text in said.how)


def test_finished_runs_are_not_counted_and_tell_what_others_of_their_cell_take(tmp_path: Path) -> None:
    outcome = run(tmp_path, study(), next_number)
    calls = sum(each.curve[-1].calls for each in outcome.result.runs)
    assert estimated(tmp_path).runs == 0
    assert estimated(tmp_path).trials == 0
    more = estimated(tmp_path, repeats=4)
    assert (more.done, more.runs, more.usage.calls) == (8, 8, calls)


def test_prices_become_money(tmp_path: Path) -> None:
    said = estimated(tmp_path, set={"optimizer.model": "openai/x", "prices": {"openai/x": [1.0, 10.0]}})
    tokens = said.usage
    assert abs(said.usage.usd - (tokens.input_tokens * 1.0 + tokens.output_tokens * 10.0) / 1e6) < 1e-6
