"""What holds for every trial in a process of its own: values, models, time, traces, and that nothing is left behind."""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from execution_bench import TASKS, Bench, source  # pyright: ignore

from loopwright.errors import BudgetExhausted, ExecutionError, ModelError, TaskError
from loopwright.execution.process import ProcessExecutor
from loopwright.execution.protocol import Limits, Source
from loopwright.llm.protocol import Ask, Reply
from loopwright.trial import TrialSpec, Usage

DOUBLE = source("def double(x):\n    return 2 * x\n")
PARTIAL = """
async def later(factor, x):
    await asyncio.sleep({s})
    return factor * x
double = functools.partial(later, 2)
"""
MakeBench = Callable[..., Bench]


def test_card_says_the_task_without_its_examples(bench: MakeBench) -> None:
    card = bench("plain.py:double").card
    assert (card.name, card.goal, card.sizes) == ("double", "Double it.", {"train": 20, "validation": 3, "test": 3})


def test_values_arrive_as_they_were_sent(bench: MakeBench) -> None:
    one = bench("plain.py:echo")
    for index in range(18):
        trial = one.run(source("def same(x):\n    return x\n"), index)
        assert trial.feedback.score == 1.0, trial.feedback


def test_program_value_text_and_commands(bench: MakeBench) -> None:
    trial = bench("plain.py:values").run(source("PROMPT = 'Say it.'\nLIMITS = (1, 2)\n"))
    assert trial.feedback.text == "'Say it.' (1, 2)"


def test_candidate_in_c_is_compiled_and_run(bench: MakeBench) -> None:
    code = b'#include <stdio.h>\nint main(){int a,b;scanf("%d %d",&a,&b);printf("%d\\n",a+b);}\n'
    candidate = Source("c", {"kernel.c": code})
    trial = bench("plain.py:commands", limits=Limits(seconds=20)).run(candidate)
    assert (trial.feedback.score, trial.feedback.text) == (42.0, "0 124 True #include"), trial.feedback


def test_siblings_and_packages_are_imported(bench: MakeBench) -> None:
    one = bench("plain.py:double")
    flat = source(
        "import helper\nfrom json import dumps\ndef double(x): return helper.twice(x)\n",
        helper="def twice(x): return 2 * x\n",
    )
    assert one.run(flat, 4).score == 1.0
    files = {
        "bot/__init__.py": b"",
        "bot/main.py": b"from .inner import twice as double\n",
        "bot/inner.py": b"def twice(x): return x + x\n",
    }
    assert one.run(Source("p", files, "bot/main.py"), 4).score == 1.0


def test_state_is_fresh_for_every_trial(bench: MakeBench) -> None:
    one = bench("plain.py:double")
    counting = source("seen = []\ndef double(x):\n    seen.append(x)\n    return 2 * x if len(seen) == 1 else None\n")
    assert [one.run(counting, i).score for i in range(3)] == [1.0, 1.0, 1.0]


def test_a_program_may_have_any_names(bench: MakeBench) -> None:
    names = ["start", "end", "invoke", "outcome", "modules", "unload", "engine", "_private", "last_failure", "time_out"]
    candidate = source("".join(f"def {name}(): return {name!r}\n" for name in names))
    trial = bench("plain.py:all_names").run(candidate)
    assert trial.feedback.text == repr(names), trial.feedback


def test_missing_function_and_missing_file_are_said(bench: MakeBench) -> None:
    trial = bench("plain.py:double").run(source("def triple(x): return 3 * x\n"))
    assert trial.feedback.error == "exception"
    assert "has no 'double'" in trial.feedback.text


def test_failure_shows_the_source_with_the_failing_line_marked(bench: MakeBench) -> None:
    candidate = source("def double(x):\n    return inner(x)\n\ndef inner(x):\n    y = {}\n    return y[x]\n")
    trial = bench("plain.py:double").run(candidate)
    assert "--> 2 |     return inner(x)" in trial.feedback.text
    assert "--> 6 |     return y[x]" in trial.feedback.text
    assert trial.feedback.text.endswith("KeyError: 0")
    assert trial.trace is not None
    assert trial.trace.failure is not None


