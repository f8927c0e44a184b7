"""Settings: unknown names, wrong types and nonsense are one sentence; everything else comes back as written."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from loopwright.errors import SettingsError
from loopwright.evidence import Batch, Horizon
from loopwright.settings import Loop, parse_override

LEAST = 'task = "t.py:t"\n[artifact]\npath = "a.py"\nedit = ["f"]\n'


def load(tmp_path: Path, text: str, **overrides: Any) -> Loop:
    path = tmp_path / "loop.toml"
    path.write_text(text)
    return Loop.load(path, overrides)


def test_the_example_of_the_design_is_read(tmp_path: Path) -> None:
    loop = load(
        tmp_path,
        LEAST
        + """
[evidence]
horizon = { steps = 25, where = "reward", feedback = "window" }
batch = { size = 3, draw = "contrast" }
[optimizer]
kind = "optoprime"
model = "http://127.0.0.1:1/v1#m"
[search]
accept = "improve"
gate = "batch"
[budget]
steps = 15
usd = 5.0
""",
    )
    assert loop.evidence.horizon == Horizon(25, "reward", "window")
    assert loop.evidence.batch == Batch(3, "contrast")
    assert loop.search.accept == "improve"
    assert loop.budget.usd == 5.0
    assert Loop.of(loop.data()) == loop


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("sede = 1\n" + LEAST, ["'sede'", "'seed'"]),
        (LEAST + "[search]\naccpt = 'improve'\n", ["search.accpt", "'accept'"]),
        (LEAST + "[evidence]\nbatch = { sizes = 3 }\n", ["evidence.batch.sizes", "'size'"]),
        (LEAST + "[execution.limits]\nsecond = 3\n", ["execution.limits.second", "'seconds'"]),
        (LEAST + "[search]\ngate = 'bath'\n", ["search.gate", "bath"]),
        (LEAST + "[budget]\nsteps = 'many'\n", ["budget.steps", "int"]),
        (LEAST + "[budget]\nusd = -1\n", ["budget.usd", "more than 0"]),
        (LEAST + "[evidence]\nhorizon = { steps = 0 }\n", ["horizon"]),
        ("[artifact]\npath = 'a.py'\nedit = ['f']\n", ["'task'", "missing"]),
        (LEAST.replace('["f"]', "[]"), ["artifact.edit"]),
        ("task = \n", ["not valid TOML"]),
    ],
)
def test_a_mistake_is_named_with_its_place(tmp_path: Path, text: str, words: list[str]) -> None:
    with pytest.raises(SettingsError) as caught:
        load(tmp_path, text)
    message = str(caught.value)
    assert all(word in message for word in words), message
    assert "\n" not in message


def test_a_missing_file_and_a_folder_are_said(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="there is no loop file"):
        Loop.load(tmp_path / "nothing.toml")
    with pytest.raises(SettingsError, match="is a folder"):
        Loop.load(tmp_path)


def test_overrides_are_read_as_toml_and_else_as_text(tmp_path: Path) -> None:
    assert parse_override("search.accept=improve") == ("search.accept", "improve")
    assert parse_override("budget.steps=40") == ("budget.steps", 40)
    assert parse_override('evidence.horizon={steps="full"}') == ("evidence.horizon", {"steps": "full"})
    loop = load(tmp_path, LEAST, **dict([parse_override("evidence.batch.size=4"), parse_override("budget.usd=2")]))
    assert (loop.evidence.batch.size, loop.budget.usd) == (4, 2)
    with pytest.raises(SettingsError, match="NAME=VALUE"):
        parse_override("nonsense")
    with pytest.raises(SettingsError, match="is a value, not a table"):
        load(tmp_path, LEAST, **{"task.name": 1})
