"""kill -9 of any process of a run at any moment: a resumed run ends with the journal of an undisturbed one."""

from __future__ import annotations

import hashlib
import os
import random
import re
import signal
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import pytest

from loopwright.store import RunFolder
from loopwright.testing.model_server import ModelServer, Received

WORLD = Path(__file__).parent / "worlds" / "kills"
DRIVER = """
import sys, loopwright as lw
loop = lw.Loop.load(sys.argv[1])
lw.run(loop, sys.argv[2], root=sys.argv[3])
"""


def answer(received: Received) -> str:
    """A number near the one in the prompt for the optimizer, a hint for the program: a pure function of the request."""
    asked = "\n".join(message["content"] for message in received.messages)
    digest = hashlib.blake2b(asked.encode()).digest()
    if "### parameter: NUMBER" not in asked:
        return "hm" + "m" * (digest[0] % 3)
    now = int(re.findall(r"### parameter: NUMBER\n```\w*\n(-?\d+)\n```", asked)[-1])
    return f"Let us move.\n\n### parameter: NUMBER\n```\n{now + digest[1] % 4 - 1}\n```\n"


def loop_file(folder: Path, model: str, steps: int) -> Path:
    path = folder / "loop.toml"
    path.write_text(
        f"""
task = "task.py:distance"
seed = 5
[artifact]
path = "agent.py"
edit = ["NUMBER"]
[evidence]
batch = {{ size = 2 }}
[optimizer]
model = "{model}"
[agent]
model = "{model}"
[search]
accept = "not-worse"
gate = "batch"
[budget]
steps = {steps}
failures = 1000
[execution]
slots = 2
"""
    )
    return path


def begin(loop: Path, run: Path) -> subprocess.Popen[bytes]:
    return subprocess.Popen([sys.executable, "-c", DRIVER, str(loop), str(run), str(WORLD)], start_new_session=True)


def family(pid: int) -> list[int]:
    """A process and everything below it."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                fields = (entry / "stat").read_text().rpartition(")")[2].split()
                parents[int(entry.name)] = int(fields[1])
            except OSError:
                continue
    found = [pid]
    for one in found:
        found += [child for child, parent in parents.items() if parent == one]
    return found


def alive(pids: list[int]) -> list[int]:
    def state(pid: int) -> str:
        try:
            return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            return "gone"

    return [pid for pid in pids if state(pid) not in {"gone", "Z", "X"}]


def run_with_kills(loop: Path, run: Path, kills: int, seed: int) -> tuple[Counter[str], list[int]]:
    """Run to the end, killing main or a process below it `kills` times; what was killed, and orphans seen after 5 s."""
    rng = random.Random(seed)
    done: Counter[str] = Counter()
    orphans: list[int] = []
    process = begin(loop, run)
    while True:
        try:
            process.wait(timeout=rng.uniform(0.2, 1.4) if done.total() < kills else 300)
        except subprocess.TimeoutExpired:
            pids = family(process.pid)
            target = process.pid if rng.random() < 0.4 or len(pids) == 1 else rng.choice(pids[1:])
            done["main" if target == process.pid else "worker"] += 1
            try:
                os.kill(target, signal.SIGKILL)
            except ProcessLookupError:
                continue
            if target == process.pid:
                process.wait()
                deadline = time.monotonic() + 5
                while alive(pids) and time.monotonic() < deadline:
                    time.sleep(0.05)
                orphans += alive(pids)
                process = begin(loop, run)
            continue
        if process.returncode == 0:
            return done, orphans
        # A killed evaluator may end the run with an error; what was done is kept, and the run goes on when begun again.
        done["ended"] += 1
        assert done["ended"] <= done["worker"], f"the run ended with exit code {process.returncode}"
        process = begin(loop, run)


@pytest.mark.parametrize(
    ("steps", "kills"), [(25, 6), pytest.param(200, 100, marks=[pytest.mark.slow, pytest.mark.timeout(900)])]
)
def test_a_run_killed_again_and_again_ends_as_one_left_alone(tmp_path: Path, steps: int, kills: int) -> None:
    journals, calls = [], []
    for name in ("alone", "killed"):
        folder = tmp_path / name
        folder.mkdir()
        with ModelServer(answer) as server:
            loop = loop_file(folder, server.model, steps)
            text = loop.read_text()
            if name == "alone":
                process = begin(loop, folder / "run")
                assert process.wait(timeout=600) == 0
            else:
                done, orphans = run_with_kills(loop, folder / "run", kills, seed=1)
                assert orphans == []
                assert done.total() >= min(kills, 3) or steps < 100
            bodies = Counter(str(sorted(received.body.items())) for received in server.requests)
            calls.append(bodies)
            journal = RunFolder(folder / "run").journal(readonly=True)
            # The settings name the server's port; everything else must be equal.
            journals.append([row for row in journal.canonical() if row[0] >= 0])
            assert text == loop.read_text()
    port = re.compile(r"127\.0\.0\.1:\d+")
    first, second = ([(s, n, port.sub("PORT", body)) for s, n, body in rows] for rows in journals)
    assert first == second
    # A request that was under way when main died had no reply yet and is sent again; a finished one never is.
    again = calls[1] - calls[0]
    assert calls[0] - calls[1] == Counter()
    assert again.total() <= kills * 3
