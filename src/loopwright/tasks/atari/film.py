"""Moving pictures of a policy playing, made from a recorded trial's actions: no candidate code runs for them.

The emulator is deterministic given the seed and the actions, so replaying the actions shows exactly what was
played.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any

from loopwright.errors import TaskError
from loopwright.tasks.atari import FIRST_SEED, conditions, game_record
from loopwright.tasks.atari.emulator import REPEAT, Atari
from loopwright.trial import Trial

MOST_PICTURES = 900  # of one film: a minute of play at the game's own speed


def film_from_actions(
    game: str,
    actions: Sequence[int],
    seed: int,
    path: Path,
    *,
    sticky: float = 0.0,
    life: bool = False,
    every: int = 1,
    scale: int = 2,
) -> int:
    """Write the episode that `actions` play from `seed` to `path` (.gif or .webp); gives the number of
    pictures.

    `sticky` and `life` must be those of the trial. Every `every`th agent step is shown, `scale` times
    enlarged, at the speed of the game. Raises `TaskError` for another file ending, or where Pillow is not
    installed.
    """
    if path.suffix not in {".gif", ".webp"}:
        raise TaskError(f"a film is a .gif or a .webp file, not {path.name}")
    images = _pillow()
    # An even enlargement in width and height would be too narrow: the console's pixels are about twice as
    # wide as high.
    size = (160 * scale * 5 // 4, 210 * scale)
    pictures = [
        images.fromarray(screen).resize(size, images.Resampling.NEAREST)
        for number, screen in enumerate(replay(game, actions, seed, sticky=sticky, life=life))
        if number % every == 0
    ]
    if path.suffix == ".gif":
        pictures = [picture.quantize(32) for picture in pictures]
    milliseconds = round(1000 * REPEAT * every / 60)
    options: dict[str, Any] = {"lossless": True} if path.suffix == ".webp" else {"optimize": True}
    path.parent.mkdir(parents=True, exist_ok=True)
    pictures[0].save(path, save_all=True, append_images=pictures[1:], duration=milliseconds, loop=0, **options)
    return len(pictures)


def film_trial(game: str, options: Mapping[str, Any], trial: Trial, path: Path) -> int:
    """Write the episode of a recorded trial of a task with these options; gives the number of pictures.

    No code of the candidate is run: the emulator plays its recorded actions again. A long game is shown with fewer
    pictures, at its own speed. Raises `TaskError`.
    """
    sticky, life = conditions(game, **options)
    actions = _actions(trial)
    every = -(-len(actions) // MOST_PICTURES)
    return film_from_actions(game, actions, _seed(options, trial), path, sticky=sticky, life=life, every=every)


def strip_trial(
    game: str, options: Mapping[str, Any], trial: Trial, window: tuple[int, int], path: Path, *, most: int = 8
) -> list[int]:
    """Write the screens at the steps of a window of a recorded trial side by side; gives the steps they come after.

    `window` is an experience's, from its first step (0-based) up to, not including, the other: the screens are those
    that the program saw before these steps, and the one after the last. Of more than `most` they are evenly chosen.
    Raises `TaskError`.
    """
    sticky, life = conditions(game, **options)
    first, last = window
    count = min(most, last - first + 1)
    steps = sorted({first + round(place * (last - first) / max(1, count - 1)) for place in range(count)})
    strip_from_actions(game, _actions(trial), _seed(options, trial), steps, path, sticky=sticky, life=life)
    return steps


def _actions(trial: Trial) -> list[int]:
    """All actions of the episode: those it was taken up with, and the recorded ones."""
    if trial.trace is None or not trial.trace.steps:
        raise TaskError(f"the trial on {trial.spec.split} example {trial.spec.index} has no recorded steps to film")
    taken = [*trial.spec.begun, *(step.action for step in trial.trace.steps)]
    # A step that failed has no action that the emulator could take.
    return [action for action in taken if isinstance(action, int)]


def _seed(options: Mapping[str, Any], trial: Trial) -> int:
    return FIRST_SEED[trial.spec.split] + trial.spec.index * int(options.get("episodes", 1))


def strip_from_actions(
    game: str,
    actions: Sequence[int],
    seed: int,
    steps: Sequence[int],
    path: Path,
    *,
    sticky: float = 0.0,
    life: bool = False,
) -> None:
    """Write one picture file with the screens after the named steps side by side (0 is the start of the
    episode).
    """
    images = _pillow()
    wanted = sorted(set(steps))
    found = [
        images.fromarray(screen)
        for number, screen in enumerate(replay(game, actions, seed, sticky=sticky, life=life))
        if number in wanted
    ]
    if not found:
        raise TaskError(f"none of the steps {list(steps)} is in the episode of {len(actions)} steps")
    strip = images.new("RGB", (164 * len(found) - 4, 210), "white")
    for number, picture in enumerate(found):
        strip.paste(picture, (164 * number, 0))
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        strip.save(path)
    except ValueError:
        raise TaskError(f"a strip is a picture such as .png, not {path.name}") from None


def replay(game: str, actions: Sequence[int], seed: int, *, sticky: float = 0.0, life: bool = False) -> Iterator[Any]:
    """The screens of an episode played again: at its start, and after each action until it is over."""
    env = Atari(game_record(game), sticky=sticky, life=life)
    env.reset(seed)
    yield env.screen()
    for action in actions:
        over, truncated = env.step(action)[2:]
        yield env.screen()
        if over or truncated:
            return


def _pillow() -> Any:
    try:
        return import_module("PIL.Image")
    except ImportError:
        raise TaskError("pictures need the package Pillow: pip install 'loopwright[atari]'") from None
