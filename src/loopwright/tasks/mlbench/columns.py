"""A table's columns in words, one line each, for the optimizer: a person who writes a pipeline looks at the data
first.

Made from the rows to learn from alone.
"""

from __future__ import annotations

from importlib import import_module
from typing import Any

VALUES = 6  # frequent values of a text column that are shown


def described(table: Any) -> str:
    """The columns with their kind, how many values are missing, and what values they have."""
    return "\n".join(f"  {name}: {_column(table[name])}" for name in table.columns)


def _column(series: Any) -> str:
    missing = float(series.isna().mean())
    known = series.dropna()
    types: Any = import_module("pandas").api.types
    if known.empty:
        text = "empty"
    elif types.is_bool_dtype(known) or set(known.unique().tolist()) <= {True, False}:
        text = f"true/false, {float(known.astype(float).mean()):.0%} true"
    elif types.is_numeric_dtype(known):
        low, middle, high = (float(known.quantile(q)) for q in (0, 0.5, 1))
        text = f"number, {low:g} to {high:g}, median {middle:g}"
    else:
        text = _texts(known)
    return text + (f"; {missing:.1%} missing" if missing else "")


def _texts(known: Any) -> str:
    counts = known.value_counts()
    if len(counts) == len(known):
        return f"text, all different, such as {known.iloc[0]!r}"
    shares = [f"{value} {count / len(known):.0%}" for value, count in counts.iloc[:VALUES].items()]
    more = ", ..." if len(counts) > VALUES else ""
    return f"text, {len(counts)} values: {', '.join(shares)}{more}"
