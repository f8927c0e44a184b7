"""Find the number 7; `chat` asks the program's model instead."""

import loopwright as lw


@lw.task(train=list(range(6)), validation=list(range(3)), test=list(range(2)), floor=-10_000.0)
def distance(program, example, trial):
    got = program.guess(f"Question {example}?")
    return -abs(got - 7), f"you answered {got}"


@lw.task(train=list(range(6)), validation=list(range(3)), test=list(range(2)))
def chat(program, example, trial):
    return float(len(program.talk(f"Question {example}?", trial.llm)))
