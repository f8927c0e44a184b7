"""Staged feedback as data: which hint goes with which score (arXiv 2603.23994, tables A1, B3 and B4, has the idea).

A hint that fits the stage a program has reached lets an engineer guide the optimizer without sitting beside it. A task
gives it with each trial (`Staged.feedback`); a loop file gives it with each update (`evidence.staged`), for any task.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import msgspec

from loopwright.errors import SettingsError, nearest
from loopwright.feedback import Feedback


class Stage(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One stage: it begins at the score `start` (just above it where `above` is set) and has one text."""

    start: float
    text: str
    above: bool = False

    def __post_init__(self) -> None:
        if not math.isfinite(self.start):
            raise SettingsError(f"staged feedback: a stage starts at {self.start}; it must be a finite score")


class Staged(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A first text, and the stages that replace it as the score grows.

    In a text, `{score}` is the score and `{missing}` what is left to `goal`. Raises `SettingsError` for stages whose
    starts do not ascend.
    """

    first: str = ""
    stages: tuple[Stage, ...] = ()
    goal: float | None = None

    def __post_init__(self) -> None:
        for one, other in zip(self.stages, self.stages[1:], strict=False):
            if (one.start, one.above) >= (other.start, other.above):
                raise SettingsError(
                    f"staged feedback: the stage from {other.start:g} stands after the one from {one.start:g}; "
                    "write the stages in ascending order, each with a start of its own"
                )

    @classmethod
    def of(cls, table: Mapping[str, Any], *, where: str = "staged feedback") -> Staged:
        """Stages from plain data such as a TOML table or `[task_options]`; `where` names it in errors.

            first = "Read the question again."
            stages = [{ start = 0.5, text = "Half are right; look at the others." }]

        Raises `SettingsError` for an unknown name (the nearest is named) or a wrong type.
        """
        for name in table:
            if name not in cls.__struct_fields__:
                raise SettingsError(f"{where}: unknown name '{name}'{nearest(name, cls.__struct_fields__)}")
        try:
            return msgspec.convert(dict(table), cls)
        except msgspec.ValidationError as error:
            raise SettingsError(f"{where}: {error}") from None

    def text(self, score: float) -> str:
        """The text of the last stage that `score` has reached."""
        text = self.first
        for stage in self.stages:
            if score > stage.start or (score == stage.start and not stage.above):
                text = stage.text
        missing = 0.0 if self.goal is None else max(0.0, self.goal - score)
        return text.replace("{score}", f"{score:g}").replace("{missing}", f"{missing:g}")

    def feedback(self, score: float, text: str = "", metrics: Mapping[str, float] | None = None) -> Feedback:
        """A task's feedback: what it has to say itself, then the text of the stage that `score` has reached."""
        return Feedback(score, " ".join(part for part in (text, self.text(score)) if part), dict(metrics or {}))
