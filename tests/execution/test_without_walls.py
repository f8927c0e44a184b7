"""What holds where bubblewrap does not: the kernel's own restrictions, limits, and the killing of strays."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from execution_bench import Bench, source  # pyright: ignore

from loopwright.execution import landlock, syscalls
from loopwright.execution.protections import protections

# Without Landlock's scope for signals a hostile candidate could kill the processes of this very test.
pytestmark = pytest.mark.skipif(
    not landlock.scopes_signals() or not syscalls.available(),
    reason="this kernel cannot restrict a process without walls",
)


@pytest.fixture(scope="module")
def bare() -> Iterator[Bench]:
    bench = Bench("plain.py:double", slots=1, walls="none")
    yield bench
    bench.close()


def body(text: str) -> str:
    return "def double(x):\n" + "\n".join(f"    {line}" for line in text.strip("\n").splitlines()) + "\n"


@pytest.mark.parametrize(
    ("kind", "text"),
    [
        ("timeout", "while True: pass"),
        ("memory", "return len(bytearray(3 << 30))"),
        ("crash", "import os; os._exit(1)"),
        ("crash", "import os; os.killpg(0, 9)"),
        ("crash", "import ctypes; ctypes.string_at(0)"),
        ("exception", "open('big', 'wb').write(bytes(100 << 20))"),
        ("exception", f"import os; return os.listdir({str(Path(__file__).parent)!r})"),
        ("exception", "import os; return os.listdir('/home')"),
        ("exception", "import os; return os.listdir('/proc')"),
        ("exception", "import os; return open(f'/proc/{os.getppid()}/environ').read()"),
        ("exception", "return open('/etc/passwd').read()"),
        ("exception", "open('/var/tmp/x', 'w')"),
        ("exception", "import socket; socket.create_connection(('127.0.0.1', 22), 1)"),
        ("exception", "import socket; socket.socket(socket.AF_UNIX)"),
        ("exception", "import os; os.kill(os.getppid(), 9)"),
        ("exception", "import os; os.kill(os.getppid(), 0)"),
    ],
)
def test_candidate_without_walls_is_restricted_and_followed_by_a_good_trial(bare: Bench, kind: str, text: str) -> None:
    trial = bare.run(source(body(text)))
    assert trial.feedback.error == kind, trial
    after = bare.run(
        source("import subprocess\ndef double(x):\n    subprocess.run(['true'], check=True)\n    return 2 * x"), 3
    )
    assert after.feedback.score == 1.0, after


def test_strays_die_with_the_trial(bare: Bench) -> None:
    text = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        os.execv('/bin/sleep', ['loopwright-bare-stray', '77'])
    os._exit(0)
time.sleep(0.2)
return 2 * x
"""
    assert bare.run(source(body(text))).score == 1.0
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            assert b"loopwright-bare-stray" not in path.read_bytes()
        except OSError:
            continue


def test_too_many_processes_are_too_many_for_root_too(bare: Bench) -> None:
    text = """
import os, time
for _ in range(60):
    if os.fork() == 0:
        time.sleep(20)
        os._exit(0)
time.sleep(20)
"""
    trial = bare.run(source(body(text)))
    assert trial.feedback.error in ("memory", "exception", "crash"), trial
    assert bare.run(source("def double(x): return 2 * x"), 2).score == 1.0


def test_protections_say_by_what_they_hold() -> None:
    told = {p.name: p for p in protections(which="none")}
    assert told["files"].holds
    assert "Landlock" in told["files"].text
    assert "seccomp" in told["network"].text
