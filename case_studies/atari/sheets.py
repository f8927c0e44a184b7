"""Draw the decoded objects over the screen, one picture a game: `python case_studies/atari/sheets.py docs/pictures`.

The frame is the one with the most kinds of objects in the first minute of a game, played by the small scripted player
that the tests use. Each category has a colour; its name and how many there are stand below.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from PIL import Image, ImageDraw

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parents[1] / "tests" / "tasks"))

from atari_play import SCRIPTS, frames  # noqa: E402

from loopwright.tasks.atari import GAMES  # noqa: E402

SCALE = 2
LINE = 14  # pixels a name takes below the screen
LOOKED_AT = range(60, 400)  # the agent steps among which the one with the most kinds of objects is shown
COLOURS = ("#ffffff", "#ff4081", "#40c4ff", "#ffd740", "#69f0ae", "#ff6e40", "#b388ff", "#a1887f", "#c6ff00")


def boxes(observation: dict[str, Any]) -> Iterator[tuple[str, dict[str, int]]]:
    """(category, box) of every object: a numbered name is its category's, a list's items may say their own."""
    for name, value in observation.items():
        if isinstance(value, dict) and "x" in value:
            yield name.rstrip("0123456789"), value
        elif isinstance(value, list):
            for item in value:
                if isinstance(item, dict) and "x" in item:
                    yield str(item.get("type", name)), item


def sheet(game: str) -> Image.Image:
    """The screen, enlarged, with the boxes of the same step."""
    played = [
        (list(boxes(observation)), screen)
        for step, (observation, screen) in enumerate(frames(game, LOOKED_AT.stop, SCRIPTS[game], seed=1))
        if step in LOOKED_AT
    ]
    found, seen = max(played, key=lambda frame: len({name for name, _ in frame[0]}))
    names = list(dict.fromkeys(name for name, _ in found))
    colour = {name: COLOURS[place % len(COLOURS)] for place, name in enumerate(names)}
    width, height = 160 * SCALE, 210 * SCALE
    picture = Image.new("RGB", (width, height + LINE * ((len(names) + 2) // 3) + 4), "#202020")
    picture.paste(Image.fromarray(seen).resize((width, height), Image.Resampling.NEAREST))
    pen = ImageDraw.Draw(picture)
    for name, box in found:
        x, y = SCALE * box["x"], SCALE * box["y"]
        w, h = box.get("w", 8), box.get("h", 11)
        pen.rectangle((x - 1, y - 1, x + SCALE * w, y + SCALE * h), outline=colour[name])
    for place, name in enumerate(names):
        at = (4 + (place % 3) * width // 3, height + 2 + LINE * (place // 3))
        pen.text(at, f"{name} {sum(each == name for each, _ in found)}", fill=colour[name])
    return picture


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    folder = parser.parse_args().folder
    folder.mkdir(parents=True, exist_ok=True)
    for game in GAMES:
        path = folder / f"atari-{game}.png"
        sheet(game).quantize(64).save(path, optimize=True)
        print(f"{path}: {path.stat().st_size:,} bytes")


if __name__ == "__main__":
    main()
