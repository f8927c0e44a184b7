"""An online horizon takes one running episode on, update by update, and a run of it resumes and repeats itself."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

import loopwright as lw
from loopwright.errors import SettingsError, TaskError
from loopwright.evidence.cut import cut
from loopwright.evidence.horizon import Horizon
from loopwright.evidence.online import onward
from loopwright.feedback import Feedback
from loopwright.record import record
from loopwright.seeding import generator
from loopwright.settings import Loop
from loopwright.tasks.task import Task, TrialHandle
from loopwright.trace import Step, Trace
from loopwright.trial import Trial, TrialSpec

TASK = """
import loopwright as lw

class Line:
    def reset(self, seed):
        self.at = [seed]
        return list(self.at)
    def step(self, action):
        self.at.append(action)
        return list(self.at), float(action), len(self.at) > 7

line = lw.episodes(Line, act="act", train=[5], validation=[6], test=[7], max_steps=50)
plain = lw.task(train=[1], validation=[1])(lambda program, row, trial: 1.0)
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "task.py").write_text(TASK)
    (tmp_path / "policy.py").write_text("NAME = '1'\n\n\ndef act(obs):\n    return int(NAME)\n")
    return tmp_path


def settings(**more: Any) -> Loop:
    table: dict[str, Any] = {
        "task": "task.py:line",
        "artifact": {"path": "policy.py", "edit": ["NAME"]},
        "evidence": {"horizon": {"steps": 2, "where": "online", "feedback": "window"}},
        "optimizer": {"kind": "optoprime", "model": "next"},
        "budget": {"steps": 5},
        "execution": {"isolation": "inline"},
    }
    return Loop.of({**table, **more})


def counting() -> Any:
    """An optimizer that writes 2, 3, 4, ... into the program: who acted is seen in the action."""
    told: list[str] = []

    def reply(prompt: str) -> str:
        told.append(prompt)
        return f"Next.\n\n### parameter: NAME\n```\n{len(told) + 1}\n```"

    return reply


def begun(run: Path) -> list[list[Any]]:
    """Of every update: what had been played before."""
    return [list(update.batch[0].spec.begun) for update in record(run).updates]


def test_each_update_goes_on_where_the_last_one_ended(root: Path) -> None:
    lw.run(settings(), root / "run", root=root, models={"next": counting()})
    # Seven steps make an episode: two of each program, and the window of the last one ends it.
    assert begun(root / "run") == [[], [1, 1], [1, 1, 2, 2], [1, 1, 2, 2, 3, 3], []]


def test_the_evidence_numbers_the_steps_of_the_whole_episode(root: Path) -> None:
    lw.run(settings(), root / "run", root=root, models={"next": counting()})
    showed = record(root / "run").update(2).showed
    assert showed is not None
    assert "Step 3:" in showed.text
    assert "Step 4:" in showed.text
    assert "Step 5:" not in showed.text
    assert "The steps before step 3 were played by earlier versions" in showed.text
    assert "Reward inside the steps shown: 4" in showed.text


def test_a_resumed_run_is_the_undisturbed_run(root: Path) -> None:
    from loopwright.store.run_folder import RunFolder

    lw.run(settings(), root / "whole", root=root, models={"next": counting()})
    reply = counting()
    lw.run(settings(budget={"steps": 2}), root / "parts", root=root, models={"next": reply})
    lw.resume(root / "parts", budget={"steps": 5}, models={"next": reply})
    assert begun(root / "parts") == begun(root / "whole")
    whole, parts = (RunFolder(root / name).journal(readonly=True).canonical() for name in ("whole", "parts"))
    # They differ in the limit they began with, and in the test trials at the first end.
    assert [row for row in whole if row[0] in {3, 4}] == [row for row in parts if row[0] in {3, 4}]


def trial(actions: list[int], *, begun: tuple[int, ...] = (), error: Any = None) -> Trial:
    spec = TrialSpec("c", "train", 3, 0, record=True, begun=begun)
    steps = [Step([0], action, 1.0, []) for action in actions]
    return Trial(spec, Feedback(1.0, error=error), Trace(steps=steps))


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (trial([7, 8, 9]), [7, 8]),
        (trial([7, 8, 9], begun=(1, 2)), [1, 2, 7, 8]),
        (trial([7, 8], begun=(1, 2)), []),  # it ended with the window: the next begins anew
        (trial([7], begun=(1, 2)), []),
        (trial([7], begun=(1, 2), error="exception"), [1, 2]),  # the program failed: the next one meets the same moment
    ],
)
def test_where_an_episode_stands_after_an_update(given: Trial, expected: list[int]) -> None:
    assert onward(Horizon(2, "online"), [given]) == {3: expected}
    assert onward(Horizon(2, "start"), [given]) == {}


def test_a_window_is_counted_from_the_episodes_beginning() -> None:
    found = cut(trial([7, 8, 9], begun=(1, 2)), Horizon(1, "online"), generator(0, "x"))
    assert found.window == (2, 3, 5)
    assert [step.action for step in found.steps] == [7]


def test_a_task_without_episodes_cannot_be_learned_online(root: Path) -> None:
    with pytest.raises(TaskError, match="no episodes to go on with"):
        lw.run(settings(task="task.py:plain"), root / "run", root=root, models={"next": counting()})


@pytest.mark.parametrize(
    "change",
    [{"search": {"branches": 2}}, {"evidence": {"horizon": {"steps": "full", "where": "online"}}}],
)
def test_what_online_excludes_is_refused(change: dict[str, Any]) -> None:
    with pytest.raises(SettingsError, match="online"):
        settings(**change)


def test_an_environment_that_does_not_repeat_itself_is_told(root: Path) -> None:
    from loopwright.tasks.load import load

    line = load("task.py:line", root, {})
    assert isinstance(line, Task)
    spec = TrialSpec("c", "train", 0, 0, begun=(1,) * 9)
    with pytest.raises(TaskError, match="needs an environment that repeats itself"):
        line.run(SimpleNamespace(act=lambda obs: 1), spec, TrialHandle(spec))  # type: ignore[arg-type]
