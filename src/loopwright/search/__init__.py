"""Search: which candidate is edited next, and which are kept. One file, one strategy."""

from __future__ import annotations

from loopwright.errors import SettingsError, nearest
from loopwright.search.population import Population
from loopwright.search.protocol import Gate, Search, Verdict
from loopwright.search.sequential import Sequential
from loopwright.settings import SearchSettings

__all__ = ["Gate", "Population", "Search", "Sequential", "Verdict", "make_search"]

_KINDS = {"sequential": Sequential}


def make_search(settings: SearchSettings) -> Search:
    """The search that `search.kind` names. Raises `SettingsError` for an unknown one."""
    if settings.kind not in _KINDS:
        raise SettingsError(f"search.kind: there is no search '{settings.kind}'{nearest(settings.kind, _KINDS)}")
    return _KINDS[settings.kind](settings)
