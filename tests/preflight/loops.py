"""Loops for preflight on disk: five good ones, and some broken on purpose, each under the code that must say so.

Every broken loop is a good one with one flaw, so that a check which flags everything fails on the good ones.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec

AGENT = """
PROMPT = "Answer with a number."
UNUSED = "nobody reads this"

def guess(x):
    return 3 * x + len(PROMPT) % 1

def never(x):
    return x

def walk(obs):
    return obs["place"]

def answer(x, llm):
    return llm(PROMPT + str(x))
"""

NUMBER = '''
import loopwright as lw

@lw.task(train=range(12), validation=range(20, 30), test=range(40, 50), floor=-1e9)
def task(program, x, trial):
    """Return four times x."""
    got = program.guess(x)
    return -abs(float(got) - 4 * x) / (x + 1), f"wanted {4 * x}, got {got}"
'''

LABELLED = '''
import loopwright as lw

ROWS = [{"text": "w" * (n * 7 % 11 + 1), "label": "yes" if n % 3 else "no"} for n in range(48)]

@lw.task(train=ROWS[:16], validation=ROWS[16:28], test=ROWS[28:])
def task(program, row, trial):
    """Say yes or no."""
    got = "yes" if program.guess(len(row["text"])) % 2 else "no"
    return float(got == row["label"]), f"expected {row['label']}, got {got}"
'''

WALK = '''
import loopwright as lw

class Corridor:
    """Walk on: a step earns something at every tenth place."""

    def reset(self, seed):
        self.length, self.place = 20 + seed, 0
        return {"place": 0, "length": self.length}

    def step(self, action):
        self.place += 1
        return {"place": self.place, "length": self.length}, float(self.place % 10 == 0), self.place >= self.length

task = lw.episodes(
    Corridor, act="walk", train=range(0, 40, 5), validation=range(2, 42, 5), test=range(16, 20), max_steps=100
)
'''

AGENT_MODEL = '''
import loopwright as lw

@lw.task(train=range(10), validation=range(10, 20), test=range(20, 30))
def task(program, x, trial):
    """Have the model say the number after x."""
    got = program.answer(x, trial.llm)
    return float(got == str(x + 1)), f"expected {x + 1}, got {got}"
'''


class Case(msgspec.Struct, frozen=True):
    """A loop: its task file, settings beside the usual ones, and the agent's text."""

    task: str
    settings: dict[str, Any] = {}
    agent: str = AGENT


def folder(case: Case, into: Path) -> Path:
    (into / "agent.py").write_text(case.agent)
    (into / "task.py").write_text(case.task)
    return into


def settings(case: Case) -> dict[str, Any]:
    table: dict[str, Any] = {
        "task": "task.py:task",
        "artifact": {"path": "agent.py", "edit": ["guess"]},
        "evidence": {"batch": {"size": 4}},
        "optimizer": {"kind": "mutate"},
        "search": {"accept": "improve"},
        "budget": {"steps": 6},
        "execution": {"isolation": "inline"},
    }
    for name, value in case.settings.items():
        inner = table
        *path, last = name.split(".")
        for part in path:
            inner = inner.setdefault(part, {})
        inner[last] = value
    return table


GOOD: dict[str, Case] = {
    "a number to be found": Case(NUMBER),
    "labels in equal share": Case(LABELLED, {"evidence.batch": {"size": 4, "draw": "stratified"}}),
    "an episode seen whole": Case(WALK, {"artifact.edit": ["walk"], "evidence.batch.size": 2}),
    "an episode seen around its rewards": Case(
        WALK, {"artifact.edit": ["walk"], "evidence.horizon": {"steps": 5, "where": "reward", "feedback": "window"}}
    ),
    "a prompt around a model": Case(
        AGENT_MODEL,
        {
            "artifact.edit": ["PROMPT"],
            "agent.model": "callable/agent",
            "optimizer": {"kind": "optoprime", "model": "callable/optimizer"},
            "execution.isolation": "process",
            "budget": {"steps": 6, "calls": 500},
        },
    ),
}

BROKEN: dict[str, Case] = {
    "begin": Case(NUMBER, {"artifact.edit": ["gues"]}),
    "start": Case(NUMBER, agent=AGENT.replace("return 3 * x", "return 3 * y")),
    "time-limit": Case(
        NUMBER.replace("    got =", "    import time; time.sleep(1.1 * (x == 21))\n    got ="),
        {"execution.limits": {"seconds": 2.0}},
    ),
    "reach": Case(NUMBER, {"artifact.edit": ["guess", "never", "UNUSED"]}),
    "same-feedback": Case(
        NUMBER.replace('return -abs(float(got) - 4 * x) / (x + 1), f"wanted {4 * x}, got {got}"', "return 0.0, 'wrong'")
    ),
    "horizon": Case(
        WALK, {"artifact.edit": ["walk"], "evidence.horizon": {"steps": 5, "where": "start", "feedback": "window"}}
    ),
    "evidence": Case(WALK, {"artifact.edit": ["walk"], "evidence.tokens": 200, "evidence.batch.size": 5}),
    "noise": Case(
        NUMBER.replace(
            "    got =", "    import random; noise = random.Random(trial.seed).gauss(0, 9)\n    got ="
        ).replace("return -abs(", "return noise - abs("),
        {"search.gate": "batch", "evidence.batch.size": 1},
    ),
    "target": Case(NUMBER, {"search.target": -5.0}),
    "labels": Case(
        LABELLED.replace("for n in range(48)]", 'for n in range(48)]\nROWS.sort(key=lambda row: row["label"])')
    ),
    "splits": Case(
        NUMBER.replace("validation=range(20, 30)", "validation=range(-30, -20)").replace("/ (x + 1)", "/ 4")
    ),
    "budget": Case(NUMBER, {"budget": {"steps": 500, "trials": 100}}),
}
