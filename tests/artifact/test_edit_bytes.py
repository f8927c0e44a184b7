"""Edits keep every other byte, and what is written is what is read back: over files as odd as Python allows."""

from __future__ import annotations

import ast
import codecs
import random

import pytest
from hypothesis import assume, given, settings
from hypothesis import strategies as st

from loopwright.artifact import Artifact, check

FUNCTION = '''def f(x, *, größe: int = 1) -> int:
    # at an odd place
# and one at the left edge
    text = """first
  second\tkept
"""
    y = (x +
  größe) if x else \\
        2

    def inner(a=1): return a  # nested
    return y  # trailing
    # still inside
'''
METHOD = """@staticmethod
@property  # why
def m(self): return 'a;b'; # one line
"""
ASYNC = """async def g(): pass"""
PLAIN = [
    "import os; x = 1; y = 2",
    "# a comment, def f(): pass",
    "",
    "   ",
    "\f",
    "\fZ = 3",
    "TEXT = '''\ndef f(x):\n    pass\n'''",
    "if x:\n    pass\nelse:\n\tz = 1",
    "s = 'é\u2028\x0b\x1c€'",
    "λ = lambda q: (q,\n      1)",
    "# tail \\",
]
BODIES = [
    "return 1",
    "'''doc\n  odd\n'''\n    return größe",
    "if x:\n        # note\n        return 2\n    return 3  # end",
    "s = f'''{x}\nleft'''\n\n    return len(s)",
    "return (1,\n2)\n    # after",
]


def definition(text: str, indent: str) -> str:
    """`text` under a `class` or `if` at the given indentation, its strings left alone."""
    head = "" if not indent else "class K:\n"
    inside = False
    lines: list[str] = []
    for line in text.strip("\n").split("\n"):
        lines.append(line if inside or not line else indent + line)
        inside ^= line.count('"""') % 2 == 1
    return head + "\n".join(lines)


@st.composite
def files(draw: st.DrawFn) -> tuple[bytes, str]:
    """(bytes of a file, name of its editable part)."""
    kind = draw(st.sampled_from(["f", "m", "g"]))
    indent = draw(st.sampled_from(["", "    ", "\t", "  ", " \t"]))
    text = {"f": FUNCTION, "m": METHOD, "g": ASYNC}[kind]
    filler = st.lists(st.sampled_from(PLAIN), max_size=4)
    source = "\n".join([*draw(filler), definition(text, indent), *draw(filler)])
    if draw(st.booleans()):
        source += "\n"
    encoding = draw(st.sampled_from(["utf-8", "utf-8", "latin-1", "utf-8-sig", "cp1252"]))
    if encoding in {"latin-1", "cp1252"}:
        source = f"# -*- coding: {encoding} -*-\n" + "".join(
            c for c in source if c in "\n" or c.encode(encoding, "ignore")
        ).replace(" = lambda", "q = lambda")
    ends = draw(st.sampled_from(["\n", "\r\n", "\r", "mixed"]))
    rng = random.Random(draw(st.integers(0, 9)))
    mixed = "".join((rng.choice(["\n", "\r\n", "\r"]) if ends == "mixed" else ends) if c == "\n" else c for c in source)
    return mixed.encode(encoding), ("K." if indent else "") + kind


def load(data: bytes, name: str, directory: object) -> Artifact:
    path = directory / "odd.py"  # type: ignore[operator]
    path.write_bytes(data)
    return Artifact.load([path], [name])


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> object:
    return tmp_path_factory.mktemp("odd")


@given(file=files())
@settings(max_examples=150, deadline=None)
def test_identity_edit_gives_same_id_and_bytes(folder: object, file: tuple[bytes, str]) -> None:
    artifact = load(*file, folder)
    start = artifact.start
    assert start.files() == {"odd.py": file[0]}
    assert artifact.candidate(dict(start.texts)).id == start.id
    error = check(start, start.texts)
    assert error is not None
    assert error.kind == "unchanged"


@given(file=files(), body=st.sampled_from(BODIES))
@settings(max_examples=250, deadline=None)
def test_edit_keeps_every_other_byte_and_reads_back(folder: object, file: tuple[bytes, str], body: str) -> None:
    data, name = file
    artifact = load(data, name, folder)
    (parameter,) = artifact.parameters
    source = artifact.sources["odd.py"]
    if parameter.qualname.endswith("g"):
        body = body.replace("größe", "1").replace("if x:", "if 1:").replace("{x}", "{1}")
    elif parameter.qualname.endswith("m"):
        body = body.replace("größe", "self").replace("if x:", "if self:").replace("{x}", "{self}")
    text = f"{parameter.signature}:\n    {body}"
    child = artifact.start.edit({name: text})
    new = child.files()["odd.py"]
    before = source.encode(source.text[: parameter.start])
    after = source.text[parameter.end :].encode(source.encoding)
    assert new.startswith(before)
    assert new.endswith(after)
    again = load(new, name, folder)
    assert again.start.texts == child.texts == {name: text}
    assert again.start.id == child.id
    # What Python makes of it: the new definition in the old module, and nothing else.
    old_tree, new_tree = ast.parse(data), ast.parse(new)
    assert without(old_tree, name) == without(new_tree, name)
    # And back again.
    assert child.edit(artifact.start.texts).files() == {"odd.py": data}


