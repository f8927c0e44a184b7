"""Runs a study: its runs in a fixed order, several at a time, in one pool and within one budget.

Every run is an ordinary run in a folder of its own, so whatever ends this process, the next start goes on exactly
there. A run that fails is told and left out; the others go on.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import deque
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, Literal

import msgspec

from loopwright.artifact import Artifact
from loopwright.budget import trials_of_end, trials_of_opening, trials_of_update
from loopwright.errors import FailingLoudly, LoopwrightError, PoolExhausted, StoreError, UsageError
from loopwright.llm.ledger import Ledger, Limits
from loopwright.pool import Pool
from loopwright.record import record
from loopwright.runner import Outcome, Waiting, resume_async, run_async
from loopwright.settings import Loop
from loopwright.store.run_folder import RunFolder
from loopwright.study.collect import collected
from loopwright.study.definition import Study
from loopwright.study.folder import Saved, StudyFolder
from loopwright.study.plan import Planned, planned
from loopwright.study.results import StudyResult
from loopwright.trial import Usage
from loopwright.wiring import ModelFunction

_LOUD = 3  # runs that fail in a row before one has succeeded


class Told(msgspec.Struct, frozen=True):
    """What happened to one run, for whoever watches. `outcome` is there for "done", `why` where it went wrong."""

    run: Planned
    event: Literal["found", "begun", "done", "failed", "waiting"]
    finished: int
    total: int
    why: str = ""
    outcome: Outcome | None = None


class StudyOutcome(msgspec.Struct, frozen=True):
    """What a start of a study came to. `stopped` says why runs are left, "" where none is."""

    folder: Path
    result: StudyResult
    stopped: str
    failed: int
    waiting: int


Teller = Callable[[Told], None]


def run_study(study: Study, folder: str | Path, **options: Any) -> StudyOutcome:
    """Run a study to its end; the options are those of `run_study_async`."""
    return asyncio.run(run_study_async(study, folder, **options))


async def run_study_async(
    study: Study,
    folder: str | Path,
    *,
    root: str | Path = ".",
    models: Mapping[str, ModelFunction] | None = None,
    teller: Teller | None = None,
) -> StudyOutcome:
    """Run what the study still lacks, writing to `folder`. Paths in its loop are relative to `root`.

    Raises `LoopwrightError`s for what concerns the whole study; what concerns one run is kept as its failure. A study
    with more repeats, levels or axes than last time runs only what is new.
    """
    runs = planned(study)
    place = StudyFolder(folder)
    with place:
        before = place.load() if place.exists() else Saved(study, "")
        driver = _Driver(study, place, Path(root), runs, before, models or {}, teller or (lambda _: None))
        return await driver.run()


class _Driver:
    """One process's work on one study."""

    def __init__(
        self,
        study: Study,
        place: StudyFolder,
        root: Path,
        runs: list[Planned],
        before: Saved,
        models: Mapping[str, ModelFunction],
        teller: Teller,
    ) -> None:
        self._study = study
        self._place = place
        self._root = root
        self._runs = runs
        self._models = models
        self._tell = teller
        self._failures = dict(before.failures)
        self._seconds = before.seconds
        self._began = time.monotonic()
        self._stopped = ""
        self._waiting = 0
        self._finished = 0
        self._in_a_row = 0
        self._succeeded = False
        self._free: int | None = None  # trials that neither are spent nor may be taken by a run under way
        self._under_way = 0
        self._dearest = Usage()  # the model calls of the dearest run so far

    async def run(self) -> StudyOutcome:
        self._save()
        spent, trials = Usage(), 0
        missing: deque[Planned] = deque()
        for run in self._runs:
            folder = run.folder(self._place.path)
            state = _looked_at(folder, run, self._root)
            spent, trials = spent + state.spent, trials + state.trials
            self._dearest = _most(self._dearest, state.spent)
            if state.complete:
                self._finish(run, "found")
                self._failures.pop(run.tag, None)
            else:
                missing.append(run)
        budget = self._study.budget
        ledger = Ledger(Limits(budget.calls, budget.tokens, budget.usd))
        ledger.book((), spent)
        self._free = None if budget.trials is None else max(0, budget.trials - trials)
        async with Pool(self._study.slots, ledger=ledger, trials=self._free) as pool:
            await self._drive(pool, missing)
        self._save()
        result = collected(self._study, self._place)
        failed = sum(run.tag in self._failures for run in self._runs)
        return StudyOutcome(self._place.path, result, self._stopped, failed, self._waiting)

    async def _drive(self, pool: Pool, missing: deque[Planned]) -> None:
        """Workers take the next run until none is left, the clock or the budget ends the study, or it fails loudly."""
        minutes = self._study.budget.minutes
        deadline = None if minutes is None else max(0.0, minutes * 60 - self._seconds)
        count = min(self._study.runs, len(missing))
        workers = [asyncio.create_task(self._work(pool, missing)) for _ in range(count)]
        try:
            async with asyncio.timeout(deadline):
                await asyncio.gather(*workers)
        except TimeoutError:
            self._stopped = f"budget.minutes = {minutes:g} of the study are over"
        except PoolExhausted as error:
            self._stopped = f"the study's budget is spent: {error}"
        finally:
            for worker in workers:
                worker.cancel()
            await asyncio.gather(*workers, return_exceptions=True)
            self._save()

    async def _work(self, pool: Pool, missing: deque[Planned]) -> None:
        while missing and not self._stopped:
            run = missing.popleft()
            folder = run.folder(self._place.path)
            before = _looked_at(folder, run, self._root).trials
            most = await self._most_trials(pool, run) - before if self._free is not None else 0
            if problem := self._unaffordable(pool, most):
                missing.appendleft(run)
                if not self._under_way:
                    self._stopped = problem
                return  # those under way may take less than they might: whoever ends last looks again
            self._under_way += 1
            self._book(-most)
            self._tell(Told(run, "begun", self._finished, len(self._runs)))
            try:
                await self._attempt(pool, run, folder)
            finally:
                self._under_way -= 1
                self._book(most - (_looked_at(folder, run, self._root).trials - before))
            self._save()

    async def _attempt(self, pool: Pool, run: Planned, folder: Path) -> None:
        try:
            outcome = await self._one(pool, run, folder)
        except Waiting as waiting:
            self._waiting += 1
            self._tell(Told(run, "waiting", self._finished, len(self._runs), str(waiting)))
        except (UsageError, StoreError, PoolExhausted):
            raise  # of the whole study: the next run would meet it, too
        except LoopwrightError as error:
            self._fail(run, str(error))
        else:
            self._succeeded = True
            self._failures.pop(run.tag, None)
            self._dearest = _most(self._dearest, outcome.usage)
            self._finish(run, "done", outcome)

    async def _one(self, pool: Pool, run: Planned, folder: Path) -> Outcome:
        if RunFolder(folder).exists() and _began(folder):
            limits = msgspec.to_builtins(run.loop.budget)
            return await resume_async(folder, budget=limits, models=self._models, pool=pool)
        return await run_async(run.loop, folder, root=self._root, models=self._models, pool=pool)

    async def _most_trials(self, pool: Pool, run: Planned) -> int:
        """The most trials that a run can take, from its beginning."""
        card = await pool.executor(run.loop, self._root).start()
        loop = run.loop
        most = trials_of_opening(card) + loop.budget.steps * trials_of_update(loop, card) + trials_of_end(card)
        return min(most, loop.budget.trials or most)

    def _unaffordable(self, pool: Pool, trials: int) -> str:
        """Why a run is not started: its trials at most, and the calls of the dearest run, must fit what is left."""
        if self._free is not None and trials > self._free:
            return (
                f"budget.trials = {self._study.budget.trials} of the study leaves no room for another run, "
                f"which may take {trials}"
            )
        if pool.ledger is not None and (problem := pool.ledger.room(self._dearest)):
            return f"the study's budget leaves no room for another run like the dearest so far: {problem}"
        return ""

    def _book(self, trials: int) -> None:
        if self._free is not None:
            self._free += trials

    def _finish(self, run: Planned, event: Literal["found", "done"], outcome: Outcome | None = None) -> None:
        self._finished += 1
        self._tell(Told(run, event, self._finished, len(self._runs), outcome=outcome))

    def _fail(self, run: Planned, why: str) -> None:
        self._failures[run.tag] = why
        self._in_a_row += 1
        self._tell(Told(run, "failed", self._finished, len(self._runs), why))
        if not self._succeeded and self._in_a_row >= _LOUD:
            raise FailingLoudly(f"the first {self._in_a_row} runs of the study failed; the last said: {why}")

    def _save(self) -> None:
        seconds = self._seconds + time.monotonic() - self._began
        self._place.save(Saved(self._study, str(self._root.resolve()), seconds, dict(self._failures)))


