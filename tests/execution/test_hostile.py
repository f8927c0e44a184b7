"""Candidates that try to hurt, cheat or stop a run: each is contained and labelled, and a good trial follows."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from execution_bench import Bench, source  # pyright: ignore

from loopwright.execution import sandbox
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


def attack(bench: Bench, text: str) -> Trial:
    """Run the hostile candidate, then a good one on the same slot."""
    trial = bench.run(source(text))
    after = bench.run(GOOD, 3)
    assert after.feedback.score == 1.0, after
    assert after.feedback.error is None
    assert after.trace is not None
    assert (after.trace.stdout, after.trace.stderr) == ("", "")
    return trial


CONTAINED = {
    "endless loop": ("timeout", "while True: pass"),
    "endless loop that swallows": (
        "timeout",
        """
while True:
    try:
        while True: pass
    except BaseException: pass
""",
    ),
    "endless loop in C": ("timeout", "return sum(iter(int, 1))"),
    "sleep": ("timeout", "import time; time.sleep(100)"),
    "ignores signals": (
        "timeout",
        """
import signal, time
for n in range(1, 65):
    try: signal.signal(n, signal.SIG_IGN)
    except (OSError, ValueError): pass
signal.pthread_sigmask(signal.SIG_BLOCK, range(1, 65))
while True: time.sleep(1)
""",
    ),
    "recursion": ("exception", "return double(x)"),
    "recursion without limit": (
        ("crash", "memory", "exception", "timeout"),
        "import functools, sys; sys.setrecursionlimit(10**9)\n"
        "return repr(functools.reduce(lambda a, _: [a], range(10**5), 0))",
    ),
    "memory hog": ("memory", "return len(bytearray(3 << 30))"),
    "memory hog by and by": (("memory", "timeout"), "a = []\nwhile True: a.append(bytearray(50 << 20))"),
    "memory hog in many processes": (
        ("memory", "timeout"),
        """
import os, time
for i in range(8):
    if os.fork() == 0:
        data = bytearray(os.urandom(1)) * (300 << 20)
        time.sleep(50)
time.sleep(50)
""",
    ),
    "disk filler": ("exception", "open('big', 'wb').write(bytes(100 << 20))"),
    "disk filler with many files": (
        ("exception", "timeout"),
        "for i in range(1000):\n    open(f'big{i}', 'wb').write(bytes(4 << 20))",
    ),
    "deep folders": (
        ("exception", "timeout"),
        "import os\nwhile True:\n    os.mkdir('d'); os.chdir('d')",
    ),
    "os._exit": ("crash", "import os; os._exit(0)"),
    "sys.exit": ("crash", "import sys; sys.exit(0)"),
    "keyboard interrupt": ("crash", "raise KeyboardInterrupt"),
    "kill group": ("crash", "import os; os.killpg(0, 9)"),
    "kill everything": ("crash", "import os; os.kill(-1, 9); os.kill(os.getpid(), 9)"),
    "segfault": ("crash", "import ctypes; ctypes.string_at(0)"),
    "abort": ("crash", "import os; os.abort()"),
    "stop": ("timeout", "import os, signal; os.kill(os.getpid(), signal.SIGSTOP)"),
    "closing descriptors": ("crash", "import os; os.closerange(0, 100)"),
    "raises a hostile exception": (
        "exception",
        """
class E(Exception):
    def __str__(self): raise RuntimeError
    __repr__ = __str__
    @property
    def __traceback__(self): raise RuntimeError
raise E
""",
    ),
    "base exception": ("exception", "raise BaseException('out')"),
    "unpicklable": ("output", "return object()"),
    "a generator": ("output", "yield 1"),
    "itself": ("output", "return double"),
    "a class": ("output", "return type('X', (), {})"),
    "hostile reduce": (
        "output",
        """
import os
class R:
    def __reduce__(self): return os.system, ('touch /tmp/pwned',)
    def __eq__(self, other): return True
    def __float__(self): return 1.0
    def __repr__(self): raise SystemExit
return R()
""",
    ),
    "hostile class": (
        "output",
        """
class M(type):
    def __instancecheck__(c, o): raise SystemExit
    @property
    def __module__(c): raise SystemExit
class H(metaclass=M):
    def __getattribute__(self, name): raise SystemExit
