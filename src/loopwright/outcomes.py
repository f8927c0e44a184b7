"""What may become of a proposal, in words; and which score of an update is whose. For every way of showing a run.

Not for judging: a search does that, and says so in `store.events.Child.outcome`.
"""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from loopwright.settings import SearchSettings
from loopwright.store.events import Child, Updated

# Kinds of outcome and of refusal, each with what it means.
MEANINGS = {
    "accepted": "kept",
    "no better": "equal to its parent on the gate, or not shown to be better",
    "worse": "below its parent on the gate",
    "outdone": "another proposal of the same update did better",
    "unparsable": "could not be read",
    "refusal": "the answer declines",
    "invalid": "an edit that the artifact refuses",
    "unchanged": "nothing new in it",
    "duplicate": "proposed before",
}

# Outcomes of a child that came nearest to being kept, and those of a child that was run and not kept.
NEAREST = ("accepted", "no better", "worse")
NOT_KEPT = ("no better", "worse", "outdone")


class Compared(msgspec.Struct, frozen=True):
    """The child of an update against its parent: mean scores on the same examples, `None` where nothing was run."""

    child: str
    score: float | None
    parent_score: float | None


def leading(updated: Updated) -> Child | None:
    """The child that was accepted, or came nearest to it; None where there was no child."""
    places = {outcome: place for place, outcome in enumerate(NEAREST)}
    return min(updated.children, key=lambda child: places.get(child.outcome, len(places)), default=None)


def compared(updated: Updated | None, validation: Callable[[str], float | None]) -> Compared | None:
    """The leading child and its parent; None where there was no child.

    Where the search judged nothing (`accept = "always"`), their means on the validation split say how they compare.
    """
    child = leading(updated) if updated is not None else None
    if updated is None or child is None:
        return None
    if child.score is not None:
        return Compared(child.candidate, child.score, child.parent_score)
    return Compared(child.candidate, validation(child.candidate), validation(updated.parent))


def compared_on(search: SearchSettings) -> str:
    """What the two scores of `Compared` were measured on."""
    if search.accept == "always":
        return "the validation split"
    split = "the update's batch" if search.gate == "batch" else "the validation split"
    if search.accept == "confident":
        split = "further train examples" if search.gate == "batch" else "draws of the validation split"
    return f"{split} (the gate)"
