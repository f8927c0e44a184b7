"""Starting policy for Q*bert: from the objects on the screen to one of the game's actions.

The policy keeps nothing between steps; all it knows is the observation.
"""

import random
from typing import Any


def act(obs: dict[str, Any]) -> int:
    """Choose the action of one step.

    Find out on which cube Q*bert stands, which hops stay on the pyramid, and where danger is.

    The field: a pyramid of 21 cubes in six rows. Their tops are at y = 34 (x = 68), 62 (x = 56, 84), 91 (x =
    44, 68, 96), 120 (x = 32, 56, 84, 108), 149 (x = 20, 44, 68, 96, 120) and 178 (x = 8, 32, 56, 84, 108,
    132), each 20 wide. Q*bert is 8 wide; his feet (y + h) stand on the top of a cube.

    Hints: a hop goes to one of the four diagonal neighbours. From a cube at the left or right edge of its
    row, and from the lowest row, some hops leave the pyramid and cost a life, except where a disk waits.
    Balls only come down; Coily follows Q*bert.

    Choose the next hop.

    Scoring: a cube that changes its colour gives 25, Sam 300, the green ball 100, Coily lured off the
    pyramid with a disk 500, a finished round a bonus. A ball, Coily or the void costs a life.

    Args:
        obs: dict. "Player" holds x, y (upper left corner, pixels), w, h and dx, dy (movement since the
            last step); it is missing while Q*bert falls. "Enemies" is a list of such dicts with a "type":
            "Coily", "PurpleBall" or "RedBall". "Friendlies" is a list with the types "Sam" and
            "GreenBall". "Disks" is a list of the disks left (y = 138, x = 12 at the left or 140 at the
            right). "lives" are the lives left, "reward" is the reward of the last step.

    Returns:
        An int: 0 stay, 2 hop up and right, 3 hop down and right, 4 hop up and left, 5 hop down and left.
    """
    return random.choice([2, 3, 4, 5])
