"""Tasks that come with the package, made when they are first asked for: `lw.tasks.gym("CartPole-v1")`."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

# Where each maker of tasks lives.
_PUBLIC = {"gym": "loopwright.tasks.gymnasium", "reasoning_gym": "loopwright.tasks.reasoning"}

if TYPE_CHECKING:
    from loopwright.tasks.gymnasium import gym as gym
    from loopwright.tasks.reasoning import reasoning_gym as reasoning_gym

__all__ = [*_PUBLIC]  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'loopwright.tasks' has no attribute '{name}'")
    return getattr(import_module(_PUBLIC[name]), name)
