"""What holds for every game: seeds, starts, sticky actions, invalid actions, starting policies, films."""

from __future__ import annotations

import importlib.util
import inspect
import random
import subprocess
import sys
from functools import cache
from pathlib import Path
from types import FunctionType, ModuleType
from typing import Any

import pytest

pytest.importorskip("ale_py")

from loopwright.errors import TaskError
from loopwright.tasks import atari
from loopwright.tasks.atari.emulator import Atari
from loopwright.tasks.atari.film import film_from_actions, strip_from_actions
from loopwright.tasks.episode import InvalidAction
from loopwright.tasks.task import StepRecorder, Task, TrialHandle, load_task
from loopwright.trial import TrialSpec

GAMES = atari.GAMES


@cache
def emulator(game: str, number: int = 0, **options: Any) -> Atari:
    """One emulator is used again and again: loading a game takes longer than a test."""
    return Atari(atari.game_record(game), **options)


def module(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(f"policy_{path.stem}", path)
    assert spec is not None
    assert spec.loader is not None
    loaded = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(loaded)
    return loaded


def played(env: Atari, seed: int, actions: list[int]) -> list[Any]:
    seen: list[Any] = [env.reset(seed)]
    for action in actions:
        turn = env.step(action)
        seen.append((turn, env.ram()))
        if turn[2]:
            break
    return seen


def walk(game: str, steps: int, seed: int = 3) -> list[int]:
    rng = random.Random(seed)
    return [rng.randrange(len(atari.game_record(game).actions)) for _ in range(steps)]


@pytest.mark.parametrize("game", GAMES)
def test_equal_seeds_and_actions_give_equal_episodes(game: str) -> None:
    actions = walk(game, 80)
    env = emulator(game, sticky=0.25)
    env.reset(8)
    for action in actions[:30]:  # whatever was played before
        env.step(action)
    assert played(env, 5, actions) == played(emulator(game, 1, sticky=0.25), 5, actions)
    assert played(env, 5, actions) == played(env, 5, actions)


@pytest.mark.parametrize("game", GAMES)
def test_observations_are_plain_and_fresh(game: str) -> None:
    def plain(value: Any) -> bool:
        if isinstance(value, dict):
            return all(isinstance(k, str) and plain(v) for k, v in value.items())
        if isinstance(value, list):
            return all(plain(v) for v in value)
        return type(value) in {int, float, str, bool}

    env = emulator(game, sticky=0.25)
    obs = env.reset(0)
    for action in walk(game, 40):
        kept = repr(obs)
        after = env.step(action)[0]
        assert plain(after)
        assert repr(obs) == kept, "an observation changed after it was given"
        obs = after


@pytest.mark.parametrize("form", ["functions", "one", "signatures"])
@pytest.mark.parametrize("game", GAMES)
def test_every_start_plays_actions_of_the_game(game: str, form: Any) -> None:
    policy = module(atari.starting(game, form))
    for env in (emulator(game, sticky=0.25), emulator(game, life=True, full=False)):
        obs = env.reset(0)
        for _ in range(60):
            obs, _, over, _ = env.step(policy.act(obs))
            if over:
                break


@pytest.mark.parametrize("game", GAMES)
def test_one_function_plays_as_several_do_and_tells_the_same(game: str) -> None:
    several, one = module(atari.starting(game)), module(atari.starting(game, "one"))
    env = emulator(game, life=True, full=False)
    obs = env.reset(0)
    for step in range(60):
        random.seed(step)
        action = several.act(obs)
        random.seed(step)
        assert one.act(obs) == action
        obs, _, over, _ = env.step(action)
        if over:
            break
    documented = [f for f in vars(several).values() if isinstance(f, FunctionType) and f is not several.act]
    for function in documented:
        for part in inspect.cleandoc(function.__doc__ or "").split("\n\n"):
            if not part.startswith(("Args:", "Returns:")):
                assert part in inspect.cleandoc(one.act.__doc__)


@pytest.mark.parametrize("game", GAMES)
def test_splits_share_no_seed_and_texts_hold(game: str) -> None:
    for protocol in ("paper", "full"):
        task = atari.atari(game, protocol=protocol)
        seeds = [set(task.examples(split)) for split in ("train", "validation", "test")]
        assert sum(len(s) for s in seeds) == len(set.union(*seeds))
        assert len(task.goal) > 300
    record = atari.game_record(game)
    texts = {record.staged.text(score) for score in (record.floor, 1, 99, 1999, 4999, 99999)}
    assert len(texts) >= 3
    assert not any("{" in text for text in texts)


def test_sticky_actions_repeat_with_their_probability() -> None:
    actions = walk("pong", 60)
    env = emulator("pong")
    assert played(env, 0, actions) == played(env, 10, actions)  # without noise, equal starts are equal games
    noisy = [played(emulator("pong", sticky=0.25), seed, actions) for seed in (0, 10, 20)]
    assert noisy[0] != noisy[1] != noisy[2]


@pytest.mark.parametrize("action", [None, -1, 6, "UP", 2.0, [2]])
def test_an_invalid_action_is_named(action: Any) -> None:
    env = emulator("pong")
    env.reset(0)
    with pytest.raises(InvalidAction, match="is not one of the actions 0 NOOP"):
        env.step(action)


def test_numpy_integers_are_actions() -> None:
    import numpy as np

    env = emulator("pong")
    env.reset(0)
    env.step(np.int64(2))


def test_options_are_checked_and_read() -> None:
    spec = "loopwright.tasks.atari:Pong"
    task = load_task(spec, Path("."), {"protocol": "full", "sticky": 0.1, "train": 3, "max_steps": 5})
    assert isinstance(task, Task)
    assert list(task.examples("train")) == [0, 1, 2]
    with pytest.raises(TaskError, match="did you mean 'sticky'"):
        load_task(spec, Path("."), {"stiky": 0.1})
    with pytest.raises(TaskError, match="did you mean 'full'"):
        load_task(spec, Path("."), {"protocol": "ful"})
    with pytest.raises(TaskError, match="sticky must be a probability"):
        Atari(atari.game_record("pong"), sticky=1.5)
    with pytest.raises(TaskError, match="did you mean 'pong'"):
        atari.atari("pongo")


def test_naming_a_game_loads_no_emulator() -> None:
    code = "import sys; from loopwright.tasks.atari import Pong; Pong(); assert 'ale_py' not in sys.modules, 1"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_trial_is_recorded_step_by_step_and_its_film_shows_it(tmp_path: Path) -> None:
    pytest.importorskip("PIL.Image")
    from PIL import Image

    task = atari.atari("pong", protocol="full", max_steps=30)
    recorder = StepRecorder()
    spec = TrialSpec("c", "train", 4, seed=1, record=True)
    policy = module(atari.starting("pong"))
    random.seed(1)
    feedback = task.function(policy, task.examples("train")[4], TrialHandle(spec, recorder=recorder))
    assert "stopped at the step limit after 30 steps" in feedback.text
    steps = recorder.steps()
    assert len(steps) == 30
    actions = [step.action for step in steps]
    shown = film_from_actions("pong", actions, 4, tmp_path / "a.gif", sticky=0.25, every=3)
    assert shown == 11
    with Image.open(tmp_path / "a.gif") as picture:
        assert picture.n_frames >= 2  # equal neighbours may be merged
    film_from_actions("pong", actions, 4, tmp_path / "a.webp", sticky=0.25, every=10)
    strip_from_actions("pong", actions, 4, [0, 10, 20], tmp_path / "strip.png", sticky=0.25)
    with Image.open(tmp_path / "strip.png") as picture:
        assert picture.size == (488, 210)
    with pytest.raises(TaskError, match=r"\.gif or a \.webp"):
        film_from_actions("pong", actions, 4, tmp_path / "a.mp4")


def paper_run(tmp_path: Path, horizon: str) -> Path:
    """A short run under the paper's protocol: no test split, two episodes a trial."""
    import loopwright as lw

    (tmp_path / "policy.py").write_bytes(atari.starting("pong").read_bytes())
    (tmp_path / "loop.toml").write_text(
        'task = "loopwright.tasks.atari:Pong"\n[task_options]\ntrain = 1\nvalidation = 1\ntest = 0\nepisodes = 2\n'
        'max_steps = 40\n[artifact]\npath = "policy.py"\nedit = ["select_action"]\n'
        f'[evidence]\nhorizon = {horizon}\n[optimizer]\nkind = "mutate"\n[search]\naccept = "not-worse"\n'
        '[budget]\nsteps = 3\nfailures = 100\n[execution]\nisolation = "inline"\n'
    )
    lw.run(lw.Loop.load(tmp_path / "loop.toml"), tmp_path / "run", root=tmp_path)
    return tmp_path / "run"


def filmed(*args: str) -> str:
    from click.testing import CliRunner

    from loopwright.cli.film import film

    result = CliRunner().invoke(film, list(args))
    assert result.exit_code == 0, result.output
    return result.output


def test_a_strip_shows_the_screens_inside_the_horizon(tmp_path: Path) -> None:
    pytest.importorskip("PIL.Image")
    import numpy as np
    from PIL import Image

    from loopwright.record import opened
    from loopwright.store.events import Ran

    run = paper_run(tmp_path, "{ steps = 4, where = 'end' }")
    said = filmed(str(run), "--strip", "--step", "2", "--out", str(tmp_path / "strip.png"))
    assert "the screens after steps 36, 37, 38, 39, 40 of 40" in said
    with opened(run) as (_, journal):
        (trial,) = [
            entry.event.trial
            for entry in journal.entries(traces=True, since=2, until=2)
            if isinstance(entry.event, Ran) and entry.event.trial.spec.record
        ]
    env = emulator("pong")
    env.reset(0)
    assert trial.trace is not None
    for step in trial.trace.steps[:38]:
        env.step(step.action)
    with Image.open(tmp_path / "strip.png") as picture:
        third = np.asarray(picture.convert("RGB"))[:, 328:488]
    assert (third == env.screen()).all()


def test_a_strip_of_an_online_update_goes_on_from_what_was_played(tmp_path: Path) -> None:
    pytest.importorskip("PIL.Image")
    run = paper_run(tmp_path, "{ steps = 2, where = 'online', feedback = 'window' }")
    assert "the screens after steps 4, 5, 6 of 40" in filmed(str(run), "--strip", "--out", str(tmp_path / "s.png"))


def test_a_film_needs_no_test_split(tmp_path: Path) -> None:
    pytest.importorskip("PIL.Image")
    run = paper_run(tmp_path, "{ steps = 1 }")
    assert "41 pictures" in filmed(str(run), "--out", str(tmp_path / "a.gif"))


def test_further_episodes_of_a_trial_are_the_next_lives_of_its_game() -> None:
    env = Atari(atari.game_record("asterix"), life=True, full=False)
    rng = random.Random(4)

    def life(observation: dict[str, Any]) -> int:
        steps = 0
        while True:
            _, _, over, _ = env.step(rng.randrange(1, 9))
            steps += 1
            if over:
                return steps

    lives = [env.reset(0)["lives"]]
    life({})
    for _ in range(2):
        lives.append(env.go_on(1)["lives"])
        life({})
    assert lives == [3, 2, 1]
    assert env.go_on(0)["lives"] == 3  # the game is over: a new one
    whole = Atari(atari.game_record("asterix"), full=False)
    assert whole.reset(0) == whole.go_on(0)