return H()
""",
    ),
    "object array": ("output", "import numpy; return numpy.array([object()])"),
    "deep value": ("output", "v = []\nfor _ in range(100000): v = [v]\nreturn v"),
    "cyclic value": ("output", "v = {}\nv['v'] = v\nreturn v"),
    "giant text": (("output", "timeout"), "return 'x' * (200 << 20)"),
    "giant list": (("output", "timeout"), "return [0] * (9 << 20)"),
    "surrogates": ("output", "return '\\udc80'"),
}


@pytest.mark.parametrize("name", CONTAINED)
def test_hostile_candidate_is_contained_labelled_and_followed_by_a_good_trial(one_slot: Bench, name: str) -> None:
    kinds, text = CONTAINED[name]
    trial = attack(one_slot, body(text))
    assert trial.feedback.error in ((kinds,) if isinstance(kinds, str) else kinds), trial
    assert trial.feedback.score == 0.0
    assert trial.feedback.text


@pytest.mark.parametrize(
    ("name", "text"),
    {
        "fork bomb": "import os\nwhile True:\n    try: os.fork()\n    except OSError: pass",
        "fork bomb by exec": "import subprocess, sys\n"
        "text = open('agent.py').read() + '\\ndouble(1)'\n"
        "while True: subprocess.Popen([sys.executable, '-c', text])",
        "thread bomb": "import threading, time\nwhile True: threading.Thread(target=time.sleep, args=(99,)).start()",
    }.items(),
)
def test_bomb_is_contained(one_slot: Bench, name: str, text: str) -> None:
    trial = attack(one_slot, body(text))
    assert trial.feedback.error in ("timeout", "exception", "crash", "memory"), trial


@pytest.mark.parametrize(
    "text", ["import sys; sys.exit(3)", "import os; os._exit(3)", "1/0", "def double(:", "while True: pass"]
)
def test_candidate_that_fails_while_it_is_loaded_is_labelled(one_slot: Bench, text: str) -> None:
    trial = attack(one_slot, text)
    assert trial.feedback.error in ("exception", "crash", "timeout")
    assert trial.trace is not None
    assert trial.trace.failure is not None


def test_flood_of_output_is_cut_and_said(one_slot: Bench) -> None:
    trial = attack(one_slot, body("for i in range(10**4): print('flood', i)\nreturn 2 * x"))
    assert trial.feedback.score == 1.0
    assert trial.trace is not None
    assert trial.trace.stdout.startswith("flood 0\n")
    assert trial.trace.stdout.endswith("flood 9999\n")
    assert "cut" in trial.trace.stdout
    assert len(trial.trace.stdout) < 11_000


def test_closed_stdout_harms_nobody(one_slot: Bench) -> None:
    trial = attack(one_slot, body("import sys; sys.stdout.close(); sys.stderr = None\nreturn 2 * x"))
    assert trial.feedback.score == 1.0


@walled
def test_descendant_that_leaves_its_session_dies_with_the_trial(one_slot: Bench) -> None:
    text = """
import os, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        for fd in range(100):
            try: os.close(fd)
            except OSError: pass
        os.execv('/bin/sleep', ['loopwright-stray', '77'])
    os._exit(0)
time.sleep(0.2)
return 2 * x
"""
    trial = attack(one_slot, body(text))
    assert trial.feedback.score == 1.0
    assert not [p for p in Path("/proc").glob("[0-9]*/cmdline") if b"loopwright-stray" in _read(p)]


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError:
        return b""


@walled
@pytest.mark.parametrize(
    "text",
    [
        "import os; return sorted(os.environ)",
        "return sorted(open('/proc/self/environ').read().split(chr(0)))",
        "import os; mine = str(os.getpid())\n"
        "return [open(f'/proc/{p}/environ').read() for p in os.listdir('/proc') if p.isdigit() and p != mine]",
        f"import os; return os.listdir({str(Path(__file__).parent)!r})",
        f"import os; return os.listdir({str(Path.home())!r})",
        "import os; return os.listdir('/root')",
        "import os; return os.listdir('/home')",
        "import os; return open('/etc/shadow').read()",
    ],
)
def test_environment_and_files_of_the_user_are_out_of_reach(one_slot: Bench, text: str) -> None:
    trial = attack(one_slot, body(text))
    told = trial.feedback.text
    assert "secret" not in told
    assert "API_KEY" not in told
    assert "conftest" not in told
    assert ".ssh" not in told
    assert "root:" not in told


@walled
@pytest.mark.parametrize(
    "text",
    [
        "import socket; socket.create_connection(('1.1.1.1', 53), 1)",
        "import socket; socket.create_connection(('127.0.0.1', 22), 1)",
        "import socket; s = socket.socket(socket.AF_UNIX); s.connect('/run/docker.sock')",
        "import socket; s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM); s.sendto(b'x', ('8.8.8.8', 53))",
        "import socket; s = socket.socket(40, socket.SOCK_STREAM); s.settimeout(1); s.connect((2, 1))",
        "import socket; s = socket.socket(16, socket.SOCK_RAW, 0)",
    ],
)
def test_network_is_out_of_reach(one_slot: Bench, text: str) -> None:
    trial = attack(one_slot, body(text))
    assert trial.feedback.error == "exception", trial


def test_patching_modules_and_builtins_changes_nobody_else(one_slot: Bench) -> None:
    text = """
