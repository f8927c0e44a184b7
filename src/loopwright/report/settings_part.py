"""Settings as rows of a name and a value, for the page's last tab."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, cast


def part(name: str, table: Mapping[str, Any]) -> dict[str, Any]:
    """One card of settings: nested tables become dotted names."""
    return {"name": name, "rows": [{"name": key, "value": value, "note": ""} for key, value in flat(table)]}


def flat(table: Mapping[str, Any], path: str = "") -> Sequence[tuple[str, str]]:
    """Dotted names and written values, in order."""
    rows: list[tuple[str, str]] = []
    for key, value in table.items():
        if isinstance(value, Mapping) and value:
            rows += flat(cast("Mapping[str, Any]", value), f"{path}{key}.")
        else:
            rows.append((path + key, _written(value)))
    return rows


def _written(value: Any) -> str:
    if value is None:
        return "no limit"
    if isinstance(value, list | tuple):
        return ", ".join(map(_written, cast("list[Any]", value))) or "none"
    if isinstance(value, bool):
        return str(value).lower()
    return str(value) if value != {} else "none"
