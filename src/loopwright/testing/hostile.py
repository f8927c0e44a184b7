"""Check that generated code cannot hurt, cheat or stop a run on this machine: every attack in one real loop.

    from loopwright.testing.hostile import run_attacks
    for row in run_attacks():
        print(row.attack.name, row.label, row.contained)

The optimizer of that loop is a callable whose every proposal is an attack. Each update runs the good starting program
first, on the one slot that the attack before it had; then the attack at the gate, where only a better score would be
accepted. The run has ended normally when this returns.
"""

from __future__ import annotations

import contextlib
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import msgspec

from loopwright.errors import ExecutionError
from loopwright.runner import run
from loopwright.settings import Loop
from loopwright.store import RunFolder
from loopwright.store.events import Proposed, Ran
from loopwright.testing.attacks import Attack, attacks_here
from loopwright.trial import Trial

_TASK = '''
import loopwright as lw

ANSWER = "the-answer-is-" + str(41 + 1)  # so that it is no literal of this file
ROWS = [{"x": 3, "target": ANSWER}]

@lw.task(train=ROWS, validation=[], test=ROWS)
def double(program, row, trial):
    """Double it."""
    got = program.double(row["x"])
    return float(got == 2 * row["x"]), f"got {got!r:.300}"
'''
_GOOD = "def double(x):\n    return 2 * x\n"
_KEY = "LOOPWRIGHT_TEST_API_KEY"


class Row(msgspec.Struct, frozen=True):
    """What came of one attack. `label` is that of its feedback, "" for none; `after` is the next trial on its slot."""

    attack: Attack
    label: str
    text: str
    contained: bool
    after: float


def run_attacks(attacks: Sequence[Attack] | None = None) -> list[Row]:
    """Run `attacks` (all that this machine must contain, unless given) in one loop, and judge what came of each.

    Raises what the run raises where it does not end normally, and `ExecutionError` where an attack was never run.
    """
    attacks = attacks_here() if attacks is None else attacks
    before = os.environ.get(_KEY)
    os.environ[_KEY] = "sk-secret-of-main"  # for attacks that look for it
    try:
        with tempfile.TemporaryDirectory(prefix="loopwright-hostile-") as place:
            root = Path(place)
            (root / "task.py").write_text(_TASK)
            (root / "agent.py").write_text(_GOOD)
            # Two may be the same program, where a user's home is the folder that another attack looks into.
            programs = {attack.program(root): attack for attack in reversed(attacks)}
            attacks = [attack for attack in attacks if attack in programs.values()]
            replies = iter([_reply(attack.program(root)) for attack in attacks])

            def attacker(prompt: str) -> str:
                return next(replies)

            run(_loop(len(attacks)), root / "run", root=root, models={"attacker": attacker})
            return _rows(RunFolder(root / "run"), attacks)
    finally:
        if before is None:
            del os.environ[_KEY]
        else:
            os.environ[_KEY] = before


def _loop(steps: int) -> Loop:
    return Loop.of(
        {
            "task": "task.py:double",
            "artifact": {"path": "agent.py", "edit": ["agent.py"]},
            "optimizer": {"model": "attacker", "memory": 0, "repairs": 0},
            "search": {"accept": "improve", "gate": "batch"},
            "evidence": {"batch": {"size": 1}},
            "budget": {"steps": steps},
            "execution": {
                "slots": 1,
                "limits": {"seconds": 1.0, "memory": 1024, "processes": 32, "disk": 8, "output": 10_000},
            },
        }
    )


def _reply(program: str) -> str:
    return f"### parameter: agent.py\n```python\n{program}```\n"


def _rows(folder: RunFolder, attacks: Sequence[Attack]) -> list[Row]:
    """Each attack's trial out of the journal, with the good one that came next; the last of those is the test."""
    good: list[Trial] = []  # before each attack, and at the end
    bad: dict[int, Trial] = {}  # by update
    start = ""
    with contextlib.closing(folder.journal(readonly=True)) as journal:
        for entry in journal.entries(traces=True):
            event = entry.event
            if isinstance(event, Proposed) and event.refused:
                name = attacks[entry.step - 1].name
                raise ExecutionError(f"the attack '{name}' was refused before it could be run: {event.reason}")
            if isinstance(event, Ran):
                start = start or event.trial.spec.candidate
                if event.trial.spec.candidate == start:
                    good.append(event.trial)
                else:
                    bad[entry.step] = event.trial
    rows: list[Row] = []
    for number, attack in enumerate(attacks, start=1):
        if number not in bad:
            raise ExecutionError(f"the attack '{attack.name}' was never run")
        trial, after = bad[number], good[number].score
        label = trial.feedback.error or ""
        rows.append(Row(attack, label, trial.feedback.text, attack.contained(trial) and after == 1.0, after))
    return rows
