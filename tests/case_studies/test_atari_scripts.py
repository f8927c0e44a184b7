"""The scripts behind the Atari page say what they should on input whose answer is known."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

pytest.importorskip("ale_py")
pytest.importorskip("PIL.Image")

import random_edits
import sticky

from loopwright.tasks.atari import GAMES, game_record
from loopwright.tasks.atari.emulator import Atari

ROOT = Path(__file__).parents[2]
sys.path.insert(0, str(ROOT / "benchmarks" / "rivals"))


def test_a_policy_that_is_perfect_without_sticky_actions_loses_with_them() -> None:
    for constants in sticky.SEARCHED:
        act = sticky.tracker(*constants)
        assert sticky.play(Atari(game_record("pong"), full=True), act, sticky.FIRST) == 21
        noisy = Atari(game_record("pong"), full=True, sticky=0.25)
        assert max(sticky.play(noisy, act, sticky.FIRST + game) for game in range(1)) < 15


def test_the_sample_sheets_are_there_and_small() -> None:
    for game in GAMES:
        path = ROOT / "docs" / "pictures" / f"atari-{game}.png"
        assert path.stat().st_size < 60_000


def test_a_sheet_draws_every_category() -> None:
    import sheets

    picture = sheets.sheet("pong")
    assert picture.width == 320
    found = {colour for _, colour in picture.getcolors(1 << 20) or []}
    for colour in sheets.COLOURS[:3]:  # player, opponent, ball
        assert tuple(bytes.fromhex(colour[1:])) in found


def test_the_table_of_random_edits_and_what_chance_makes(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    file = tmp_path / "edits.csv"
    lines = [",".join(random_edits.COLUMNS)]
    for seed in range(10):
        shown = 1 if seed % 2 == 0 else 400
        lines.append(f"pong,{shown},{seed},1.0,-21 -20  {-20 + seed}")
    file.write_text("\n".join(lines) + "\n")
    monkeypatch.setattr(random_edits, "FILE", file)
    table = random_edits.table()
    assert "| pong | 1 | 9 | -21 | -16 ± 1.41 (-20, -18, -16, -14, -12) | 1.8 |" in table
    assert "| pong | 400 | 9 | -21 | -15 ± 1.41 (-19, -17, -15, -13, -11) | 3.6 |" in table
    gap, share = random_edits.chance("pong") or (0.0, 0.0)
    assert gap == pytest.approx(1.8)
    assert 0.3 < share < 1  # halves of these ten differ by 1.8 or more quite often
    assert random_edits.chance("asterix") is None


def test_agreement_counts_what_is_near_what_is_same_and_what_is_only_ours() -> None:
    from ocatari_agreement import agreement, ours

    env = Atari(game_record("pong"), full=True)
    env.reset(0)
    frames = []
    decoder = game_record("pong").decoder(True)
    for step in range(60):
        env.step(2 + step % 2)
        ram = env.ram()
        found = [list(thing) for thing in ours(decoder.read(ram, ram))]
        if step % 2:
            found = [[*thing[:1], thing[1] + (9 if thing[0] == "Player" else 1), *thing[2:]] for thing in found]
        frames.append({"ram": ram.hex(), "before": ram.hex(), "objects": found, "over": False})
    counted = agreement("pong", frames)
    assert counted["Player"] == (60, 30, 30, 30)
    count, near, same, extra = counted["Enemy"]
    assert (near, extra) == (count, 0)
    assert same < count


def test_no_table_is_made_where_ocatari_fails_on_every_game() -> None:
    from ocatari_agreement import table

    with pytest.raises(SystemExit, match="OCAtari fails on every game"):
        table("false", 1)
