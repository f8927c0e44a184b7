"""The numbers of an update that a tracker draws, under names that all writers share."""

from __future__ import annotations

from collections.abc import Mapping
from statistics import fmean
from typing import TYPE_CHECKING, Any, cast

from loopwright.store.events import Updated

if TYPE_CHECKING:
    from loopwright.runner import Outcome, Progress


def of_update(updated: Updated, progress: Progress) -> dict[str, float]:
    """Scores are means: of the update's batch, and on the validation split. What is not known is left out."""
    found: dict[str, float | None] = {
        "score/batch": fmean(updated.train.values()) if updated.train else None,
        "score/validation_best": updated.best_score,
        "score/validation_current": progress.current_score,
        "update/accepted": float(bool(updated.accepted)),
        "spent/trials": float(progress.trials),
        "spent/calls": float(progress.usage.calls),
        "spent/tokens": float(progress.usage.tokens),
        "spent/usd": progress.usage.usd,
        "spent/seconds": progress.seconds,
    }
    return {name: value for name, value in found.items() if value is not None}


def of_end(outcome: Outcome) -> dict[str, float]:
    """The test scores, means over the test examples, of the start and of the best candidate."""
    both = {"score/test_start": outcome.start_test, "score/test_best": outcome.best_test}
    return {name: fmean(scores) for name, scores in both.items() if scores}


def flat(table: Mapping[str, Any], path: str = "") -> dict[str, Any]:
    """Settings by their dotted names."""
    found: dict[str, Any] = {}
    for name, value in table.items():
        if isinstance(value, Mapping):
            found |= flat(cast("Mapping[str, Any]", value), f"{path}{name}.")
        else:
            found[path + name] = value
    return found
