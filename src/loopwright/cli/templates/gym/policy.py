"""Starting policy for CartPole: pushes against the lean of the pole, too late to keep it up for long."""


def policy(obs):
    """Choose a push. obs is [cart position, cart velocity, pole angle, pole velocity]; 0 pushes left, 1 right."""
    position, velocity, angle, turning = obs
    if angle + 0.01 * turning + 0.01 * velocity > 0.05 * position:
        return 1
    return 0
