"""Makes executors for tests and closes them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from execution_bench import Bench


@pytest.fixture
def bench() -> Iterator[Callable[..., Bench]]:
    """Makes benches and closes them."""
    made: list[Bench] = []

    def make(task: str, **settings: Any) -> Bench:
        made.append(Bench(task, **settings))
        return made[-1]

    yield make
    for one in made:
        one.close()
