"""Starting artifacts of the ML tasks, whose three components can be switched one by one.

    structure   "many": five functions that a frozen one connects; "one": a single function
    docs        "full": each function's docstring lists what one may do in it; "none": no docstrings
    code        "stub": bodies that run and predict nothing; "working": a plain pipeline

The two structures hold the same information: the docstring of the one function is those of the many in one piece.
The names are those of arXiv 2603.23994's experiments, whose starting artifacts are `docs = "full"`, `code = "stub"`.
The files in `artifacts` have full docs and working code; the other forms are cut from them.
"""

from __future__ import annotations

import ast
from collections.abc import Mapping
from importlib.resources import files
from typing import Literal

from loopwright.errors import TaskError, nearest

Structure = Literal["one", "many"]
Docs = Literal["full", "none"]
Code = Literal["working", "stub"]

_MANY: Mapping[str, str] = {
    "preprocess": "return data",
    "select_features": "return list(processed_data.columns)",
    "ensemble_model": "return None",
    "create_ensemble_model": "return None",
    "train_model": "return None",
    "predict": "return np.zeros(len(data), dtype=int)",
}
_ONE: Mapping[str, str] = {"train_model": "return np.zeros(len(test_data), dtype=int)"}
_ENSEMBLE = {"spaceship-titanic": "ensemble_model", "house-prices": "create_ensemble_model"}


def editable(task: str, structure: Structure = "many") -> list[str]:
    """The functions of a starting artifact that are for editing. Raises `TaskError`."""
    _check("ML task", task, _ENSEMBLE)
    _check("structure", structure, ("one", "many"))
    if structure == "one":
        return ["train_model"]
    return ["preprocess", "select_features", _ENSEMBLE[task], "train_model", "predict"]


def starting(task: str, structure: Structure = "many", docs: Docs = "full", code: Code = "stub") -> str:
    """The text of a starting artifact; its function `fit_predict` is what the task calls. Raises `TaskError`."""
    names = editable(task, structure)
    _check("docs", docs, ("full", "none"))
    _check("code", code, ("working", "stub"))
    file = f"{task.replace('-', '_')}_{structure}.py"
    text = files("loopwright.tasks.mlbench").joinpath("artifacts", file).read_text(encoding="utf-8")
    stubs = _MANY if structure == "many" else _ONE
    lines = text.splitlines(keepends=True)
    found = [node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef) and node.name in names]
    for node in reversed(found):  # from the end, so that the lines before stay where they are
        doc, body = node.body[0], node.body[1:]
        if code == "stub":
            lines[_first(body) : _last(body)] = [f"    {stubs[node.name]}\n"]
        if docs == "none":
            end = doc.end_lineno or doc.lineno
            while not lines[end].strip():
                end += 1
            del lines[doc.lineno - 1 : end]
    return "".join(lines)


def _first(body: list[ast.stmt]) -> int:
    return body[0].lineno - 1


def _last(body: list[ast.stmt]) -> int:
    return body[-1].end_lineno or body[-1].lineno


def _check(what: str, name: str, known: Mapping[str, str] | tuple[str, ...]) -> None:
    if name not in known:
        raise TaskError(f"there is no {what} '{name}'{nearest(name, known)}")
