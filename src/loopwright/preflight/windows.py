"""The context of known models, in tokens. Not complete and not current for ever: `--window` goes before it."""

from __future__ import annotations

# By the beginning of a name; the longest that fits counts. As published by the providers, 2026-08.
_WINDOWS = {
    "openai/gpt-5": 400_000,
    "openai/gpt-4.1": 1_047_576,
    "openai/gpt-4o": 128_000,
    "openai/o": 200_000,
    "anthropic/claude": 200_000,
    "gemini/gemini": 1_048_576,
    "deepseek/": 128_000,
    "mistral/": 128_000,
}


def window_of(model: str) -> int | None:
    """The context of a model, None where it is not known. A reseller's prefix is looked through."""
    name = model.removeprefix("openrouter/")
    fitting = [known for known in _WINDOWS if name.startswith(known)]
    return _WINDOWS[max(fitting, key=len)] if fitting else None
