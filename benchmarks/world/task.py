"""Tasks that cost nothing themselves, so that what is measured is the machinery around them."""

import time

import loopwright as lw
from loopwright.tasks.episode import episodes


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


def endless(name):
    """An Atari game under the full protocol, begun anew when it is over."""
    from loopwright.tasks.atari import game_record
    from loopwright.tasks.atari.emulator import Atari

    class Endless(Atari):
        def step(self, action):
            turn = Atari.step(self, action)
            return (self.reset(0), turn[1], False, False) if turn[2] or turn[3] else turn

    return Endless(game_record(name), sticky=0.25)


def game(name, steps):
    """So many steps of an endless game, in the loop that plays every environment; see `bench_isolation`."""
    return episodes(lambda: endless(name), act="act", train=[0], max_steps=steps, floor=-float(steps), goal="Play.")