def test_record_gives_steps_with_traced_calls_and_without_it_none(bench: MakeBench) -> None:
    one = bench("plain.py:many_calls")
    candidate = source(
        "def step(state, i):\n    return add(state, i)\ndef add(a, b):\n    return a + b\n", traced=["add", "step"]
    )
    recorded, bare = one.run(candidate, record=True), one.run(candidate, record=False)
    assert recorded.score == bare.score == sum(range(200))
    assert bare.trace is not None
    assert bare.trace.steps == []
    assert recorded.trace is not None
    assert len(recorded.trace.steps) == 200
    step = recorded.trace.steps[7]
    assert (step.observation, step.action) == ({"state": 21, "i": 7}, 28)
    assert [(c.function, c.output, c.parent) for c in step.calls] == [("step", 28, -1), ("add", 28, 14)]


@pytest.mark.parametrize(
    ("body", "error"),
    [("raise KeyError(x)", "exception"), ("os._exit(3)", "crash"), ("while True: pass", "timeout")],
)
def test_a_failed_call_leaves_a_step_with_what_it_was_given(bench: MakeBench, body: str, error: str) -> None:
    one = bench("plain.py:double")
    trial = one.run(source(f"import os\ndef double(x):\n    {body}\n", traced=["double"]), 4, record=True)
    assert trial.feedback.error == error
    assert trial.trace is not None
    (step,) = trial.trace.steps
    assert (step.observation, step.action) == (4, None)
    assert [call.function for call in step.calls] == ([] if error == "crash" else ["double"])


def test_model_call_reaches_main_and_is_metered(bench: MakeBench) -> None:
    one = bench("plain.py:model")
    trial = one.run(source("def answer(x, llm):\n    return llm(f'what is {x}?')\n"), 3)
    assert trial.feedback.text == "re: what is 3?"
    assert trial.usage == Usage(1, 2, 3, 0.5)


@pytest.mark.parametrize(
    ("task", "text", "index"),
    [
        ("async_model", "async def answer(i, llm): return await llm(str(i))", 0),
        (
            "one_call_many_models",
            "import asyncio\nasync def answer(llm): return await asyncio.gather(*(llm(str(i)) for i in range(10)))",
            0,
        ),
        (
            "one_call_many_models",
            "from concurrent.futures import ThreadPoolExecutor\n"
            "def answer(llm):\n    with ThreadPoolExecutor(10) as pool:\n"
            "        return list(pool.map(lambda i: llm(str(i)), range(10)))",
            1,
        ),
    ],
)
def test_model_calls_of_one_trial_overlap(bench: MakeBench, task: str, text: str, index: int) -> None:
    one = bench(f"plain.py:{task}", limits=Limits(seconds=20))
    together, most = 0, 0

    async def slow(ask: Ask) -> Reply:
        nonlocal together, most
        together += 1
        most = max(most, together)
        await asyncio.sleep(0.2)
        together -= 1
        return Reply([f"re {ask.messages[0]['content']}"])

    one.answer = slow
    trial = one.run(source(text), index)
    assert trial.feedback.text == " ".join(f"re {i}" for i in range(10)), trial.feedback
    assert most == 10


@pytest.mark.parametrize("text", ["async def double(x):\n    await asyncio.sleep({s})\n    return 2 * x", PARTIAL])
def test_anything_awaitable_is_awaited_and_has_its_time(bench: MakeBench, text: str) -> None:
    one = bench("plain.py:double")
    text = "import asyncio, functools\n" + text
    assert one.run(source(text.replace("{s}", "0.01")), 4).score == 1.0
    late = one.run(source(text.replace("{s}", "30")), 4)
    assert late.feedback.error == "timeout", late
    busy = one.run(source(text.replace("await asyncio.sleep({s})", "\n    while True: pass")), 4)
    assert busy.feedback.error == "timeout"
    assert "-->" in busy.feedback.text


def test_many_model_calls_of_one_program_all_get_their_own_answer(bench: MakeBench) -> None:
    text = "import asyncio\nasync def answer(llm): return await asyncio.gather(*(llm(str(i)) for i in range(300)))"
    for task in ("one_call_many_models", "async_call_many_models"):
        trial = bench(f"plain.py:{task}", limits=Limits(seconds=20)).run(source(text), 0)
        assert trial.feedback.text == " ".join(f"re: {i}" for i in range(300)), trial.feedback


