"""What a trial teaches: a score, a text, metrics; and how a task function's return value becomes one."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from typing import Any, Literal, cast

import msgspec

ErrorKind = Literal[
    "exception",  # the program raised
    "timeout",  # the trial's time limit passed
    "memory",  # the memory limit was reached
    "crash",  # the process died: a signal, os._exit, a full stack
    "output",  # the program returned something that cannot be passed on
    "score",  # the task gave something that is no score
    "protocol",  # the candidate broke the protocol between the processes
    "model",  # a model call inside the trial failed
    "task",  # the task's own code raised
]


class Feedback(msgspec.Struct, frozen=True):
    """The oracle's answer to one trial.

    `score` is finite and higher is better; a trial that failed (`error` set) has its task's floor. `text` is what the
    optimizer reads. `metrics` are further named numbers, shown but never optimized.
    """

    score: float
    text: str = ""
    metrics: dict[str, float] = {}
    error: ErrorKind | None = None

    @classmethod
    def failed(cls, kind: ErrorKind, text: str, *, floor: float = 0.0) -> Feedback:
        """The feedback of a trial that went wrong: the task's floor as score, and a text that says what happened."""
        return cls(score=floor, text=text, error=kind)

    @classmethod
    def of(cls, value: object, *, floor: float = 0.0) -> Feedback:
        """What a task function returned, as a Feedback.

        Accepted: a `Feedback`, a number (also numpy's), or `(score, text)` / `(score, dict)`, where the dict's numbers
        become metrics and its other entries the text. A score that is not finite, or is no number, gives an error
        feedback that says so; nothing raises.
        """
        if isinstance(value, Feedback):
            if value.error is not None:
                return value if math.isfinite(value.score) else msgspec.structs.replace(value, score=floor)
            score, problem = _number(value.score)
            if problem:
                return cls.failed("score", problem, floor=floor)
            return msgspec.structs.replace(value, score=score)
        detail: object = ""
        if isinstance(value, tuple):
            pair = cast("tuple[object, ...]", value)
            if len(pair) != 2:
                problem = f"the task returned a tuple of {len(pair)}; it must be (score, text) or (score, dict)"
                return cls.failed("score", problem, floor=floor)
            value, detail = pair
        score, problem = _number(value)
        if problem:
            return cls.failed("score", problem, floor=floor)
        if isinstance(detail, str):
            return cls(score, detail)
        if isinstance(detail, Mapping):
            text, metrics = _split(cast("Mapping[object, object]", detail))
            return cls(score, text, metrics)
        problem = f"the task returned (score, {type(detail).__name__}); the second part must be a str or a dict"
        return cls.failed("score", problem, floor=floor)


def _number(value: object) -> tuple[float, str]:
    """`value` as a finite float, or why it is none."""
    if isinstance(value, str | bytes) or value is None or not hasattr(value, "__float__"):
        return 0.0, f"the task returned {_brief(value)} as its score; a score is a finite number"
    try:
        number = float(cast("Any", value))
    except Exception as error:  # noqa: BLE001 - a hostile or broken __float__: becomes the trial's error feedback
        return 0.0, f"the task's score could not be read as a number: {type(error).__name__}: {error}"
    if not math.isfinite(number):
        return 0.0, f"the task returned {number} as its score; a score is a finite number"
    return number, ""


def _split(detail: Mapping[object, object]) -> tuple[str, dict[str, float]]:
    """A detail dict as (text, metrics): finite numbers are metrics, everything else is told in the text."""
    metrics: dict[str, float] = {}
    lines: list[str] = []
    for key, item in detail.items():
        if isinstance(item, int | float) and not isinstance(item, bool) and math.isfinite(item):
            metrics[str(key)] = float(item)
        elif str(key) in {"text", "feedback"} and isinstance(item, str):
            lines.insert(0, item)
        else:
            lines.append(f"{key}: {item if isinstance(item, str) else _json(item)}")
    return "\n".join(lines), metrics


def _json(item: object) -> str:
    try:
        return json.dumps(item, ensure_ascii=False, default=repr)
    except (TypeError, ValueError):
        return repr(item)


def _brief(value: object) -> str:
    text = repr(value) if isinstance(value, str | bytes | int | float | None) else type(value).__name__
    return text if len(text) <= 60 else text[:57] + "..."
