"""Starting policy for Enduro: from the objects on the screen to one of the game's actions.

The policy keeps nothing between steps; all it knows is the observation.
"""

from typing import Any


def analyze_situation(obs: dict[str, Any]) -> dict[str, Any]:
    """Find out which car is in the way and on which side there is room.

    The field: the player's car is at the bottom of the screen (y about 144, x between 64 and 92); other cars
    come from the top (far, small) to the bottom (near, large) in three lanes. x grows to the right, y
    downwards.

    Hints: only cars that are near matter (rel_y from about -60 to 0), and only where their x overlaps the
    player's: both are about 16 wide. Of several, the nearest decides. The road's edge also slows the player
    down.

    Args:
        obs: dict. "Player" holds x, y (upper left corner, pixels), w, h and dx, dy (movement since the
            last step). "EnemyCars" is a list of the cars ahead, the nearest first, each with x, y, w, h,
            dx, dy and rel_x, rel_y (its place minus the player's). "nearest_enemy_rel_x" and
            "nearest_enemy_rel_y" belong to the nearest; they are missing where there is none. "reward" is
            the reward of the last step.

    Returns:
        A dict of whatever `select_action` should know.
    """
    danger = None
    for car in obs["EnemyCars"]:
        if -50 < car["rel_y"] < 10 and abs(car["rel_x"]) < 24:
            danger = car
            break
    return {"danger": danger}


def select_action(analysis: dict[str, Any], obs: dict[str, Any]) -> int:
    """Choose gas, brake and steering.

    Scoring: each overtaken car gives +1; being overtaken takes one back. Touching a car costs much speed, so
    driving around it early is better than braking.

    Args:
        analysis: what `analyze_situation` returned.
        obs: the observation, as in `analyze_situation`.

    Returns:
        An int: 0 nothing, 1 gas, 2 right, 3 left, 4 brake, 5 brake and right, 6 brake and left, 7 gas and
        right, 8 gas and left.
    """
    danger = analysis["danger"]
    if danger is None:
        return 1
    return 8 if danger["rel_x"] >= 0 else 7


def act(obs: dict[str, Any]) -> int:
    """One step: the observation in, the action out."""
    return select_action(analyze_situation(obs), obs)
