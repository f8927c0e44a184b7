"""Demands on texts: told to the optimizer, enforced with a reason, and kept by the starting text."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import loopwright as lw
from loopwright.artifact import Artifact, Constraint, EditError
from loopwright.errors import ArtifactError, SettingsError
from loopwright.evidence import Evidence
from loopwright.optimizers.prompt import messages
from loopwright.optimizers.protocol import View
from loopwright.settings import Loop
from loopwright.tokens import estimate

CODE = """\
PROMPT = "Ask $NAME about {topic}. Always end with: Answer."


def solve(x):
    import math

    # FROZEN
    x = math.floor(x)
    # END
    return x


def other(x):
    return x
"""
EDIT = ["PROMPT", "solve", "other", "notes.md"]
GOOD = "def solve(x):\n    import math\n\n    # FROZEN\n    x = math.floor(x)\n    # END\n    return x + 1"


def artifact(root: Path | None = None, **constraints: dict[str, Any]) -> Artifact:
    given_ = {name.replace("every", "*"): Constraint(**each) for name, each in constraints.items()}
    return Artifact.from_texts({"a.py": CODE, "notes.md": "Be kind.\n"}, EDIT, constraints=given_, root=root)


def refused(made: Artifact, name: str, text: str) -> str:
    with pytest.raises(EditError) as caught:
        made.start.edit({name: text})
    assert caught.value.kind == "invalid"
    assert "\n" not in caught.value.reason
    return caught.value.reason


@pytest.mark.parametrize(
    ("constraint", "name", "good", "bad", "words"),
    [
        ({"keep": ["Answer."]}, "PROMPT", "Say {topic}. Answer.", "Say {topic}. answer.", ["`Answer.`", "put it back"]),
        ({"placeholders": ["$NAME"]}, "PROMPT", "$NAME {topic}", "{topic}", ["placeholder $NAME"]),
        ({"frozen": ["# FROZEN", "# END"]}, "solve", GOOD, GOOD.replace("floor", "ceil"), ["frozen", "math.floor"]),
        ({"frozen": ["# FROZEN", "# END"]}, "solve", GOOD, GOOD.replace("    # END\n", ""), ["frozen"]),
        ({"tokens": 60}, "solve", GOOD, GOOD + " + 1" * 40, ["tokens", "at most 60"]),
        ({"imports": ["math"]}, "solve", GOOD, GOOD.replace("import math", "import math, os"), ["'os'", "only math"]),
        ({"imports": ["math"]}, "solve", GOOD, GOOD.replace("import math", "import mathutils"), ["'mathutils'"]),
        ({"imports": ["math"]}, "solve", GOOD, GOOD.replace("x + 1", "__import__('os')"), ["__import__"]),
        (
            {"imports": []},
            "other",
            "def other(x):\n    return 2",
            "def other(x):\n    from . import y",
            ["nothing may"],
        ),
    ],
)
def test_a_demand_is_enforced_with_a_reason(constraint, name: str, good: str, bad: str, words: list[str]) -> None:
    made = artifact(**{name: constraint})
    assert made.start.edit({name: good}).texts[name] == good
    reason = refused(made, name, bad)
    assert all(word in reason for word in words), reason
    assert name in reason


def test_a_submodule_of_an_allowed_one_is_allowed() -> None:
    made = artifact(other={"imports": ["os"]})
    assert made.start.edit({"other": "def other(x):\n    import os.path\n    from os import sep"})


def test_a_demand_on_every_part_binds_those_that_it_fits() -> None:
    made = artifact(every={"keep": ["kind"], "imports": ["math"], "tokens": 200})
    made.start.edit({"PROMPT": "import os {topic}"})
    assert "`kind`" in refused(made, "notes.md", "Be brief.")
    assert "'os'" in refused(made, "other", "def other(x):\n    import os")
    assert "tokens" in refused(made, "notes.md", "kind " * 400)


def test_both_the_demand_on_all_and_that_on_one_hold() -> None:
    made = artifact(every={"tokens": 500}, PROMPT={"keep": ["Answer"]})
    assert "Answer" in refused(made, "PROMPT", "{topic}")
    assert "tokens" in refused(made, "PROMPT", "{topic} Answer " * 400)


def test_what_is_not_edited_is_not_judged() -> None:
    made = artifact(PROMPT={"keep": ["Answer."]})
    assert made.start.edit({"other": "def other(x):\n    return 0"})


def test_every_demand_is_told_to_the_optimizer() -> None:
    made = artifact(
        PROMPT={"keep": ["Answer."], "placeholders": ["$NAME"], "message": "no shouting."},
        solve={"frozen": ["# FROZEN", "# END"], "tokens": 300, "imports": ["math"]},
        other={"imports": []},
    )
    told = messages(View(1, made.start, Evidence.of([])))[1]["content"]
    line = {each.split(":")[0]: each for each in told.split("\n") if each.startswith("- ")}
    assert "`Answer.`" in line["- PROMPT"]
    assert "placeholders $NAME" in line["- PROMPT"]
    assert line["- PROMPT"].endswith("no shouting")
    assert "between `# FROZEN` and `# END`" in line["- solve"]
    assert "at most 300 tokens" in line["- solve"]
    assert "import only math" in line["- solve"]
    assert "import nothing" in line["- other"]


CHECK = """\
def short(text):
    if len(text) > 60:
        return f"{len(text)} characters are too many for the screen; use at most 60"
    if "boom" in text:
        raise KeyError("boom")
    return "no" not in text