@pytest.mark.parametrize("size", [1, 4])  # of up to 2 KB, and of several packets each
def test_both_sides_may_send_more_than_a_connection_holds(bench: MakeBench, size: int) -> None:
    """Neither takes in what the other sends while it waits to send itself: one of them has to."""
    text = "import asyncio\nasync def answer(text, llm):\n    await asyncio.gather(llm('a'), llm('b'))\n"
    text += "    return text * 2"
    trial = bench("plain.py:many_calls_at_once", limits=Limits(seconds=60)).run(source(text), size)
    assert trial.score == 1.0, trial.feedback


ACTS = """\
def act(obs):
    assert obs["things"] == [{"x": 1, "far": 2.5}], obs
    obs["things"].clear()  # what it does to what it was given is its own business
    if obs["step"] == 100:
        assert obs["odd"] == 1 << 70
    if obs["step"] == 110:
        assert sorted(obs["odd"]) == [1, 2]
    if obs["step"] == 120:
        obs["odd"]("called")
    if obs["step"] == 150:
        LATE
    return obs["step"]
"""


@pytest.mark.parametrize("record", [False, True])
def test_a_strict_environment_is_played_the_short_way_and_may_break_its_promise(bench: MakeBench, record: bool) -> None:
    one = bench("plain.py:odd_episode")
    trial = one.run(source(ACTS.replace("LATE", "pass")), 0, record=record)
    assert (trial.score, trial.feedback.error) == (200.0, None), trial.feedback
    failed = one.run(source(ACTS.replace("LATE", "raise RuntimeError('at a step of its own')")), 1, record=record)
    assert failed.feedback.error == "exception"
    assert "at a step of its own" in failed.feedback.text
    gone = one.run(source(ACTS.replace("LATE", "__import__('os')._exit(3)")), 1)
    assert gone.feedback.error == "crash"
    late = one.run(source(ACTS.replace("LATE", "while True: pass")), 1)
    assert late.feedback.error == "timeout"
    assert "while the program was running" in late.feedback.text or "-->" in late.feedback.text


SEES = """
def act(obs):
    step = obs["step"]
    assert obs.pop("odd", 0) == (1 << 70 if step > 150 and step % 10 == 0 else 0)
    still, moving = _parts_of(step)
    assert list(obs) == [*still, *moving], list(obs)
    assert obs == still | moving
    for value in obs.values():  # what it does to what it was given is its own business
        if type(value) is dict:
            value["x"] = "gone"
        elif type(value) is list:
            if type(value[0]) is dict:
                value[0]["x"] = "gone"
            value.append("more")
    obs.clear()
    return step
"""


@pytest.mark.parametrize("record", [False, True])
def test_what_stands_still_is_made_anew_for_every_call(bench: MakeBench, record: bool) -> None:
    text = (TASKS / "plain.py").read_text()
    program = source(text[text.index("def _parts_of") : text.index("class _Walls")] + SEES)
    one = bench("plain.py:walls_episode")
    trial = one.run(program, 0, record=record)
    assert (trial.score, trial.feedback.error) == (200.0, None), trial.feedback
    with pytest.raises(TaskError, match="`parts` do not make up its observation"):
        one.run(program, 2, record=record)


def test_what_was_printed_without_an_end_of_line_is_seen(bench: MakeBench) -> None:
    trial = bench("plain.py:double").run(source("def double(x):\n    print(x, end='')\n    return 2 * x\n"), 1)
    assert (trial.feedback.error, trial.trace.stdout) == (None, "1")


def test_failed_model_call_is_labelled(bench: MakeBench) -> None:
    one = bench("plain.py:model")

    async def fails(ask: Ask) -> Reply:
        raise ModelError("the endpoint is down")

    one.answer = fails
    trial = one.run(source("def answer(x, llm): return llm('hi')"))
    assert trial.feedback.error == "model"
    assert "the endpoint is down" in trial.feedback.text
    forgiving = one.run(
        source(
            "def answer(x, llm):\n    try: return llm('hi')\n"
            "    except Exception as e: return f'{type(e).__name__} {e}'"
        )
    )
    assert forgiving.feedback.text == "ModelError the endpoint is down"


