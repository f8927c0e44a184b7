"""What a child may not do is refused before anything runs, in one sentence a model can act on."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loopwright.artifact import Artifact, Candidate, EditError, check

AGENT = '''import random

PROMPT = "Answer."
LIMIT = 3


@trace
def f(x, y=1):
    return x


class A(Base):
    """A."""

    @property
    async def m(self) -> int:
        return 1


class B:
    def n(self):
        return 2

    # EVOLVE-BLOCK-START inner
        x = 1
    # EVOLVE-BLOCK-END
        return 3
'''


@pytest.fixture
def start() -> Candidate:
    return Artifact.from_texts({"agent.py": AGENT}, ["PROMPT", "f", "A.m", "inner"], max_chars=600).start


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("f", "def f(x, y=1):\n    return (", "line 2"),
        ("f", "", "no definition"),
        ("f", "I cannot help with that.", "no valid Python"),
        ("f", "def g(x, y=1):\n    return 1", "must begin with `def f`"),
        ("f", "def f(x):\n    return 1", "signature"),
        ("f", "def f(x, y=2):\n    return 1", "`def f(x, y=1)`"),
        ("f", "def f(x, y: int = 1):\n    return 1", "signature"),
        ("f", "def f(x, y=1) -> int:\n    return 1", "signature"),
        ("f", "def f(x, /, y=1):\n    return 1", "signature"),
        ("f", "async def f(x, y=1):\n    return 1", "signature"),
        ("f", "class f:\n    pass", "signature"),
        ("f", "f = lambda x, y=1: x", "no definition"),
        ("f", "import os\ndef f(x, y=1):\n    return 1", "`import os` on line 1; move imports"),
        ("f", "def f(x, y=1):\n    return 1\nf(1)", "`f(1)` on line 3"),
        ("f", "def f(x, y=1):\n    return 1\ndef f(x, y=1):\n    return 2", "2 times"),
        ("f", "@cache\ndef f(x, y=1):\n    return 1", "decorators"),
        ("f", "def f(x, y=1):\n    nonlocal q", "nonlocal"),
        ("f", "def f(x, y=1):\n    return 1 \\", "no valid Python"),
        ("f", "def f(x, y=1):\n    '''open", "no valid Python"),
        ("f", "def f(x, y=1):\n    break", "break"),
        ("f", "def f(x, y=1):\n\treturn 1\n        return 2", "no valid Python"),
        ("f", "def f(x, y=1):\n    return '\x00'", "null byte"),
        ("f", "def f(x, y=1):\n    return '\ud800'", "surrogate"),
        ("f", "def f(x, y=1):\n    return " + "(" * 201 + ")" * 201, "nested"),
        ("f", "def f(x, y=1):\n    return " + "'" + "a" * 700 + "'", "at most 600"),
        ("A.m", "class A(Base):\n    async def m(self) -> int:\n        return 1", "without `class A`"),
        ("A.m", "def m(self) -> int:\n    return 1", "`async def m(self) -> int`"),
        ("PROMPT", "a" * 601, "at most 600"),
        ("PROMPT", "\ud800", "surrogate"),
        ("inner", "        x = '''", "no valid Python"),
        ("inner", "def stolen(self):", "frozen lines"),
        ("inner", "        x = 2\n\n    def stolen(self):", "frozen lines"),
        ("inner", "    # EVOLVE-BLOCK-END\n    pass", "marker line"),
        ("PROMTP", "x", "did you mean 'PROMPT'?"),
    ],
)
def test_a_refused_edit_says_what_to_do(start: Candidate, name: str, text: str, says: str) -> None:
    error = check(start, {name: text})
    assert error is not None
    assert error.kind == "invalid"
    assert says in error.reason
    assert "\n" not in error.reason
    with pytest.raises(EditError):
        start.edit({name: text})


@pytest.mark.parametrize(
    ("name", "text", "held"),
    [
        ("f", "\n\n    def f(x, y=1):\n        return 2\n\n", "def f(x, y=1):\n    return 2"),
        ("f", "@trace\ndef f(x, y=1): return 2", "def f(x, y=1): return 2"),
        ("f", "# better\ndef f(x, y = 1):\r\n    return 2\r\n# done", "def f(x, y = 1):\n    return 2"),
        (
            "A.m",
            "    @property\n    async def m(self) -> int:\n        return 2",
            "async def m(self) -> int:\n    return 2",
        ),
        ("inner", "        x = 5\n        y = 2\n", "        x = 5\n        y = 2"),
        ("inner", "", ""),
    ],
)
def test_what_surrounds_a_definition_is_dropped(start: Candidate, name: str, text: str, held: str) -> None:
    child = start.edit({name: text})
    assert child.texts[name] == held
    assert child.texts == {**start.texts, name: held}


def test_nothing_changed_is_unchanged(start: Candidate) -> None:
    for texts in ({}, {"PROMPT": "Answer."}, {"f": "@trace\n" + start.texts["f"] + "\n"}):
        error = check(start, texts)
        assert error is not None
        assert error.kind == "unchanged"


def test_an_open_string_cannot_swallow_frozen_code() -> None:
    source = "# EVOLVE-BLOCK-START\nx = 1\n# EVOLVE-BLOCK-END\nsecret = '''kept'''\ny = '''z'''\n"
    start = Artifact.from_texts({"a.py": source}, ["EVOLVE-BLOCK"]).start
    error = check(start, {"EVOLVE-BLOCK-1": "x = '''"})
    assert error is not None
    assert error.kind == "invalid"


def test_the_encoding_line_is_frozen(tmp_path_factory: pytest.TempPathFactory) -> None:
    path = tmp_path_factory.mktemp("cookie") / "a.py"
    path.write_bytes("# coding: latin-1\nx = 'é'\n".encode("latin-1"))
    start = Artifact.load([path], ["a.py"]).start
    assert start.edit({"a.py": "# coding: latin-1\nx = 'ü'"}).files()["a.py"] == b"# coding: latin-1\nx = '\xfc'\n"
    for text, says in (("x = 'é'", "encoding"), ("# coding: latin-1\nx = '€'", "'\\u20ac'")):
        error = check(start, {"a.py": text})
        assert error is not None
        assert says in error.reason


@given(text=st.text(max_size=60) | st.text("def f(x,y=1):\n return'\"\\#", max_size=40))
@settings(max_examples=300, deadline=None)
def test_any_text_is_an_edit_or_a_refusal(text: str) -> None:
    artifact = Artifact.from_texts({"agent.py": AGENT}, ["PROMPT", "f", "A.m", "inner"])
    for name in artifact.start.texts:
        try:
            child = artifact.start.edit({name: text})
        except EditError:
            continue
        assert (
            Artifact.from_data(artifact.to_data().__class__(child.files(), artifact.to_data().edit)).start.texts
            == child.texts
        )


def test_a_lost_placeholder_is_refused_and_doubled_braces_are_none() -> None:
    artifact = Artifact.from_texts({"a.py": 'PROMPT = "Q: {question} as {{json}}"\n'}, ["PROMPT"])
    with pytest.raises(EditError, match=r"lost the placeholder \{question\}"):
        artifact.start.edit({"PROMPT": "Nothing here"})
    assert artifact.start.edit({"PROMPT": "Now: {question}"}).texts["PROMPT"] == "Now: {question}"
