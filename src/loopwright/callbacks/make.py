"""From names in the settings, or on the command line, to callbacks."""

from __future__ import annotations

import contextlib
import importlib
import sys
from collections.abc import Iterable, Mapping
from pathlib import Path

from loopwright.callbacks.protocol import Callback
from loopwright.errors import SettingsError, nearest

# Where each writer lives; imported when it is asked for.
KINDS: Mapping[str, str] = {
    "tensorboard": "loopwright.callbacks.tensorboard:TensorBoard",
    "wandb": "loopwright.callbacks.wandb:WeightsAndBiases",
    "mlflow": "loopwright.callbacks.mlflow:MLflow",
}


def make_callbacks(names: Iterable[str], *, root: Path | None = None) -> list[Callback]:
    """The callbacks of these names: a known writer, or "module:Class" of one's own, looked for in `root` too.

    Raises `SettingsError` for an unknown name, a missing package, a class that is no `Callback`.
    """
    return [_make(name, root) for name in dict.fromkeys(names)]


def _make(name: str, root: Path | None) -> Callback:
    where = name if ":" in name else KINDS.get(name)
    if where is None:
        raise SettingsError(f"log: there is no writer '{name}'{nearest(name, KINDS)}; one's own is 'module:Class'")
    module, _, attribute = where.partition(":")
    with contextlib.ExitStack() as stack:
        if root is not None:
            sys.path.insert(0, str(root))
            stack.callback(sys.path.remove, str(root))
        try:
            found = getattr(importlib.import_module(module), attribute, None)
        except ImportError as error:
            raise SettingsError(f"log '{name}': cannot import '{module}': {error}") from error
    if not isinstance(found, type) or not issubclass(found, Callback):
        raise SettingsError(f"log '{name}': '{module}' has no class '{attribute}' that is a loopwright Callback")
    return found()


def needed(package: str, name: str) -> SettingsError:
    """The error for a package that is not installed."""
    return SettingsError(f"log '{name}' needs the package {package}: pip install 'loopwright[{name}]'")
