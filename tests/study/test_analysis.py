"""What is said of a study: found where it is there, not claimed where it is not, and nothing averaged in silently."""

from __future__ import annotations

import itertools
from collections.abc import Callable

import msgspec
import numpy as np
import pytest

from loopwright.errors import UsageError
from loopwright.study.analysis import analyse, curves
from loopwright.study.definition import Design
from loopwright.study.design import aliases_of, cells_of
from loopwright.study.results import Axis, Cell, Point, RunResult, StudyResult

ERROR = 0.05


def axes(*names: str, levels: int = 2) -> list[Axis]:
    return [Axis(name, {str(level): {} for level in range(levels)}) for name in names]


def run(cell: Cell, repeat: int, scores: list[float], *, per_update: int = 10, state: str = "done") -> RunResult:
    """A run whose best and current score after each update are those given."""
    points = [
        Point(step, per_update * step, step, 100 * step, 0.0, 1.0, None, score, max(scores[: step + 1]))
        for step, score in enumerate(scores)
    ]
    return RunResult(cell.key, repeat, repeat, "", state, curve=points, best_test=[scores[-1]])  # type: ignore[arg-type]


def study(
    over: list[Axis], truth: Callable[[Cell, int], float], repeats: int, design: Design | None = None
) -> StudyResult:
    cells = cells_of(over, design or Design())
    runs = [run(cell, repeat, [0.0, truth(cell, repeat)]) for cell in cells for repeat in range(1, repeats + 1)]
    return StudyResult("made", over, cells, repeats, runs, aliases_of(over, design or Design()))


def level(cell: Cell, axis: str) -> int:
    return int(cell.levels[axis])


def test_effects_are_the_true_ones_where_there_is_no_noise() -> None:
    def truth(cell: Cell, repeat: int) -> float:
        a, b = level(cell, "a"), level(cell, "b")
        return 100 + 4 * a + 0 * b + 3 * (a and b) + repeat  # repeats differ, and pairing takes that out

    found = analyse(study(axes("a", "b", "c"), truth, 5))
    means = {"*".join(effect.axes): effect.mean for effect in found.effects}
    assert means == {"a": 5.5, "b": 1.5, "c": 0.0, "a*b": 3.0, "a*c": 0.0, "b*c": 0.0}
    verdicts = {"*".join(effect.axes): effect.verdict for effect in found.effects}
    assert verdicts == {
        "a": "higher", "b": "higher", "c": "not settled", "a*b": "higher", "a*c": "not settled", "b*c": "not settled"
    }  # fmt: skip
    assert all(effect.median is not None and effect.interval is not None for effect in found.effects)


def test_every_pair_of_levels_is_compared() -> None:
    found = analyse(study(axes("a", levels=3), lambda cell, repeat: level(cell, "a") ** 2, 6))
    assert {(e.first[0], e.second[0]): e.mean for e in found.effects} == {("0", "1"): 1, ("0", "2"): 4, ("1", "2"): 3}


def test_without_an_effect_false_alarms_are_as_rare_as_stated() -> None:
    """500 studies of 2 x 2 x 2 with five repeats, in which nothing matters and noise is heavy-tailed.

    Each has 6 effects. Single tests may be wrong in 5 % of cases each; a study may make *any* claim in 5 % of them.
    """
    rng = np.random.default_rng(2026)
    over = axes("a", "b", "c")
    cells = cells_of(over, Design())
    single = alarms = 0
    for _ in range(500):
        noise = {
            (cell.key, repeat): 100 + luck + rng.standard_t(3)
            for repeat, luck in enumerate(rng.normal(0, 3, size=5), 1)
            for cell in cells
        }
        found = analyse(study(over, lambda cell, repeat, noise=noise: noise[cell.key, repeat], 5))
        single += sum(effect.p is not None and effect.p <= ERROR for effect in found.effects)
        alarms += any(effect.verdict in {"higher", "lower"} for effect in found.effects)
    assert 0.04 <= single / 3000 <= 0.06
    assert 0.02 <= alarms / 500 <= 0.07


def test_where_runs_of_a_repeat_share_luck_by_level_whole_repeats_are_the_safe_unit() -> None:
    """Luck shared by all cells with the same level and seed is not taken out by pairing; counting pairs then errs."""
    rng = np.random.default_rng(5)
    over = axes("a", "b", "c")
    alarms = {"pair": 0, "repeat": 0}
    for _ in range(40):
        luck = {(value, repeat): rng.normal() for value in (0, 1) for repeat in range(1, 9)}
        made = study(over, lambda cell, repeat, luck=luck: 9 + luck[level(cell, "a"), repeat] + 0.1 * rng.normal(), 8)
        for unit in ("pair", "repeat"):
            effect = analyse(made, unit=unit).effects[0]
            alarms[unit] += effect.p is not None and effect.p <= ERROR
    assert alarms["pair"] > 8
    assert alarms["repeat"] <= 6


