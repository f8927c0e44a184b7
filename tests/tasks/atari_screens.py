"""Decoded objects against the screen, game by game: what is drawn where a box is said to be, and what no box covers.

`compare(game, observation, screen)` gives (category, right) for each object: right where every edge of what is
drawn, in the object's own colours, is within a pixel or two of the box (as far as both are in the visible field);
and for each thing drawn that no box covers ("missed", False). Objects that touch another of the same colour are left
out: the screen cannot say there where one ends.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

Area = tuple[int, int, int, int]
Colour = tuple[int, int, int]
Verdict = tuple[str, bool]


def coded(screen: np.ndarray) -> np.ndarray:
    """The screen (height, width, 3) as one number a pixel, which is quicker to compare."""
    wide = screen.astype(np.int32)
    return wide[:, :, 0] << 16 | wide[:, :, 1] << 8 | wide[:, :, 2]


def mask_of(screen: np.ndarray, *colours: Colour) -> np.ndarray:
    """Where a coded screen shows one of some colours."""
    mask = np.zeros(screen.shape, bool)
    for r, g, b in colours:
        mask |= screen == (r << 16 | g << 8 | b)
    return mask


def clip(box: dict[str, int], field: Area) -> Area | None:
    x0, y0 = max(box["x"], field[0]), max(box["y"], field[1])
    x1 = min(box["x"] + box["w"], field[0] + field[2])
    y1 = min(box["y"] + box["h"], field[1] + field[3])
    return (x0, y0, x1 - x0, y1 - y0) if x1 > x0 and y1 > y0 else None


def extent(mask: np.ndarray, area: Area) -> Area | None:
    x0, y0 = max(area[0], 0), max(area[1], 0)
    rows, columns = np.nonzero(mask[y0 : max(area[1] + area[3], 0), x0 : max(area[0] + area[2], 0)])
    if not len(rows):
        return None
    left, top = int(columns.min()), int(rows.min())
    return x0 + left, y0 + top, int(columns.max()) - left + 1, int(rows.max()) - top + 1


def around(box: dict[str, int], margin: int) -> Area:
    return box["x"] - margin, box["y"] - margin, box["w"] + 2 * margin, box["h"] + 2 * margin


def agree(drawn: Area | None, box: Area, slack: int) -> bool:
    if drawn is None:
        return False
    edges = zip(
        (drawn[0], drawn[1], drawn[0] + drawn[2], drawn[1] + drawn[3]),
        (box[0], box[1], box[0] + box[2], box[1] + box[3]),
        strict=True,
    )
    return all(abs(a - b) <= slack for a, b in edges)


def inside(drawn: Area, box: Area, slack: int) -> bool:
    return (
        drawn[0] >= box[0] - slack
        and drawn[1] >= box[1] - slack
        and drawn[0] + drawn[2] <= box[0] + box[2] + slack
        and drawn[1] + drawn[3] <= box[1] + box[3] + slack
    )


def judged(
    category: str, mask: np.ndarray, box: dict[str, int], field: Area, *, slack: int = 1, margin: int = 3
) -> Iterator[Verdict]:
    expected = clip(box, field)
    if expected is None:
        return
    x0, y0 = max(expected[0] - margin, field[0]), max(expected[1] - margin, field[1])
    x1 = min(expected[0] + expected[2] + margin, field[0] + field[2])
    y1 = min(expected[1] + expected[3] + margin, field[1] + field[3])
    drawn = extent(mask, (x0, y0, x1 - x0, y1 - y0))
    if expected != (box["x"], box["y"], box["w"], box["h"]):
        # What is seen of a picture that is cut need not reach the other edges: it must only lie inside.
        yield category, drawn is None or inside(drawn, expected, slack)
    else:
        yield category, agree(drawn, expected, slack)


def uncovered(mask: np.ndarray, boxes: list[dict[str, int]], field: Area, margin: int = 3) -> np.ndarray:
    """The part of a mask in the field that no box, widened by the margin, covers."""
    left = np.zeros_like(mask)
    left[field[1] : field[1] + field[3], field[0] : field[0] + field[2]] = True
    left &= mask
    for box in boxes:
        left[
            max(box["y"] - margin, 0) : max(box["y"] + box["h"] + margin, 0),
            max(box["x"] - margin, 0) : max(box["x"] + box["w"] + margin, 0),
        ] = False
    return left


def missed(
    mask: np.ndarray, boxes: list[dict[str, int]], field: Area, *, margin: int = 3, least: int = 6
) -> Iterator[Verdict]:
    """False where something of at least `least` pixels is drawn in the field that no box covers."""
    yield "missed", int(uncovered(mask, boxes, field, margin).sum()) < least


def thick(mask: np.ndarray, box: dict[str, int], least: int) -> np.ndarray:
    """A mask without the rows and columns that hold fewer than `least` pixels beside the box: thin lines cross it."""
    rows, columns = slice(box["y"], box["y"] + box["h"]), slice(box["x"], box["x"] + box["w"])
    return mask & (mask[rows].sum(0) >= least) & (mask[:, columns].sum(1) >= least)[:, None]


def apart(box: dict[str, int], others: list[dict[str, int]], gap: int = 4) -> bool:
    return all(
        box["x"] + box["w"] + gap <= o["x"]
        or o["x"] + o["w"] + gap <= box["x"]
        or box["y"] + box["h"] + gap <= o["y"]
        or o["y"] + o["h"] + gap <= box["y"]
        for o in others
        if o is not box
    )


def pong(obs: dict[str, Any], screen: np.ndarray) -> Iterator[Verdict]:
    field = (0, 34, 160, 160)
    colours = {"Player": (92, 186, 92), "Enemy": (213, 130, 74), "Ball": (236, 236, 236)}
    for name, colour in colours.items():
        mask = mask_of(screen, colour)
        if name in obs:
            yield from judged(name, mask, obs[name], field)
        yield from missed(mask, [obs[name]] if name in obs else [], field)


BRICKS = {
    "BB": (66, 72, 200),
    "AB": (72, 160, 72),
    "GB": (162, 162, 42),
    "YB": (180, 122, 48),
    "OB": (198, 108, 58),
    "RB": (200, 72, 72),
}


def breakout(obs: dict[str, Any], screen: np.ndarray) -> Iterator[Verdict]:
    red = mask_of(screen, (200, 72, 72))
    ball, player = obs.get("Ball"), obs["Player"]
    field = (8, 93, 144, 96)
    if ball is not None:
        yield from judged("Ball", red, ball, field)
    yield from missed(red, [ball] if ball else [], field)
    if ball is None or apart(player, [ball]):
        yield from judged("Player", red, player, (8, 189, 144, 4), margin=6)
    for row, (name, colour) in enumerate(BRICKS.items()):
        y = 87 - 6 * row
        drawn = mask_of(screen[y : y + 6, 8:152], colour)
        said = np.zeros_like(drawn)
        for run in obs[name]:
            said[:, run["x"] - 8 : run["x"] - 8 + run["w"]] = True
        yield "Bricks", int((drawn != said).sum()) <= 8  # a ball in front of them


CARS = (
    (167, 26, 26),
    (180, 231, 117),
    (105, 105, 15),
    (228, 111, 111),
    (24, 26, 167),
    (162, 98, 33),
    (84, 92, 214),
    (184, 50, 50),
    (135, 183, 84),
    (210, 210, 64),
)


def freeway(obs: dict[str, Any], screen: np.ndarray) -> Iterator[Verdict]:
    for car, colour in zip(obs["Cars"], CARS, strict=True):
        body = {**car, "y": car["y"] + 1, "h": 8}  # the wheels are black
        field = (8, car["y"] - 2, 152, 14)
        mask = mask_of(screen, colour)
        yield from judged("Car", mask, body, field)
        yield from missed(mask, [body], field)
    yellow = mask_of(screen, (252, 252, 84))
    for name, left in (("Chicken", 40), ("OtherChicken", 104)):
        chicken = obs[name]
        if apart(chicken, [{"x": 0, "y": 100, "w": 160, "h": 8}, *obs["Cars"]], 2):  # the middle line is yellow too
            yield from judged(name, yellow, chicken, (left, 14, 20, 182))


def asterix(obs: dict[str, Any], screen: np.ndarray) -> Iterator[Verdict]:
    drawn = (screen != 0) & ~mask_of(screen, (84, 92, 214), (66, 72, 200), (51, 26, 163), (78, 50, 181))
    player = obs["Player"]
    boxes: list[tuple[str, dict[str, int]]] = [("Player", player)]
    for name in ("Enemies", "Consumables", "Rewards"):
        boxes += [(name, box) for box in obs[name]]
    others = [box for _, box in boxes]
    for name, box in boxes:
        lane = (box["y"] - 20) // 16
        if apart(box, others):
            yield from judged(name, drawn, box, (8, 26 + 16 * lane, 144, 11), slack=2)
    for lane in range(8):
        yield from missed(drawn, others, (12, 26 + 16 * lane, 136, 11))


# What an alien leaves for some frames when it is hit, as (width, bits row by row): drawn, but no alien any more.
BURSTS = {
    (8, "6ddacd7e2dcc77b6bb5d"),
    (8, "8199a59354c353255482"),
    (8, "40209024c748952401"),
    (6, "52eede48"),
}


def bursts(mask: np.ndarray) -> bool:
    """Whether a mask holds one alien that was hit, and nothing else."""
    drawn = extent(mask, (0, 0, mask.shape[1], mask.shape[0]))
    if drawn is None:
        return False
    x, y, w, h = drawn
    return (w, np.packbits(mask[y : y + h, x : x + w]).tobytes().hex()) in BURSTS


def spaceinvaders(obs: dict[str, Any], screen: np.ndarray) -> Iterator[Verdict]:
    field = (0, 13, 160, 182)
    aliens = [box for name, box in obs.items() if name.startswith("Alien")]
    shields = [box for name, box in obs.items() if name.startswith("Shield")]
    for category, boxes, colour in (("Alien", aliens, (134, 134, 29)), ("Shield", shields, (181, 83, 40))):
        mask = mask_of(screen, colour)
        for box in boxes:
            yield from judged(category, mask, box, (0, 20, 160, 165), slack=2)
        left = uncovered(mask, boxes, (0, 25, 160, 150))
        yield "missed", int(left.sum()) < 6 or bursts(left)
    player = mask_of(screen, (50, 132, 50))
    if extent(player, (30, 180, 130, 15)) is not None:  # it blinks before its life begins
        yield from judged("Player", player, obs["Player"], (31, 180, 129, 15))
    bullets = [obs[name] for name in ("Bullet0", "Bullet1", "Bullet2") if name in obs]
    mask = mask_of(screen, (142, 142, 142))
    if "Bullet2" in obs and apart(obs["Bullet2"], bullets, 6) and obs["Bullet2"]["y"] > 30:
        # The aliens' are drawn in the other frames only, none of which is the last of an agent step.
        yield from judged("Bullet", mask, obs["Bullet2"], field, slack=4, margin=5)
    yield from missed(mask, bullets, field, margin=6, least=10)
    violet = mask_of(screen, (151, 25, 122))
    if "Satellite" in obs:
        yield from judged("Satellite", violet, obs["Satellite"], field)
    yield from missed(violet, [obs["Satellite"]] if "Satellite" in obs else [], (0, 8, 160, 14))


def enduro(obs: dict[str, Any], screen: np.ndarray) -> Iterator[Verdict]:
    """By day only, and as long as the road is one colour: at night there are lights, not cars."""
    road = screen[52:155, 8:160]
    colours = np.stack([road >> 16, road >> 8 & 255, road & 255])
    vivid = np.zeros(screen.shape, bool)
    vivid[52:155, 8:160] = (colours.max(0) - colours.min(0) > 40) & (road != road[-20, 2])
    fog = 74 << 16 | 74 << 8 | 74  # the last hours of the night
    if vivid.mean() > 0.05 or (road != 0).mean() < 0.9 or road[-20, 2] == fog:
        return
    cars = obs["EnemyCars"]
    for car in cars:
        if apart(car, [c for c in cars if c is not car], 8):
            yield from judged("Car", vivid, car, (8, 52, 152, 103), slack=3, margin=6)
    yield from missed(vivid, cars, (8, 52, 152, 103), margin=5)
    player = obs["Player"]
    if apart(player, cars):
        car = thick(mask_of(screen, (192, 192, 192)), player, 4)  # the road's edges are lines of the same grey
        yield from judged("Player", car, player, (8, 52, 152, 103))


def qbert(obs: dict[str, Any], screen: np.ndarray) -> Iterator[Verdict]:
    field = (0, 10, 160, 190)
    disks = screen.copy()
    disks[136:142, :24] = disks[136:142, 136:] = 0
    orange = mask_of(disks, (181, 83, 40))
    figures = [*obs["Enemies"], *obs["Friendlies"]]
    if "Player" in obs and apart(obs["Player"], figures, 2):
        yield from judged("Player", orange, obs["Player"], (0, 16, 160, 184), slack=3, margin=4)
    for figure in figures:
        colour = {"Sam": (50, 132, 50), "GreenBall": (50, 132, 50), "RedBall": (200, 72, 72)}.get(
            figure["type"], (146, 70, 192)
        )
        mask = mask_of(disks, colour)
        player = [obs["Player"]] if "Player" in obs else []
        if apart(figure, player, 2):
            yield from judged(figure["type"], mask, figure, field, slack=2)
    if "Enemies" in obs:
        yield from missed(mask_of(disks, (146, 70, 192)), obs["Enemies"], (20, 34, 120, 160), margin=4)
        yield from missed(mask_of(disks, (50, 132, 50)), obs["Friendlies"], (20, 34, 120, 160), margin=4)
    figures += [obs["Player"]] if "Player" in obs else []
    yield from disks_drawn(obs["Disks"], figures, screen)
    yield from cubes_drawn(obs["Cubes"], figures, screen)


def disks_drawn(disks: list[dict[str, int]], figures: list[dict[str, int]], screen: np.ndarray) -> Iterator[Verdict]:
    """A disk is drawn where one is said to be, and nothing where none is. (Its colours change; one in 117 is black.)"""
    for x in (12, 140):
        place = {"x": x, "y": 138, "w": 8, "h": 2}
        if apart(place, figures):
            said = [disk for disk in disks if disk["x"] == x]
            for disk in said:
                yield from judged("Disk", screen != 0, disk, (0, 130, 160, 20))
            if not said:
                yield from missed(screen != 0, [], (x, 138, 8, 2))


def cubes_drawn(cubes: list[dict[str, int]], figures: list[dict[str, int]], screen: np.ndarray) -> Iterator[Verdict]:
    """The top of a cube is drawn where it is said to be; tops are of one colour where their colours are equal."""
    drawn: dict[int, set[int]] = {}
    seen: list[tuple[dict[str, int], int]] = []
    for cube in cubes:
        if apart(cube, figures, 2):
            colours, counts = np.unique(
                screen[cube["y"] : cube["y"] + 5, cube["x"] : cube["x"] + 20], return_counts=True
            )
            top = int(colours[1:][counts[1:].argmax()]) if colours[0] == 0 and len(colours) > 1 else int(colours[0])
            drawn.setdefault(cube["color"], set()).add(top)
            seen.append((cube, top))
    for cube, top in seen:
        alone = len(drawn[cube["color"]]) == 1 and sum(top in tops for tops in drawn.values()) == 1
        area = (cube["x"] - 3, cube["y"] - 3, 26, 11)
        box = (cube["x"], cube["y"], cube["w"], cube["h"])
        yield "Cube", alone and agree(extent(screen == top, area), box, 1)


def seaquest(obs: dict[str, Any], screen: np.ndarray) -> Iterator[Verdict]:
    yellow = mask_of(screen, (187, 187, 53))
    water = screen[48:160]
    things = np.zeros(screen.shape, bool)
    things[48:160] = (water != np.median(water, axis=1)[:, None]) & ~yellow[48:160]
    player = obs.get("Player")
    own = obs.get("OwnMissile")
    # The missile is as yellow: where it is as near as `judged` looks, the two cannot be told apart.
    if player is not None and player["y"] > 46 and (own is None or apart(player, [own], 3)):
        # The line of the surface hides what is behind it.
        yield from judged("Player", yellow, player, (0, 57, 160, 99), slack=2)
    if own is not None and own["y"] > 57 and player is not None and apart(own, [player], 4):
        yield from judged("OwnMissile", yellow, own, (8, 46, 152, 110))
    if player is None:
        return  # its burst covers what is near
    boxes = [*obs["Enemies"], *obs["Divers"]]
    around = [*boxes, player, *([own] if own else [])]
    field = (8, 56, 152, 96)
    for box in boxes:
        if apart(box, [o for o in around if o is not box], 3):
            yield from judged(box.get("type", "Diver"), things, box, field, slack=2)
    yield from missed(things, around, (8, 70, 152, 80), margin=4, least=24)  # hits burst


CHECKS: dict[str, Callable[[dict[str, Any], np.ndarray], Iterator[Verdict]]] = {
    "pong": pong,
    "breakout": breakout,
    "freeway": freeway,
    "asterix": asterix,
    "spaceinvaders": spaceinvaders,
    "enduro": enduro,
    "qbert": qbert,
    "seaquest": seaquest,
}


def compare(game: str, obs: dict[str, Any], screen: np.ndarray) -> list[Verdict]:
    return list(CHECKS[game](obs, coded(screen)))