def test_exhausted_budget_ends_the_trial_and_is_raised(bench: MakeBench) -> None:
    one = bench("plain.py:model")

    async def spent(ask: Ask) -> Reply:
        raise BudgetExhausted("3 calls of 3 are spent")

    one.answer = spent
    with pytest.raises(BudgetExhausted, match="3 calls of 3"):
        one.run(source("def answer(x, llm):\n    try: return llm('hi')\n    except Exception: return 'never mind'"))
    one.answer = one._echo  # pyright: ignore
    assert one.run(source("def answer(x, llm): return llm('hi')")).feedback.text == "re: hi"


def test_task_may_be_called_back_and_call_again_meanwhile(bench: MakeBench) -> None:
    trial = bench("plain.py:handles").run(
        source("def outer(note): return [note(1), note((2, 3))]\ndef inner(value): return [value]\n")
    )
    assert trial.feedback.text == "[[1], [(2, 3)]] [1, (2, 3)]"


def test_fault_of_the_task_is_not_blamed_on_the_program(bench: MakeBench) -> None:
    assert bench("plain.py:broken_task").run(DOUBLE).feedback.error == "task"
    trial = bench("plain.py:unsendable").run(source("def same(x): return x\n"))
    assert trial.feedback.error == "task"
    assert "args[0] is of type object" in trial.feedback.text


@pytest.mark.parametrize(
    "score", ["float('nan')", "float('inf')", "'1.0'", "None", "[1]", "(1, 2, 3)", "1e999", "{'score': 1}"]
)
def test_what_is_no_score_is_an_error_that_says_so(bench: MakeBench, score: str) -> None:
    trial = bench("plain.py:score").run(source(f"def score(): return {score}\n"))
    assert (trial.feedback.error, trial.feedback.score) == ("score", 0.0)


