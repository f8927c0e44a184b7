"""Which counter of tokens `evidence.tokenizer` names: the estimate, the model's own, or a function of the user's.

No tokenizer is shipped: the public ones fetch their tables from the network when first used. What an exact one is worth
can be read in `loopwright.tokens`: the estimate is off by some 6 % on source code and English.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import Any, cast

from loopwright.errors import SettingsError
from loopwright.tokens import Counter, estimate

MODEL = "model"
_KEPT = 4096  # texts whose count is remembered: fitting evidence counts the same pieces again and again


def counter(name: str, root: Path, model: str, own: Callable[[], Counter | None]) -> Counter:
    """The counter of a setting: "" is the estimate, "model" what `own` gives for `model`, else "file.py:function".

    Raises `SettingsError` where there is none.
    """
    if not name:
        return estimate
    if name == MODEL:
        found = own()
        if found is None:
            raise SettingsError(
                f"evidence.tokenizer = 'model': the tokenizer of '{model}' is not at hand, only local/... models "
                "bring theirs; leave the setting out for an estimate, or name a function, 'file.py:count'"
            )
        return lru_cache(_KEPT)(found)
    return _checked(name, _function(name, root))


def _function(name: str, root: Path) -> Callable[[str], Any]:
    where, _, attribute = name.partition(":")
    if not where or not attribute:
        raise SettingsError(
            f"evidence.tokenizer = '{name}' names no function; write 'file.py:count' or 'package.module:count'"
        )
    module = where.removesuffix(".py").replace("/", ".")
    sys.path.insert(0, str(root))
    try:
        found = getattr(importlib.import_module(module), attribute)
    except (Exception, SystemExit) as error:  # the user's code: told as what it is, the cause kept
        raise SettingsError(
            f"evidence.tokenizer = '{name}' cannot be loaded: {type(error).__name__}: {error}"
        ) from error
    finally:
        sys.path.remove(str(root))
    if not callable(found):
        raise SettingsError(f"evidence.tokenizer = '{name}' is no function but of type {type(found).__name__}")
    return cast("Callable[[str], Any]", found)


def _checked(name: str, function: Callable[[str], Any]) -> Counter:
    @lru_cache(_KEPT)
    def count(text: str) -> int:
        try:
            number = function(text)
        except Exception as error:
            raise SettingsError(
                f"evidence.tokenizer = '{name}' raised {type(error).__name__} for a text: {error}"
            ) from error
        if type(number) is not int or number < 0:
            raise SettingsError(f"evidence.tokenizer = '{name}' must give a whole number of tokens, not {number!r}")
        return number

    return count
