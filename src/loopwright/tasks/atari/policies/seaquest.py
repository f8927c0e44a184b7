"""Starting policy for Seaquest: from the objects on the screen to one of the game's actions.

The policy keeps nothing between steps; all it knows is the observation.
"""

import random
from typing import Any


def analyze_situation(obs: dict[str, Any]) -> dict[str, Any]:
    """Find out what can be shot, what must be avoided, and which diver can be fetched.

    The field: x from 0 to 159, y from 46 (the surface) down to 141. Enemies and divers cross in four lanes
    at about y = 69, 93, 117 and 141, from either side. The submarine is 16 wide and 11 high and starts at
    the surface.

    Hints: an enemy at the submarine's height can be shot when the submarine faces it (it faces where it last
    moved), and is dangerous when near. Divers are touched to pick them up. Oxygen lasts for some hundred
    steps under water; the submarine must be back at the surface, with a diver aboard, before it runs out.

    Args:
        obs: dict. "Player" holds x, y (upper left corner, pixels), w, h and dx, dy (movement since the
            last step); it is missing while the submarine explodes. "Enemies" is a list of such dicts with
            a "type": "Shark", "Submarine", "EnemyMissile" or "SurfaceSubmarine". "Divers" is a list of
            such " "dicts. "lives" are the lives left, "reward" is the reward of the last step.

    Returns:
        A dict of whatever `select_action` should know.
    """
    return {}


def select_action(analysis: dict[str, Any], obs: dict[str, Any]) -> int:
    """Choose where to move and whether to fire.

    Scoring: a shark or submarine that is hit gives 20 points at first, more later; six divers brought to the
    surface give a bonus. An enemy, a missile, or no oxygen costs a life, and so does surfacing without a diver.

    Args:
        analysis: what `analyze_situation` returned.
        obs: the observation, as in `analyze_situation`.

    Returns:
        An int: 0 nothing, 1 fire, 2 up, 3 right, 4 left, 5 down, 6 up and right, 7 up and left, 8 down
        and right, 9 down and left; 10 to 17 the same eight directions (from up to down and left) with
        fire.
    """
    return random.choice([0, 1, 2, 3, 4, 5])


def act(obs: dict[str, Any]) -> int:
    """One step: the observation in, the action out."""
    return select_action(analyze_situation(obs), obs)
