"""The settings page names every setting, with its true default, and none that does not exist."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import msgspec
import pytest

from loopwright.artifact import Constraint
from loopwright.settings import Loop

PAGE = Path(__file__).parents[2] / "docs" / "reference" / "settings.md"


def leaves(record: type[msgspec.Struct], path: str = "") -> dict[str, Any]:
    """Every setting by its dotted name, with its default."""
    found: dict[str, Any] = {}
    for field in msgspec.structs.fields(record):
        kind = field.type
        if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
            found |= leaves(kind, f"{path}{field.name}.")
        else:
            if kind == dict[str, Constraint]:
                found |= leaves(Constraint, f"{path}{field.name}.NAME.")
            default = field.default_factory() if callable(field.default_factory) else field.default
            found[path + field.name] = default
    return found


def documented() -> dict[str, str]:
    found: dict[str, str] = {}
    section = ""
    for line in PAGE.read_text(encoding="utf-8").splitlines():
        if heading := re.match(r"## `\[([\w.]+)\]`", line):
            section = heading[1] + "."
        elif row := re.match(r"\| `([\w.]+)` \| (.*?) \|", line):
            found[section + row[1]] = row[2]
    return found


def test_every_setting_is_on_the_page_and_nothing_else() -> None:
    assert set(documented()) == set(leaves(Loop))


@pytest.mark.parametrize("name", sorted(leaves(Loop)))
def test_the_default_is_the_true_one(name: str) -> None:
    said, default = documented()[name], leaves(Loop)[name]
    if default is msgspec.NODEFAULT:
        assert said == "required"
    elif default in (None, ""):
        assert said in {"none", "the model's", "`4096`"}
    elif isinstance(default, str):
        assert said == f'`"{default}"`'
    elif isinstance(default, bool):
        assert said == f"`{str(default).lower()}`"
    elif isinstance(default, int | float):
        assert float(said.strip("`")) == default
    else:
        assert said in {"`{}`", "`[]`"}
