"""Eight Atari games as tasks: objects read from the console's memory in, actions out, the game's score as the
score.

    task = "loopwright.tasks.atari:Pong"
    [task_options]
    protocol = "full"

`ale-py` (extra `atari`, it carries the games) is imported when a game is first played. `starting` gives the
file of a starting policy; `film_from_actions` in `loopwright.tasks.atari.film` makes a moving picture of a
recorded trial.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from loopwright.errors import TaskError, nearest
from loopwright.feedback import Feedback
from loopwright.tasks.episode import Episode
from loopwright.tasks.episode import episodes as episode_task
from loopwright.tasks.task import Task

if TYPE_CHECKING:
    from loopwright.tasks.atari.game import Game

GAMES = ("asterix", "breakout", "enduro", "freeway", "pong", "qbert", "seaquest", "spaceinvaders")
# Where the seeds of each split begin. A multiple of ten, so that every split meets the same starts of the
# console.
FIRST_SEED = {"train": 0, "validation": 1000, "test": 2000}
FULL_STEPS = 27_000  # 108,000 frames: half an hour of play
FULL_STICKY = 0.25
MOST_EPISODES = 100  # of one trial


def atari(
    game: str,
    *,
    protocol: Literal["paper", "full"] = "paper",
    sticky: float | None = None,
    life: bool | None = None,
    max_steps: int | None = None,
    train: int | None = None,
    validation: int | None = None,
    test: int | None = None,
    episodes: int = 1,
) -> Task:
    """A game as a task; an example is a seed, a trial one episode, the score its sum of rewards.

    `protocol = "paper"` is that of arXiv 2603.23994: its observations, no sticky actions, its episodes and
    step limits, and in some games a life as an episode. Without sticky actions every seed gives nearly the
    same game. `"full"` is whole games, sticky actions of 0.25, up to 27,000 steps, and observations with the
    state that the paper leaves out. `sticky`, `life` (an episode ends with a life) and `max_steps` change one
    thing each; `train`, `validation` and `test` are how many seeds each split has. No seed is in two splits.
    With `episodes`, a trial plays so many of them, and its score is their mean, as the paper's evaluation did; its
    trace is the first. Raises `TaskError`.
    """
    record = game_record(game)
    if find_spec("ale_py") is None:
        raise TaskError(f"{record.name} needs the package ale-py: pip install 'loopwright[atari]'")
    if protocol not in {"paper", "full"}:
        raise TaskError(f"protocol = '{protocol}' is none of an Atari task's{nearest(protocol, ['paper', 'full'])}")
    if not 1 <= episodes <= MOST_EPISODES:
        raise TaskError(f"episodes = {episodes}: a trial of an Atari task plays 1 to {MOST_EPISODES} episodes")
    paper = protocol == "paper"
    noise, lifelong = conditions(game, protocol, sticky=sticky, life=life)
    usual = (record.paper.episodes,) * 3 if paper else (20, 10, 20)
    counts = [given if given is not None else n for given, n in zip((train, validation, test), usual, strict=True)]

    def make() -> Atari:
        return Atari(record, sticky=noise, life=lifelong, full=not paper)

    def feedback(episode: Episode) -> Feedback:
        text = f"{episode.text()} {record.staged.text(episode.score)}"
        return Feedback(episode.score, text, {"steps": float(episode.steps)})

    from loopwright.tasks.atari.emulator import Atari

    goal = record.goal if paper or not record.extra else f"{record.goal}\n\n{record.extra}"
    if lifelong:
        goal += "\n\nAn episode ends when a life is lost; the score is that of one life."
    return episode_task(
        make,
        act="act",
        train=_seeds("train", counts[0], episodes),
        validation=_seeds("validation", counts[1], episodes),
        test=_seeds("test", counts[2], episodes),
        max_steps=max_steps or (record.paper.steps if paper else FULL_STEPS),
        goal=goal,
        feedback=feedback,
        repeats=episodes,
        floor=record.floor,
        ceiling=record.ceiling,
        name=game,
    )


def conditions(
    game: str, protocol: str = "paper", *, sticky: float | None = None, life: bool | None = None, **_: object
) -> tuple[float, bool]:
    """The chance of a sticky action and whether a life is an episode, as a task with these options plays."""
    paper = protocol == "paper"
    noise = sticky if sticky is not None else 0.0 if paper else FULL_STICKY
    return noise, life if life is not None else paper and game_record(game).paper.life


def _seeds(split: str, count: int, episodes: int) -> range:
    """The first seed of each trial of a split; a trial's further episodes take the seeds in between."""
    most = 1000 // episodes
    if not 0 <= count <= most:
        each = f" of {episodes} episodes" if episodes > 1 else ""
        raise TaskError(f"{split} = {count}: an Atari task has 0 to {most} seeds{each} in a split")
    return range(FIRST_SEED[split], FIRST_SEED[split] + count * episodes, episodes)


def game_record(game: str) -> Game:
    """All that is known of a game: its decoder, texts and the paper's protocol. Raises `TaskError`."""
    if game not in GAMES:
        raise TaskError(f"there is no Atari game '{game}'{nearest(game, GAMES)}")
    return cast("Game", import_module(f"{__name__}.{game}").GAME)


def starting(game: str, form: Literal["functions", "one", "signatures"] = "functions") -> Path:
    """The file of a starting policy; its function `act` is what the task calls.

    The same game in three forms, to study what the starting artifact does: the paper's functions with their
    documentation, one function with the same documentation in one piece, or the bare signatures. Raises
    `TaskError`.
    """
    game_record(game)
    endings = {"functions": "", "one": "_one", "signatures": "_signatures"}
    if form not in endings:
        raise TaskError(f"there is no starting policy of the form '{form}'{nearest(form, endings)}")
    return Path(__file__).parent / "policies" / f"{game}{endings[form]}.py"


Factory = Callable[..., Task]
Asterix: Factory = partial(atari, "asterix")
Breakout: Factory = partial(atari, "breakout")
Enduro: Factory = partial(atari, "enduro")
Freeway: Factory = partial(atari, "freeway")
Pong: Factory = partial(atari, "pong")
Qbert: Factory = partial(atari, "qbert")
Seaquest: Factory = partial(atari, "seaquest")
SpaceInvaders: Factory = partial(atari, "spaceinvaders")
