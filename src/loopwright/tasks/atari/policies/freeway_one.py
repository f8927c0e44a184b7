"""Starting policy for Freeway: from the objects on the screen to one of the game's actions.

The policy keeps nothing between steps; all it knows is the observation.
"""

from typing import Any


def act(obs: dict[str, Any]) -> int:
    """Choose the action of one step.

    Find out how dangerous it is to go on, to wait, or to step back.

    The field: ten lanes of traffic, one car each, at y = 27, 43, ..., 171; y grows downwards, x to the
    right, from 0 to 159. The chicken stays at x = 44 and starts at y = 187. In the five upper lanes cars
    drive to the left, in the five lower ones to the right; every lane has its own speed, and a car that
    leaves on one side comes back on the other.

    Hints: the lanes that matter are the one the chicken is in and the next one above. From a car's x, w and
    dx follows in how many steps it covers the chicken's columns (x from 44 to 49). The chicken needs several
    steps for a lane (see its dy).

    Choose whether to walk, to wait or to step back.

    Scoring: each time the chicken reaches the top gives +1. A car that hits it throws it back and stuns it.
    The time is limited, so waiting costs points too.

    Args:
        obs: dict. "Chicken" holds x, y, w, h (pixels) and dx, dy (movement since the last step). "Cars"
            is a list of ten such dicts, from the highest lane to the lowest. "reward" is the reward of
            the last step.

    Returns:
        An int: 0 stay, 1 walk up, 2 walk down.
    """
    return 1
