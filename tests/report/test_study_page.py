"""The report of a study says what its analysis says, and nothing more; it can be clicked through without network."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable
from contextlib import AbstractContextManager
from functools import cache
from typing import Any

import msgspec
import pytest
from runs import HOSTILE

from loopwright.report.study_page import study_page
from loopwright.study.analysis import analyse, curves
from loopwright.study.definition import Design
from loopwright.study.design import aliases_of, cells_of
from loopwright.study.results import Axis, Point, RunResult, StudyResult

pytest.importorskip("scipy", reason="needs loopwright[study]")
Opened = Callable[..., AbstractContextManager[Any]]


def study(spice: str = "", *, effect: float = 3.0, repeats: int = 5) -> StudyResult:
    """Two by two by two cells: the horizon helps by `effect`, the batch does nothing, the start a little."""
    axes = [
        Axis("horizon", {"1": {"evidence.horizon.steps": 1}, f"full{spice}": {"evidence.horizon.steps": "full"}}),
        Axis("batch", {"1": {"evidence.batch.size": 1}, "3": {"evidence.batch.size": 3}}),
        Axis("start", {"one": {}, "many": {}}),
    ]
    rng = random.Random(3)
    runs: list[RunResult] = []
    cells = cells_of(axes, Design())
    for cell in cells:
        gain = effect * (cell.levels["horizon"] != "1") + effect / 30 * (cell.levels["start"] == "many")
        for repeat in range(1, repeats + 1):
            points: list[Point] = []
            best = -20.0
            for step in range(7):
                now = -20 + gain * step / 2 + rng.gauss(0, 0.3)
                best = max(best, now)
                points.append(Point(step, 20 * step + 4 + repeat, step, 0, 0.01 * step, 2.0 * step, now, now, best))
            runs.append(RunResult(cell.key, repeat, repeat, f"runs/{cell.key}-{repeat}", "done", "all updates are done",
                                  curve=points, start_test=[-20.0, -19.0], best_test=[best, best - 1]))  # fmt: skip
    runs[0] = msgspec.structs.replace(runs[0], state="failed", why=f"the model was away {spice}")
    return StudyResult(
        f"pong {spice}".strip(), axes, cells, repeats, runs, aliases_of(axes, Design()), {"task": "t"}, "studies/pong"
    )


@cache
def page_of(spice: str = "", effect: float = 3.0) -> str:
    return study_page(study(spice, effect=effect))


def embedded(page: str) -> dict[str, Any]:
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', page, flags=re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def test_the_page_holds_the_analyses_as_they_are() -> None:
    result = study()
    data = embedded(page_of())
    for score in ("best", "current", "test"):
        for by in ("updates", "trials"):
            found = analyse(result, score=score, by=by)
            there = data["analyses"][score][by]
            assert [each["mean"] for each in there["effects"]] == [each.mean for each in found.effects]
            assert [each["verdict"] for each in there["effects"]] == [each.verdict for each in found.effects]
            assert there["notes"] == found.notes
            assert [each["mean"] for each in there["summaries"]] == [each.mean for each in found.summaries]


def test_curves_stand_at_places_that_all_cells_share_and_say_what_was_computed() -> None:
    result = study()
    found = embedded(page_of())["curves"]
    data = found["updates"]["best"]
    for curve in curves(result, by="updates"):
        if curve.score == "best":
            there = data["cells"][curve.cell]
            assert dict(zip(data["x"], there["mean"], strict=True)) == {band.x: band.mean for band in curve.bands}
    trials = found["trials"]["best"]
    assert all(len(cell["mean"]) == len(trials["x"]) for cell in trials["cells"].values())


def test_the_verdict_claims_only_what_the_analysis_claims() -> None:
    claimed = page_of()
    head = re.search(r'<p class="verdict (\w+)">(.*?)</p>', claimed)
    assert head is not None
    assert head[1] == "good"
    assert "horizon 1 → full" in head[2]
    assert "batch" not in head[2]
    nothing = re.search(r'<p class="verdict (\w+)">(.*?)</p>', page_of(effect=0.0))
    assert nothing is not None
    assert nothing[1] == "none"
    assert "Nothing is shown" in nothing[2]


def test_a_study_without_a_finished_run_has_a_report() -> None:
    result = study()
    runs = [
        msgspec.structs.replace(run, state="not begun", curve=[], best_test=[], start_test=[]) for run in result.runs
    ]
    assert "too few runs" in study_page(msgspec.structs.replace(result, runs=runs))


def test_hostile_names_add_no_element() -> None:
    plain, hostile = page_of(), page_of(HOSTILE)
    assert len(re.findall(r"<[a-z]", plain)) == len(re.findall(r"<[a-z]", hostile))


@pytest.mark.parametrize(("width", "scheme"), [(1280, "light"), (390, "dark")])
def test_every_tab_score_and_budget_can_be_looked_at(opened: Opened, width: int, scheme: str) -> None:
    with opened(page_of(HOSTILE), width=width, scheme=scheme) as window:
        for name in ("overview", "effects", "cells", "runs", "settings"):
            window.click(f"#tab-{name}")
            window.wait_for_selector(f"#panel-{name} .card")
            assert window.evaluate("document.documentElement.scrollWidth <= innerWidth"), name
        window.click("#tab-effects")
        window.locator("#panel-effects g.effect").first.hover()
        assert "interval" in window.locator("#tip").inner_text()
        for label in ("best", "trials"):
            window.click(f"#panel-effects .choice button:text-is('{label}')")
        assert "after" in window.locator("#panel-effects svg .name").last.text_content()
        window.click("#tab-cells")
        window.locator("#panel-cells g.cellrow").nth(2).focus()
        assert "standard error" in window.locator("#tip").inner_text()
        window.click("#tab-overview")
        curve = window.locator("#panel-overview figure svg")
        curve.focus()
        window.keyboard.press("ArrowRight")
        assert "runs)" in window.locator("#tip").inner_text()
