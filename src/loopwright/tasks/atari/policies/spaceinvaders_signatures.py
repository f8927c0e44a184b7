"""Starting policy for Space Invaders: from the objects on the screen to one of the game's actions.

The policy keeps nothing between steps; all it knows is the observation.
"""

from typing import Any


def decide_shoot(obs: dict[str, Any]) -> bool:
    return False


def decide_movement(obs: dict[str, Any]) -> int:
    return 0


def combine_actions(shoot: bool, movement: int) -> int:
    return 0


def act(obs: dict[str, Any]) -> int:
    return combine_actions(decide_shoot(obs), decide_movement(obs))
