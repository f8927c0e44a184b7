"""Find the number: the score is the distance from it."""

import loopwright as lw


@lw.task(train=list(range(8)), validation=list(range(3)), test=list(range(2)), floor=-10_000.0)
def distance(program, example, trial):
    got = program.guess(f"Question {example}?", trial.llm)
    return -abs(got - 40 - example), f"you answered {got}"
