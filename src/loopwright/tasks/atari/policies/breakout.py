"""Starting policy for Breakout: from the objects on the screen to one of the game's actions.

The policy keeps nothing between steps; all it knows is the observation.
"""

from typing import Any


def predict_ball_trajectory(obs: dict[str, Any]) -> float | None:
    """Predict at which x the ball will come down to the paddle.

    The field: x grows to the right, y grows downwards. The side walls are at x = 8 and x = 152, the upper
    wall at y = 32; the paddle moves along y = 189. The ball bounces off walls, bricks and paddle.

    Hints: only a ball with dy > 0 comes down. With dx and dy, work out how many steps it needs to y = 189
    and where it will be then; a place beyond a side wall is reflected back from it.

    Args:
        obs: dict of the objects on the screen. "Player" (the paddle) and "Ball" hold a dict of ints: x, y
            (upper left corner, pixels), w, h (size) and dx, dy (movement since the last step). "Ball" is
            missing until it is served. "RB", "OB", "YB", "GB", "AB", "BB" are the rows of bricks from the
            highest (y = 57) to the lowest (y = 87), each a list of {x, y, w, h} of the stretches that
            still stand. "lives" are the lives left, "reward" is the reward of the last step.

    Returns:
        The predicted x of the ball (a number), or None where there is no ball or no prediction.
    """
    return None


def generate_paddle_target(predicted_ball_x: float | None, obs: dict[str, Any]) -> float | None:
    """Choose the x to which the middle of the paddle should go.

    Scoring: bricks of the two lowest rows give 1 point, of the two in the middle 4, of the two highest 7. A
    ball below the paddle costs a life.

    Hints: below the predicted ball is safe. Where the paddle meets the ball (left part, middle, right part)
    decides the direction it flies off, so it can be sent towards bricks that are dear, or towards a gap: a
    ball above the bricks breaks many of them without coming down.

    Args:
        predicted_ball_x: what `predict_ball_trajectory` returned.
        obs: the observation, as in `predict_ball_trajectory`.

    Returns:
        The wanted x of the paddle's middle (a number), or None to stay.
    """
    return None


def select_paddle_action(target_x: float | None, obs: dict[str, Any]) -> int:
    """Choose the action that brings the middle of the paddle to its target.

    Hints: without a ball, serve it. Close to the target, stay: otherwise the paddle trembles around it.

    Args:
        target_x: what `generate_paddle_target` returned.
        obs: the observation, as in `predict_ball_trajectory`.

    Returns:
        An int: 0 stay, 1 serve the ball, 2 move right, 3 move left.
    """
    if target_x is None or "Player" not in obs:
        return 0
    paddle = obs["Player"]
    middle = paddle["x"] + paddle["w"] / 2
    if middle < target_x - 2:
        return 2
    if middle > target_x + 2:
        return 3
    return 0


def act(obs: dict[str, Any]) -> int:
    """One step: the observation in, the action out."""
    predicted = predict_ball_trajectory(obs)
    target = generate_paddle_target(predicted, obs)
    return select_paddle_action(target, obs)
