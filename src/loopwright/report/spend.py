"""What each update of a run spent, by purpose: trials by their role, tokens and money by who called the model."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from loopwright.record import Update
from loopwright.trial import Trial, Usage

_ROLES = ("train", "gate", "validation", "test")
_UNITS = ("trials", "calls", "tokens", "usd", "seconds")


class Spend:
    """Spending row by row: first the opening, then one row an update, last the test trials at the end."""

    def __init__(self) -> None:
        self.rows: list[dict[str, dict[str, float]]] = []

    def add(self, update: Update) -> None:
        row = _of_trials(update.trials)
        optimizer = sum((each.reply.usage for each in update.answered), Usage())
        for unit, value in _units(optimizer).items():
            row[unit]["optimizer"] = value
        row["seconds"]["optimizer"] = sum(each.reply.seconds for each in update.answered)
        self.rows.append(row)

    def add_tests(self, tested: Sequence[Trial]) -> None:
        self.rows.append(_of_trials(tested))

    def data(self) -> dict[str, Any]:
        """By unit and purpose, one number a row; purposes and units that nothing was spent on are left out."""
        found: dict[str, Any] = {}
        for unit in _UNITS:
            columns = {
                purpose: [round(row[unit].get(purpose, 0.0), 6) for row in self.rows]
                for purpose in (*_ROLES, "optimizer")
            }
            used = {purpose: column for purpose, column in columns.items() if any(column)}
            if used:
                found[unit] = used
        return found


def _of_trials(trials: Sequence[Trial]) -> dict[str, dict[str, float]]:
    row: dict[str, dict[str, float]] = {unit: {} for unit in _UNITS}
    for trial in trials:
        role = trial.spec.role
        for unit, value in {"trials": 1, "seconds": trial.seconds, **_units(trial.usage)}.items():
            row[unit][role] = row[unit].get(role, 0) + value
    return row


def _units(usage: Usage) -> dict[str, float]:
    return {"calls": usage.calls, "tokens": usage.tokens, "usd": usage.usd}
