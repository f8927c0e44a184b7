"""Starting policy for Pong: from the objects on the screen to one of the game's actions.

The policy keeps nothing between steps; all it knows is the observation.
"""

from typing import Any


def predict_ball_trajectory(obs: dict[str, Any]) -> float | None:
    return None


def select_action(predicted_ball_y: float | None, obs: dict[str, Any]) -> int:
    return 0


def act(obs: dict[str, Any]) -> int:
    return select_action(predict_ball_trajectory(obs), obs)
