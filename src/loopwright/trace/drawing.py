"""A graph of calls as an SVG picture, drawn here: no Graphviz is needed to look at one.

A frame is a step, from top to bottom; a box is a call, right of everything it uses. What the scored output depends on
is drawn in full, the rest pale, failures red. Resting the pointer on a box shows its inputs and output. For another
layout there is `Graph.dot`, and `render` hands it to Graphviz' `dot`.
"""

from __future__ import annotations

import shutil
import subprocess
from collections import deque
from html import escape
from pathlib import Path
from typing import Any

from loopwright.errors import UsageError
from loopwright.trace import Call
from loopwright.trace.graph import Graph, short

_WIDTH, _HEIGHT = 210, 40  # of a box, in pixels
_ACROSS, _DOWN = 90, 14  # between boxes
_HEAD, _MARGIN = 24, 14  # of a frame
_TEXT = 27  # characters that fit into a box
_MOST = 600  # characters of one value in a tool tip
_STYLE = """
text { font: 12px ui-monospace, monospace; fill: #1a1a1a; }
.value { fill: #555; } .name, .step { fill: #666; font-size: 11px; }
.frame { fill: none; stroke: #ccc; } .call rect { fill: #fff; stroke: #333; } .pale { opacity: .45; }
.failed rect { stroke: #b00020; stroke-width: 2; } .failed .value { fill: #b00020; }
path { fill: none; stroke: #777; } .inside { stroke-dasharray: 4 3; }
@media (prefers-color-scheme: dark) { text { fill: #eee; } .value, .name, .step { fill: #aaa; } .frame { stroke: #444; }
.call rect { fill: #1e1e1e; stroke: #ccc; } .failed rect { stroke: #ff6b81; } .failed .value { fill: #ff6b81; } }
"""


def svg(graph: Graph, *, target: int | None = None) -> str:
    """The graph as an SVG document, in linear time. `target` is the call whose slice is drawn in full (see
    `Graph.slice`); without one, the last output's."""
    needed = set(graph.slice(target))
    places, frames, width, height = _placed(graph)
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width} {height}" width="{width}" height="{height}">',
        f"<style>{_STYLE}</style>",
        '<defs><marker id="to" viewBox="0 0 8 8" refX="8" refY="4" markerWidth="7" markerHeight="7" orient="auto">'
        '<path d="M0 0 8 4 0 8z" style="fill:#777;stroke:none"/></marker></defs>',
    ]
    for step, top, bottom in frames:
        lines.append(f'<rect class="frame" x="4" y="{top}" width="{width - 8}" height="{bottom - top}" rx="6"/>')
        lines.append(f'<text class="step" x="{_MARGIN}" y="{top + 16}">step {step + 1}</text>')
    for edge in graph.edges:
        pale = "" if edge.source in needed and edge.target in needed else "pale"
        lines += _arrow(places[edge.source], places[edge.target], edge.name, pale)
    for i, call in enumerate(graph.calls):
        lines.append(_box(call, *places[i], pale=i not in needed))
    return "\n".join([*lines, "</svg>"]) + "\n"


def render(graph: Graph, file: Path) -> None:
    """Write the graph to `file`, by its ending: .svg is drawn here, .dot and .gv are for Graphviz, and every other one
    (.png, .pdf) is made by Graphviz' `dot`. Raises `UsageError` where that is not installed or cannot do it."""
    kind = file.suffix[1:].lower()
    if kind == "svg":
        file.write_text(svg(graph), encoding="utf-8")
    elif kind in {"dot", "gv"}:
        file.write_text(graph.dot(), encoding="utf-8")
    else:
        program = shutil.which("dot")
        if program is None:
            raise UsageError(
                f"a picture '{file.name}' is made by Graphviz, whose program 'dot' is not installed; "
                "install graphviz, or name a file that ends in .svg or .dot"
            )
        made = subprocess.run(
            [program, f"-T{kind}", "-o", str(file)], input=graph.dot().encode(), capture_output=True, check=False
        )
        if made.returncode:
            told = made.stderr.decode("utf-8", "replace").strip().splitlines()
            raise UsageError(f"Graphviz' dot cannot make '{file.name}': {told[0] if told else 'it gave no reason'}")


