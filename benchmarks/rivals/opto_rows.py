"""opto (trace-opt): what one bundled call costs over the plain call, and 1,000 of them sliced and rendered.

Runs in an environment with trace-opt alone: python opto_rows.py REPEATS
"""

from __future__ import annotations

import importlib.util
import sys
import time
from collections.abc import Callable
from statistics import median
from typing import Any

from asker import row
from opto.trace import GRAPH, bundle, node

CALLS = 1_000


def small(x: int, y: int) -> int:
    """A function that does next to nothing."""
    return x


def per_call(function: Callable[..., Any], *args: Any) -> float:
    """CPU microseconds a call."""
    began = time.process_time()
    for _ in range(CALLS):
        function(*args)
    return (time.process_time() - began) / CALLS * 1e6


def traced() -> float:
    GRAPH.clear()
    bundled = bundle()(small)
    one, two = node(1), node(2)
    return per_call(bundled, one, two) - per_call(small, 1, 2)


def rendered() -> tuple[float, int]:
    """CPU ms of backward and prompt for a chain of 1,000 calls, and the prompt's characters."""
    from opto.optimizers import OptoPrime

    class Mute:
        """A model that is never asked."""

        def __call__(self, *args: Any, **kwargs: Any) -> Any:
            raise AssertionError("no call was meant")

    GRAPH.clear()
    start, other = node([1, 2], trainable=True), node([3, 4], trainable=True)

    def combine(a: list[int], b: list[int]) -> list[int]:
        """Combine two values."""
        return [a[0] + 1, b[-1]]

    step = bundle()(combine)
    one, two = start, other
    for _ in range(CALLS):
        one, two = two, step(one, two)
    optimizer = OptoPrime([start, other], llm=Mute())
    began = time.process_time()
    optimizer.zero_feedback()
    optimizer.backward(two, "good")
    text = str(optimizer.problem_instance(optimizer.summarize()))
    return (time.process_time() - began) * 1e3, len(text)


def fan_in(uses: int) -> float:
    """CPU ms of backward and prompt for one call that uses the outputs of `uses` others."""
    from opto.optimizers import OptoPrime

    GRAPH.clear()
    start = node([1], trainable=True)
    leaf = bundle()(copied)
    gather = bundle()(together)
    total = gather(*[leaf(start, i) for i in range(uses)])
    optimizer = OptoPrime([start], llm=lambda *_, **__: None)
    began = time.process_time()
    optimizer.zero_feedback()
    optimizer.backward(total, "good")
    str(optimizer.problem_instance(optimizer.summarize()))
    return (time.process_time() - began) * 1e3


def copied(value: list[int], i: int) -> list[int]:
    """Copy a value."""
    return [*value, i]


def together(*parts: list[int]) -> int:
    """Count values."""
    return len(parts)


def main() -> None:
    repeats = int(sys.argv[1])
    row("one bundled call over the plain call", f"{median(traced() for _ in range(repeats)):.0f} us CPU")
    try:
        got = [rendered() for _ in range(repeats)]
        measured = f"{median(ms for ms, _ in got):.0f} ms CPU, {got[0][1]:,} characters"
    except Exception as error:  # noqa: BLE001 - a rival's interface that is not as read: said in the row
        measured = f"could not be measured: {type(error).__name__}: {error}"
    row("graph of 1,000 bundled calls: backward and prompt", measured)
    try:
        fan = f"{fan_in(1_000):.0f} ms CPU"
    except Exception as error:  # noqa: BLE001 - as above
        fan = f"could not be measured: {type(error).__name__}: {error}"
    row("graph of one bundled call that uses 1,000 outputs: backward and prompt", fan)
    if importlib.util.find_spec("opto.trainer") is None:
        row(
            "workers busy",
            "the release on the package index has no trainer (`num_threads`); `--opentrace` measures the repository's",
        )


if __name__ == "__main__":
    main()