def odd(text):
    return 3 if "odd" in text else None


VALUE = 1
"""


@pytest.fixture
def root(tmp_path: Path) -> Path:
    (tmp_path / "rules.py").write_text(CHECK)
    return tmp_path


def test_a_check_has_its_own_words_or_the_message(root: Path) -> None:
    made = artifact(root, **{"notes.md": {"check": "rules.py:short", "message": "never say no"}})
    assert made.start.edit({"notes.md": "fine"})
    assert "use at most 60" in refused(made, "notes.md", "x" * 61)
    assert "never say no" in refused(made, "notes.md", "no")
    assert "rules.py:short" in refused(made, "notes.md", "boom")
    assert "KeyError" in refused(made, "notes.md", "boom")
    strange = artifact(root, **{"notes.md": {"check": "rules.py:odd"}})
    with pytest.raises(ArtifactError, match="returned int"):
        strange.start.edit({"notes.md": "odd"})


def test_a_check_is_found_again_from_the_data_and_its_root(root: Path) -> None:
    made = artifact(root, **{"notes.md": {"check": "rules.py:short"}})
    again = Artifact.from_data(made.to_data(), root=root)
    assert refused(again, "notes.md", "no") == refused(made, "notes.md", "no")
    alone = Artifact.from_data(made.to_data())
    assert alone.start.texts == made.start.texts
    assert alone.start.edit({"PROMPT": "{topic}"})
    with pytest.raises(ArtifactError, match="not loaded"):
        alone.start.edit({"notes.md": "fine"})


@pytest.mark.parametrize(
    ("constraints", "words"),
    [
        ({"PROMT": {"tokens": 3}}, "did you mean 'PROMPT'"),
        ({"PROMPT": {"keep": ["absent"]}}, "does not hold `absent`"),
        ({"PROMPT": {"keep": [""]}}, "empty"),
        ({"PROMPT": {"tokens": 0}}, "at least 1"),
        ({"PROMPT": {"tokens": 3}}, "breaks it already"),
        ({"PROMPT": {"imports": ["os"]}}, "no Python code"),
        ({"solve": {"imports": ["os"]}}, "imports 'math'"),
        ({"solve": {"frozen": ["# FROZEN"]}}, "pair of marks"),
        ({"solve": {"frozen": ["# COLD", "# END"]}}, "nothing between"),
        ({"notes.md": {"check": "rules.py"}}, "file.py:function"),
        ({"notes.md": {"check": "rule.py:short"}}, "did you mean 'rules.py'"),
        ({"notes.md": {"check": "rules.py:shirt"}}, "did you mean 'short'"),
        ({"notes.md": {"check": "rules.py:VALUE"}}, "no function 'VALUE'"),
    ],
)
def test_a_demand_that_cannot_be_meant_is_one_sentence(root: Path, constraints, words: str) -> None:
    with pytest.raises(ArtifactError) as caught:
        artifact(root, **constraints)
    assert words in str(caught.value)
    assert "artifact.constraints" in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_region_that_is_no_code_by_itself_has_its_imports_read(tmp_path: Path) -> None:
    (tmp_path / "r.py").write_text(
        "def f(x):\n    if x:\n        # EVOLVE-BLOCK-START mid\n        y = 1\n    else:\n"
        "        y = 2\n        # EVOLVE-BLOCK-END\n    return y\n"
    )
    made = Artifact.load([tmp_path / "r.py"], ["mid"], constraints={"mid": Constraint(imports=["json"])})
    text = "        import {}\n        y = 1\n    else:\n        y = 3"
    assert made.start.edit({"mid": text.format("json")})
    assert "'os'" in refused(made, "mid", text.format("json, os"))


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\x00"), max_size=80), st.integers(2, 40))
@settings(max_examples=100, deadline=None)
def test_whatever_the_text_it_keeps_the_demands_or_is_refused(text: str, tokens: int) -> None:
    made = Artifact.from_texts("keep me", constraints={"text": Constraint(keep=["me"], tokens=tokens)})
    try:
        child = made.start.edit({"text": text})
    except EditError:
        return
    assert "me" in child.texts["text"]
    assert estimate(child.texts["text"]) <= tokens


def test_settings_name_an_unknown_demand_and_come_back_as_written() -> None:
    table = {"task": "t.py:t", "artifact": {"path": "a.py", "edit": ["f"], "constraints": {"f": {"tokens": 9}}}}
    loop = Loop.of(table)
    assert loop.artifact.constraints == {"f": Constraint(tokens=9)}
    assert Loop.of(loop.data()) == loop
    table["artifact"]["constraints"] = {"f": {"tokns": 9}}  # pyright: ignore[reportArgumentType]
    with pytest.raises(SettingsError, match=r"artifact\.constraints\.f\.tokns.*'tokens'"):
        Loop.of(table)


def test_refused_edits_are_shown_to_the_optimizer_in_the_next_update(root: Path) -> None:
    (root / "note.txt").write_text("yes")
    (root / "task.py").write_text(
        "import loopwright as lw\n\n\n@lw.task(train=[1], validation=[1], test=[1])\n"
        "def longer(program, example, trial):\n    return float(len(program.text('note.txt')))\n"
    )
    asked: list[str] = []

    def model(prompt: str) -> str:
        asked.append(prompt)
        return f"### parameter: note.txt\n```\n{'no' if len(asked) == 1 else 'yes, yes'}\n```"

    loop = Loop.of(
        {
            "task": "task.py:longer",
            "artifact": {
                "path": "note.txt",
                "edit": ["note.txt"],
                "constraints": {"note.txt": {"check": "rules.py:short", "message": "never say no"}},
            },
            "optimizer": {"model": "mine", "repairs": 0},
            "budget": {"steps": 2},
            "execution": {"isolation": "inline"},
        }
    )
    outcome = lw.run(loop, root / "run", root=root, models={"mine": model})
    assert outcome.files["note.txt"] == b"yes, yes"
    assert "refused before it ran" in asked[1]
    assert "never say no" in asked[1]
    again = lw.resume(root / "run", budget={"steps": 3}, models={"mine": model})
    assert again.steps == 3