def test_five_repeats_of_two_cells_claim_nothing_and_say_why() -> None:
    found = analyse(study(axes("a"), lambda cell, repeat: 10.0 * level(cell, "a") + repeat, 5))
    (effect,) = found.effects
    assert effect.verdict == "no claim"
    assert effect.smallest == 2 / 32
    assert effect.more == 1
    assert any("that takes 6" in note for note in found.notes)
    (effect,) = analyse(study(axes("a"), lambda cell, repeat: 10.0 * level(cell, "a") + repeat, 6)).effects
    assert (effect.verdict, effect.more) == ("higher", 0)


def test_a_fraction_measures_effects_with_their_aliases_and_says_so() -> None:
    design = Design(half=True)
    found = analyse(study(axes("a", "b", "c"), lambda cell, repeat: 6.0 * level(cell, "a") + repeat, 6, design))
    effects = {tuple(effect.axes): effect for effect in found.effects}
    assert effects["a",].mean == 6.0
    assert effects["a",].aliases == ["b x c"]
    assert effects["b", "c"].mean == 12.0  # as a difference of differences: its alias `a` cannot be told from it
    assert {effect.unit for effect in found.effects} == {"repeat"}
    assert any("aliases" in note for note in found.notes)


def test_runs_are_compared_at_equal_budgets_never_at_their_ends() -> None:
    """The paper's Atari table: one condition stopped after 10 updates. Here the shorter one is better all the way."""
    over = axes("a")
    cells = cells_of(over, Design())
    short = [run(cells[0], repeat, [2.0 * x for x in range(11)]) for repeat in range(1, 7)]
    long = [run(cells[1], repeat, [1.0 * x for x in range(31)], per_update=20) for repeat in range(1, 7)]
    made = StudyResult("made", over, cells, 6, short + long)
    by_updates = analyse(made)
    assert (by_updates.at, by_updates.effects[0].mean) == (10, -10.0)
    by_trials = analyse(made, by="trials")
    assert (by_trials.at, by_trials.effects[0].mean) == (100, 5.0 - 20.0)
    assert analyse(made, by="tokens").at == 1000
    assert analyse(made, at=4).effects[0].mean == -4.0
    assert any("they ended at 10 to 30 updates" in note for note in by_updates.notes)
    at_the_end = analyse(made, score="test")
    assert any("not compared at an equal budget of updates" in note for note in at_the_end.notes)


def test_best_so_far_and_current_are_different_questions() -> None:
    over = axes("a")
    cells = cells_of(over, Design())
    runs = [run(cell, repeat, [0.0, 9.0, 1.0 + level(cell, "a")]) for cell in cells for repeat in range(1, 7)]
    made = StudyResult("made", over, cells, 6, runs)
    assert analyse(made).effects[0].mean == 0.0
    assert analyse(made, score="current").effects[0].mean == 1.0
    means = {(curve.cell, curve.score): [band.mean for band in curve.bands] for curve in curves(made)}
    assert means["a=1", "best"] == [0.0, 9.0, 9.0]
    assert means["a=1", "current"] == [0.0, 9.0, 2.0]


@pytest.mark.parametrize("state", ["failed", "stopped", "under way", "not begun"])
def test_a_run_that_is_not_done_is_left_out_and_told(state: str) -> None:
    made = study(axes("a", "b"), lambda cell, repeat: 5.0 * level(cell, "a"), 6)
    bad = msgspec.structs.replace(made.runs[0], state=state, why="it broke", best_test=[], curve=[])
    found = analyse(msgspec.structs.replace(made, runs=[bad, *made.runs[1:]]))
    assert found.summaries[0].values.keys() == {2, 3, 4, 5, 6}
    assert found.effects[0].n == 11
    assert found.effects[0].dropped == 1
    assert found.effects[0].mean == 5.0
    assert any(f"1 of 24 runs left out: {state} (it broke)" in note for note in found.notes)


def test_a_run_that_ended_by_its_own_rule_keeps_its_score_and_is_told() -> None:
    over = axes("a")
    cells = cells_of(over, Design())
    early = [
        msgspec.structs.replace(run(cells[1], repeat, [0.0, 8.0]), early=True, why="the validation score reached")
        for repeat in range(1, 7)
    ]
    late = [run(cells[0], repeat, [0.0, 1.0, 2.0, 3.0]) for repeat in range(1, 7)]
    found = analyse(StudyResult("made", over, cells, 6, late + early))
    assert (found.at, found.effects[0].mean) == (3, 5.0)
    assert any("6 runs ended earlier by their own rule" in note for note in found.notes)


def test_a_budget_where_no_run_was_is_refused() -> None:
    made = study(axes("a"), lambda cell, repeat: 1.0, 2)
    with pytest.raises(UsageError, match="no run has a score at 99 updates; all runs reached 1"):
        analyse(made, at=99)
    with pytest.raises(UsageError, match="between 0 and 1"):
        analyse(made, error=5)


def test_a_study_without_any_run_says_nothing() -> None:
    over = axes("a", "b")
    cells = cells_of(over, Design())
    runs = [RunResult(cell.key, r, r, "", "not begun") for cell, r in itertools.product(cells, (1, 2))]
    found = analyse(StudyResult("made", over, cells, 2, runs))
    assert found.at is None
    assert {effect.verdict for effect in found.effects} == {"no claim"}
    assert all(summary.mean is None for summary in found.summaries)
    assert all(not curve.bands for curve in curves(StudyResult("made", over, cells, 2, runs)))
