"""Preflight flags loops that are broken on purpose, each under its own code, and finds nothing against good ones."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest
from loops import BROKEN, GOOD, Case, folder, settings

import loopwright as lw
from loopwright.preflight import Preflight, preflight
from loopwright.preflight.run import BEGIN, CHECKS
from loopwright.preflight.windows import window_of
from loopwright.record import record
from loopwright.settings import Loop

DOCS = Path(__file__).parents[2] / "docs" / "how-to" / "preflight.md"


def model(prompt: str) -> str:
    """An agent that answers at once, right for even numbers."""
    number = int(re.findall(r"\d+", prompt)[-1])
    return str(number + 1) if number % 2 == 0 else "no idea"


def checked(case: Case, into: Path, **options: Any) -> Preflight:
    models = {"callable/agent": model, "callable/optimizer": model}
    return preflight(Loop.of(settings(case)), folder(case, into), models=models, **options)


@pytest.mark.parametrize("name", GOOD)
def test_a_good_loop_passes_without_a_warning(name: str, tmp_path: Path) -> None:
    found = checked(GOOD[name], tmp_path)
    assert [(each.code, each.text) for each in found.findings if each.level in {"warning", "error"}] == []
    assert found.good
    assert [each.code for each in found.findings] == [BEGIN, *CHECKS]


@pytest.mark.parametrize("code", BROKEN)
def test_a_broken_loop_is_flagged_under_its_code_and_says_what_to_do(code: str, tmp_path: Path) -> None:
    found = checked(BROKEN[code], tmp_path)
    flagged = {each.code: each for each in found.findings if each.level in {"warning", "error"}}
    assert set(flagged) == {code}, {each.code: each.text for each in flagged.values()}
    assert flagged[code].advice
    assert not found.good


def test_ten_loops_at_least_are_broken_and_five_are_good() -> None:
    assert len(BROKEN) >= 10
    assert len(GOOD) >= 5


def test_no_test_example_is_ever_run(tmp_path: Path) -> None:
    case = GOOD["a number to be found"]
    guarded = case.task.replace("    got =", "    assert x < 40, 'a test example was run'\n    got =")
    found = checked(msgspec.structs.replace(case, task=guarded), tmp_path)
    assert found.good


def test_model_calls_are_counted_and_stay_within_the_budget(tmp_path: Path) -> None:
    case = GOOD["a prompt around a model"]
    found = checked(case, tmp_path, examples=3)
    assert found.usage.calls == found.trials == 4 + 4 + 1 + 3  # train, other seeds, one again, validation
    poor = msgspec.structs.replace(Loop.of(settings(case)).budget, calls=2)
    loop = msgspec.structs.replace(Loop.of(settings(case)), budget=poor)
    short = preflight(loop, tmp_path, models={"callable/agent": model, "callable/optimizer": model})
    assert [each.code for each in short.at("error")] == [BEGIN]
    assert "calls" in short.findings[0].text


def test_the_hoped_for_step_decides_what_noise_is_too_much(tmp_path: Path) -> None:
    case = BROKEN["noise"]
    levels = {hope: _level(checked(case, tmp_path, hope=hope), "noise") for hope in (0.01, 1000.0)}
    assert levels == {0.01: "warning", 1000.0: "ok"}


def test_a_prompt_that_does_not_fit_the_context_is_an_error(tmp_path: Path) -> None:
    case = GOOD["a prompt around a model"]
    levels = {size: _level(checked(case, tmp_path, examples=2, window=size), "window") for size in (1000, 10**6)}
    assert levels == {1000: "error", 10**6: "ok"}


def test_the_estimate_of_trials_is_that_of_the_run(tmp_path: Path) -> None:
    case = GOOD["a number to be found"]
    found = {each.code: each for each in checked(case, tmp_path).findings}
    loop = Loop.of(settings(case))
    outcome = lw.run(loop, tmp_path / "run", root=tmp_path)
    assert outcome.steps == loop.budget.steps
    assert record(tmp_path / "run").meter.trials <= found["budget"].details["run"]["trials"]


def test_every_code_stands_in_the_documentation() -> None:
    documented = re.findall(r"^\| `([\w-]+)` \|", DOCS.read_text(encoding="utf-8"), flags=re.MULTILINE)
    assert sorted(documented) == sorted([BEGIN, *CHECKS])


def test_a_known_model_has_a_context_and_an_unknown_has_none() -> None:
    assert window_of("openai/gpt-5.1") == window_of("openrouter/openai/gpt-5.1") == 400_000
    assert window_of("http://127.0.0.1:1/v1#mine") is None


def _level(found: Preflight, code: str) -> str:
    return next(each.level for each in found.findings if each.code == code)
