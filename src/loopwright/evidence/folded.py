"""A trial in which nothing is to be mended, in short: what it was given and what it gave, without what lay between.

Where every trial of a context has the highest score that its task knows, whole executions would only be tokens: the
optimizer is told that all is well, and sees the cases it is well for.
"""

from __future__ import annotations

from collections.abc import Sequence

import msgspec

from loopwright.evidence.fields import fields
from loopwright.evidence.pieces import Piece, middle
from loopwright.evidence.records import Experience, Show
from loopwright.evidence.steps import FEW, headline
from loopwright.trace import Step

# Characters of a value that are shown of it.
LONGEST = 300


def perfect(experiences: Sequence[Experience]) -> bool:
    """Whether all of them, and at least one, have the highest score there is."""
    return bool(experiences) and all(experience.perfect for experience in experiences)


def verdict(count: int, show: Show) -> str:
    """What is said of such a context as a whole."""
    who = "This trial" if count == 1 else f"All {count} trials"
    has = "has" if count == 1 else "have"
    what = "went well" if show == "text" else f"{has} the highest score there is"
    return f"{who} {what}, so that nothing is to be mended here; shown is only what went in and what came out."


def folded(experience: Experience) -> list[Piece]:
    """The steps of such a trial: each as its input and output where they are few, else their number."""
    calls = sum(len(step.calls) for step in experience.steps)
    gone = f"{calls:,} call{'s' if calls > 1 else ''}" if calls else ""
    if len(experience.steps) > FEW:
        return [Piece(f"({headline(experience)}{f' with {gone}' if gone else ''}: not shown.)")]
    bare = [Step(step.observation, step.action, step.reward) for step in experience.steps]
    pieces = [
        msgspec.structs.replace(piece, body=middle(piece.body, LONGEST))
        for piece in fields(msgspec.structs.replace(experience, steps=bare))
    ]
    return [*pieces, Piece(f"({gone} not shown.)")] if gone else pieces
