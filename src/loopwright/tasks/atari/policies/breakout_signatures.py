"""Starting policy for Breakout: from the objects on the screen to one of the game's actions.

The policy keeps nothing between steps; all it knows is the observation.
"""

from typing import Any


def predict_ball_trajectory(obs: dict[str, Any]) -> float | None:
    return None


def generate_paddle_target(predicted_ball_x: float | None, obs: dict[str, Any]) -> float | None:
    return None


def select_paddle_action(target_x: float | None, obs: dict[str, Any]) -> int:
    return 0


def act(obs: dict[str, Any]) -> int:
    predicted = predict_ball_trajectory(obs)
    target = generate_paddle_target(predicted, obs)
    return select_paddle_action(target, obs)
