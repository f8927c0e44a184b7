"""The files that the documentation shows are complete: written to a folder, their loops run and their scripts work."""

from __future__ import annotations

import ast
import contextlib
import itertools
import subprocess
import sys
import tomllib
from collections.abc import Mapping
from pathlib import Path

import pytest
from pages import Block, blocks, pages, worlds

import loopwright as lw
from loopwright.settings import Loop
from loopwright.store import RunFolder
from loopwright.store.events import Ran
from loopwright.trial import Trial

LOOPS = [(page, folder) for page in pages() for folder, files in worlds(page).items() if "loop.toml" in files]
SCRIPTS = [
    (page, folder, name)
    for page in pages()
    for folder, files in worlds(page).items()
    for name in files
    if name.startswith(("run_", "test_"))
]
PLAIN = [(page, number) for page in pages() for number, block in enumerate(blocks(page)) if not block.title]


def written(page: str, folder: str, into: Path) -> Path:
    """The page's files in a folder; an Atari loop also has its starting policy, which the page says to copy."""
    for name, text in worlds(page)[folder].items():
        (into / name).write_text(text, encoding="utf-8")
    if page == "how-to/atari.md":
        pytest.importorskip("ale_py", reason="needs loopwright[atari]")
        from loopwright.tasks.atari import starting

        (into / "policy.py").write_bytes(starting(folder).read_bytes())
    return into


def reply(prompt: str) -> str:
    """An optimizer's answer, a judge's, or an agent's."""
    if "# The text to be judged" in prompt:
        return '{"reason": "It asks and gives no reason.", "score": 5}'
    return "There is NO CHANGE to make." if "# How to answer" in prompt else "Answer: 2"


def trials_of_start(run: Path) -> list[Trial]:
    with contextlib.closing(RunFolder(run).journal(readonly=True)) as journal:
        trials = [entry.event.trial for entry in journal.entries() if isinstance(entry.event, Ran)]
    return [trial for trial in trials if trial.spec.candidate == trials[0].spec.candidate]


@pytest.mark.parametrize(("page", "folder"), LOOPS)
def test_a_shown_loop_runs_and_its_start_does_not_fail(
    page: str, folder: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = written(page, folder, tmp_path)
    monkeypatch.syspath_prepend(root)  # as PYTHONPATH=. does, for an optimizer beside the loop file
    changes: dict[str, object] = {
        "execution.isolation": "inline",
        "budget.steps": 2,
        "budget.usd": None,
        "budget.minutes": None,
    }
    if page == "how-to/atari.md":
        changes |= {"task_options.max_steps": 30, "optimizer.samples": 1}
    loop = Loop.load(root / "loop.toml", changes)
    named = (loop.optimizer.model, loop.agent.model, loop.judge.model)
    models = {name: reply for name in named if name not in {"", "ask"}}
    if "ask" in {loop.optimizer.kind, loop.optimizer.model}:
        with pytest.raises(lw.Waiting):
            lw.run(loop, root / "run", root=root, models=models)
        return
    outcome = lw.run(loop, root / "run", root=root, models=models)
    assert outcome.steps == 2
    assert [trial.feedback.text for trial in trials_of_start(root / "run") if trial.feedback.error] == []


@pytest.mark.parametrize(("page", "folder", "name"), SCRIPTS)
def test_a_shown_script_works(page: str, folder: str, name: str, tmp_path: Path) -> None:
    root = written(page, folder, tmp_path)
    command = ["-m", "pytest", "-q", "-p", "no:cacheprovider", name] if name.startswith("test_") else [name]
    done = subprocess.run([sys.executable, *command], cwd=root, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize(("page", "number"), PLAIN)
def test_a_shown_piece_is_well_formed(page: str, number: int) -> None:
    block = blocks(page)[number]
    if block.language == "python":
        ast.parse(_whole(block))
    elif block.language == "toml":
        table = tomllib.loads(block.text)
        if "axes" in table:
            lw.Study.of({**table, "loop": _completed({})})
        else:
            Loop.of(_completed(table))


def _whole(block: Block) -> str:
    """A piece that ends with a decorator gets something to decorate."""
    last = block.text.rstrip().splitlines()[-1]
    return f"{block.text}\ndef something(): ..." if last.startswith("@") else block.text


def _completed(table: Mapping[str, object]) -> dict[str, object]:
    return {"task": "task.py:name", "artifact": {"path": "agent.py", "edit": ["answer"]}, **table}


def test_titles_of_one_folder_are_not_given_twice() -> None:
    for page in pages():
        titles = sorted(block.title for block in blocks(page) if block.title)
        assert all(one != other for one, other in itertools.pairwise(titles)), page
