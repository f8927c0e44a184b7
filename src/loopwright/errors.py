"""What can go wrong for a user, one class per kind; every message says what, where, and what to do.

Only errors a user can cause or must hear of live here. What a *candidate* does wrong is not an error of ours: it
becomes a `Feedback` with its `error` set, or a `Rejected` proposal, and the run goes on.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable


class LoopwrightError(Exception):
    """Base of all. The command line prints `str(error)` in one sentence and exits with `exit_code`."""

    exit_code = 1


class UsageError(LoopwrightError):
    """The user's own input is wrong: settings, files, names."""

    exit_code = 2


class SettingsError(UsageError):
    """A setting is unknown, of the wrong type, or contradicts another."""


class ArtifactError(UsageError):
    """The artifact cannot be loaded: a file is missing, a name is not in it, two parameters overlap."""


class TaskError(UsageError):
    """The task cannot be loaded, or breaks its own contract (raises at import, a score under its floor)."""


class DataError(TaskError):
    """A data set is not here, cannot be fetched, or a file of it is not the one expected."""


class StoreError(LoopwrightError):
    """The run folder cannot be used: another loop's, a newer version's, damaged, locked, the disk full."""


class ModelError(LoopwrightError):
    """A model cannot be reached or refuses: no key, unknown name, an endpoint that is down, a request it rejects."""


class ExecutionError(LoopwrightError):
    """The machinery that runs trials failed (not the candidate): a worker cannot be started, the evaluator died."""


class BudgetExhausted(LoopwrightError):
    """A limit of `[budget]` would be passed by going on."""


class PoolExhausted(LoopwrightError):
    """What several runs may spend together is spent. A run that hears of it stops as it is, and can be resumed."""


class FailingLoudly(LoopwrightError):
    """The same kind of failure came again and again; the run stops, keeps what it paid for, and says so."""


def nearest(word: str, known: Iterable[str]) -> str:
    """`"; did you mean 'batch'?"`, or the known words where none is near."""
    names = sorted(known)
    close = difflib.get_close_matches(word, names, n=1, cutoff=0.5)
    if close:
        return f"; did you mean '{close[0]}'?"
    return f"; known: {', '.join(names)}" if names else ""
