"""Laws of the data-flow graph: an edge is a use, a slice is what an output depends on, and both take linear work."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from loopwright.trace import Call, Failure, Step, Trace
from loopwright.trace.graph import Edge, graph


@st.composite
def traces(draw: st.DrawFn) -> Trace:
    """Steps of calls whose inputs refer to earlier calls, some of them nested in an earlier call of their step."""
    steps: list[Step] = []
    number = 0
    for _ in range(draw(st.integers(0, 4))):
        calls: list[Call] = []
        first = number
        for _ in range(draw(st.integers(0, 5))):
            origins = draw(st.lists(st.integers(-1, number - 1), max_size=3))
            parent = draw(st.sampled_from([-1, *range(first, number)]))
            calls.append(Call("f", [(f"a{k}", None, origin) for k, origin in enumerate(origins)], number, parent))
            number += 1
        steps.append(Step(None, draw(st.one_of(st.none(), st.integers(0, max(0, number - 1)))), None, calls))
    return Trace(steps)


@given(traces())
def test_a_slice_is_closed_under_what_its_calls_use_and_holds_nothing_else(trace):
    made = graph(trace)
    for target in range(len(made.calls)):
        kept = made.slice(target)
        assert kept == sorted(set(kept))
        assert target in kept
        assert {edge.source for edge in made.edges if edge.target in kept} <= set(kept)
        for call in set(kept) - {target}:
            assert any(edge.source == call and edge.target in kept for edge in made.edges)


@given(traces())
def test_every_input_with_an_origin_is_one_edge(trace):
    made = graph(trace)
    uses = {(origin, i, name) for i, call in enumerate(made.calls) for name, _, origin in call.inputs if origin >= 0}
    nested = {(i, call.parent, "") for i, call in enumerate(made.calls) if call.parent >= 0}
    assert {(edge.source, edge.target, edge.name) for edge in made.edges} == uses | nested
    assert len(made.edges) == len(set(made.edges))


@given(traces())
def test_dot_has_a_box_for_every_call_and_balanced_frames(trace):
    made = graph(trace)
    text = made.dot()
    assert len(re.findall(r"^    c\d+ \[", text, re.MULTILINE)) == len(made.calls)
    assert len(re.findall(r"^  c\d+ -> ", text, re.MULTILINE)) == len(made.edges)
    assert text.count("{") == text.count("}")


def test_calls_that_did_not_matter_are_not_in_the_slice():
    calls = [
        Call("read", [("q", "?", -1)], "text"),
        Call("log", [("text", "text", 0)], None),
        Call("extract", [("text", "text", 0)], "A"),
    ]
    made = graph(Trace([Step({"q": "?"}, "A", None, calls)]))
    assert made.slice() == [0, 2]
    assert made.edges == [Edge(0, 1, "text"), Edge(0, 2, "text")]
    assert "log" not in made.dot(made.slice())


def test_the_output_of_a_failed_step_is_the_call_that_raised():
    failure = Failure("ValueError", 'no "Answer:"\nin it')
    calls = [Call("read", [], "text"), Call("extract", [("text", "text", 0)], None, -1, failure)]
    made = graph(Trace([Step(None, None, None, calls)], failure))
    assert made.outputs == [1]
    assert made.slice() == [0, 1]
    assert "color=red" in made.dot()


def test_a_long_chain_and_a_wide_fan_do_not_recurse():
    chain = [Call("f", [("x", i - 1, i - 1)], i) for i in range(20_000)]
    made = graph(Trace([Step(None, 19_999, None, chain)]))
    assert len(made.slice()) == 20_000
    fan = [Call("base", [], 0), *(Call("use", [("x", 0, 0)], i + 1) for i in range(20_000))]
    fan.append(Call("sum", [(f"x{i}", i, i + 1) for i in range(20_000)], -1))
    assert len(graph(Trace([Step(None, -1, None, fan)])).slice()) == 20_002


def test_a_part_of_a_trial_keeps_only_its_own_edges():
    calls = [Call("f", [("x", 0, i - 1)], i) for i in range(10)]
    made = graph(Trace([Step(None, 9, None, calls[6:])]), first_call=6)
    assert made.edges == [Edge(0, 1, "x"), Edge(1, 2, "x"), Edge(2, 3, "x")]
    assert made.slice() == [0, 1, 2, 3]


def test_an_empty_trace_has_an_empty_graph():
    made = graph(Trace())
    assert made.slice() == made.calls == []
    assert made.dot().startswith("digraph")
