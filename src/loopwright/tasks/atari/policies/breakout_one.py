"""Starting policy for Breakout: from the objects on the screen to one of the game's actions.

The policy keeps nothing between steps; all it knows is the observation.
"""

from typing import Any


def act(obs: dict[str, Any]) -> int:
    """Choose the action of one step.

    Predict at which x the ball will come down to the paddle.

    The field: x grows to the right, y grows downwards. The side walls are at x = 8 and x = 152, the upper
    wall at y = 32; the paddle moves along y = 189. The ball bounces off walls, bricks and paddle.

    Hints: only a ball with dy > 0 comes down. With dx and dy, work out how many steps it needs to y = 189
    and where it will be then; a place beyond a side wall is reflected back from it.

    Choose the x to which the middle of the paddle should go.

    Scoring: bricks of the two lowest rows give 1 point, of the two in the middle 4, of the two highest 7. A
    ball below the paddle costs a life.

    Hints: below the predicted ball is safe. Where the paddle meets the ball (left part, middle, right part)
    decides the direction it flies off, so it can be sent towards bricks that are dear, or towards a gap: a
    ball above the bricks breaks many of them without coming down.

    Choose the action that brings the middle of the paddle to its target.

    Hints: without a ball, serve it. Close to the target, stay: otherwise the paddle trembles around it.

    Args:
        obs: dict of the objects on the screen. "Player" (the paddle) and "Ball" hold a dict of ints: x, y
            (upper left corner, pixels), w, h (size) and dx, dy (movement since the last step). "Ball" is
            missing until it is served. "RB", "OB", "YB", "GB", "AB", "BB" are the rows of bricks from the
            highest (y = 57) to the lowest (y = 87), each a list of {x, y, w, h} of the stretches that
            still stand. "lives" are the lives left, "reward" is the reward of the last step.

    Returns:
        An int: 0 stay, 1 serve the ball, 2 move right, 3 move left.
    """
    target_x = None
    if target_x is None or "Player" not in obs:
        return 0
    paddle = obs["Player"]
    middle = paddle["x"] + paddle["w"] / 2
    if middle < target_x - 2:
        return 2
    if middle > target_x + 2:
        return 3
    return 0