def _placed(graph: Graph) -> tuple[list[tuple[int, int]], list[tuple[int, int, int]], int, int]:
    """Upper left corners of the boxes; (step, top, bottom) of the frames; width and height of the whole."""
    columns = _columns(graph)
    places: list[tuple[int, int]] = []
    frames: list[tuple[int, int, int]] = []
    top = bottom = 4
    rows: dict[int, int] = {}  # boxes in each column of the frame
    for i, step in enumerate(graph.steps):
        if not frames or frames[-1][0] != step:
            top, rows = bottom + (10 if frames else 0), {}
            frames.append((step, top, top))
        row = rows[columns[i]] = rows.get(columns[i], -1) + 1
        y = top + _HEAD + row * (_HEIGHT + _DOWN)
        places.append((_MARGIN + columns[i] * (_WIDTH + _ACROSS), y))
        bottom = max(frames[-1][2], y + _HEIGHT + _MARGIN)
        frames[-1] = (step, top, bottom)
    across = max(columns, default=0) + 1
    return places, frames, 2 * _MARGIN + across * (_WIDTH + _ACROSS) - _ACROSS, bottom + 4


def _columns(graph: Graph) -> list[int]:
    """For each call, the longest way to it inside its own step."""
    users: list[list[int]] = [[] for _ in graph.calls]
    missing = [0] * len(graph.calls)
    for edge in graph.edges:
        if graph.steps[edge.source] == graph.steps[edge.target]:
            users[edge.source].append(edge.target)
            missing[edge.target] += 1
    columns = [0] * len(graph.calls)
    ready = deque(i for i, count in enumerate(missing) if not count)
    while ready:
        source = ready.popleft()
        for target in users[source]:
            columns[target] = max(columns[target], columns[source] + 1)
            missing[target] -= 1
            if not missing[target]:
                ready.append(target)
    return columns


def _arrow(source: tuple[int, int], target: tuple[int, int], name: str, pale: str) -> list[str]:
    x1, y1 = source[0] + _WIDTH, source[1] + _HEIGHT // 2
    x2, y2 = target[0], target[1] + _HEIGHT // 2
    label = (y1 + y2) // 2 - 3
    if x2 < x1:  # used in a later step: down from box to box
        x1, y1, x2, y2 = source[0] + _WIDTH // 2, source[1] + _HEIGHT, target[0] + _WIDTH // 2, target[1]
        way = f"M{x1} {y1}C{x1} {y1 + _ACROSS} {x2} {y2 - _ACROSS} {x2} {y2}"
        label = (y1 + y2) // 2
    else:
        sag = 0 if x2 - x1 <= _ACROSS else _HEIGHT - 4  # under the boxes between
        bend = _ACROSS // 2
        way = f"M{x1} {y1}C{x1 + bend} {y1 + sag} {x2 - bend} {y2 + sag} {x2} {y2}"
        label += sag * 3 // 4 + (14 if sag else 0)
    kind = f"{pale} inside" if not name else pale
    line = f'<path class="{kind.strip()}" marker-end="url(#to)" d="{way}"/>'
    if not name:
        return [line]
    middle = f'x="{(x1 + x2) // 2}" y="{label}" text-anchor="middle"'
    return [line, f'<text class="name {pale}" {middle}>{_shown(name, 14)}</text>']


def _box(call: Call, x: int, y: int, *, pale: bool) -> str:
    failed = call.failure is not None
    outcome = f"{call.failure.type}: {call.failure.message}" if call.failure is not None else call.output
    kind = " ".join(["call", *(["pale"] if pale else []), *(["failed"] if failed else [])])
    told = [f"{name} = {_long(value)}" for name, value, _ in call.inputs]
    told.append(_long(outcome) if failed else f"-> {_long(outcome)}")
    return (
        f'<g class="{kind}"><title>{_clean(call.function)}\n{_clean(chr(10).join(told))}</title>'
        f'<rect x="{x}" y="{y}" width="{_WIDTH}" height="{_HEIGHT}" rx="4"/>'
        f'<text x="{x + 8}" y="{y + 16}">{_shown(call.function, _TEXT)}</text>'
        f'<text class="value" x="{x + 8}" y="{y + 32}">{_shown(outcome, _TEXT)}</text></g>'
    )


def _long(value: Any) -> str:
    return short(value, _MOST)


def _shown(value: Any, size: int) -> str:
    return _clean(short(value, size))


def _clean(text: str) -> str:
    """As XML takes it: escaped, without the characters that no XML file may hold."""
    return escape("".join(c if c in "\n\t" or (c >= " " and not "\ud800" <= c <= "\udfff") else "?" for c in text))
