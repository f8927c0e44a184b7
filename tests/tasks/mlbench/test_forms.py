"""Starting artifacts: one component changes at a time, both structures hold the same information, and all run."""

from __future__ import annotations

import ast
import itertools
from typing import Any

import pytest
from small_competitions import house_tables, passenger_tables

from loopwright.errors import TaskError
from loopwright.tasks.mlbench import editable, starting
from loopwright.tasks.mlbench.predictions import checked
from loopwright.tasks.mlbench.tables import parts

TASKS = ("spaceship-titanic", "house-prices")
FORMS = list(itertools.product(TASKS, ("one", "many"), ("full", "none"), ("working", "stub")))
PAPER = {
    "spaceship-titanic": ["preprocess", "select_features", "ensemble_model", "train_model", "predict"],
    "house-prices": ["preprocess", "select_features", "create_ensemble_model", "train_model", "predict"],
}


def functions(text: str) -> dict[str, ast.FunctionDef]:
    return {node.name: node for node in ast.parse(text).body if isinstance(node, ast.FunctionDef)}


def code(function: ast.FunctionDef) -> str:
    body = function.body[1:] if ast.get_docstring(function) else function.body
    return "\n".join(ast.unparse(node) for node in body)


@pytest.mark.parametrize("task", TASKS)
def test_the_functions_have_the_papers_names(task: str) -> None:
    assert editable(task, "many") == PAPER[task]
    assert editable(task, "one") == ["train_model"]
    assert [name for name in functions(starting(task)) if name in PAPER[task]] == PAPER[task]


@pytest.mark.parametrize("task", TASKS)
def test_one_function_has_the_docstrings_of_the_many(task: str) -> None:
    many, one = functions(starting(task, "many")), functions(starting(task, "one"))
    told = {line.strip() for line in (ast.get_docstring(one["train_model"]) or "").splitlines()}
    words = " ".join((ast.get_docstring(one["train_model"]) or "").split())
    for name in PAPER[task]:
        doc = ast.get_docstring(many[name]) or ""
        assert " ".join(doc.split()) in words
    assert len(told) > 30


@pytest.mark.parametrize(("task", "structure"), list(itertools.product(TASKS, ("one", "many"))))
def test_each_component_is_switched_alone(task: str, structure: Any) -> None:
    names = editable(task, structure)
    made = {(d, c): functions(starting(task, structure, d, c)) for d in ("full", "none") for c in ("working", "stub")}  # type: ignore[arg-type]
    for name in names:
        assert all(ast.get_docstring(made["full", c][name]) for c in ("working", "stub"))
        assert not any(ast.get_docstring(made["none", c][name]) for c in ("working", "stub"))
        for c in ("working", "stub"):
            assert code(made["full", c][name]) == code(made["none", c][name])
        assert code(made["full", "stub"][name]).count("\n") == 0
        assert ast.dump(made["full", "stub"][name].args) == ast.dump(made["full", "working"][name].args)
    for name in set(made["full", "stub"]) - set(names):  # what is frozen is the same in all
        assert len({ast.unparse(each[name]) for each in made.values()}) == 1


@pytest.mark.parametrize(("task", "structure", "docs", "body"), FORMS)
def test_every_form_runs_and_predicts(task: str, structure: Any, docs: Any, body: Any) -> None:
    tables = passenger_tables() if task == "spaceship-titanic" else house_tables()
    _, [validation], _ = parts(tables, "mlagentbench", folds=3, seed=0)
    x, y, new = tables.given(validation)
    module: dict[str, Any] = {}
    exec(compile(starting(task, structure, docs, body), "pipeline.py", "exec"), module)
    predicted = checked(tables.competition, module["fit_predict"](x, y, new), len(new))
    truth = tables.truth(validation)
    if body == "stub":
        assert not predicted.any()
    elif task == "spaceship-titanic":
        assert (predicted == truth).mean() > 0.7
    else:
        assert abs(predicted - truth).mean() < 0.5 * abs(truth - truth.mean()).mean()


@pytest.mark.parametrize("task", TASKS)
def test_both_structures_work_alike_at_the_start(task: str) -> None:
    tables = passenger_tables() if task == "spaceship-titanic" else house_tables()
    _, [validation], _ = parts(tables, "mlagentbench", folds=3, seed=0)
    given = tables.given(validation)
    answers: list[list[Any]] = []
    for structure in ("one", "many"):
        module: dict[str, Any] = {}
        exec(starting(task, structure, "none", "working"), module)  # type: ignore[arg-type]
        answers.append(list(module["fit_predict"](*given)))
    assert answers[0] == answers[1]


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("house-price",), "did you mean 'house-prices'"),
        (("house-prices", "manny"), "did you mean 'many'"),
        (("house-prices", "one", "ful"), "did you mean 'full'"),
        (("house-prices", "one", "full", "stubs"), "did you mean 'stub'"),
    ],
)
def test_a_wrong_name_names_the_nearest(arguments: tuple[Any, ...], told: str) -> None:
    with pytest.raises(TaskError, match=told):
        starting(*arguments)
