"""The decoders against the screen: what they say is there is drawn there, and what is drawn is said."""

from __future__ import annotations

import random
from collections import Counter
from typing import Any

import pytest

pytest.importorskip("ale_py")

from atari_play import SCRIPTS, emulator, frames
from atari_screens import CHECKS, agree, apart, around, coded, compare, extent, mask_of

from loopwright.tasks.atari.breakout import COLUMNS
from loopwright.tasks.atari.qbert import CUBES

STEPS = 250
# The first steps of an episode show little; a category is judged only where it was seen often enough to say 99 %.
SEEN = 100


def few_right(right: Counter[str], total: Counter[str]) -> dict[str, tuple[int, int]]:
    """The categories that were seen often enough and are right less than 99 times in 100: (right, all)."""
    return {c: (right[c], n) for c, n in total.items() if n >= SEEN and right[c] < 0.99 * n}


@pytest.mark.parametrize("game", CHECKS)
def test_boxes_cover_the_right_pixels(game: str) -> None:
    right: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for choose in (None, SCRIPTS[game]):
        for obs, screen in frames(game, STEPS, choose, seed=1):
            for category, good in compare(game, obs, screen):
                right[category] += good
                total[category] += 1
    assert sum(total.values()) > STEPS
    assert not few_right(right, total)
    assert sum(right.values()) >= 0.99 * sum(total.values())


@pytest.mark.slow
@pytest.mark.timeout(600)
@pytest.mark.parametrize("game", CHECKS)
def test_99_of_100_boxes_of_each_category_are_right_over_many_episodes(game: str) -> None:
    right: Counter[str] = Counter()
    total: Counter[str] = Counter()
    for choose in (None, SCRIPTS[game]):
        for obs, screen in frames(game, 2500, choose, seed=50):
            for category, good in compare(game, obs, screen):
                right[category] += good
                total[category] += 1
    assert sum(total.values()) > 2500
    assert not few_right(right, total)


@pytest.mark.parametrize("game", CHECKS)
def test_lives_are_the_emulator_s(game: str) -> None:
    seen = []
    for obs, _ in frames(game, 400, SCRIPTS[game], seed=2):
        if "lives" in obs:
            seen.append(obs["lives"] == emulator(game)._ale.lives())
    assert sum(seen) >= 0.97 * len(seen)  # memory is a frame or two ahead of the count


@pytest.mark.parametrize("game", ["breakout", "seaquest", "spaceinvaders", "asterix", "freeway"])
def test_score_in_memory_is_the_sum_of_rewards(game: str) -> None:
    env = emulator(game)
    rng = random.Random(0)
    obs = env.reset(3)
    total = 0.0
    for _ in range(300):
        obs, reward, over, _ = env.step(SCRIPTS[game](obs, rng))
        total += reward
        if over:
            break
    assert total > 0
    assert obs["score"] == total


def test_movement_is_the_difference_to_the_step_before() -> None:
    before: dict[str, Any] = {}
    moved = 0
    for obs, _ in frames("pong", 300, SCRIPTS["pong"]):
        ball, last = obs.get("Ball"), before.get("Ball")
        if ball and last and abs(ball["x"] - last["x"]) <= 24:
            assert (ball["dx"], ball["dy"]) == (ball["x"] - last["x"], ball["y"] - last["y"])
            moved += ball["dx"] != 0
        before = obs
    assert moved > 100


def test_cars_that_come_round_keep_their_speed() -> None:
    for obs, _ in frames("freeway", 400, SCRIPTS["freeway"]):
        for lane, car in enumerate(obs["Cars"]):
            assert abs(car["dx"]) <= 8
            assert car["dx"] <= 0 if lane < 5 else car["dx"] >= 0


def test_the_paddle_gets_shorter_when_the_ball_reaches_the_upper_wall() -> None:
    env = emulator("breakout")
    rng = random.Random(0)
    obs = env.reset(0)
    widths: list[int] = []
    for step in range(120):
        if step == 20:
            for byte, bit in COLUMNS:  # all bricks of the five lower rows are gone
                for row in range(5):
                    env._ale.setRAM(byte + row, env.ram()[byte + row] & ~bit & 255)
            env._ale.setRAM(101, 30)  # the ball is just below the upper wall
        obs = env.step(SCRIPTS["breakout"](obs, rng))[0]
        widths.append(obs["Player"]["w"])
        if widths[-1] == 12 and obs["Player"]["x"] < 140 and "Ball" in obs and obs["Ball"]["y"] < 170:
            assert all(good for category, good in compare("breakout", obs, env.screen()) if category == "Player")
    assert widths[0] == 16
    assert 12 in widths


