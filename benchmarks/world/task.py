"""Tasks that cost nothing themselves, so that what is measured is the machinery around them."""

import time

import loopwright as lw


@lw.task(train=list(range(64)), validation=list(range(16)), test=list(range(1)))
def chat(program, example, trial):
    """Answer the question."""
    reply = program.answer(f"Question {example}?", trial.llm)
    return float(len(reply) % 7), f"the reply was {reply!r}"


@lw.task(train=list(range(4)), validation=[], test=[])
def nothing(program, example, trial):
    """One call of the program, which does nothing: all that is measured is isolation."""
    return float(program.same(example) == example)


@lw.task(train=[1_000, 5_000], validation=[], test=[])
def calls(program, example, trial):
    """Many calls of one function, as an episode makes them; the score is microseconds a call, round trip."""
    observation = {"Ball": {"x": 10, "y": 20, "w": 2, "h": 4, "dx": 1, "dy": -1}, "reward": 0.0}
    for _ in range(200):
        program.same(observation)
    began = time.perf_counter()
    for _ in range(example):
        program.same(observation)
    return (time.perf_counter() - began) / example * 1e6


def game(name, steps):
    """So many steps of an Atari game with whole observations, begun anew when it is over; see `bench_isolation`."""
    from loopwright.tasks.atari import game_record
    from loopwright.tasks.atari.emulator import Atari

    made = []

    @lw.task(train=[0], validation=[], test=[])
    def play(program, example, trial):
        """Choose an action."""
        if not made:
            made.append(Atari(game_record(name), sticky=0.25))
        env, act = made[0], program.act
        observation = env.reset(example)
        for _ in range(steps):
            observation, _, over, _ = env.step(act(observation))
            if over:
                observation = env.reset(example)
        return 1.0

    return play
