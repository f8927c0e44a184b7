"""Tasks which the tests of the executors run."""

import asyncio
import time
from types import SimpleNamespace

from loopwright.feedback import Feedback
from loopwright.tasks.episode import episodes
from loopwright.tasks.task import task

SECRET_ANSWER = "the-answer-is-" + str(41 + 1)  # so that it is no literal of this file


def _rows(n=20):
    return [{"x": i, "target": SECRET_ANSWER} for i in range(n)]


@task(train=_rows(), validation=_rows(3), test=_rows(3))
def double(program, row, trial):
    """Double it."""
    got = program.double(row["x"])
    return Feedback(float(got == 2 * row["x"]), f"got {got!r:.300}")


@task(train=_rows())
def echo(program, row, trial):
    """What the program gives must be what it was given."""
    value = VALUES[row["x"]]
    got = program.same(value)
    return float(type(got) is type(value) and _equal(got, value)), f"{got!r} for {value!r}"


@task(train=_rows())
def score(program, row, trial):
    """The program says its own score."""
    return program.score()


@task(train=_rows())
def model(program, row, trial):
    return 1.0, program.answer(row["x"], trial.llm)


@task(train=_rows())
async def async_model(program, row, trial):
    started = time.monotonic()
    texts = await asyncio.gather(*(program.answer(i, trial.allm) for i in range(10)))
    return time.monotonic() - started, " ".join(texts)


@task(train=_rows())
def one_call_many_models(program, row, trial):
    started = time.monotonic()
    texts = program.answer(trial.allm if row["x"] == 0 else trial.llm)
    return time.monotonic() - started, " ".join(texts)


@task(train=_rows())
async def async_call_many_models(program, row, trial):
    return 1.0, " ".join(await program.answer(trial.allm))


@task(train=_rows())
async def many_calls_at_once(program, row, trial):
    sent = [f"{i} " * 400 * row["x"] for i in range(1_500)]
    got = await asyncio.gather(*(program.answer(text, trial.allm) for text in sent))
    return float(got == [text * 2 for text in sent]), f"{len(got)} answers"


class _Counting:
    """An environment of 200 steps that rewards their numbers, and promises plain observations."""

    strict = True

    def reset(self, seed):
        self._seed, self._step = seed, 0
        return self._observation()

    def step(self, action):
        reward = float(action == self._step)
        self._step += 1
        return self._observation(), reward, self._step == 200


class _Odd(_Counting):
    """Does not always keep its promise."""

    def _observation(self):
        odd = {100: 1 << 70, 110: {1, 2}, 120: print} if self._step < 130 else {}
        return {"step": self._step, "things": [{"x": 1, "far": 2.5}], "odd": odd.get(self._step)}


odd_episode = episodes(_Odd, act="act", train=range(3))


def _parts_of(step):
    """What stands still changes every seventh step; it has all the forms that it may have, and is long at times."""
    at = step // 7
    still = {
        "wall": {"x": at, "y": 2.5},
        "bricks": [{"x": at, "name": "brick"}, {"x": -at, "name": "brick"}],
        "numbers": [at, at + 1],
        "level": at,
    }
    if at % 2:
        still = {f"wall{i}": {"x": i * at, "text": "long" * (at % 5)} for i in range(200)}
    return still, {"step": step, "ball": {"x": 2 * step}}


class _Walls(_Counting):
    """Tells what stands still; from step 150 on with numbers too large for msgpack. With seed 2 its parts lie."""

    def __init__(self):
        self.parts = SimpleNamespace()

    def _observation(self):
        still, self.parts.moving = _parts_of(self._step)
        if self._step % 7 == 0:
            self.parts.still = still
        if self._step > 150 and self._step % 10 == 0:
            self.parts.moving["odd"] = 1 << 70
        observation = self.parts.still | self.parts.moving
        if self._seed == 2:
            observation["more"] = 1
        return observation


walls_episode = episodes(_Walls, act="act", train=range(3))


@task(train=_rows())
def handles(program, row, trial):
    seen = []

    def note(value):
        seen.append(value)
        return program.inner(value)

    return 1.0, f"{program.outer(note)} {seen}"


@task(train=_rows())
def broken_task(program, row, trial):
    raise KeyError("the task's own fault")


@task(train=_rows())
def stuck_task(program, row, trial):
    while True:
        try:
            while True:
                time.sleep(0.01)
        except Exception:  # noqa: BLE001 - that is what is tested
            pass


@task(train=_rows())
def unsendable(program, row, trial):
    return program.same(object())


@task(train=_rows())
def commands(program, row, trial):
    built = program.run(["cc", "-O1", "-o", "kernel", "kernel.c"])
    if built.status:
        return 0.0, built.stderr
    ran = program.run(["./kernel"], stdin="20 22")
    slow = program.run(["sleep", "30"], seconds=0.2)
    return float(ran.stdout), f"{ran.status} {slow.status} {slow.timed_out} {program.text('kernel.c')[:8]}"


@task(train=_rows())
def values(program, row, trial):
    return 1.0, f"{program.value('PROMPT')!r} {program.value('LIMITS')!r}"


@task(train=_rows())
def all_names(program, row, trial):
    got = [program.start(), program.end(), program.invoke(), program.outcome(), program.modules(), program.unload()]
    got += [program.engine(), program._private(), program.last_failure(), program.time_out()]
    return 1.0, repr(got)


@task(train=_rows())
def many_calls(program, row, trial):
    state = 0
    for i in range(200):
        state = program.step(state, i)
    return float(state)


def _equal(a, b):
    if hasattr(a, "equals"):
        return a.equals(b)
    if isinstance(a, dict):
        return list(a) == list(b) and all(type(a[k]) is type(b[k]) and _equal(a[k], b[k]) for k in a)
    if hasattr(a, "dtype"):
        return a.dtype == b.dtype and a.shape == b.shape and (a == b).all()
    return a == b


def _values():
    import datetime
    import decimal

    import numpy as np

    return [
        None,
        True,
        -(2**90),
        1.5,
        2 + 3j,
        "ünï\x00",
        b"\xff\x00",
        [1, (2, [3, {"a": (4,)}])],
        {1: "a", (2, 3): [4], None: 5},
        {1, 2, "three"},
        frozenset([1]),
        datetime.datetime(2024, 2, 29, 1, 2, 3, tzinfo=datetime.UTC),
        decimal.Decimal("1.10"),
        np.arange(200_000, dtype="f4").reshape(100, 2000),
        np.array(["a", "bc"]),
        np.zeros((0, 3), "i2"),
        {"image": np.ones((3, 3), bool), "when": np.array(["2024-01-01"], "M8[D]")},
        (),
    ]


VALUES = _values()
