"""Candidates that try to hurt, cheat or stop a run: each is contained and labelled, and a good trial follows."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest
from execution_bench import TASKS, Bench, source  # pyright: ignore

from loopwright.execution import sandbox
from loopwright.testing.attacks import Attack, attacks
from loopwright.testing.hostile import run_attacks
from loopwright.trial import Trial

GOOD = source("def double(x):\n    return 2 * x\n")
walled = pytest.mark.skipif(sandbox.walls() == "none", reason="bubblewrap does not work here")


@pytest.fixture(scope="module", params=["strongest", pytest.param("bwrap", marks=pytest.mark.slow)])
def one_slot(request: pytest.FixtureRequest) -> Iterator[Bench]:
    walls = sandbox.walls() if request.param == "strongest" else request.param
    if request.param == sandbox.walls():
        pytest.skip("tested already: these are the strongest walls here")
    if not sandbox.work(walls):
        pytest.skip(f"walls of kind {walls} do not work here")
    os.environ["LOOPWRIGHT_TEST_API_KEY"] = "sk-secret-of-main"
    bench = Bench("plain.py:double", slots=1, walls=walls)
    yield bench
    bench.close()
    del os.environ["LOOPWRIGHT_TEST_API_KEY"]


def body(text: str) -> str:
    return "def double(x):\n" + "\n".join(f"    {line}" for line in text.strip("\n").splitlines()) + "\n"


def followed(bench: Bench, text: str) -> Trial:
    """Run the hostile candidate, then a good one on the same slot."""
    trial = bench.run(source(text))
    after = bench.run(GOOD, 3)
    assert after.feedback.score == 1.0, after
    assert after.feedback.error is None
    assert after.trace is not None
    assert (after.trace.stdout, after.trace.stderr) == ("", "")
    return trial


@pytest.mark.parametrize(
    "attack",
    [pytest.param(each, marks=[walled] if each.walled else [], id=each.name) for each in attacks()],
)
def test_hostile_candidate_is_contained_labelled_and_followed_by_a_good_trial(one_slot: Bench, attack: Attack) -> None:
    trial = followed(one_slot, attack.program(TASKS))
    assert attack.contained(trial), trial
    if trial.feedback.error:
        assert trial.feedback.score == 0.0
        assert trial.feedback.text
    if attack.whole:
        assert trial.trace is not None
        assert trial.trace.failure is not None


LOOK = """
import ctypes, os, sys
libc = ctypes.CDLL(None)
# Python itself may be mounted under /tmp.
here = [name for name in os.listdir('/tmp') if not any(path.startswith(f'/tmp/{name}/') for path in sys.path)]
found = here + os.listdir('/dev/shm') + os.listdir('.')
if libc.shmget(4242, 0, 0) >= 0: found.append('shm')
if libc.syscall(249, b'user', b'left', None, 0) >= 0: found.append('key')
if 'left' in sys.modules: found.append('module')
return sorted(found)
"""


def test_nothing_is_left_for_the_next_trial(one_slot: Bench) -> None:
    (attack,) = [each for each in attacks() if each.name == "leaving things behind"]
    followed(one_slot, attack.program(TASKS))
    trial = followed(one_slot, body(LOOK))
    assert trial.feedback.text in ("got ['agent.py', 'candidate']", "got ['agent.py']"), trial.feedback.text


def test_a_real_run_ends_normally_with_an_attack_in_every_update() -> None:
    wanted = {"endless loop", "os._exit", "memory hog", "forged frame: garbage", "NaN"}
    rows = run_attacks([each for each in attacks() if each.name in wanted])
    assert [(row.attack.name, row.contained, row.after) for row in rows if not row.contained] == []
    assert len(rows) == len(wanted)


def test_an_attack_that_is_not_contained_is_told() -> None:
    harmless = Attack("harmless", "nothing", ["timeout"], "nobody", "return 3 * x")
    (row,) = run_attacks([harmless])
    assert not row.contained
    assert (row.label, row.after) == ("", 1.0)