def test_task_that_hangs_and_swallows_is_killed_and_replaced(bench: MakeBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("loopwright.execution.process.GRACE", 1.0)
    one = bench("plain.py:stuck_task")
    for _ in range(2):
        trial = one.run(DOUBLE)
        assert trial.feedback.error == "timeout"


@pytest.mark.parametrize(
    ("task", "said"),
    [
        ("nowhere.py:x", "nowhere.py"),
        ("plain.py:no_such", "no_such"),
        ("raises.py:x", "ZeroDivisionError"),
        ("exits.py:x", "SystemExit"),
        ("dies.py:x", "ended its process"),
    ],
)
def test_task_that_cannot_be_loaded_is_a_task_error(tmp_path: Path, task: str, said: str) -> None:
    (tmp_path / "plain.py").write_text("x = 1\n")
    (tmp_path / "raises.py").write_text("1/0\n")
    (tmp_path / "exits.py").write_text("import sys; sys.exit(3)\n")
    (tmp_path / "dies.py").write_text("import os; print('last words', flush=True); os._exit(3)\n")

    async def start() -> None:
        executor = ProcessExecutor(task, tmp_path)
        try:
            await executor.start()
        finally:
            await executor.close()
            await executor.close()

    with pytest.raises(TaskError, match=said):
        asyncio.run(start())


def test_closing_ends_what_runs_and_refuses_what_comes(bench: MakeBench) -> None:
    one = bench("plain.py:double", limits=Limits(seconds=60))

    async def closed() -> list[object]:
        endless = source("import time\ndef double(x): time.sleep(50)")
        running = asyncio.create_task(one.executor.run(endless, TrialSpec("c", "train", 0, 0)))
        await asyncio.sleep(0.5)
        await one.executor.close()
        return await asyncio.gather(
            running, one.executor.run(DOUBLE, TrialSpec("c", "train", 0, 0)), return_exceptions=True
        )

    assert [type(result) for result in one.do(closed())] == [ExecutionError, ExecutionError]


def test_results_are_the_same_with_1_and_4_slots(bench: MakeBench) -> None:
    text = """
        import random, os
        print(random.random(), hash("x"), {"a", "b", "c"})
        def double(x):
            return [random.random(), sorted(globals()), os.listdir(".")]
        """

    def results(one: Bench) -> list[object]:
        async def all_() -> list[object]:
            specs = [TrialSpec("c", "train", i % 20, i, record=True) for i in range(24)]
            trials = await asyncio.gather(*(one.executor.run(source(text), s) for s in specs))
            return [(t.spec, t.feedback, t.trace) for t in trials]

        return one.do(all_())

    assert results(bench("plain.py:double", slots=1)) == results(bench("plain.py:double", slots=4))


def test_at_most_slots_trials_run_at_a_time(bench: MakeBench) -> None:
    one = bench("plain.py:model", slots=2, limits=Limits(seconds=20))
    together, most = 0, 0

    async def slow(ask: Ask) -> Reply:
        nonlocal together, most
        together += 1
        most = max(most, together)
        await asyncio.sleep(0.1)
        together -= 1
        return Reply(["x"])

    one.answer = slow

    async def all_() -> None:
        candidate = source("def answer(x, llm): return llm('hi')")
        await asyncio.gather(*(one.executor.run(candidate, TrialSpec("c", "train", i, 0), one._ask) for i in range(6)))

    one.do(all_())
    assert most == 2


def marked() -> list[str]:
    """Processes which carry this test's mark in their environment or command line."""
    found: list[str] = []
    for folder in Path("/proc").glob("[0-9]*"):
        try:
            told = (folder / "cmdline").read_bytes() + b" " + (folder / "environ").read_bytes()
            state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
        except OSError:
            continue
        if MARK.encode() in told and state != "Z" and folder.name != str(os.getpid()):
            found.append(f"{folder.name} {told[:200]!r}")
    return found


MARK = f"loopwright-mark-{os.getpid()}"


def wait_until(condition: Callable[[], bool], seconds: float) -> bool:
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        if condition():
            return True
        time.sleep(0.05)
    return condition()


def test_cancelling_kills_the_trial_and_the_slot_goes_on(bench: MakeBench) -> None:
    one = bench("plain.py:double", limits=Limits(seconds=60))
    candidate = source("import subprocess\ndef double(x):\n    subprocess.run(['sleep', '61.5'])\n")

    async def cancelled() -> None:
        running = asyncio.create_task(one.executor.run(candidate, TrialSpec("c", "train", 0, 0)))
        await asyncio.sleep(1.0)
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running

    one.do(cancelled())
    assert one.run(DOUBLE, 2).score == 1.0
    assert wait_until(lambda: not commands(b"sleep\x0061.5"), 5)


def commands(wanted: bytes) -> list[str]:
    found: list[str] = []
    for path in Path("/proc").glob("[0-9]*/cmdline"):
        try:
            if wanted in path.read_bytes():
                found.append(path.parent.name)
        except OSError:
            pass
    return found


def test_no_process_is_left_after_close(bench: MakeBench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOOPWRIGHT_MARK", MARK)
    before = set(children())
    one = bench("plain.py:double", slots=2)
    one.run(DOUBLE, 1)
    one.run(
        source("import os, time\nif os.fork() == 0:\n    os.setsid()\n    time.sleep(99)\ndef double(x): return 2 * x"),
        1,
    )
    assert set(children()) > before
    one.do(one.executor.close())
    assert wait_until(lambda: not marked() and set(children()) <= before, 5), (marked(), children())


def children() -> list[int]:
    """All living descendants of this process."""
    parents: dict[int, int] = {}
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if fields[0] != "Z":
            parents[int(path.parent.name)] = int(fields[1])
    found, rest = [os.getpid()], True
    while rest:
        rest = [pid for pid, parent in parents.items() if parent in found and pid not in found]
        found += rest
    return found[1:]


DRIVER = """
import asyncio, sys
from pathlib import Path
sys.path.insert(0, {tests!r})
from execution_bench import source
from loopwright.execution.process import ProcessExecutor
from loopwright.execution.protocol import Limits
from loopwright.trial import TrialSpec
async def main():
    executor = ProcessExecutor("plain.py:double", Path({tasks!r}), slots=2, limits=Limits(seconds=60))
    await executor.start()
    busy = source("import time\\ndef double(x):\\n    while True: time.sleep(0.01)\\n")
    tasks = [asyncio.create_task(executor.run(busy, TrialSpec("c", "train", i, 0))) for i in range(2)]
    await asyncio.sleep(1.5)
    print("running", flush=True)
    await asyncio.gather(*tasks)
asyncio.run(main())
"""


def test_kill_of_main_leaves_no_process_within_five_seconds(tmp_path: Path) -> None:
    script = tmp_path / "driver.py"
    script.write_text(DRIVER.format(tests=str(Path(__file__).parent), tasks=str(TASKS)))
    environment = {**os.environ, "LOOPWRIGHT_MARK": MARK}
    main = subprocess.Popen([sys.executable, str(script)], env=environment, stdout=subprocess.PIPE)
    assert main.stdout is not None
    assert main.stdout.readline() == b"running\n"
    tree = [pid for pid in children() if pid != main.pid]
    assert len(tree) >= 6  # zygote, two workers, two sandboxes with their trials
    main.send_signal(signal.SIGKILL)
    main.wait()
    main.stdout.close()
    assert wait_until(lambda: not any(Path(f"/proc/{pid}").exists() for pid in tree) and not marked(), 5), marked()


@pytest.mark.parametrize("victim", ["zygote", "worker", "sandbox", "trial"])
def test_kill_of_any_part_changes_no_result(bench: MakeBench, victim: str) -> None:
    one = bench("plain.py:double", limits=Limits(seconds=30))
    slow = source("import time\ndef double(x):\n    time.sleep(0.6)\n    return 2 * x\n")
    whole = one.run(slow, 5)

    async def shot() -> object:
        running = asyncio.create_task(one.executor.run(slow, TrialSpec("c", "train", 5, 7)))
        await asyncio.sleep(0.3)
        os.kill(targets(one)[victim], signal.SIGKILL)
        return await running

    trial = one.do(shot())
    assert (trial.spec, trial.feedback, trial.trace) == (whole.spec, whole.feedback, whole.trace)
    assert one.run(DOUBLE, 2).score == 1.0


@pytest.mark.slow
def test_kills_at_random_moments_change_no_result(bench: MakeBench) -> None:
    one = bench("plain.py:double", slots=2, limits=Limits(seconds=30))
    candidate = source("import time\ndef double(x):\n    time.sleep(0.02)\n    return 2 * x\n")
    chance = random.Random(5)

    async def kill() -> None:
        while True:
            await asyncio.sleep(chance.uniform(0.5, 1.5))
            with contextlib.suppress(ProcessLookupError):
                os.kill(chance.choice(children()), signal.SIGKILL)

    async def all_() -> list[float]:
        killing = asyncio.create_task(kill())
        specs = [TrialSpec("c", "train", i % 20, i) for i in range(300)]
        trials = await asyncio.gather(*(one.executor.run(candidate, spec) for spec in specs))
        killing.cancel()
        return [trial.score for trial in trials]

    assert one.do(all_()) == [1.0] * 300


def targets(one: Bench) -> dict[str, int]:
    zygote = one.executor._zygote.pid  # pyright: ignore
    worker = one.executor._slots.all[0].worker.pid  # pyright: ignore
    below = list(descendants(worker))
    return {"zygote": zygote, "worker": worker, "sandbox": below[0], "trial": below[-1]}


def descendants(pid: int) -> list[int]:
    found: list[int] = []
    for path in Path("/proc").glob("[0-9]*/stat"):
        try:
            fields = path.read_text().rpartition(")")[2].split()
        except OSError:
            continue
        if int(fields[1]) == pid:
            child = int(path.parent.name)
            found += [child, *descendants(child)]
    return found


def test_evaluator_has_no_keys(bench: MakeBench, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("OPENAI_API_KEY", "HF_TOKEN", "AWS_SECRET_ACCESS_KEY", "MY_APIKEY", "DB_PASSWORD"):
        monkeypatch.setenv(name, "sk-very-secret")
    one = bench("plain.py:double")
    one.run(DOUBLE)
    for pid in [one.executor._zygote.pid, *descendants(one.executor._zygote.pid)]:  # pyright: ignore
        with contextlib.suppress(PermissionError):
            assert b"very-secret" not in Path(f"/proc/{pid}/environ").read_bytes()
