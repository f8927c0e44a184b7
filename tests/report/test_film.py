"""A film in the run's folder is put into the page, and a report without one is whole."""

from __future__ import annotations

import base64
from pathlib import Path

import pytest
from runs import written

from loopwright.report import film as films
from loopwright.report.film import find_film, make_film
from loopwright.report.run_page import run_page

images = pytest.importorskip("PIL.Image", reason="needs Pillow (pip install 'loopwright[atari]')")


def put_film(path: Path) -> bytes:
    frames = [images.new("RGB", (8, 6), colour) for colour in ("red", "blue")]
    frames[0].save(path, save_all=True, append_images=frames[1:], duration=50, loop=0)
    return path.read_bytes()


@pytest.mark.parametrize("name", ["best.gif", "best.webp"])
def test_a_film_in_the_folder_is_embedded_byte_for_byte(tmp_path: Path, name: str) -> None:
    run = written(tmp_path / "run", 1)
    data = put_film(run.path / name)
    found = find_film(run)
    assert found is not None
    assert base64.b64decode(found["moving"].partition(",")[2]) == data
    assert (found["width"], found["height"]) == (8, 6)
    assert found["still"].startswith("data:image/png;base64,")
    assert found["moving"] in run_page(run, film=found)


def test_a_film_that_is_too_large_is_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = written(tmp_path / "run", 1)
    size = len(put_film(run.path / "best.gif"))
    monkeypatch.setattr(films, "LARGEST", size - 1)
    assert find_film(run) is None


def test_a_task_that_is_no_game_has_no_film_and_no_complaint(tmp_path: Path) -> None:
    assert make_film(written(tmp_path / "run", 1)) == (None, "")
