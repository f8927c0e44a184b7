"""Starting policy for Pong: from the objects on the screen to one of the game's actions.

The policy keeps nothing between steps; all it knows is the observation.
"""

import random
from typing import Any


def predict_ball_trajectory(obs: dict[str, Any]) -> float | None:
    """Predict at which height the ball will reach the player's paddle.

    The field: x grows to the right from 0 to 159, y grows downwards. The ball moves between the upper wall at
    y = 34 and the lower wall at y = 194 and bounces off both. The player's paddle stands on the right at x =
    140 and moves only up and down; the opponent's stands on the left at x = 16.

    Hints: `dx` and `dy` say how far the ball moved since the last step. With them, the time until it reaches
    x = 140 and the height it will then have can be worked out; a height beyond a wall is reflected back from
    it. A ball that flies to the left (dx < 0) is no danger yet.

    Args:
        obs: dict of the objects on the screen. "Player", "Enemy" and "Ball" each hold a dict of ints: x,
            y (upper left corner, pixels), w, h (size) and dx, dy (movement since the last step). An
            object that is not on the screen is missing; the ball is missing between a point and the next
            serve. "reward" is the reward of the last step.

    Returns:
        The predicted y of the ball (a number), or None where there is no ball.
    """
    if "Ball" in obs:
        return obs["Ball"]["y"]
    return None


def select_action(predicted_ball_y: float | None, obs: dict[str, Any]) -> int:
    """Choose the paddle's action so that the paddle meets the ball.

    Scoring: a ball that passes the opponent gives +1, a ball that passes the player -1; the first side with
    21 points wins the game.

    Hints: bring the middle of the paddle (its y plus half its height) to the predicted height. Where it is
    already close, stay: the paddle keeps moving a little after a move, so small corrections at every step
    make it swing. A ball met with the edge of the paddle flies off at a steeper angle.

    Args:
        predicted_ball_y: the height from `predict_ball_trajectory`, or None.
        obs: the observation, as in `predict_ball_trajectory`.

    Returns:
        An int: 0 stay, 2 move up, 3 move down.
    """
    if predicted_ball_y is not None and "Player" in obs:
        return random.choice([2, 3])
    return 0


def act(obs: dict[str, Any]) -> int:
    """One step: the observation in, the action out."""
    return select_action(predict_ball_trajectory(obs), obs)
