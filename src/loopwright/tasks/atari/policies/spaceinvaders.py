"""Starting policy for Space Invaders: from the objects on the screen to one of the game's actions.

The policy keeps nothing between steps; all it knows is the observation.
"""

from typing import Any


def decide_shoot(obs: dict[str, Any]) -> bool:
    """Decide whether to shoot now.

    Scoring: aliens give 5 points in the lowest row, then 10, 15, 20, 25, and 30 in the highest; the
    satellite 200.

    Hints: only one bullet of the player's can fly at a time, so a shot that misses costs the time of its
    flight. The bullet starts at the cannon's middle and flies straight up. A shield above the cannon stops it.

    Args:
        obs: dict of the objects on the screen, each a dict of ints: x, y (upper left corner, pixels; y
            grows downwards), w, h (size) and dx, dy (movement since the last step). "Player" is the
            cannon (y = 185), "Alien0" to "Alien35" are the living aliens (numbered by row from the top,
            by column from the left), "Shield0" to "Shield2" what is left of the shields, "Bullet0" and
            "Bullet1" the aliens' bullets (dy > 0), "Bullet2" the player's own (dy < 0), "Satellite" the
            one that crosses the top. What is not there is missing. "reward" is the reward of the last
            step.

    Returns:
        Whether to shoot.
    """
    if "Player" not in obs or "Bullet2" in obs:
        return False
    middle = obs["Player"]["x"] + 3
    aliens = [alien for name, alien in obs.items() if name.startswith("Alien")]
    return any(abs(alien["x"] + 4 - middle) < 8 for alien in aliens)


def decide_movement(obs: dict[str, Any]) -> int:
    """Decide where to move.

    Hints: a bullet of the aliens' that is above the cannon and close in x must be dodged, away from it and
    not into the edge (x from about 35 to 125 can be reached). Otherwise go below the nearest alien.

    Args:
        obs: the observation, as in `decide_shoot`.

    Returns:
        -1 to move left, 0 to stay, 1 to move right.
    """
    if "Player" not in obs:
        return 0
    middle = obs["Player"]["x"] + 3
    for name in ("Bullet0", "Bullet1"):
        if name in obs and obs[name]["y"] > 100 and abs(obs[name]["x"] - middle) < 10:
            return 1 if obs[name]["x"] <= middle else -1
    aliens = [alien["x"] + 4 for name, alien in obs.items() if name.startswith("Alien")]
    if not aliens:
        return 0
    nearest = min(aliens, key=lambda x: abs(x - middle))
    if abs(nearest - middle) < 4:
        return 0
    return 1 if nearest > middle else -1


def combine_actions(shoot: bool, movement: int) -> int:
    """Make one action of shooting and moving.

    Args:
        shoot: what `decide_shoot` returned.
        movement: what `decide_movement` returned.

    Returns:
        An int: 0 stay, 1 shoot, 2 right, 3 left, 4 right and shoot, 5 left and shoot.
    """
    if movement > 0:
        return 4 if shoot else 2
    if movement < 0:
        return 5 if shoot else 3
    return 1 if shoot else 0


def act(obs: dict[str, Any]) -> int:
    """One step: the observation in, the action out."""
    return combine_actions(decide_shoot(obs), decide_movement(obs))
