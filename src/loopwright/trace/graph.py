"""The data flow of one trial as a graph of its calls; what an output depends on; the graph as DOT text.

The paper (arXiv 2603.23994, appendix D.1) has an execution leave a graph `g` with feedback on its output. Here it is
read off the records: an input that was an earlier call's output (by identity, see `Call`) is an edge, and so is a call
made inside another. Nothing is recorded here (`trace.record`), drawn (`trace.drawing`), or rendered for the optimizer
(`loopwright.evidence`).
"""

from __future__ import annotations

from collections.abc import Iterator

import msgspec

from loopwright.trace import Call, Trace


class Edge(msgspec.Struct, frozen=True, array_like=True):
    """Call `source`'s output is used by call `target`, as the argument `name`, or inside it where `name` is ""."""

    source: int
    target: int
    name: str = ""


class Graph(msgspec.Struct, frozen=True):
    """The calls, the step of each, and the edges between them, every edge once.

    `outputs` has for each step the place of the call that gave its action: the last call outside all others whose
    output equals the action; or which failed, where the step has no action; -1 where there is none.
    """

    calls: list[Call]
    steps: list[int]
    edges: list[Edge]
    outputs: list[int]

    def slice(self, target: int | None = None, *, inside: bool = True) -> list[int]:
        """The calls that call `target` depends on, itself included, in order. In linear time.

        Without `inside`, only those whose values lead to it, not those made inside them. Without a `target`, of the
        last output. Empty where there is none. Steps are not linked with one another: what
        an environment made of an action is not known.
        """
        if target is None:
            target = next((output for output in reversed(self.outputs) if output >= 0), -1)
        if not 0 <= target < len(self.calls):
            return []
        needed: list[list[int]] = [[] for _ in self.calls]
        for edge in self.edges:
            if inside or edge.name:
                needed[edge.target].append(edge.source)
        found, waiting = {target}, [target]
        while waiting:
            for source in needed[waiting.pop()]:
                if source not in found:
                    found.add(source)
                    waiting.append(source)
        return sorted(found)

    def svg(self, target: int | None = None) -> str:
        """The graph as an SVG picture, in which all that call `target` depends on stands out; see `slice`."""
        from loopwright.trace.drawing import svg

        return svg(self, target=target)

    def dot(self, only: list[int] | None = None) -> str:
        """The graph, or only some of its calls, in Graphviz' DOT language: a box a call, a frame a step."""
        kept = set(range(len(self.calls)) if only is None else only)
        lines = ["digraph trace {", "  rankdir=LR; node [shape=box, fontname=monospace];"]
        frame = -1
        for i in sorted(kept):
            if self.steps[i] != frame:
                lines += ["  }"] if frame >= 0 else []
                frame = self.steps[i]
                lines.append(f'  subgraph cluster_{frame} {{ label="step {frame + 1}";')
            call = self.calls[i]
            failed = ", color=red" if call.failure else ""
            outcome = f"{call.failure.type}: {call.failure.message}" if call.failure else call.output
            lines.append(f"    c{i} [label={_quoted(f'{call.function} -> {short(outcome)}')}{failed}];")
        lines += ["  }"] if frame >= 0 else []
        for edge in self.edges:
            if edge.source in kept and edge.target in kept:
                look = f"label={_quoted(edge.name)}" if edge.name else "style=dashed"
                lines.append(f"  c{edge.source} -> c{edge.target} [{look}];")
        return "\n".join([*lines, "}"]) + "\n"


def graph(trace: Trace, *, first_call: int = 0) -> Graph:
    """The data flow of a trace, in time linear in its inputs.

    Where the trace is a part of a trial's, `first_call` counts the trial's calls before it; uses of those are no edges.
    """
    calls = [call for step in trace.steps for call in step.calls]
    steps = [i for i, step in enumerate(trace.steps) for _ in step.calls]
    edges = list(dict.fromkeys(_edges(calls, first_call)))
    outputs: list[int] = []
    begin = 0
    for step in trace.steps:
        outputs.append(_output(calls, begin, begin + len(step.calls), step.action, first_call))
        begin += len(step.calls)
    return Graph(calls, steps, edges, outputs)


def _edges(calls: list[Call], first_call: int) -> Iterator[Edge]:
    for i, call in enumerate(calls):
        for name, _, origin in call.inputs:
            if first_call <= origin < first_call + i:
                yield Edge(origin - first_call, i, name)
        if first_call <= call.parent < first_call + i:
            yield Edge(i, call.parent - first_call)


def _output(calls: list[Call], begin: int, end: int, action: object, first_call: int) -> int:
    for i in reversed(range(begin, end)):
        call = calls[i]
        if call.parent >= first_call + begin:
            continue
        if action is None if call.failure else _equal(call.output, action):
            return i
    return -1


def _equal(one: object, other: object) -> bool:
    try:
        return bool(one == other)
    except RecursionError:  # nested too deep to compare: then the output is not found, and a slice needs a target
        return False


def short(value: object, size: int = 40) -> str:
    """A value in one line of at most `size` characters, whatever it is."""
    try:
        line = " ".join((value if isinstance(value, str) else repr(value)).split())
    except (RecursionError, ValueError):  # too deep, or a number too long to print
        return type(value).__name__
    return line if len(line) <= size else f"{line[: size - 3]}..."


def _quoted(text: str) -> str:
    escaped = text.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'"{escaped}"'
