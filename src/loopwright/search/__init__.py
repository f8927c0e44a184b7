"""Search: which candidate is edited next, and which are kept. One file, one strategy."""

from __future__ import annotations

from loopwright.errors import SettingsError, nearest
from loopwright.search.beam import Beam
from loopwright.search.best_of_n import BestOfN
from loopwright.search.pareto import Pareto
from loopwright.search.population import Population
from loopwright.search.protocol import Gate, Search, Verdict
from loopwright.search.sequential import Sequential
from loopwright.settings import SearchSettings

__all__ = ["Beam", "BestOfN", "Gate", "Pareto", "Population", "Search", "Sequential", "Verdict", "make_search"]

_KINDS = {"sequential": Sequential, "best-of-n": BestOfN, "beam": Beam, "pareto": Pareto}


def make_search(settings: SearchSettings) -> Search:
    """The search that `search.kind` names.

    Raises `SettingsError` for an unknown one, or a setting it has no use for.
    """
    if settings.kind not in _KINDS:
        raise SettingsError(f"search.kind: there is no search '{settings.kind}'{nearest(settings.kind, _KINDS)}")
    if settings.revert is not None and settings.kind != "sequential":
        raise SettingsError(
            f"search.revert belongs to the sequential search; '{settings.kind}' chooses anew in every update: remove it"
        )
    return _KINDS[settings.kind](settings)
