"""The steps of an experience as pieces of text: labelled fields where they are few, else a table."""

from __future__ import annotations

from loopwright.evidence.fields import fields
from loopwright.evidence.pieces import Piece
from loopwright.evidence.records import Experience
from loopwright.evidence.table import table

# Up to so many steps are shown as fields, more as a table.
FEW = 3


def steps(experience: Experience) -> list[Piece]:
    """All steps of the experience, in order, losing nothing; empty where there are none."""
    if not experience.steps:
        return []
    return fields(experience) if len(experience.steps) <= FEW else table(experience, headline(experience))


def headline(experience: Experience) -> str:
    """Which steps these are, numbered from 1: "Steps 1-25 of 400"."""
    start, stop, total = experience.window
    span = f"Step {stop}" if stop - start == 1 else f"Steps {start + 1}-{stop}"
    return span if total == stop - start else f"{span} of {total}"