def without(tree: ast.Module, name: str) -> str:
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name.rpartition(".")[2]:
            node.body = []
    return ast.dump(tree)


STYLES = ['"{}"', "'{}'", '"""{}"""', "'''{}'''", 'r"{}"', "(\n  'a'  # one\n  \"{}\"\n)", '"""\\\n{}"""', 'u"{}"']
CHARACTERS = st.one_of(
    st.sampled_from(
        ["\\", '"', "'", "\n", "\r", "\t", "\f", "\x1b", "é", "€", "\u2028", "🙂", "{", "%", " ", "N", "x"]
    ),
    st.characters(exclude_categories=["Cs"], exclude_characters="\x00"),
)


@given(
    value=st.text(CHARACTERS, max_size=30),
    style=st.sampled_from(STYLES),
    newline=st.sampled_from(["\n", "\r\n"]),
    encoding=st.sampled_from(["utf-8", "latin-1", "ascii"]),
    annotated=st.booleans(),
)
@settings(max_examples=400, deadline=None)
def test_a_string_is_read_back_exactly(
    folder: object, value: str, style: str, newline: str, encoding: str, annotated: bool
) -> None:
    head = f"# coding: {encoding}\nA = 1  # "
    name = "PROMPT: str" if annotated else "PROMPT"
    source = f"{head}\n{name} = {style.format('old')}  # after\nB = 2".replace("\n", newline)
    artifact = load(source.encode(encoding), "PROMPT", folder)
    assume(value != artifact.start.texts["PROMPT"])
    child = artifact.start.edit({"PROMPT": value})
    new = child.files()["odd.py"]
    space: dict[str, object] = {}
    exec(compile(new, "odd.py", "exec"), space)
    assert space["PROMPT"] == value
    assert load(new, "PROMPT", folder).start.texts == child.texts
    parameter = artifact.parameter("PROMPT")
    assert new.startswith(source[: parameter.start].encode(encoding))
    assert new.endswith(source[parameter.end :].encode(encoding))


@pytest.mark.parametrize(
    ("literal", "value", "written"),
    [
        ('"a"', "it's", '"it\'s"'),
        ("'a'", "it's", "'it\\'s'"),
        ('"a"', "two\nlines", '"""two\nlines"""'),
        ('"""a"""', 'say "hi"', '"""say "hi\\""""'),
        ('"""\\\nold\n"""', "new\n", '"""\\\nnew\n"""'),
        (r'r"\d"', r"\w+", r'r"\w+"'),
        ('r"a"', "\\", '"\\\\"'),
        ('"é"', "ü", '"ü"'),
    ],
)
def test_a_string_keeps_its_style(literal: str, value: str, written: str) -> None:
    artifact = Artifact.from_texts({"a.py": f"P = {literal}\n"}, ["P"])
    assert artifact.start.edit({"P": value}).files()["a.py"].decode() == f"P = {written}\n"


LINES = st.lists(st.text(CHARACTERS.filter(lambda c: c not in "\r\n"), max_size=8), max_size=5).map("\n".join)


@given(old=LINES, new=LINES, newline=st.sampled_from(["\n", "\r\n"]), final=st.booleans(), bom=st.booleans())
@settings(max_examples=200, deadline=None)
def test_a_whole_file_and_a_region_keep_the_rest(
    old: str, new: str, newline: str, final: bool, bom: bool, tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.getbasetemp()
    end = newline if final else ""
    head = codecs.BOM_UTF8 if bom else b""
    inner = old.replace("\n", newline)
    region = f"a: 1{newline}  // EVOLVE-BLOCK-START one{newline}{inner}{newline}<!-- EVOLVE-BLOCK-END -->{end}"
    for name, content in (("x.yaml", inner + end), ("one", region)):
        (folder / "x.yaml").write_bytes(head + content.encode())
        artifact = Artifact.load([folder / "x.yaml"], [name])
        start = artifact.start
        assert start.files()["x.yaml"] == head + content.encode()
        assert start.texts[name] == old.rstrip("\n")
        if new.rstrip("\n") == old.rstrip("\n"):
            error = check(start, {name: new})
            assert error is not None
            assert error.kind == "unchanged"
            continue
        child = start.edit({name: new})
        data = child.files()["x.yaml"]
        (parameter,) = artifact.parameters
        text = artifact.sources["x.yaml"].text
        assert data.startswith(head + text[: parameter.start].encode())
        assert data.endswith(text[parameter.end :].encode())
        (folder / "x.yaml").write_bytes(data)
        assert Artifact.load([folder / "x.yaml"], [name]).start.texts == child.texts


@given(
    one=st.dictionaries(st.sampled_from("abc"), st.text(max_size=3), min_size=1),
    other=st.dictionaries(st.sampled_from("abc"), st.text(max_size=3), min_size=1),
)
def test_ids_are_equal_iff_texts_are(one: dict[str, str], other: dict[str, str]) -> None:
    from loopwright.artifact.candidate import identify

    assert (identify(one) == identify(other)) == (one == other)


def test_ids_are_equal_on_every_machine() -> None:
    assert Artifact.from_texts({"p": "x", "q": "é"}).start.id == "0f744fc1fee5"
