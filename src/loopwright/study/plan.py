"""The runs of a study: for each cell and repeat the loop it runs, and the folder that is its own for ever.

A run's folder is found again by what the run is: its settings, limits and slots apart. So a level, an axis or a repeat
can be added later and nothing is run twice, and a larger limit lets the same runs go further.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import msgspec

from loopwright.errors import SettingsError
from loopwright.settings import BudgetSettings, ExecutionSettings, Loop
from loopwright.study.definition import Study, with_settings
from loopwright.study.design import cells_of
from loopwright.study.results import Cell

_LONGEST = 60  # characters of a folder's readable part


class Planned(msgspec.Struct, frozen=True):
    """One run that the study wants. `tag` is the part of its folder's name that says what it is."""

    cell: Cell
    repeat: int
    loop: Loop
    tag: str

    @property
    def label(self) -> str:
        return f"{self.cell.key}, repeat {self.repeat}"

    def folder(self, study: Path) -> Path:
        """Where the run is or will be: a folder that has its tag already, else a new name with the cell in words."""
        found = sorted((study / "runs").glob(f"*-{self.tag}"))
        if found:
            return found[0]
        words = re.sub(r"[^\w.=-]+", "_", self.cell.key)[:_LONGEST].strip("_")
        return study / "runs" / f"{words}-r{self.repeat}-{self.tag}"


def planned(study: Study) -> list[Planned]:
    """All runs, the first repeat of every cell before the second of any: a study cut short is still balanced.

    Raises `SettingsError` where two cells are the same run.
    """
    runs: list[Planned] = []
    known: dict[str, Planned] = {}
    for repeat in range(1, study.repeats + 1):
        for cell in cells_of(study.axes, study.design):
            run = _planned(study, cell, repeat)
            if run.tag in known:
                raise SettingsError(
                    f"the cells '{known[run.tag].cell.key}' and '{cell.key}' have the same settings in the end; "
                    "two levels must differ in what they set"
                )
            known[run.tag] = run
            runs.append(run)
    return runs


def _planned(study: Study, cell: Cell, repeat: int) -> Planned:
    changes: dict[str, Any] = {}
    for axis in study.axes:
        changes |= axis.settings[cell.levels[axis.name]]
    changes["seed"] = int(study.loop.get("seed", 0)) + repeat - 1
    loop = with_settings(study.loop, changes, where=f"the cell {cell.key}")
    return Planned(cell, repeat, loop, _tag(loop, [name for name in changes if name.startswith("budget.")]))


def _tag(loop: Loop, limits: Sequence[str]) -> str:
    """Ten letters that depend on every setting that makes the run what it is; `limits` are those set by an axis."""
    execution = msgspec.structs.replace(loop.execution, slots=ExecutionSettings().slots)
    identity = _changed(msgspec.structs.replace(loop, budget=BudgetSettings(), execution=execution))
    identity["limits"] = {name: getattr(loop.budget, name.partition(".")[2]) for name in limits}
    return hashlib.blake2b(msgspec.json.encode(identity, order="sorted"), digest_size=5).hexdigest()


def _changed(record: msgspec.Struct) -> dict[str, Any]:
    """The settings that differ from their defaults: a setting that a later version adds changes no tag."""
    found: dict[str, Any] = {}
    for field in msgspec.structs.fields(record):
        value = getattr(record, field.name)
        default = field.default_factory() if callable(field.default_factory) else field.default
        if isinstance(value, msgspec.Struct):
            if inner := _changed(value):
                found[field.name] = inner
        elif value != default:
            found[field.name] = value
    return found