import builtins, sys, json
class Always(float):
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    __hash__ = float.__hash__
builtins.float = builtins.len = Always
for name in list(sys.modules):
    if name.startswith('loopwright'):
        for attribute, value in list(vars(sys.modules[name]).items()):
            if callable(value):
                try: setattr(value, '__eq__', lambda a, b: True)
                except Exception: pass
return Always(-1)
"""
    trial = attack(one_slot, body(text))
    assert trial.feedback.score == 0.0


def test_answers_are_nowhere_in_the_candidate_s_memory(one_slot: Bench) -> None:
    text = """
import gc, re, sys
found = []
answer = re.compile('[t]he-answer-is-[0-9]')  # does not find itself
frame = sys._getframe()
while frame is not None:
    for name, value in {**frame.f_globals, **frame.f_locals}.items():
        if isinstance(value, str) and answer.search(value): found.append(name)
    frame = frame.f_back
for thing in gc.get_objects():
    if type(thing) is dict:
        found += [k for k, v in list(thing.items()) if type(v) is str and answer.search(v)]
readable = 0
answer = re.compile(b'[t]he-answer-is-[0-9]')
for line in open('/proc/self/maps'):
    low, high = (int(n, 16) for n in line.split()[0].split('-'))
    if 'r' in line.split()[1] and high - low < 1 << 26:
        with open('/proc/self/mem', 'rb') as memory:
            memory.seek(low)
            try: data = memory.read(high - low)
            except OSError: continue
            readable += len(data)
            if answer.search(data): found.append(line)
return found, readable > 1 << 20
"""
    assert attack(one_slot, body(text)).feedback.text == "got ([], True)"


FORGED = {
    "garbage": "b'\\xc1' * 100",
    "a frame without end": "b'\\xff\\xff\\xff\\x7f\\x00\\x00'",
    "a flood": "b'\\x01\\x00\\x00\\x00\\x00\\x00\\x90' * 10**6",
    "deep nesting": "b'\\x00\\x00\\x10\\x00\\x00\\x00' + b'\\x91' * (1 << 20)",
    "a giant array announced": "b'\\x05\\x00\\x00\\x00\\x00\\x00\\xdd\\xff\\xff\\xff\\xff'",
    "buffers announced": "b'\\x01\\x00\\x00\\x00\\xff\\xff\\x90' + b'\\xff' * 600000",
    "a map for a frame": "b'\\x01\\x00\\x00\\x00\\x00\\x00\\x80'",
    "an answer nobody asked for": "b'\\x04\\x00\\x00\\x00\\x00\\x00\\x93\\x0c\\x63\\x01'",
    "a number of the wrong type": "b'\\x04\\x00\\x00\\x00\\x00\\x00\\x93\\x0c\\x90\\x01'",
    "a failure with a forged label": "frame([13, 1, 'task', 'a', 'b', 'c'])",
    "a failure that is none": "frame([13, 1, 'crash'])",
    "a callback to nobody": "frame([14, 1, 5, False, [], {}])",
    "a callback of a strange kind": "frame([14, [], 'x', None, 3, []])",
    "a handle for us": "frame([12, 1, m.msgpack.Ext(6, m.msgpack.encode([0, 'x', False]))])",
    "an array without bytes": "frame([12, 1, m.msgpack.Ext(17, m.msgpack.encode(['<f8', [1 << 40], b'']))])",
    "an object array": "frame([12, 1, m.msgpack.Ext(17, m.msgpack.encode(['|O', [1], b'x' * 8]))])",
    "a strange dtype": "frame([12, 1, m.msgpack.Ext(17, m.msgpack.encode([[('a', '|O')], [1], b'x' * 8]))])",
    "a missing buffer": "frame([12, 1, m.msgpack.Ext(17, m.msgpack.encode(['<f8', [1], 3]))])",
    "unknown extension": "frame([12, 1, m.msgpack.Ext(99, b'')])",
    "nested extensions": "frame([12, 1, functools.reduce(lambda d, _: E(1, m.msgpack.encode([d])), range(20000), 1)])",
    "a bad date": "frame([12, 1, m.msgpack.Ext(7, m.msgpack.encode(['date', 'yesterday']))])",
    "loaded again": "frame([11, 0, None, {}])",
    "a table that is none": "frame([12, 1, m.msgpack.Ext(18, m.msgpack.encode(b'ARROW1' * 9))])",
    "unhashable keys": "frame([12, 1, m.msgpack.Ext(5, m.msgpack.encode([[[1], 2]]))])",
}


@pytest.mark.parametrize("name", FORGED)
def test_forged_frames_are_a_broken_protocol(one_slot: Bench, name: str) -> None:
    text = f"""
