"""Laws of the recorder: a traced program does what it did, and the records say what really happened."""

from __future__ import annotations

import asyncio
import inspect
import sys
import threading
from pathlib import Path
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopwright.execution.loading import Loaded
from loopwright.execution.protocol import Source
from loopwright.trace import Call, Failure
from loopwright.trace import record as recording
from loopwright.trace.record import Tracer, describe, failure_of, plain, shortened


@pytest.fixture
def tracer() -> Tracer:
    return Tracer()


def told(calls: list[Call]) -> list[tuple[str, Any, Any]]:
    return [(c.function, [value for _, value, _ in c.inputs], c.output) for c in calls]


def test_a_call_is_recorded_by_argument_name_and_does_what_it_did(tracer: Tracer) -> None:
    def f(a: int, b: int = 2, *rest: int, c: int = 4, **more: int) -> int:
        return a + b + sum(rest) + c + sum(more.values())

    traced = tracer.wrap(f, "f")
    assert traced(1) == 7
    assert traced(1, 2, 3, c=5, d=6) == 17
    assert inspect.signature(traced) == inspect.signature(f)
    first, second = tracer.take()
    assert first == Call("f", [("a", 1, -1)], 7)
    assert [name for name, _, _ in second.inputs] == ["a", "b", "*rest[0]", "c", "d"]
    assert tracer.take() == []


def test_inputs_and_outputs_are_those_of_the_call_though_they_change_later(tracer: Tracer) -> None:
    def grow(items: list[int]) -> list[int]:
        items.append(9)
        return items

    traced = tracer.wrap(grow, "grow")
    items = [1]
    traced(items)
    traced(items)
    items.clear()
    assert told(tracer.take()) == [("grow", [[1]], [1, 9]), ("grow", [[1, 9]], [1, 9, 9])]


def test_origins_are_identities_of_earlier_outputs_not_equalities(tracer: Tracer) -> None:
    make = tracer.wrap(lambda n: [n] * 3, "make")
    use = tracer.wrap(lambda a, b: a + b, "use")
    a, b = make(1000), make(1000)
    use(b, [1000] * 3)
    use(a, use(a, b))
    origins = [[origin for _, _, origin in call.inputs] for call in tracer.take()]
    assert origins == [[-1], [-1], [1, -1], [0, 1], [0, 3]]


def test_origin_is_the_output_known_when_the_call_began(tracer: Tracer) -> None:
    state: list[int] = []
    same = tracer.wrap(lambda x: x, "same")
    same(state)
    same(state)
    same(state)
    assert [call.inputs[0][2] for call in tracer.take()] == [-1, 0, 1]


def test_origins_of_objects_reach_over_turns_and_those_of_none_do_not(tracer: Tracer) -> None:
    give = tracer.wrap(lambda x: x, "give")
    kept = give([1])
    give(None)
    give(None)
    assert [c.inputs[0][2] for c in tracer.take()] == [-1, -1, 1]
    give(kept)
    give(None)
    assert [c.inputs[0][2] for c in tracer.take()] == [0, -1]


def test_nesting_is_told_by_parents_over_the_whole_trial(tracer: Tracer) -> None:
    inner = tracer.wrap(lambda x: x + 1, "inner")
    outer = tracer.wrap(lambda x: inner(inner(x)), "outer")
    outer(1)
    assert [(c.function, c.parent) for c in tracer.take()] == [("outer", -1), ("inner", 0), ("inner", 0)]
    outer(1)
    assert [(c.function, c.parent) for c in tracer.take()] == [("outer", -1), ("inner", 3), ("inner", 3)]


def test_exception_passes_and_is_recorded_and_nesting_recovers(tracer: Tracer) -> None:
    def boom(x: int) -> int:
        raise ValueError(f"bad {x}")

    traced = tracer.wrap(boom, "boom")

    def guarded(x: int) -> int:
        try:
            return traced(x)
        except ValueError:
            return after(x)

    after = tracer.wrap(lambda x: -x, "after")
    outer = tracer.wrap(guarded, "guarded")
    assert outer(3) == -3
    calls = tracer.take()
    assert [(c.function, c.parent) for c in calls] == [("guarded", -1), ("boom", 0), ("after", 0)]
    assert calls[1].failure == Failure("ValueError", "bad 3")
    assert calls[1].output is None


def test_methods_leave_out_the_object_they_belong_to(tracer: Tracer) -> None:
    class Agent:
        def act(self, x: int) -> int:
            return x

    Agent.act = tracer.wrap(Agent.act, "Agent.act")  # type: ignore[method-assign]
    Agent().act(4)
    assert tracer.take() == [Call("Agent.act", [("x", 4, -1)], 4)]


