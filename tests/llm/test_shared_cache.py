"""Laws of the cache that runs share: equal runs pay once, other seeds draw anew, a broken file is one sentence."""

from __future__ import annotations

from pathlib import Path

import pytest

import loopwright as lw
from loopwright.errors import StoreError
from loopwright.llm.cache import CacheKey
from loopwright.llm.protocol import Reply
from loopwright.llm.shared_cache import SharedCache
from loopwright.store import RunFolder


def world(folder: Path) -> None:
    (folder / "agent.py").write_text("PROMPT = 'a'\n\ndef answer(x, llm):\n    return llm(PROMPT + str(x))\n")
    (folder / "task.py").write_text(
        "import loopwright as lw\n@lw.task(train=[1, 2], validation=[3], test=[4])\n"
        "def t(program, x, trial):\n    return float(len(program.answer(x, trial.llm)) % 5)\n"
    )


def settings(seed: int, cache: str) -> lw.Loop:
    return lw.Loop.of(
        {
            "task": "task.py:t",
            "seed": seed,
            "cache": cache,
            "artifact": {"path": "agent.py", "edit": ["PROMPT"]},
            "optimizer": {"model": "m"},
            "agent": {"model": "m"},
            "execution": {"isolation": "inline"},
            "budget": {"steps": 3},
        }
    )


def test_an_equal_run_pays_nothing_and_goes_the_same_way_and_another_seed_draws_anew(tmp_path: Path) -> None:
    world(tmp_path)
    asked: list[str] = []

    def model(prompt: str) -> str:
        asked.append(prompt)
        return f"### parameter: PROMPT\n```\ntry {len(asked)}\n```\n"

    def run(name: str, seed: int, cache: str = "cache/calls.db") -> tuple[int, object]:
        before = len(asked)
        lw.run(settings(seed, cache), tmp_path / name, root=tmp_path, models={"m": model})
        journal = RunFolder(tmp_path / name).journal(readonly=True)
        told = [line for line in journal.canonical() if '"began"' not in line[2]]
        journal.close()
        return len(asked) - before, told

    paid, first = run("one", 0)
    assert paid > 0
    assert run("two", 0) == (0, first)
    assert run("three", 1)[0] > 0, "another seed draws anew"
    assert run("four", 0, "")[0] > 0, "without the setting nothing is shared"


def test_the_first_reply_stays_and_other_processes_see_it(tmp_path: Path) -> None:
    key = CacheKey("m", "r", "c")
    one, two = (SharedCache(tmp_path / "calls.db", 0) for _ in range(2))
    assert one.get(key) is None
    one.put(key, Reply(["first"]))
    two.put(key, Reply(["second"]))
    assert two.get(key) == one.get(key) == Reply(["first"])
    assert SharedCache(tmp_path / "calls.db", 1).get(key) is None


def test_what_is_no_cache_is_told(tmp_path: Path) -> None:
    (tmp_path / "calls.db").write_bytes(b"nothing like a database" * 99)
    with pytest.raises(StoreError, match=r"calls.db cannot be opened.*name another file in 'cache'"):
        SharedCache(tmp_path / "calls.db", 0)
