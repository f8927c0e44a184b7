"""Do our decoders give the objects that OCAtari gives? Both read the same console memory, frame by frame.

    python benchmarks/rivals/ocatari_agreement.py [--steps 1000] [--keep FOLDER] [--markdown docs/case-studies/atari.md]

OCAtari is installed, with the numpy before 2 that it needs, into an environment of its own under a temporary folder. An
object of OCAtari's counts as found where we give one of the same category with its corner within two pixels each way;
"same" counts equal x, y, w and h. Which of the two is right where they differ is not said by this, but by the screen:
`benchmarks/bench_atari.py`.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

from measure import machine, write_between  # noqa: E402

from loopwright.tasks.atari import game_record  # noqa: E402

# OCAtari names neither the emulator, which gymnasium has as an extra, nor that numpy 2 is too new for it.
PACKAGES = ("ocatari==2.2.1", "ale-py==0.12.1", "gymnasium==1.4.0", "numpy<2")
GAMES = {
    "asterix": "Asterix",
    "breakout": "Breakout",
    "enduro": "Enduro",
    "freeway": "Freeway",
    "pong": "Pong",
    "qbert": "Qbert",
    "seaquest": "Seaquest",
    "spaceinvaders": "SpaceInvaders",
}
# OCAtari's name of a category, where ours is another one.
NAMES = {
    "asterix": {"Consumable": "Cauldron"},
    "enduro": {"Car": "EnemyCars"},
    "freeway": {"Car": "Cars"},
    "qbert": {"Cube": "Cubes", "Disk": "Disks"},
    "seaquest": {"Diver": "Divers", "PlayerMissile": "OwnMissile"},
}
# What is a number here and no box.
LEFT_OUT = {"seaquest": {"OxygenBar", "CollectedDiver"}}
ROWS_OF_BRICKS = {"RB", "OB", "YB", "GB", "AB", "BB"}  # "Block" there
NEAR = 2
Thing = tuple[str, int, int, int, int]


def ours(observation: dict[str, Any]) -> Iterator[Thing]:
    """Every object of an observation by its category."""
    for name, value in observation.items():
        if isinstance(value, dict) and "w" in value:
            yield name.rstrip("0123456789"), value["x"], value["y"], value["w"], value["h"]
        elif isinstance(value, list):
            for item in value:
                if isinstance(item, dict) and "w" in item:
                    yield (
                        "Block" if name in ROWS_OF_BRICKS else str(item.get("type", name)),
                        item["x"],
                        item["y"],
                        item["w"],
                        item["h"],
                    )


def renamed(game: str, thing: Thing) -> Thing:
    category = NAMES.get(game, {}).get(thing[0], thing[0])
    if game == "freeway" and category == "Chicken" and thing[1] > 80:
        category = "OtherChicken"
    return (category, *thing[1:])


def near(one: Thing, other: Thing) -> bool:
    return one[0] == other[0] and abs(one[1] - other[1]) <= NEAR and abs(one[2] - other[2]) <= NEAR


def agreement(game: str, frames: list[dict[str, Any]]) -> dict[str, tuple[int, int, int, int]]:
    """By category: (OCAtari's objects, found among ours, the same in all four numbers, ours that OCAtari lacks)."""
    decoder = game_record(game).decoder(True)
    theirs_n, found_n, same_n, extra_n = Counter[str](), Counter[str](), Counter[str](), Counter[str]()
    for frame in frames:
        mine = list(ours(decoder.read(bytes.fromhex(frame["ram"]), bytes.fromhex(frame["before"]))))
        theirs = [renamed(game, tuple(thing)) for thing in frame["objects"] if thing[0] not in LEFT_OUT.get(game, ())]
        for thing in theirs:
            theirs_n[thing[0]] += 1
            found_n[thing[0]] += any(near(thing, other) for other in mine)
            same_n[thing[0]] += thing in mine
        for thing in mine:
            extra_n[thing[0]] += not any(near(thing, other) for other in theirs)
        if frame["over"]:
            decoder.reset()
    return {name: (n, found_n[name], same_n[name], extra_n[name]) for name, n in sorted(theirs_n.items())}


def installed(folder: Path) -> str:
    """The Python with OCAtari in it. Raises `SystemExit` with pip's last line."""
    place = folder / "ocatari"
    marker, wanted = place / ".installed", "\n".join(PACKAGES)
    if not marker.exists() or marker.read_text(encoding="utf-8") != wanted:
        for command in (
            [sys.executable, "-m", "venv", str(place)],
            [str(place / "bin" / "python"), "-m", "pip", "install", "--quiet", *PACKAGES],
        ):
            ended = subprocess.run(command, capture_output=True, text=True, check=False)
            if ended.returncode:
                raise SystemExit((ended.stderr.strip().splitlines() or ["OCAtari cannot be installed here"])[-1])
        marker.write_text(wanted, encoding="utf-8")
    return str(place / "bin" / "python")


def table(python: str, steps: int) -> str:
    """The table of all games; where OCAtari fails on one, why. Raises `SystemExit` where it fails on all of them."""
    failures: list[str] = []
    lines = [
        "| game | category | objects of OCAtari | found by ours within 2 px | the same x, y, w, h | only ours |",
        "| --- | --- | ---: | ---: | ---: | ---: |",
    ]
    for game, name in GAMES.items():
        command = [python, str(HERE / "ocatari_rows.py"), name, str(steps)]
        ended = subprocess.run(command, capture_output=True, text=True, check=False)
        frames = [json.loads(line) for line in ended.stdout.splitlines() if line.startswith('{"ram"')]
        for category, (count, found, same, extra) in agreement(game, frames).items():
            lines.append(f"| {game} | {category} | {count:,} | {found / count:.2%} | {same / count:.2%} | {extra:,} |")
        if ended.returncode:
            why = (ended.stderr.strip().splitlines() or ["no reason was given"])[-1]
            lines.append(f"| {game} | OCAtari failed after {len(frames)} steps: {why[:120]} | | | | |")
            failures.append(why)
    if len(failures) == len(GAMES):
        raise SystemExit(f"OCAtari fails on every game: {failures[0]}")
    return "\n".join(lines)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=1000, help="agent steps of each game (default: 1000)")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="where OCAtari is installed, to be used again")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table into this page, too")
    given = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="ocatari-") as temporary:
        found = table(installed(given.keep or Path(temporary)), given.steps)
    print(found)
    if given.markdown:
        write_between(given.markdown, "ocatari", f"Measured on {machine()}, {given.steps:,} steps a game.\n\n{found}")


if __name__ == "__main__":
    main()
