"""Laws of the picture: well-formed XML with a box for every call, right of what it uses, whatever the values are."""

from __future__ import annotations

import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopwright.errors import UsageError
from loopwright.trace import Call, Failure, Step, Trace
from loopwright.trace.drawing import render

SVG = "{http://www.w3.org/2000/svg}"


def chain() -> Trace:
    """f -> g -> h, with k beside them that nothing uses, and a failure in a second step."""
    calls = [
        Call("f", [("x", 1, -1)], "one"),
        Call("k", [("x", 1, -1)], "unused"),
        Call("g", [("a", "one", 0)], "two"),
        Call("h", [("a", "one", 0), ("b", "two", 2)], "three"),
    ]
    failed = Call("boom", [("c", "three", 3)], None, -1, Failure("ValueError", "bad <&> value"))
    return Trace([Step(1, "three", 1.0, calls), Step(2, None, None, [failed])])


def boxes(text: str) -> dict[str, tuple[ET.Element, float, float]]:
    found: dict[str, tuple[ET.Element, float, float]] = {}
    for group in ET.fromstring(text).iter(f"{SVG}g"):
        rect, name = group.find(f"{SVG}rect"), group.find(f"{SVG}text")
        assert rect is not None
        assert name is not None
        found[str(name.text)] = group, float(rect.get("x", "")), float(rect.get("y", ""))
    return found


def test_a_call_stands_right_of_what_it_uses_and_its_failure_is_marked() -> None:
    found = boxes(chain().graph().svg())
    assert list(found) == ["f", "k", "g", "h", "boom"]
    x = {name: place[1] for name, place in found.items()}
    assert x["f"] == x["k"] < x["g"] < x["h"]
    assert found["boom"][2] > found["h"][2], "a later step stands below"
    assert "failed" in found["boom"][0].get("class", "")
    assert "bad <&> value" in "".join(found["boom"][0].itertext())


def test_what_the_output_does_not_depend_on_is_pale() -> None:
    found = boxes(chain().graph().svg(target=3))
    pale = {name for name, (group, _, _) in found.items() if "pale" in group.get("class", "")}
    assert pale == {"k", "boom"}


@given(st.text(), st.recursive(st.none() | st.floats() | st.text(), lambda inner: st.lists(inner)))
def test_any_name_and_value_gives_well_formed_xml(name, value):
    ET.fromstring(Trace([Step(None, value, None, [Call(name, [(name, value, -1)], value)])]).graph().svg())


def test_an_empty_trace_is_an_empty_picture() -> None:
    assert boxes(Trace().graph().svg()) == {}


def test_files_are_written_by_their_ending(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    graph = chain().graph()
    render(graph, tmp_path / "g.svg")
    render(graph, tmp_path / "g.dot")
    assert (tmp_path / "g.svg").read_text().startswith("<svg")
    assert (tmp_path / "g.dot").read_text().startswith("digraph")
    if shutil.which("dot"):
        render(graph, tmp_path / "g.png")
        assert (tmp_path / "g.png").read_bytes().startswith(b"\x89PNG")
        with pytest.raises(UsageError, match=r"cannot make 'g\.nothing'"):
            render(graph, tmp_path / "g.nothing")
    monkeypatch.setattr(shutil, "which", lambda _: None)
    with pytest.raises(UsageError, match="'dot' is not installed; install graphviz, or name a file"):
        render(graph, tmp_path / "g.pdf")
