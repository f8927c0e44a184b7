"""Staged feedback as data: which hint goes with which score (arXiv 2603.23994, tables A1, B3 and B4, has the
idea).

A hint that fits the stage a program has reached lets an engineer guide the optimizer without sitting beside
it.
"""

from __future__ import annotations

import msgspec


class Stage(msgspec.Struct, frozen=True):
    """One stage: it begins at the score `start` (just above it where `above` is set) and has one text."""

    start: float
    text: str
    above: bool = False


class Staged(msgspec.Struct, frozen=True):
    """A first text, and the stages that replace it as the score grows.

    In a text, `{score}` is the score and `{missing}` what is left to `goal`.
    """

    first: str
    stages: tuple[Stage, ...] = ()
    goal: float | None = None

    def text(self, score: float) -> str:
        """The text of the last stage that `score` has reached."""
        text = self.first
        for stage in self.stages:
            if score > stage.start or (score == stage.start and not stage.above):
                text = stage.text
        missing = 0.0 if self.goal is None else max(0.0, self.goal - score)
        return text.replace("{score}", f"{score:g}").replace("{missing}", f"{missing:g}")
