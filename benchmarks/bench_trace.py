"""What recording costs: a traced call over the plain call; 1,000 recorded calls as a graph, sliced and rendered."""

from __future__ import annotations

import time
from collections.abc import Callable
from statistics import median

from measure import Row, alone

from loopwright.evidence import Evidence
from loopwright.feedback import Feedback
from loopwright.trace import Call, Step, Trace
from loopwright.trace.graph import graph
from loopwright.trace.record import Tracer
from loopwright.trial import Trial, TrialSpec

CALLS = 5_000  # below the number of calls that a trial records
OBSERVATION = {"Ball": {"x": 10, "y": 20, "w": 2, "h": 4, "dx": 1, "dy": -1}, "reward": 0.0}


def small(x: int, y: int) -> int:
    return x


def wide(obs: dict[str, object]) -> object:
    return obs["reward"]


def per_call(function: Callable[..., object], *args: object) -> float:
    """CPU microseconds a call."""
    began = time.process_time()
    for _ in range(CALLS):
        function(*args)
    return (time.process_time() - began) / CALLS * 1e6


def traced(function: Callable[..., object], *args: object, repeats: int) -> tuple[float, float, float]:
    """Medians in CPU microseconds a call: recording over the plain call, the plain call, and `take` afterwards."""
    over: list[float] = []
    plain: list[float] = []
    taken: list[float] = []
    for _ in range(repeats):
        tracer = Tracer()
        wrapped = tracer.wrap(function, "f")
        bare = per_call(function, *args)
        over.append(per_call(wrapped, *args) - bare)
        plain.append(bare)
        began = time.process_time()
        tracer.packed()
        taken.append((time.process_time() - began) / CALLS * 1e6)
    return median(over), median(plain), median(taken)


def chain(calls: int) -> list[Call]:
    """The records of a program in which every call uses the outputs of the two before it."""
    tracer = Tracer()

    def combine(a: list[int], b: list[int]) -> list[int]:
        return [a[0] + 1, b[-1]]

    step = tracer.wrap(combine, "combine")
    one, two = [1, 2], [3, 4]
    for _ in range(calls):
        one, two = two, step(one, two)
    return tracer.take()


def rendered(repeats: int) -> tuple[list[float], str]:
    """CPU ms for slicing and rendering a chain of 1,000 calls, and the text."""
    calls = chain(1_000)
    trace = Trace([Step("start", calls[-1].output, 1.0, calls)])
    trial = Trial(TrialSpec("c", "train", 0, 0, record=True), Feedback(1.0, "good"), trace)
    times: list[float] = []
    text, kept = "", []
    for _ in range(repeats):
        began = time.process_time()
        kept = graph(trace).slice()
        text = Evidence.of([trial]).text
        times.append((time.process_time() - began) * 1e3)
    assert len(kept) == 1_000
    return times, text


def fan_in(uses: int, repeats: int) -> float:
    """CPU ms for the graph of one call that uses the outputs of `uses` others: made, sliced, and rendered."""
    tracer = Tracer()
    leaf = tracer.wrap(lambda x: [x], "leaf")
    gather = tracer.wrap(lambda *parts: len(parts), "gather")
    total = gather(*[leaf(i) for i in range(uses)])
    calls = tracer.take()
    trace = Trace([Step("start", total, 1.0, calls)])
    trial = Trial(TrialSpec("c", "train", 0, 0, record=True), Feedback(1.0, "good"), trace)
    times: list[float] = []
    for _ in range(repeats):
        began = time.process_time()
        kept = trace.graph().slice()
        Evidence.of([trial])
        times.append((time.process_time() - began) * 1e3)
        assert len(kept) == uses + 1, "every use is an edge"
    return median(times)


def rows(quick: bool) -> list[Row]:
    repeats = 7 if quick else 31
    over, plain, taken = traced(small, 1, 2, repeats=repeats)
    over_wide, _, _ = traced(wide, OBSERVATION, repeats=repeats)
    times, text = rendered(repeats)
    fan = fan_in(1_000, repeats)
    return [
        Row(
            "one traced call over the plain call",
            f"{over:.2f} us CPU with two small arguments ({over_wide:.2f} us with an observation of 8 values); "
            f"reading the record out later {taken:.1f} us; the plain call {plain:.2f} us",
            "<= 2 us",
            over <= 2.0,
        ),
        Row(
            "graph of 1,000 calls: slice and render",
            f"{median(times):.1f} ms CPU, {len(text):,} characters",
            "<= 10 ms",
            median(times) <= 10.0,
        ),
        Row(
            "graph of one call that uses 1,000 outputs: slice and render", f"{fan:.1f} ms CPU", "<= 20 ms", fan <= 20.0
        ),
    ]


if __name__ == "__main__":
    alone(rows, __doc__)
