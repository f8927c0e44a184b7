"""A study with real runs whose truth is known: horizon matters, batch does not, and they interact in one corner.

Its files are those that the page about studies shows.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import loopwright as lw
from docs.pages import worlds
from loopwright.study.analysis import analyse
from loopwright.study.results import Effect


def test_the_study_of_the_page_finds_what_was_put_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, text in worlds("how-to/studies.md")["lock"].items():
        (tmp_path / name).write_text(text, encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    outcome = lw.run_study(lw.Study.load(tmp_path / "study.toml"), tmp_path / "study", root=tmp_path)
    assert {run.state for run in outcome.result.runs} == {"done"}

    found = analyse(outcome.result, score="current")
    effects = {(*effect.axes, *effect.second): effect for effect in found.effects}

    def effect(*name: str) -> Effect:
        return effects[name]

    horizon, batch = "horizon.steps", "batch.size"
    assert effect(horizon, "full").verdict == "higher"
    assert (
        next(e for e in found.effects if (e.axes, e.first, e.second) == ([batch], ["1"], ["3"])).verdict
        == "not settled"
    )
    assert effect(horizon, batch, "full", "3").verdict == "not settled"
    corner = effect(horizon, batch, "full", "5")
    assert corner.verdict == "higher"
    assert corner.interval is not None
    assert corner.interval.low > 5

    by_trials = analyse(outcome.result, score="current", by="trials")
    assert by_trials.at == 14  # the fewest that any run made
    (corner,) = [e for e in by_trials.effects if e.axes == [horizon, batch] and e.second == ["full", "5"]]
    assert corner.mean is not None
    assert corner.mean < 0
