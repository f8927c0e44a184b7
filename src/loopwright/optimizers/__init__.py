"""Optimizers: one file each, one protocol. `make_optimizer` builds one from its name and settings."""

from __future__ import annotations

import importlib
from collections.abc import Mapping
from typing import cast

import msgspec

from loopwright.errors import SettingsError, nearest
from loopwright.optimizers.protocol import Check, Optimizer, Proposal, Proposing, Rejected, Remembered, View

__all__ = [
    "KINDS",
    "Check",
    "Optimizer",
    "Proposal",
    "Proposing",
    "Rejected",
    "Remembered",
    "View",
    "make_optimizer",
]

# Where each kind lives; imported when it is asked for.
KINDS: Mapping[str, str] = {
    "optoprime": "loopwright.optimizers.optoprime:OptoPrime",
    "ask": "loopwright.optimizers.ask:Person",
    "mutate": "loopwright.optimizers.mutate:Mutate",
}


def make_optimizer(kind: str, settings: Mapping[str, object] | None = None) -> Optimizer:
    """The optimizer of a kind, or of the class `"module:Class"`, with its settings.

    A class that is a `msgspec.Struct` has its settings checked by name and type; any other class is called with them.
    Raises `SettingsError` for an unknown kind or setting (naming the nearest) and for a value of the wrong type.
    """
    where = kind if ":" in kind else KINDS.get(kind)
    if where is None:
        raise SettingsError(f"optimizer.kind: there is no optimizer '{kind}'{nearest(kind, KINDS)}")
    found = _load(where)
    given = dict(settings or {})
    if issubclass(found, msgspec.Struct):
        known = [field.name for field in msgspec.structs.fields(found)]
        for name in given:
            if name not in known:
                raise SettingsError(f"optimizer.{name}: optimizer '{kind}' has no such setting{nearest(name, known)}")
        try:
            return cast("Optimizer", msgspec.convert(given, found))
        except msgspec.ValidationError as error:
            raise SettingsError(f"optimizer: {error} (kind '{kind}')") from None
    try:
        return cast("Optimizer", found(**given))
    except TypeError as error:
        raise SettingsError(f"optimizer '{kind}' does not take these settings: {error}") from error


def _load(where: str) -> type:
    module, _, name = where.partition(":")
    try:
        found = getattr(importlib.import_module(module), name, None)
    except ImportError as error:
        raise SettingsError(f"optimizer.kind '{where}': cannot import '{module}': {error}") from error
    if not isinstance(found, type) or not callable(getattr(found, "propose", None)):
        raise SettingsError(f"optimizer.kind '{where}': '{module}' has no class '{name}' with a method 'propose'")
    return found
