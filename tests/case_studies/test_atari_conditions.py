"""The paper's Atari conditions are what its table B2 says, and their loops run; answers replay to the same scores."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

pytest.importorskip("ale_py")

import conditions
import curves
import replay

import loopwright as lw
from loopwright.cli.tell import put_answer
from loopwright.settings import Loop
from loopwright.store.run_folder import RunFolder

# Game: long horizon, updates, episodes and steps of the evaluation.
TABLE_B2 = {
    "pong": (400, 20, 10, 4000),
    "breakout": (300, 30, 1, 4000),
    "spaceinvaders": (25, 20, 1, 4000),
    "freeway": (100, 30, 3, 2500),
    "asterix": (100, 30, 3, 20_000),
    "enduro": (100, 30, 1, 5000),
    "qbert": (100, 30, 1, 4000),
    "seaquest": (100, 30, 1, 4000),
}
ANSWER = """\
Stay where we are.

### parameter: select_action
```python
def select_action(predicted_ball_y: float | None, obs: dict[str, Any]) -> int:
    return 0
```
"""


@pytest.mark.parametrize("game", sorted(TABLE_B2))
def test_a_condition_has_the_numbers_of_the_papers_table(game: str, tmp_path: Path) -> None:
    from loopwright.tasks.atari import game_record

    long, updates, episodes, steps = TABLE_B2[game]
    for shown in (1, long):
        loop = Loop.load(conditions.write(f"{game}-{shown}", tmp_path / str(shown)))
        assert (loop.evidence.horizon.steps, loop.budget.steps) == (shown, updates)
        assert loop.evidence.horizon.feedback == "episode"
        assert loop.task_options["episodes"] == episodes
        assert game_record(game).paper.steps == steps
        assert (loop.optimizer.memory, loop.search.accept) == (5, "always")


def test_every_condition_has_numbers_of_the_paper_but_ours() -> None:
    assert set(curves.paper()) == {name for name in conditions.names() if not name.endswith(("-full", "-online"))}


def test_the_online_condition_shows_one_step_of_a_running_episode(tmp_path: Path) -> None:
    loop = Loop.load(conditions.write("pong-online", tmp_path / "online"))
    assert (loop.evidence.horizon.steps, loop.evidence.horizon.where, loop.evidence.horizon.feedback) == (
        1,
        "online",
        "window",
    )


def test_a_folder_with_files_is_not_written_over(tmp_path: Path) -> None:
    (tmp_path / "mine").write_text("x")
    with pytest.raises(SystemExit, match="holds files already"):
        conditions.write("pong-1", tmp_path)


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Conditions whose games are short and run in one process: the answering is tested here, not the playing."""
    text = conditions.loop_text

    def shorter(name: str, kind: str = "ask") -> str:
        return (
            text(name, kind)
            .replace("episodes = 10 ", "max_steps = 60\nepisodes = 2")
            .replace("[execution.limits]", '[execution]\nisolation = "inline"\n[execution.limits]')
        )

    monkeypatch.setattr(conditions, "loop_text", shorter)


def test_kept_answers_replay_to_the_same_scores(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, small: None, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(replay, "ANSWERS", tmp_path / "answers")
    monkeypatch.setattr(replay, "RESULTS", tmp_path / "results")
    path = conditions.write("pong-400", tmp_path / "by-hand")
    run = tmp_path / "by-hand" / "run"
    for answer in ("no block at all", ANSWER, "NO CHANGE"):  # the first is refused, and asked for again
        with pytest.raises(lw.Waiting):
            lw.run(Loop.load(path), run, root=path.parent)
        ((_, place),) = RunFolder(run).open_questions()
        put_answer(place, answer)
    with pytest.raises(lw.Waiting):
        lw.run(Loop.load(path), run, root=path.parent)
    assert replay.keep(run, "pong-400") == 3
    replay.put_scores("pong-400", replay.scores(run), tmp_path / "results")
    assert (tmp_path / "answers" / "pong-400" / "01.md").read_text() == "no block at all"

    again = replay.scores(replay.replayed("pong-400", tmp_path / "again"))
    assert [score for _, score, _ in again] == [score for _, score, _ in replay.scores(run)]
    assert again[1][2] == "kept"
    assert again[2][1] is None
    (curve,) = curves.measured(tmp_path / "results")
    assert len(curve.best) == 3
    with (tmp_path / "results" / "pong-400.csv").open() as handle:
        assert [row["update"] for row in csv.DictReader(handle)] == ["0", "1", "2"]
    assert "| pong-400 | answered by hand, each score |" in curves.table([curve])
