"""The best candidate at work, as a picture in the page: a film that lies in the run's folder, or a new one of a game.

A film is made as `loopwright film` makes it: one test game is played again, isolated as in the run. Where that cannot
be done the report has no film and says why; nothing else of it depends on one.
"""

from __future__ import annotations

import base64
import tempfile
from importlib import import_module
from io import BytesIO
from pathlib import Path
from typing import Any, TypedDict

from loopwright.errors import LoopwrightError
from loopwright.record import RunRecord

ATARI = "loopwright.tasks.atari:"
LARGEST = 2_500_000  # bytes of a film that is embedded
_KINDS = {".gif": "image/gif", ".webp": "image/webp"}


class Film(TypedDict):
    """A moving picture and its first frame as data URIs, its size in pixels, and what it shows."""

    moving: str
    still: str
    width: int
    height: int
    text: str


def find_film(run: RunRecord) -> Film | None:
    """The film of the best candidate that lies in the run's folder (`best.gif`, `best.webp`), if it is small enough."""
    for suffix in _KINDS:
        path = run.path / f"best{suffix}"
        if path.is_file() and path.stat().st_size <= LARGEST:
            return _embedded(path, f"{run.began.card.name}, from {path.name} in the run's folder.")
    return None


def make_film(run: RunRecord) -> tuple[Film | None, str]:
    """A new film of the best candidate of an Atari run, with "", or None with the reason why there is none."""
    if not run.loop.task.startswith(ATARI):
        return None, ""
    from loopwright.rerunning import rerun

    try:
        from loopwright.tasks.atari.film import film_trial

        trial = rerun(run.path, candidate="best")
        game = run.loop.task.removeprefix(ATARI).lower()
        with tempfile.TemporaryDirectory() as folder:
            path = Path(folder) / "best.webp"
            film_trial(game, run.loop.task_options, trial, path)
            if path.stat().st_size > LARGEST:
                return (
                    None,
                    f"the film of the best candidate has {path.stat().st_size / 1e6:.1f} MB, too much for a page",
                )
            text = f"{run.began.card.name}: {trial.spec.split} game 0, played again; score {trial.score:g} (n = 1)."
            return _embedded(path, text), ""
    except (LoopwrightError, ImportError) as error:
        return None, f"the best candidate could not be filmed: {error}"


def _embedded(path: Path, text: str) -> Film | None:
    try:
        images: Any = import_module("PIL.Image")
    except ImportError:
        return None
    with images.open(path) as picture:
        width, height = picture.size
        first = BytesIO()
        picture.convert("RGB").quantize(64).save(first, "PNG")
    moving = f"data:{_KINDS[path.suffix]};base64,{base64.b64encode(path.read_bytes()).decode()}"
    still = f"data:image/png;base64,{base64.b64encode(first.getvalue()).decode()}"
    return Film(moving=moving, still=still, width=width, height=height, text=text)