import functools, os, socket, msgspec as m, stat
E = m.msgpack.Ext
def frame(value):
    data = m.msgpack.encode(value)
    return len(data).to_bytes(4, 'little') + b'\\x00\\x00' + data
fds = [fd for fd in range(3, 64) if os.path.exists(f'/proc/self/fd/{{fd}}') and stat.S_ISSOCK(os.fstat(fd).st_mode)]
for fd in fds:
    data = {FORGED[name]}
    while data: data = data[os.write(fd, data):]
import time; time.sleep(0.5)
os._exit(0)
"""
    trial = attack(one_slot, body(text))
    assert trial.feedback.error == "protocol", trial


def test_forged_flood_while_the_task_is_away_does_not_grow_the_evaluator(one_slot: Bench) -> None:
    text = """
import os, stat, threading
fds = [fd for fd in range(3, 64) if os.path.exists(f'/proc/self/fd/{fd}') and stat.S_ISSOCK(os.fstat(fd).st_mode)]
def flood():
    while True:
        for fd in fds: os.write(fd, b'\\x00\\x00\\x00\\x00' * 10000)
for _ in range(4): threading.Thread(target=flood, daemon=True).start()
while True: pass
"""
    trial = attack(one_slot, body(text))
    assert trial.feedback.error in ("protocol", "timeout")


def test_long_failures_and_large_traces_are_cut(one_slot: Bench) -> None:
    trial = attack(one_slot, body("raise ValueError('x' * 7_000_000)"))
    assert len(trial.feedback.text) < 10_000
    text = """
import os, stat, time, msgspec as m
fds = [fd for fd in range(3, 64) if os.path.exists(f'/proc/self/fd/{fd}') and stat.S_ISSOCK(os.fstat(fd).st_mode)]
data = m.msgpack.encode([13, 1, 'exception', 'E' * 10**6, 'm' * 10**6, 'w' * 10**6])
data = len(data).to_bytes(4, 'little') + b'\x00\x00' + data
while data: data = data[os.write(fds[0], data):]
time.sleep(9)
"""
    trial = attack(one_slot, body(text))
    assert (trial.feedback.error, len(trial.feedback.text) < 30_000) == ("exception", True)


def test_program_that_changes_its_own_files_changes_nothing_else(one_slot: Bench) -> None:
    text = """
import os
open(__file__, 'w').write('def double(x): return 2 * x')
for folder, _, files in os.walk('/run'):
    for f in files:
        if f.endswith('.py') and ('loopwright' in folder or 'msgspec' in folder):
            try: open(os.path.join(folder, f), 'a').write('\\nraise SystemExit')
            except OSError: pass
open('/tmp/left behind', 'w').write('x')
raise ValueError('here')
"""
    trial = attack(one_slot, body(text))
    assert trial.feedback.error == "exception"
    assert "raise ValueError('here')" in trial.feedback.text


def test_nothing_is_left_for_the_next_trial(one_slot: Bench) -> None:
    left = """
import ctypes, os, sys
open('/tmp/left', 'w').write('x')
os.makedirs('/dev/shm/left', exist_ok=True)
libc = ctypes.CDLL(None)
libc.shmget(4242, 4096, 0o1666)
libc.syscall(248, b'user', b'left', b'x', 1, -4)  # add_key to the user's keyring
sys.modules['left'] = sys
os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
return 2 * x
"""
    look = """
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
    attack(one_slot, body(left))
    trial = attack(one_slot, body(look))
    assert trial.feedback.text in ("got ['agent.py', 'candidate']", "got ['agent.py']"), trial.feedback.text


@pytest.mark.parametrize("value", ["float('nan')", "float('inf')", "1e400", "-0.0"])
def test_numbers_that_are_no_scores_pass_as_values(one_slot: Bench, value: str) -> None:
    trial = attack(one_slot, body(f"return {value}"))
    assert trial.feedback.error is None
