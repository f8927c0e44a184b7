"""A candidate that looks for the answers, for other questions or for what another trial left finds nothing.

The same spy finds the answers where trials run in this very process, so it does look in the right places.
"""

from __future__ import annotations

import json
from pathlib import Path

import pytest

import loopwright as lw
from loopwright.record import record
from loopwright.tasks import bbeh as package

ROWS = [{"input": f"What is the word of number {n}?", "target": f"zq{n * 7919}xj"} for n in range(12)]

TASK = """
import json
from pathlib import Path

from loopwright.tasks import bbeh as package

ROWS = json.loads(Path({answers!r}).read_text())
package.rows = lambda name: ROWS
words = package.bbeh("linguini", agent="program", train=6, validation=3, test=3)
"""

SPY = '''
import gc
import glob
import os
import re
import sys

ANSWER = re.compile(r"zq[0-9]+xj")
LEFT = ("/tmp/left-by-a-spy", "/dev/shm/left-by-a-spy", "left-by-a-spy", os.path.expanduser("~/left-by-a-spy"))
SEEN = []


def files():
    """The file of answers itself, what lies beside it, and what processes show of themselves."""
    beside = glob.glob(os.path.dirname({answers!r}) + "/*")
    for path in [{answers!r}, *beside, *glob.glob("/proc/[0-9]*/environ"), *glob.glob("/proc/[0-9]*/cmdline")]:
        if os.path.isfile(path):
            yield open(path, "rb").read(2_000_000).decode("utf-8", "replace")


def memory():
    """Everything that the collector of this process knows, and the frames above this one."""
    for thing in gc.get_objects():
        if type(thing) in (dict, list, tuple):
            yield repr(thing)[:100_000]
    frame = sys._getframe()
    while frame:
        yield repr(frame.f_locals)[:100_000]
        frame = frame.f_back


def package():
    """The benchmark's own loader."""
    from loopwright.tasks import bbeh

    yield repr(bbeh.rows("linguini"))


def processes():
    """The memory of other processes."""
    others = [path for path in glob.glob("/proc/[0-9]*/mem") if path.split("/")[2] not in ("1", str(os.getpid()))]
    for path in others[:3]:
        for line in open(path.replace("mem", "maps")).readlines()[:50]:
            low, high = (int(part, 16) for part in line.split()[0].split("-"))
            with open(path, "rb") as other:
                other.seek(low)
                yield other.read(min(high - low, 1_000_000)).decode("latin-1")


def left():
    """How many things an earlier trial left behind; leaves some, too."""
    count = len(SEEN) + sum(map(os.path.exists, LEFT))
    SEEN.append(1)
    for path in LEFT:
        try:
            open(path, "w").write("a spy was here")
        except OSError:
            pass
    return count


def answer(question):
    found, failed = set(), []
    for way in (files, memory, package, processes):
        try:
            for text in way():
                found.update(ANSWER.findall(text))
                if found:
                    break
        except Exception as error:
            failed.append(way.__name__ + ": " + type(error).__name__)
        if found:
            break
    # Only now: a right answer in a variable would be found in this very frame.
    right = f"zq{{int(re.search('[0-9]+', question)[0]) * 7919}}xj"
    return right if right in found else f"{{len(found)}} answers found, {{left()}} things left; {{failed}}"
'''


def spied(tmp_path: Path, isolation: str) -> tuple[lw.Outcome, list[str]]:
    """A run of no update: the spy on the validation and on the test split; what its answers were told."""
    answers = tmp_path / "answers.json"
    answers.write_text(json.dumps(ROWS))
    (tmp_path / "task.py").write_text(TASK.format(answers=str(answers)))
    (tmp_path / "spy.py").write_text(SPY.format(answers=str(answers)))
    loop = lw.Loop.of(
        {
            "task": "task.py:words",
            "artifact": {"path": "spy.py", "edit": ["answer"]},
            "optimizer": {"kind": "mutate"},
            "budget": {"steps": 0},
            "execution": {"isolation": isolation, "slots": 1, "limits": {"seconds": 30}},
        }
    )
    outcome = lw.run(loop, tmp_path / "run", root=tmp_path)
    found = record(tmp_path / "run")
    return outcome, [trial.feedback.text for trial in (*found.opening.trials, *found.tested)]


def test_a_spy_in_its_cell_finds_nothing(tmp_path: Path) -> None:
    outcome, texts = spied(tmp_path, "process")
    assert outcome.start_validation == 0
    assert outcome.start_test == [0, 0, 0]
    assert len(texts) == 6
    assert all("0 answers found, 0 things left" in text for text in texts), texts


def test_the_same_spy_finds_the_answers_where_nothing_protects_them(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(package, "rows", package.rows)  # the task's file, run in this process, sets its own
    outcome, _ = spied(tmp_path, "inline")
    assert outcome.start_validation == 1