class _State(msgspec.Struct, frozen=True):
    complete: bool
    trials: int
    spent: Usage


def _looked_at(folder: Path, run: Planned, root: Path) -> _State:
    """What is in a run's folder already. Raises `StoreError` where it began from another starting artifact."""
    if not RunFolder(folder).exists() or not _began(folder):
        return _State(False, 0, Usage())
    seen = record(folder)
    if _start(run.loop, root) != seen.population.start:
        raise StoreError(
            f"the starting artifact of the cell '{run.cell.key}' is not the one that {folder} began with; "
            "put it back, or start a new study with --out"
        )
    with contextlib.closing(seen.folder.journal(readonly=True)) as journal:
        spent = journal.spent()
    complete = seen.ended is not None and seen.loop.budget == run.loop.budget and seen.folder.owner() is None
    return _State(complete, seen.meter.trials, spent)


def _began(folder: Path) -> bool:
    with contextlib.closing(RunFolder(folder).journal(readonly=True)) as journal:
        return journal.began() is not None


def _start(loop: Loop, root: Path) -> str:
    settings = loop.artifact
    paths = [Path(path) for path in settings.paths]
    found = Artifact.load(
        paths,
        settings.edit,
        include=settings.include,
        root=root,
        max_chars=settings.max_chars,
        constraints=settings.constraints,
    )
    return found.start.id


def _most(one: Usage, other: Usage) -> Usage:
    return Usage(
        max(one.calls, other.calls),
        max(one.input_tokens, other.input_tokens),
        max(one.output_tokens, other.output_tokens),
        max(one.usd, other.usd),
    )
