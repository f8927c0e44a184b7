"""Loading: what is found, what is refused, and that an artifact survives as plain data."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from loopwright.artifact import Artifact, ArtifactData, apply_texts
from loopwright.errors import ArtifactError

AGENT = """PROMPT = "Answer."
F = f"{PROMPT}"
N: int = 3

if N:
    def chosen(): return 1

class A:
    NOTE: str = "note"

    def m(self):
        return 1

    class Inner:
        def deep(self): return 2

def twice(): return 1
def twice(): return 2
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "agent.py").write_text(AGENT)
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "more.py").write_text("def chosen(): return 3\ndef other(): return 4\n")
    (tmp_path / "lib" / "data.bin").write_bytes(b"\xff\x00\xfe")
    (tmp_path / "prompts.yaml").write_text("system: be kind\n")
    (tmp_path / "kernel.c").write_text("// EVOLVE-BLOCK-START\nint x;\n// EVOLVE-BLOCK-END\n")
    return tmp_path


def test_every_kind_of_name_is_found(folder: Path) -> None:
    artifact = Artifact.load(
        [folder / "agent.py", folder / "prompts.yaml", folder / "kernel.c"],
        ["PROMPT", "chosen", "A.NOTE", "A.m", "A.Inner", "prompts.yaml", "EVOLVE-BLOCK"],
        include=["lib", "lib/*.bin"],
    )
    assert [parameter.kind for parameter in artifact.parameters] == [
        "string", "function", "string", "method", "class", "file", "region",
    ]  # fmt: skip
    assert artifact.start.texts["EVOLVE-BLOCK-1"] == "int x;"
    assert artifact.start.texts["A.Inner"] == "class Inner:\n    def deep(self): return 2"
    start = artifact.start
    assert start.entry == "agent.py"
    assert start.traced == [("agent.py", "chosen"), ("agent.py", "A.m"), ("agent.py", "A.Inner.deep")]
    assert sorted(start.files()) == ["agent.py", "kernel.c", "lib/data.bin", "lib/more.py", "prompts.yaml"]
    source = start.source()
    assert (source.id, source.entry, source.files) == (start.id, "agent.py", start.files())


def test_a_name_in_two_files_needs_its_file(folder: Path) -> None:
    paths = [folder / "agent.py", folder / "lib" / "more.py"]
    with pytest.raises(ArtifactError, match=r"several files.*write 'agent.py:chosen'"):
        Artifact.load(paths, ["chosen"])
    artifact = Artifact.load(paths, ["agent.py:chosen", "lib/more.py:chosen"])
    child = artifact.start.edit({"lib/more.py:chosen": "def chosen(): return 5"})
    assert child.files()["lib/more.py"] == b"def chosen(): return 5\ndef other(): return 4\n"
    assert child.files()["agent.py"] == AGENT.encode()
    assert child.traced == [("agent.py", "chosen"), ("lib/more.py", "chosen")]


@pytest.mark.parametrize(
    ("edit", "says"),
    [
        ([], "nothing is editable"),
        (["PROMT"], "did you mean 'PROMPT'?"),
        (["A.n"], "did you mean 'A.m'?"),
        (["F"], "f-string"),
        (["N"], "plain string literal"),
        (["twice"], r"more than once \(agent.py:17, agent.py:18\)"),
        (["PROMPT", "PROMPT"], "named twice"),
        (["A", "A.m"], "class 'A' and method 'A.m' overlap"),
        (["A.m", "agent.py"], "overlap"),
        (["EVOLVE-BLOCK"], "no line 'EVOLVE-BLOCK-START' in agent.py"),
        (["agnt.py:PROMPT"], "did you mean 'agent.py'?"),
    ],
)
def test_a_bad_name_is_one_clear_sentence(folder: Path, edit: list[str], says: str) -> None:
    with pytest.raises(ArtifactError, match=says) as caught:
        Artifact.load([folder / "agent.py"], edit)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (b"def f(:\n  pass\n", r"line 1 of bad.py is no valid Python .*: def f\(:"),
        (b"def f(): return '\xff'\n", "bad.py: "),
        (b"# coding: nonsense\ndef f(): pass\n", "unknown encoding"),
        (b"def f(): pass\x00\n", "null byte"),
        (b"def f(): return " + b"-" * 100_000 + b"1\n", "no valid Python"),
        (b"# EVOLVE-BLOCK-START\ndef f(): pass\n# EVOLVE-BLOCK-START\n", "inside the region of line 1"),
        (b"# EVOLVE-BLOCK-END\ndef g(): pass\n", "without an EVOLVE-BLOCK-START"),
        (b"def g(): pass\n# EVOLVE-BLOCK-START\n", "without an EVOLVE-BLOCK-END"),
        (b"x = '''\n# EVOLVE-BLOCK-START\n# EVOLVE-BLOCK-END\n'''\n", "no line 'EVOLVE-BLOCK-START'"),
    ],
)
def test_a_bad_file_is_one_clear_sentence(tmp_path: Path, content: bytes, says: str) -> None:
    (tmp_path / "bad.py").write_bytes(content)
    with pytest.raises(ArtifactError, match=says) as caught:
        Artifact.load([tmp_path / "bad.py"], ["EVOLVE-BLOCK" if b"EVOLVE" in content else "f"])
    assert "\n" not in str(caught.value)


