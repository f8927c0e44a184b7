"""What a study file may say, and what is refused in one sentence."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import loopwright as lw
from loopwright.errors import SettingsError
from loopwright.study.plan import planned

LOOP: dict[str, Any] = {"task": "task.py:t", "artifact": {"path": "agent.py", "edit": ["act"]}, "seed": 10}


def study(axes: dict[str, Any], **more: Any) -> lw.Study:
    return lw.Study.of({"loop": LOOP, "axes": axes, **more})


def test_an_axis_is_a_setting_with_levels_or_a_name_with_labelled_levels() -> None:
    found = study(
        {
            "evidence": {"horizon": {"steps": [1, "full"]}, "batch": {"size": [1, 3, 5]}},
            "search.accept": ["always", "improve"],
            "start": {
                "one": {"artifact.path": "one.py"},
                "many": {"artifact": {"path": "many.py", "edit": ["a", "b"]}},
            },
        }
    )
    assert {axis.name: axis.labels for axis in found.axes} == {
        "horizon.steps": ["1", "full"],
        "batch.size": ["1", "3", "5"],
        "search.accept": ["always", "improve"],
        "start": ["one", "many"],
    }
    assert found.axis("start").settings["many"] == {"artifact.path": "many.py", "artifact.edit": ["a", "b"]}


def test_names_of_axes_are_as_long_as_they_must_be() -> None:
    found = study({"agent.model": ["a", "b"], "optimizer.model": ["c", "d"], "task_options": {"model": [1, 2]}})
    assert [axis.name for axis in found.axes] == ["agent.model", "optimizer.model", "task_options.model"]


def test_every_run_has_the_settings_of_its_cell_and_the_seed_of_its_repeat() -> None:
    runs = planned(
        study({"evidence.batch.size": [1, 3], "start": {"a": {}, "b": {"artifact.path": "b.py"}}}, repeats=2)
    )
    assert [(run.repeat, run.loop.seed, run.loop.evidence.batch.size, run.loop.artifact.path) for run in runs] == [
        (1, 10, 1, "agent.py"),
        (1, 10, 1, "b.py"),
        (1, 10, 3, "agent.py"),
        (1, 10, 3, "b.py"),
        (2, 11, 1, "agent.py"),
        (2, 11, 1, "b.py"),
        (2, 11, 3, "agent.py"),
        (2, 11, 3, "b.py"),
    ]
    assert len({run.tag for run in runs}) == len(runs)


def test_a_run_keeps_its_folder_when_levels_axes_repeats_and_limits_are_added() -> None:
    before = {run.tag for run in planned(study({"evidence.batch.size": [1, 3]}, repeats=2))}
    axes = {"evidence.batch.size": [1, 5, 3], "search.accept": ["always", "improve"]}
    after = {run.tag for run in planned(study(axes, repeats=3, set={"budget.steps": 99, "execution.slots": 7}))}
    assert before <= after
    other = {run.tag for run in planned(study({"evidence.batch.size": [1, 3]}, set={"search.target": 1.0}))}
    assert not before & other


def test_a_limit_that_is_an_axis_tells_runs_apart() -> None:
    assert len({run.tag for run in planned(study({"budget.steps": [5, 10]}, repeats=1))}) == 2


@pytest.mark.parametrize(
    ("axes", "more", "message"),
    [
        ({"evidence.horizn.steps": [1, 2]}, {}, "did you mean 'horizon'"),
        ({"serch.accept": ["always", "improve"]}, {}, "serch.accept.*did you mean 'search'"),
        ({"search.accept": ["always", "imprve"]}, {}, "level 'imprve'.*imprve"),
        ({"search.accept": ["always"]}, {}, "at least two"),
        ({"search.accept": ["always", "always"]}, {}, "twice"),
        ({"search.accept": "always"}, {}, "list of levels"),
        (
            {"start": {"a": {"artifact.pth": "x"}, "b": {}}},
            {},
            "axis 'start', level 'a'.*did you mean 'artifact.path'|path",
        ),
        ({"start": {"a": 1, "b": 2}}, {}, "axes.start.a must be a table"),
        ({"seed": [1, 2]}, {}, "what repeats are for"),
        ({}, {}, "needs axes"),
        ({"search.accept": ["always", "improve"]}, {"repeats": 0}, "repeats must be at least 1"),
        ({"search.accept": ["always", "improve"]}, {"repeat": 3}, "did you mean 'repeats'"),
        ({"search.accept": ["always", "improve"]}, {"budget": {"trails": 3}}, "budget.trails.*did you mean 'trials'"),
        ({"search.accept": ["always", "improve"]}, {"budget": {"trials": 0}}, "budget.trials must be more"),
    ],
)
def test_what_cannot_be_meant_is_refused(axes: dict[str, Any], more: dict[str, Any], message: str) -> None:
    with pytest.raises(SettingsError, match=message):
        study(axes, **more)


def test_levels_that_set_the_same_are_refused() -> None:
    with pytest.raises(SettingsError, match="same settings in the end"):
        planned(study({"start": {"a": {}, "b": {"artifact.path": "agent.py"}}}))


def test_a_file_names_its_loop_beside_it(tmp_path: Path) -> None:
    (tmp_path / "loop.toml").write_text('task = "task.py:t"\nartifact = { path = "agent.py", edit = ["act"] }\n')
    (tmp_path / "two.toml").write_text('loop = "loop.toml"\n[axes]\nsearch.accept = ["always", "improve"]\n')
    found = lw.Study.load(tmp_path / "two.toml", {"repeats": 7})
    assert (found.name, found.repeats, found.loop["task"]) == ("two", 7, "task.py:t")
    with pytest.raises(SettingsError, match="there is no file"):
        lw.Study.load(tmp_path / "three.toml")
    (tmp_path / "bad.toml").write_text("loop = ")
    with pytest.raises(SettingsError, match="not valid TOML"):
        lw.Study.load(tmp_path / "bad.toml")
