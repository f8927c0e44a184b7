"""What every executor must hold to, ours or a user's, as tests that pytest runs (they use its `tmp_path`).

    from loopwright.testing import ExecutorConformance

    class TestMine(ExecutorConformance):
        def make(self, task, root):
            return Mine(task, root)

The programs here do no harm: what hostile ones may do to an executor that isolates is tested elsewhere.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from loopwright.artifact import Artifact
from loopwright.errors import BudgetExhausted, ModelError, TaskError
from loopwright.execution.protocol import AskModel, Executor, Source
from loopwright.llm.protocol import Ask, Reply
from loopwright.trial import Trial, TrialSpec, Usage

_TASK = '''\
import loopwright as lw


@lw.task(train=[1, 2, 3], validation=[4], test=[5, 6], floor=-1)
def numbers(program, x, trial):
    """Give the number back."""
    return 1.0 if program.solve(x, trial.llm) == x else 0.0, f"asked {x}"
'''
_PROGRAMS = {
    "good": "def solve(x, llm):\n    return same(x)\n\n\ndef same(x):\n    print('at', x)\n    return x\n",
    "wrong": "def solve(x, llm):\n    return -x\n",
    "asking": "def solve(x, llm):\n    return int(llm(f'what is {x}?')) if llm('again') == llm('again') else 0\n",
    "raising": "def solve(x, llm):\n    return [][x]\n",
    "broken": "raise RuntimeError('at import')\n",
    "empty": "def other():\n    return 1\n",
    "strange": "def solve(x, llm):\n    return object()\n",
}


def program(name: str) -> Source:
    """One of the programs, as an executor takes it."""
    edit = ["same"] if name == "good" else ["program.py"]
    return Artifact.from_texts({"program.py": _PROGRAMS[name]}, edit).start.source()


class ExecutorConformance:
    """The laws of `execution.protocol.Executor`. A subclass says how to `make` one for a task found under a root."""

    def make(self, task: str, root: Path) -> Executor:
        raise NotImplementedError("say how the executor is made: def make(self, task, root): return Mine(task, root)")

    # ---------------------------------------------------------------------------------------------------- the laws

    def test_it_describes_the_task(self, tmp_path: Path) -> None:
        async def card(executor: Executor) -> None:
            pass

        described = self._with(tmp_path, card)
        assert described.name == "numbers"
        assert described.sizes == {"train": 3, "validation": 1, "test": 2}
        assert described.goal == "Give the number back."

    def test_a_trial_is_what_was_asked_for(self, tmp_path: Path) -> None:
        async def trials(executor: Executor) -> None:
            for split, index, x in (("train", 0, 1), ("train", 2, 3), ("validation", 0, 4), ("test", 1, 6)):
                spec = TrialSpec("c", split, index, 7)  # pyright: ignore[reportArgumentType]
                trial = await executor.run(program("good"), spec)
                assert trial.spec == spec
                assert (trial.score, trial.feedback.text, trial.feedback.error) == (1.0, f"asked {x}", None)
                assert (await executor.run(program("wrong"), spec)).score == 0.0

        self._with(tmp_path, trials)

    def test_the_same_trial_again_comes_to_the_same(self, tmp_path: Path) -> None:
        async def twice(executor: Executor) -> None:
            first, again = [await executor.run(program("good"), _spec(record=True)) for _ in range(2)]
            assert first.feedback == again.feedback
            assert first.trace == again.trace

        self._with(tmp_path, twice)

    def test_a_trace_is_left_where_it_is_asked_for(self, tmp_path: Path) -> None:
        async def both(executor: Executor) -> None:
            trial = await executor.run(program("good"), _spec(record=True))
            assert trial.trace is not None
            (step,) = trial.trace.steps
            assert step.action == 1
            assert [call.function for call in step.calls] == ["same"]
            bare = (await executor.run(program("good"), _spec())).trace
            assert bare is None or not any(step.calls for step in bare.steps)

        self._with(tmp_path, both)

    def test_what_a_program_does_wrong_is_feedback_and_the_next_trial_is_well(self, tmp_path: Path) -> None:
        async def failing(executor: Executor) -> None:
            for name in ("raising", "broken", "empty", "strange"):
                trial = await executor.run(program(name), _spec(record=True))
                assert trial.score in (-1.0, 0.0), name
                assert trial.feedback.error is not None or name == "strange", name
                assert trial.feedback.text, name
                assert (await executor.run(program("good"), _spec())).score == 1.0, name

        self._with(tmp_path, failing)

    def test_model_calls_are_answered_and_equal_ones_counted(self, tmp_path: Path) -> None:
        asked: list[tuple[str, int]] = []

        async def answer(ask: Ask, before: int) -> Reply:
            asked.append((ask.messages[-1]["content"], before))
            return Reply(["1"], Usage(1, 2, 3))

        async def one(executor: Executor) -> None:
            trial = await executor.run(program("asking"), _spec(), answer)
            assert trial.score == 1.0
            assert trial.usage.calls == 3

        self._with(tmp_path, one)
        assert asked == [("again", 0), ("again", 1), ("what is 1?", 0)]

    def test_a_model_that_fails_is_feedback_and_a_limit_ends_the_trial(self, tmp_path: Path) -> None:
        async def fail(ask: Ask, before: int) -> Reply:
            raise ModelError("the model is away")

        async def stop(ask: Ask, before: int) -> Reply:
            raise BudgetExhausted("no money left")

        async def both(executor: Executor) -> None:
            trial = await executor.run(program("asking"), _spec(), fail)
            assert trial.feedback.error == "model"
            assert "the model is away" in trial.feedback.text
            assert await self._raised(executor, stop, BudgetExhausted)
            assert (await executor.run(program("good"), _spec())).score == 1.0

        self._with(tmp_path, both)

    def test_trials_may_be_asked_for_all_at_once(self, tmp_path: Path) -> None:
        async def many(executor: Executor) -> None:
            specs = [_spec(index=n % 3, seed=n) for n in range(12)]
            trials = await asyncio.gather(*(executor.run(program("good"), spec) for spec in specs))
            assert [trial.spec for trial in trials] == specs
            assert {trial.score for trial in trials} == {1.0}

        self._with(tmp_path, many)

    def test_it_may_be_closed_twice(self, tmp_path: Path) -> None:
        async def close(executor: Executor) -> None:
            await executor.close()

        self._with(tmp_path, close)

    def test_a_task_that_is_not_there_is_an_error(self, tmp_path: Path) -> None:
        async def start() -> bool:
            executor = self.make("missing.py:numbers", tmp_path)
            try:
                await executor.start()
            except TaskError:
                return True
            finally:
                await executor.close()
            return False

        assert asyncio.run(start())

    # -------------------------------------------------------------------------------------------------- the driving

    def _with(self, root: Path, use: Callable[[Executor], Awaitable[None]]) -> Any:
        """Start an executor, use it, and close it; gives the card."""

        async def run() -> Any:
            (root / "task.py").write_text(_TASK, encoding="utf-8")
            executor = self.make("task.py:numbers", root)
            try:
                card = await executor.start()
                await use(executor)
                return card
            finally:
                await executor.close()

        return asyncio.run(run())

    async def _raised(self, executor: Executor, ask: AskModel, kind: type[Exception]) -> Trial | bool:
        try:
            await executor.run(program("asking"), _spec(), ask)
        except kind:
            return True
        return False


def _spec(*, index: int = 0, seed: int = 7, record: bool = False) -> TrialSpec:
    return TrialSpec("c", "train", index, seed, record=record)