def test_bad_paths_are_one_clear_sentence(folder: Path) -> None:
    agent = folder / "agent.py"
    for paths, more, says in (
        ([folder / "agnt.py"], {}, "did you mean 'agent.py'?"),
        ([folder / "lib"], {}, "is a folder"),
        ([], {}, "no file is given"),
        ([agent], {"include": ["*.toml"]}, "no file of"),
        ([agent], {"root": folder / "lib"}, "outside of"),
        ([agent], {"max_chars": 3}, "more than max_chars = 3"),
    ):
        with pytest.raises(ArtifactError) as caught:
            Artifact.load(paths, ["PROMPT"], **more)  # type: ignore[arg-type]
        assert says in str(caught.value)
    with pytest.raises(ArtifactError, match="keeps it frozen"):
        Artifact.load([agent], ["prompts.yaml"], include=["prompts.yaml"])


def test_a_file_may_be_named_with_its_dot_and_its_regions_alone(folder: Path) -> None:
    paths = [folder / "agent.py", folder / "kernel.c", folder / "prompts.yaml"]
    artifact = Artifact.load(paths, ["./prompts.yaml", "kernel.c:EVOLVE-BLOCK"])
    assert [parameter.name for parameter in artifact.parameters] == ["prompts.yaml", "EVOLVE-BLOCK-1"]


def test_included_files_are_frozen(folder: Path) -> None:
    with pytest.raises(ArtifactError, match=r"no 'other' in agent\.py"):
        Artifact.load([folder / "agent.py"], ["other"], include=["lib/more.py"])


def test_an_artifact_survives_as_plain_data(folder: Path) -> None:
    artifact = Artifact.load([folder / "agent.py"], ["PROMPT", "A.m"], include=["lib"], max_chars=900)
    child = artifact.start.edit({"PROMPT": "Think."})
    for codec in (msgspec.json, msgspec.msgpack):
        data = codec.decode(codec.encode(artifact.to_data()), type=ArtifactData)
        again = Artifact.from_data(data)
        assert again.parameters == artifact.parameters
        assert again.candidate(child.texts) == child
        assert again.candidate(child.texts).files() == child.files()
    with pytest.raises(ArtifactError, match=r"none for 'A\.m'"):
        artifact.candidate({"PROMPT": "x"})


def test_texts_alone_are_an_artifact() -> None:
    assert Artifact.from_texts("Be kind.").start.texts == {"text": "Be kind."}
    start = Artifact.from_texts({"system prompt": "Be kind.", "user": "{q}\n"}).start
    child = start.edit({"system prompt": "Be brief."})
    assert child.files() == {"system prompt": b"Be brief.", "user": b"{q}\n"}
    assert (child.entry, child.traced) == ("", [])
    with pytest.raises(ArtifactError, match="cannot name a file"):
        Artifact.from_texts({"../up": "x"})


def test_regions_and_whole_files_name_their_functions() -> None:
    source = "def frozen(): pass\n# EVOLVE-BLOCK-START\ndef f(): pass\n# EVOLVE-BLOCK-END\ndef g(): pass\n"
    start = Artifact.from_texts({"a.py": source}, ["EVOLVE-BLOCK"]).start
    assert start.traced == [("a.py", "f")]
    child = start.edit({"EVOLVE-BLOCK-1": "\n\ndef f(): pass\nclass K:\n    def m(self): pass"})
    assert child.traced == [("a.py", "f"), ("a.py", "K.m")]
    assert Artifact.from_texts({"a.py": source}).start.traced == [("a.py", "frozen"), ("a.py", "f"), ("a.py", "g")]


def test_a_diff_is_what_patch_applies(tmp_path: Path) -> None:
    start = Artifact.from_texts({"a.py": "P = 'x'", "b/c.txt": "one\ntwo\n"}, ["P", "b/c.txt"]).start
    child = start.edit({"P": "y\nz", "b/c.txt": "one\nthree\nfour"})
    assert start.diff(start) == ""
    for name, content in start.files().items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(content)
    subprocess.run(["git", "apply", "--unsafe-paths", "-"], input=start.diff(child).encode(), cwd=tmp_path, check=True)
    assert {name: (tmp_path / name).read_bytes() for name in child.files()} == child.files()


def test_apply_changes_only_what_the_run_changed() -> None:
    artifact = Artifact.from_texts({"a.py": AGENT}, ["PROMPT", "A.m", "chosen"])
    child = artifact.start.edit({"A.m": "def m(self):\n    return 7", "PROMPT": "Think."})
    now = (
        AGENT.replace("N: int = 3", "N: int = 4")
        .replace('"Answer."', '"Reply."')
        .replace("return 1\n\nclass", "return 9\n\nclass")
    )
    applied = apply_texts(child, {"a.py": now.encode()})
    wanted = now.replace('"Reply."', '"Think."').replace("        return 1", "        return 7")
    assert applied.files == {"a.py": wanted.encode()}
    assert applied.notes == [
        "string 'PROMPT' in a.py is not as it was when the run started; its text is replaced all the same"
    ]
    assert "+        return 7" in applied.diff
    again = apply_texts(child, {"a.py": wanted.encode()})
    assert (again.files, again.diff, again.notes) == ({}, "", [])
    assert apply_texts(artifact.start, {"a.py": b"anything"}).files == {}


def test_apply_refuses_what_no_longer_fits() -> None:
    artifact = Artifact.from_texts({"a.py": AGENT}, ["A.m"])
    child = artifact.start.edit({"A.m": "def m(self):\n    return 7"})
    for now, says in (
        ({}, "no longer there"),
        ({"a.py": AGENT.replace("def m", "def k").encode()}, "no 'A.m'"),
        ({"a.py": AGENT.replace("def m(self)", "def m(self, x)").encode()}, "signature"),
    ):
        with pytest.raises(ArtifactError, match=says):
            apply_texts(child, now)


def test_import_is_light() -> None:
    heavy = "import sys, loopwright.artifact; print([m for m in ('libcst', 'asyncio', 'numpy') if m in sys.modules])"
    assert subprocess.run([sys.executable, "-c", heavy], capture_output=True, text=True, check=True).stdout == "[]\n"
