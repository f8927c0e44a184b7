"""How numbers are said to people: scores, differences, times, counts, money. Wherever that is, terminal or page."""

from __future__ import annotations

from loopwright.trial import Usage


def number(value: float | None) -> str:
    """A score: four digits that matter, `-` for none."""
    if value is None:
        return "-"
    return f"{value:.4g}" if abs(value) < 10_000 else f"{value:,.0f}"


def change(value: float) -> str:
    """A difference of scores with its sign: three digits that matter."""
    return f"{value:+.3g}"


def duration(seconds: float) -> str:
    """`0:07`, `12:34` or `1:02:03`."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def counted(count: int, thing: str) -> str:
    """`1 trial`, `2 trials`."""
    return f"{count:,} {thing}" if count == 1 else f"{count:,} {thing}s"


def money(usd: float) -> str:
    return f"${usd:.2f}" if usd >= 1 or usd == 0 else f"${usd:.4f}".rstrip("0")


def spent(usage: Usage) -> str:
    """What model calls cost, in words."""
    if not usage.calls:
        return "no model calls"
    parts = [counted(usage.calls, "model call"), f"{usage.tokens:,} tokens"]
    return ", ".join([*parts, money(usage.usd)] if usage.usd else parts)