def test_the_submarine_at_the_surface_is_where_it_is_drawn_and_nowhere_while_it_waits() -> None:
    env = emulator("seaquest")
    env.reset(4)
    for _ in range(12):
        env.step(0)
    env._ale.setRAM(60, 2)  # a later round, in which it comes
    env._ale.setRAM(118, 150)
    seen = 0
    for _ in range(60):
        found = [enemy for enemy in env.step(0)[0]["Enemies"] if enemy["type"] == "SurfaceSubmarine"]
        drawn = extent(mask_of(coded(env.screen()), (170, 170, 170)), (8, 40, 152, 15))
        assert [(box["x"], box["y"] + 1) for box in found] == ([drawn[:2]] if drawn else [])
        seen += bool(drawn)
    assert seen > 40
    waits = bytearray(env.ram())
    waits[118] = 0  # as after a death: nothing is drawn until it comes in from the right
    assert not any(enemy["type"] == "SurfaceSubmarine" for enemy in env._decoder.read(bytes(waits))["Enemies"])


def test_the_green_ball_of_later_rounds_is_where_it_is_drawn() -> None:
    env = emulator("qbert")
    rng = random.Random(1)
    obs = env.reset(4)
    cubes = [address for row in CUBES for address, _, _ in row]
    right = total = 0
    for step in range(2400):
        colours = Counter(env.ram()[address] for address in cubes)
        if step % 40 == 39 and len(colours) > 1:  # all cubes are as the last one hopped on: the round is done
            for address in cubes:
                env._ale.setRAM(address, min(colours, key=colours.__getitem__))
        if step % 7 == 0:
            env._ale.setRAM(8, 2)  # lives
        obs, _, over, _ = env.step(SCRIPTS["qbert"](obs, rng))
        if over:
            obs = env.reset(5 + step)
        elif any(figure["type"] == "GreenBall" for figure in obs["Friendlies"]):
            verdicts = [good for category, good in compare("qbert", obs, env.screen()) if category == "GreenBall"]
            right, total = right + sum(verdicts), total + len(verdicts)
    assert total > 20
    assert right >= 0.99 * total


def test_bullets_fly_straight() -> None:
    flown = 0
    for obs, _ in frames("spaceinvaders", 400, SCRIPTS["spaceinvaders"]):
        for name in ("Bullet0", "Bullet1", "Bullet2"):
            if name in obs and obs[name]["dy"]:
                flown += 1
                assert abs(obs[name]["dy"]) <= 24
                assert (obs[name]["dy"] < 0) == (name == "Bullet2")
    assert flown > 50


def test_the_aliens_bullets_are_where_the_other_frames_draw_them() -> None:
    """An agent step is four frames and the two kinds of bullets take turns: one frame more shows the other kind."""
    env = emulator("spaceinvaders")
    rng = random.Random(0)
    obs = env.reset(4)
    right = 0
    wrong: list[Any] = []
    for _ in range(400):
        env.step(SCRIPTS["spaceinvaders"](obs, rng))
        env._ale.act(env._codes[0])
        obs = env._decoder.read(env.ram())
        bullets = [obs[name] for name in ("Bullet0", "Bullet1", "Bullet2") if name in obs]
        grey = mask_of(coded(env.screen()), (142, 142, 142))
        grey[:13] = grey[195:] = False
        for bullet in bullets:
            if bullet is not obs.get("Bullet2") and bullet["y"] > 30 and apart(bullet, bullets, 6):
                drawn = extent(grey, around(bullet, 5))
                if drawn is not None and agree(drawn, (bullet["x"], bullet["y"], 1, 8), 3):
                    right += 1
                elif drawn is not None:
                    wrong.append((bullet, drawn))
    assert right > 150
    assert len(wrong) <= 0.02 * right  # as it comes out of an alien and ends on the ground it is cut


def test_what_moves_in_asterix_has_a_speed() -> None:
    speeds = [abs(o["dx"]) for obs, _ in frames("asterix", 200) for o in obs["Enemies"]]
    assert speeds
    assert sum(0 < speed <= 12 for speed in speeds) > 0.8 * len(speeds)


def test_a_car_in_enduro_keeps_its_identity_from_far_to_near() -> None:
    jumps = steps = 0
    for obs, _ in frames("enduro", 600, SCRIPTS["enduro"]):
        for car in obs["EnemyCars"]:
            steps += 1
            jumps += abs(car["dx"]) > 24 or abs(car["dy"]) > 24
    assert steps > 100
    assert jumps == 0


def test_cars_left_count_down_with_the_rewards() -> None:
    env = emulator("enduro")
    rng = random.Random(0)
    obs = env.reset(0)
    assert (obs["cars_left"], obs["day"]) == (200, 1)
    total = 0.0
    moved = 0
    for _ in range(400):
        obs, reward, _, _ = env.step(SCRIPTS["enduro"](obs, rng))
        total += reward
        assert abs(200 - total - obs["cars_left"]) <= 1
        moved += reward != 0
    assert moved >= 3


def test_a_cube_changes_its_colour_when_hopped_on() -> None:
    env = emulator("qbert")
    obs = env.reset(0)
    for _ in range(60):
        obs = env.step(0)[0]
    before = [cube["color"] for cube in obs["Cubes"]]
    assert len(before) == 21
    assert len(set(before)) == 1
    for _ in range(30):
        obs = env.step(3)[0]
    changed = [(cube["row"], cube["column"]) for cube in obs["Cubes"] if cube["color"] != before[0]]
    assert changed
    assert changed[0] == (1, 1)
