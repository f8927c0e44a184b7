"""Optimizers: one file each, one protocol. `make_optimizer` builds one from its name and settings."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import sys
from collections.abc import Callable, Generator, Mapping
from pathlib import Path
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
    "opro": "loopwright.optimizers.opro:Opro",
    "textgrad": "loopwright.optimizers.textgrad:TextGrad",
    "reflect": "loopwright.optimizers.reflect:Reflect",
    "evolve": "loopwright.optimizers.evolve:Evolve",
    "rewrite": "loopwright.optimizers.rewrite:Rewrite",
    "ask": "loopwright.optimizers.ask:Person",
    "mutate": "loopwright.optimizers.mutate:Mutate",
}


def make_optimizer(
    kind: str,
    settings: Mapping[str, object] | None = None,
    options: Mapping[str, object] | None = None,
    *,
    root: Path | None = None,
) -> Optimizer:
    """The optimizer of a kind, or of the class `"module:Class"`, with its settings.

    A module is looked for in `root` too.
    `settings` are those that optimizers share: a class takes what it knows of them, so that a loop can change its
    optimizer and nothing else. `options` are meant for this one: a name it does not know is an error. The values
    for a class that is a `msgspec.Struct` are checked by type.
    Raises `SettingsError` for an unknown kind or setting (naming the nearest) and for a value of the wrong type.
    """
    where = kind if ":" in kind else KINDS.get(kind)
    if where is None:
        raise SettingsError(f"optimizer.kind: there is no optimizer '{kind}'{nearest(kind, KINDS)}")
    found = _load(where, root)
    known, checked = _parameters(found), issubclass(found, msgspec.Struct)
    for name in options or {}:
        if known is not None and name not in known:
            raise SettingsError(
                f"optimizer.options.{name}: optimizer '{kind}' has no such option{nearest(name, known)}"
            )
    shared = {name: value for name, value in (settings or {}).items() if known is None or name in known}
    given = {**shared, **(options or {})}
    try:
        return cast("Optimizer", msgspec.convert(given, found) if checked else found(**given))
    except msgspec.ValidationError as error:
        raise SettingsError(f"optimizer: {error} (kind '{kind}')") from None
    except TypeError as error:
        raise SettingsError(f"optimizer '{kind}' does not take these settings: {error}") from error


@contextlib.contextmanager
def _importable(root: Path | None) -> Generator[None]:
    """Let modules of a folder be imported meanwhile: an optimizer of one's own lies beside the loop file."""
    if root is None:
        yield
        return
    sys.path.insert(0, str(root))
    try:
        yield
    finally:
        sys.path.remove(str(root))


def _parameters(found: type) -> list[str] | None:
    """The names that a class can be given, or None where it takes any."""
    if issubclass(found, msgspec.Struct):
        return [field.name for field in msgspec.structs.fields(found)]
    parameters = inspect.signature(cast("Callable[..., object]", found)).parameters.values()
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return None
    return [parameter.name for parameter in parameters]


def _load(where: str, root: Path | None) -> type:
    module, _, name = where.partition(":")
    try:
        with _importable(root):
            found = getattr(importlib.import_module(module), name, None)
    except ImportError as error:
        raise SettingsError(f"optimizer.kind '{where}': cannot import '{module}': {error}") from error
    if not isinstance(found, type) or not callable(getattr(found, "propose", None)):
        raise SettingsError(f"optimizer.kind '{where}': '{module}' has no class '{name}' with a method 'propose'")
    return found