def test_coroutine_functions_stay_coroutine_functions(tracer: Tracer) -> None:
    async def wait(x: int) -> int:
        await asyncio.sleep(0)
        return x * 2

    traced = tracer.wrap(wait, "wait")
    assert inspect.iscoroutinefunction(traced)

    async def both() -> list[int]:
        return await asyncio.gather(traced(1), traced(2))

    assert asyncio.run(both()) == [2, 4]
    assert told(tracer.take()) == [("wait", [1], 2), ("wait", [2], 4)]


def test_generators_and_classes_are_left_alone(tracer: Tracer) -> None:
    def count() -> Any:
        yield 1

    async def acount() -> Any:
        yield 1

    assert tracer.wrap(count, "count") is count
    assert tracer.wrap(acount, "acount") is acount
    assert tracer.wrap(int, "int") is int


def test_calls_in_other_threads_are_roots(tracer: Tracer) -> None:
    inner = tracer.wrap(lambda x: x, "inner")

    def work() -> None:
        threads = [threading.Thread(target=inner, args=(i,)) for i in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    tracer.wrap(work, "work")()
    assert sorted((c.function, c.parent) for c in tracer.take()) == [("inner", -1)] * 4 + [("work", -1)]


class Hostile:
    def __repr__(self) -> str:
        raise SystemExit

    def __eq__(self, other: object) -> bool:
        raise SystemExit

    __hash__ = None  # type: ignore[assignment]

    def __getattr__(self, name: str) -> Any:
        raise SystemExit


class HostileText(str):
    def __len__(self) -> int:
        raise SystemExit

    __repr__ = __str__ = __len__  # type: ignore[assignment]


HOSTILE: list[Any] = [Hostile(), [Hostile()], {"k": (Hostile(),)}, {Hostile: 1}, HostileText("x"), 2**200]


@pytest.mark.parametrize("number", range(len(HOSTILE)))  # the values themselves would break their own test's name
def test_hostile_values_change_nothing_and_are_told_plainly(tracer: Tracer, number: int) -> None:
    value = HOSTILE[number]
    traced = tracer.wrap(lambda x: x, "f")
    assert traced(value) is value
    calls = tracer.take()
    msgspec.msgpack.encode(calls)
    assert len(calls) == 1


def test_arrays_and_objects_are_described(tracer: Tracer) -> None:
    np = pytest.importorskip("numpy")
    assert plain(np.zeros((210, 160, 3), np.uint8)) == "<array uint8 (210, 160, 3)>"
    assert plain([np.array([1, 2]), np.float32(0.5)]) == [[1, 2], 0.5]
    assert plain({"f": len, "t": int, "self": tracer.wrap})["t"] == "<type int>"


def test_long_values_are_cut_and_the_cut_is_said(tracer: Tracer) -> None:
    traced = tracer.wrap(lambda *args: args[0], "f")
    traced("x" * 10**6)
    traced(list(range(10**5)))
    traced({str(i): i for i in range(10**4)})
    texts, numbers, entries = (c.output for c in tracer.take())
    assert texts.endswith("(1000000 characters)")
    assert numbers[-1] == "... (100000 items)"
    assert entries["..."] == "(10000 entries)"
    assert len(msgspec.msgpack.encode([texts, numbers, entries])) < 10_000


def test_calls_over_the_limit_run_unrecorded_and_it_is_said(tracer: Tracer, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(recording, "CALLS_LIMIT", 5)
    traced = tracer.wrap(lambda x: x, "f")
    assert [traced(i) for i in range(9)] == list(range(9))
    calls = tracer.take()
    assert [c.function for c in calls] == ["f"] * 5 + ["(not recorded)"]
    assert calls[-1].inputs[0][1] == 4


@given(
    st.recursive(
        st.none() | st.integers() | st.floats() | st.text() | st.binary(),
        lambda s: st.lists(s) | st.dictionaries(st.text(), s) | st.tuples(s, s),
    )
)
def test_every_description_is_plain(value: Any) -> None:
    for made in (plain(value), describe(value), shortened(describe(value))):
        msgspec.msgpack.encode(made)


TEXT = """
class Agent:
    def act(self, x): return self.helper(x) + 1
    @staticmethod
    def helper(x): return x * 2
    @classmethod
    def make(cls, n=3): return [cls()] * n
    @property
    def name(self): return "agent"

REGISTRY = {}
def tool(function):
    REGISTRY[function.__name__] = function
    return function

@tool
def search(query):
    return query.upper()

async def later(x): return x
def counting():
    yield 1
def untouched(x): return x
if True:
    def conditional(x): return -x
"""


def load(tmp_path: Path, text: str, traced: list[str]) -> Loaded:
    (tmp_path / "traced_agent.py").write_text(text)
    files = {"traced_agent.py": text.encode()}
    loaded = Loaded(Source("c", files, "traced_agent.py", [("traced_agent.py", n) for n in traced]), tmp_path, Tracer())
    loaded.load()
    return loaded


def test_functions_methods_and_registered_functions_are_traced(tmp_path: Path) -> None:
    names = ["Agent.act", "Agent.helper", "Agent.make", "Agent.name", "search", "later", "counting", "conditional"]
    loaded = load(tmp_path, TEXT, names)
    assert loaded.tracer is not None
    try:
        agent = loaded.get("Agent").make(1)[0]
        assert (agent.act(2), agent.name, loaded.get("REGISTRY")["search"]("q")) == (5, "agent", "Q")
        assert (asyncio.run(loaded.get("later")(1)), list(loaded.get("counting")()), loaded.get("conditional")(1)) == (
            1,
            [1],
            -1,
        )
        assert loaded.get("untouched")(1) == 1
        functions = [c.function for c in loaded.tracer.take()]
        assert functions == ["Agent.make", "Agent.act", "Agent.helper", "Agent.name", "search", "later", "conditional"]
        assert inspect.getsource(loaded.get("search")).startswith("@tool\ndef search")
        assert not [name for name in vars(loaded.entry) if "loopwright" in name]
    finally:
        loaded.unload()


def test_a_named_class_has_all_its_methods_traced(tmp_path: Path) -> None:
    loaded = load(tmp_path, TEXT, ["Agent"])
    assert loaded.tracer is not None
    try:
        loaded.get("Agent")().act(1)
        assert [c.function for c in loaded.tracer.take()] == ["Agent.act", "Agent.helper"]
    finally:
        loaded.unload()


def test_failure_marks_the_lines_of_the_artifact_alone(tmp_path: Path) -> None:
    text = "import json\n\ndef parse(text):\n    return json.loads(text)\n\n"
    text += "def run(text):\n    data = parse(text)\n    return data\n"
    loaded = load(tmp_path, text, [])
    try:
        with pytest.raises(ValueError) as raised:
            loaded.get("run")("{")
        failure = loaded.failure(raised.value)
        assert failure.type == "JSONDecodeError"
        assert failure.where.splitlines() == [
            "traced_agent.py, line 7, in run",
            "    4 |     return json.loads(text)",
            "    5 | ",
            "    6 | def run(text):",
            "--> 7 |     data = parse(text)",
            "    8 |     return data",
            "traced_agent.py, line 4, in parse",
            "    1 | import json",
            "    2 | ",
            "    3 | def parse(text):",
            "--> 4 |     return json.loads(text)",
            "    5 | ",
            "    6 | def run(text):",
            "    7 |     data = parse(text)",
        ]
    finally:
        loaded.unload()


def test_recursion_is_folded_and_a_syntax_error_shows_its_line(tmp_path: Path) -> None:
    loaded = load(tmp_path, "def again(x):\n    return again(x)\n", ["again"])
    try:
        with pytest.raises(RecursionError) as raised:
            loaded.get("again")(1)
        where = loaded.failure(raised.value).where
        assert where.count("-->") == 1
        assert "times)" in where
    finally:
        loaded.unload()
    with pytest.raises(SyntaxError) as broken:
        load(tmp_path, "x = 1\ndef f(:\n    pass\n", [])
    failure = failure_of(broken.value, {str(tmp_path / "traced_agent.py")})
    assert "--> 2 | def f(:" in failure.where
    sys.modules.pop("traced_agent", None)


def test_a_table_is_told_by_its_size_its_gaps_and_its_columns() -> None:
    pd = pytest.importorskip("pandas")
    frame = pd.DataFrame({"a": [1, 2], "b": [0.5, None], "c": ["x", None]})
    assert describe(frame) == "<DataFrame 2 x 3, 2 values missing: 1 int64 (a); 1 float64 (b); 1 str (c)>"
    wide = describe(pd.DataFrame({f"column{number}": [0] for number in range(100)}))
    assert wide.startswith("<DataFrame 1 x 100: 100 int64 (column0, column1, ")
    assert wide.endswith(", ...)>")
    assert len(wide) < 320
    assert describe(pd.DataFrame()) == "<DataFrame 0 x 0>"
