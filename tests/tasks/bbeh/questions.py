"""Made-up questions in the form of the benchmark's, and where its real ones are absent, the reason to skip."""

from __future__ import annotations

import pytest

from loopwright.data import states


def made_up(count: int = 40) -> list[dict[str, str]]:
    """Sums with two options; the first 20 are all (A), as some of the benchmark's tasks are ordered."""
    rows: list[dict[str, str]] = []
    for n in range(count):
        right = "(A)" if n < 20 or n % 2 else "(B)"
        a, b = (n + 7, n + 9) if right == "(A)" else (n + 9, n + 7)
        rows.append({"input": f"What is {n} plus 7?\nOptions:\n(A) {a}\n(B) {b}", "target": right})
    return rows


def present() -> bool:
    return all(file.state == "good" for file in states("bbeh"))


needs_data = pytest.mark.skipif(not present(), reason="needs the data set bbeh (loopwright data pull bbeh)")
