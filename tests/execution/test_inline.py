"""The executor without isolation gives what the isolated one gives, for programs that do no harm."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from execution_bench import TASKS, Bench, source  # pyright: ignore

from loopwright.errors import BudgetExhausted, TaskError
from loopwright.execution.inline import InlineExecutor
from loopwright.execution.loading import safe_path, top_level_imports
from loopwright.execution.protocol import Limits, Source
from loopwright.feedback import Feedback
from loopwright.llm.protocol import Ask, Reply
from loopwright.tasks.task import task
from loopwright.trial import Trial, TrialSpec, Usage


async def echo(ask: Ask, before: int) -> Reply:
    return Reply([f"re: {ask.messages[-1]['content']}"], Usage(1, 2, 3, 0.5))


def run(what: Any, candidate: Source, *, index: int = 0, ask: Any = echo, **spec: Any) -> Trial:
    async def once() -> Trial:
        executor = InlineExecutor(what, TASKS, limits=Limits(seconds=5))
        await executor.start()
        try:
            return await executor.run(candidate, TrialSpec("c", "train", index, 7, **spec), ask)
        finally:
            await executor.close()

    return asyncio.run(once())


PROGRAMS = {
    "plain": ("double", source("def double(x): return 2 * x\n"), 3),
    "traced": (
        "many_calls",
        source("def step(s, i): return add(s, i)\ndef add(a, b): return a + b\n", traced=["step", "add"]),
        0,
    ),
    "raises": ("double", source("def double(x):\n    return 1 / x\n"), 0),
    "exits": ("double", source("def double(x):\n    raise SystemExit(3)\n"), 0),
    "does not load": ("double", source("def double(x:\n"), 0),
    "has no such function": ("double", source("def triple(x): return x\n"), 0),
    "model": ("model", source("def answer(x, llm): return llm(f'q{x}')\n"), 2),
    "async": ("async_model", source("async def answer(i, llm): return await llm(str(i))\n"), 0),
    "values": ("values", source("PROMPT = 'p'\nLIMITS = [1, (2, 3)]\n"), 0),
    "sibling": (
        "double",
        source("import helper\ndef double(x): return helper.f(x)\n", helper="def f(x): return x * 2\n"),
        4,
    ),
    "no score": ("score", source("def score(): return float('nan')\n"), 0),
    "called back": ("handles", source("def outer(note): return note(1)\ndef inner(v): return v + 1\n"), 0),
}


@pytest.mark.parametrize("name", PROGRAMS)
def test_inline_gives_what_isolation_gives(bench: Callable[..., Bench], name: str) -> None:
    what, candidate, index = PROGRAMS[name]
    isolated = bench(f"plain.py:{what}", limits=Limits(seconds=20)).run(candidate, index, record=True)
    inline = run(f"plain.py:{what}", candidate, index=index, record=True)
    if name != "async":  # its score is a time
        assert inline.feedback.score == isolated.feedback.score
    assert (inline.feedback.text, inline.feedback.error) == (isolated.feedback.text, isolated.feedback.error)
    assert inline.usage == isolated.usage
    assert inline.trace is not None
    assert isolated.trace is not None
    assert inline.trace.failure == isolated.trace.failure
    steps = [[str(step) for step in trace.steps] for trace in (inline.trace, isolated.trace)]
    if name == "async":  # concurrent calls end in any order
        steps = [sorted(each) for each in steps]
    assert steps[0] == steps[1]


def test_inline_leaves_the_process_as_it_was() -> None:
    paths, modules, finders = list(sys.path), set(sys.modules), list(sys.meta_path)
    candidate = source("import helper\ndef double(x): return 2 * x\n", traced=["double"], helper="")
    assert run("plain.py:double", candidate, record=True).score == 1.0
    assert (sys.path, sys.meta_path) == (paths, finders)
    assert "agent" not in set(sys.modules) - modules
    assert "helper" not in sys.modules
    import builtins

    assert not hasattr(builtins, "__loopwright_trace__")


def test_inline_takes_a_task_itself() -> None:
    @task(train=[1, 2])
    def same(program: Any, example: int, trial: Any) -> Feedback:
        return Feedback(float(program.same(example) == example))

    assert run(same, source("def same(x): return x\n"), index=1).score == 1.0


def test_inline_raises_an_exhausted_budget_and_a_task_that_cannot_be_loaded() -> None:
    async def spent(ask: Ask, before: int) -> Reply:
        raise BudgetExhausted("all spent")

    with pytest.raises(BudgetExhausted, match="all spent"):
        run("plain.py:model", source("def answer(x, llm): return llm('q')\n"), ask=spent)
    with pytest.raises(TaskError):
        run("plain.py:nothing", source(""))


def test_inline_says_that_nothing_is_isolated() -> None:
    told = InlineExecutor("plain.py:double", Path()).protections()
    assert not any(p.holds for p in told)


@pytest.mark.parametrize("name", ["/etc/x", "../x", "a/../../x", "", "a\x00b"])
def test_files_stay_inside_their_folder(name: str) -> None:
    with pytest.raises(ValueError, match="no path inside"):
        safe_path(name)


def test_imports_are_read_without_running_anything() -> None:
    files = {
        "agent.py": b"import numpy as np, json\nfrom helper import f\nfrom os.path import join\n"
        b"from . import x\ndef f():\n import inner\n",
        "helper.py": b"import pandas\n",
        "broken.py": b"import (\n",
        "data.txt": b"import nothing\n",
    }
    assert top_level_imports(files) == ["numpy", "json", "os.path", "pandas"]
