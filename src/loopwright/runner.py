"""Drives a learning loop: runs its trials, calls its models, writes its events, and stops it when it should.

`run` starts a run, `resume` goes on with one; both have an `async` twin. All I/O of a run is reached from here, and
none of its decisions: those are in `loop.py`.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import msgspec

from loopwright import __version__
from loopwright.artifact import Artifact
from loopwright.budget import Meter, trials_of_end
from loopwright.callbacks import Callback, RunInfo, make_callbacks
from loopwright.callbacks.dispatch import Dispatch
from loopwright.errors import BudgetExhausted, FailingLoudly, StoreError
from loopwright.execution.protocol import Executor, TaskCard
from loopwright.flow import Request, Result
from loopwright.llm.models import ASK
from loopwright.llm.protocol import Ask, Reply
from loopwright.loop import LearningLoop
from loopwright.search import make_search
from loopwright.settings import Loop
from loopwright.store import Entry, Journal, RunFolder
from loopwright.store.events import Began, Updated
from loopwright.trial import Trial, Usage
from loopwright.wiring import ModelFunction, counter_of, for_trial, make_executor, make_gateway, optimizer_of

if TYPE_CHECKING:
    from loopwright.llm.gateway import Gateway
    from loopwright.pool import Pool

_LOOK_UP = 0.5  # seconds between looks at the stop file and the clock while nothing else happens


class Waiting(Exception):
    """The run waits for answers by hand. Not an error: it goes on when they are told. `questions` are their files."""

    def __init__(self, questions: Sequence[Path]) -> None:
        super().__init__(f"waiting for an answer to {', '.join(str(path) for path in questions)}")
        self.questions = list(questions)


class Progress(msgspec.Struct, frozen=True):
    """How a run stands, for whoever watches. Scores are means on the validation split; `None` before there is one."""

    step: int
    steps: int
    best: str
    best_score: float | None
    start_score: float | None
    current_score: float | None
    verdict: str
    trials: int
    usage: Usage
    seconds: float
    seconds_left: float | None
    running: int
    phase: str
    notes: list[str] = []  # what the gateway found worth saying, such as a price that it does not know


# Called with the events just written and how the run stands, to show it. Must return quickly and not raise: code of a
# user belongs in a `Callback`.
Listener = Callable[[Sequence[Entry], Progress], None]


class Outcome(msgspec.Struct, frozen=True):
    """What a run came to. `files` are the best candidate's, by relative path; test scores are by example."""

    folder: Path
    reason: str
    best: str
    steps: int
    start_validation: float | None
    best_validation: float | None
    start_test: list[float]
    best_test: list[float]
    files: dict[str, bytes]
    usage: Usage
    accepted: int


def run(loop: Loop, folder: str | Path, **options: Any) -> Outcome:
    """Run a loop to its end; the options are those of `run_async`."""
    return asyncio.run(run_async(loop, folder, **options))


def resume(folder: str | Path, **options: Any) -> Outcome:
    """Go on with the run in `folder`; the options are those of `resume_async`."""
    return asyncio.run(resume_async(folder, **options))


async def run_async(
    loop: Loop,
    folder: str | Path,
    *,
    root: str | Path = ".",
    models: Mapping[str, ModelFunction] | None = None,
    listener: Listener | None = None,
    callbacks: Sequence[Callback] = (),
    pool: Pool | None = None,
) -> Outcome:
    """Run `loop`, writing to `folder` (new, or of this very loop: then it is resumed). Paths are relative to `root`.

    `models` are plain callables that the settings may name. Raises `LoopwrightError`s, each one clear sentence, and
    `Waiting` where a person must answer; the folder then holds all that was done, and `resume` goes on. `callbacks` are
    told of the run beside those of `loop.log`. With a `pool`, slots and the pace of models are shared with the other
    runs in it.
    """
    place = RunFolder(folder)
    with place, contextlib.closing(place.journal()) as journal:
        began = journal.began()
        if began is not None and began.settings != loop.data():
            raise StoreError(
                f"{place.path} holds a run of another loop ({_difference(began.settings, loop.data())} differs); "
                "name a new folder, or go on with that run by 'loopwright resume'"
            )
        if began is None:
            artifact = Artifact.load(
                [Path(path) for path in loop.artifact.paths],
                loop.artifact.edit,
                include=loop.artifact.include,
                root=Path(root),
                max_chars=loop.artifact.max_chars,
                constraints=loop.artifact.constraints,
            )
            journal.set_meta("root", str(Path(root).resolve()))
        else:
            artifact = Artifact.from_data(began.artifact, root=journal.meta("root") or ".")
        runner = Runner(
            loop, artifact, place, journal, models=models or {}, listener=listener, callbacks=callbacks, pool=pool
        )
        return await runner.run(began)


async def resume_async(
    folder: str | Path,
    *,
    budget: Mapping[str, Any] | None = None,
    models: Mapping[str, ModelFunction] | None = None,
    listener: Listener | None = None,
    callbacks: Sequence[Callback] = (),
    pool: Pool | None = None,
) -> Outcome:
    """Go on with a run exactly where it stands; `budget` replaces single limits, to let a finished run go further."""
    place = RunFolder(folder)
    if not place.exists():
        raise StoreError(f"{place.path} is not the folder of a run: there is no journal.db in it")
    with place, contextlib.closing(place.journal()) as journal:
        began = journal.began()
        if began is None:
            raise StoreError(f"the run {place.path} never began; start it again with 'loopwright run'")
        changed = {**journal.budget(), **(budget or {})}
        settings = {**began.settings, "budget": {**began.settings["budget"], **changed}}
        loop = Loop.of(settings, where=f"the settings of {place.path}")
        journal.set_budget(changed)
        artifact = Artifact.from_data(began.artifact, root=journal.meta("root") or ".")
        runner = Runner(
            loop, artifact, place, journal, models=models or {}, listener=listener, callbacks=callbacks, pool=pool
        )
        return await runner.run(began)


class Runner:
    """One process's work on one run: from opening the journal to closing the executor."""

    def __init__(
        self,
        loop: Loop,
        artifact: Artifact,
        folder: RunFolder,
        journal: Journal,
        *,
        models: Mapping[str, ModelFunction],
        listener: Listener | None,
        callbacks: Sequence[Callback] = (),
        pool: Pool | None = None,
    ) -> None:
        self.loop = loop
        self.artifact = artifact
        self.folder = folder
        self.journal = journal
        self._models = models
        self._listener = listener
        own = make_callbacks(loop.log, root=Path(journal.meta("root") or "."))
        self._callbacks = Dispatch([*callbacks, *own])
        self._pool = pool
        self._began_at = time.monotonic()
        self._spent_before = float(journal.meta("seconds") or 0.0)
        self._running: dict[tuple[int, int, int], asyncio.Task[Result]] = {}
        self._finished: asyncio.Queue[Request] = asyncio.Queue()
        self._verdict = ""
        self._meter = Meter()
        self._first_step: int | None = None
        self._slowest = 0.0
        self._exhausted = ""  # the limit that a model call would have passed
        self._model_failures = 0
        self._gateway: Gateway | None = None

    async def run(self, began: Began | None) -> Outcome:
        """Start what is needed, drive the loop to its end, and close everything again."""
        root = Path(self.journal.meta("root") or ".")
        optimizer = optimizer_of(self.loop, root)
        search = make_search(self.loop.search)
        pool = self._pool
        shared = (pool.traffic, pool.ledger, pool.runtimes) if pool else (None, None, None)
        gateway = self._gateway = make_gateway(self.loop, self.journal, self._models, *shared)
        self.folder.forget_stop()  # it ended an earlier process
        executor = self._pool.executor(self.loop, root) if self._pool else make_executor(self.loop, root)
        outcome: Outcome | None = None
        try:
            card = _as_begun(await executor.start(), began)
            count = counter_of(self.loop, root, gateway)
            learning = LearningLoop(self.loop, self.artifact.start, card, optimizer, search, count=count)
            if began is None:
                if shortage := Meter().shortage(self.loop, card, min(1, self.loop.budget.steps), opening=True):
                    raise BudgetExhausted(f"the run cannot begin: {shortage}")
                self.journal.append([Entry(-1, 0, Began(self.loop.data(), self.artifact.to_data(), card, __version__))])
            elif began.card != card:
                raise StoreError(
                    f"the task is not the one that the run {self.folder.path} began with "
                    f"({_difference(began.card, card)} differs); put it back, or start a new run"
                )
            await self._drive(learning, executor)
            if self._exhausted and not learning.population.steps:
                raise BudgetExhausted(f"not one update could be made: {self._exhausted}")
            outcome = self._outcome(learning)
            return outcome
        finally:
            for task in self._running.values():
                task.cancel()
            await asyncio.gather(*self._running.values(), return_exceptions=True)
            await executor.close()
            await gateway.close()
            with contextlib.suppress(StoreError):  # a full disk was told already; the clock is a nicety
                self.journal.set_meta("seconds", str(self.seconds))
            self._callbacks.end(outcome)

    @property
    def seconds(self) -> float:
        """Wall time spent on the run, by earlier processes too."""
        return self._spent_before + time.monotonic() - self._began_at

    # ------------------------------------------------------------------------------------------------ driving

    async def _drive(self, loop: LearningLoop, executor: Executor) -> None:
        """Keep every request that can be done under way until none is left."""
        entries = loop.begin(self._metered(self.journal.for_resume()))
        self._callbacks.begin(RunInfo(self.folder.path, self.loop, loop.card, loop.population.steps))
        self._write(loop, entries)
        while requests := loop.ask():
            questions = self._start_work(loop, executor, requests)
            if questions is not None:
                if not self._running:
                    raise Waiting(questions)
                await self._take_results(loop)
            self._stop_where_asked(loop)

    def _start_work(self, loop: LearningLoop, executor: Executor, requests: Sequence[Request]) -> list[Path] | None:
        """Put every request under way that is not yet.

        Gives the questions that wait for a person, or None where an answer was found: what is to be done next may have
        changed by it.
        """
        questions: list[Path] = []
        for request in requests:
            place = request[:3]
            if place in self._running:
                continue
            if isinstance(request.work, Ask) and request.work.model == ASK:
                reply = self._answer_by_hand(request)
                if isinstance(reply, Reply):
                    self._write(loop, loop.tell(request, reply))
                    return None
                questions.append(reply)
            else:
                task = asyncio.create_task(self._do(loop, executor, request))
                self._running[place] = task
                # A queue, not `asyncio.wait`: the cost of a result must not grow with what else is under way.
                task.add_done_callback(lambda _, request=request: self._finished.put_nowait(request))
        return questions

    async def _take_results(self, loop: LearningLoop) -> None:
        """Wait for something to end, and tell it to the loop with all else that has ended."""
        try:
            async with asyncio.timeout(_LOOK_UP):
                finished = [await self._finished.get()]
        except TimeoutError:
            return
        while not self._finished.empty():
            finished.append(self._finished.get_nowait())
        for request in finished:
            task = self._running.pop(request[:3], None)
            if task is None:
                continue  # cancelled meanwhile
            try:
                result = task.result()
            except BudgetExhausted as error:
                await self._cancel()
                self._exhausted = str(error)
                self._write(loop, loop.finish(str(error), abandon=True))
                return
            self._write(loop, loop.tell(request, result))
            self._count_failures(loop, result)

    async def _do(self, loop: LearningLoop, executor: Executor, request: Request) -> Result:
        if isinstance(request.work, Ask):
            key = f"update/{request.step}/{request.place}/{request.nth}"
            return await self._the_gateway.ask(request.work, key=key, account=(request.step,))
        spec = request.work
        trial = f"{spec.role}/{spec.candidate}/{spec.split}/{spec.index}/{spec.seed}"

        async def ask(ask: Ask, before: int) -> Reply:
            key = f"{request.step}/{trial}/{before}"
            ask = for_trial(self.loop, ask, spec.seed, before)
            return await self._the_gateway.ask(ask, key=key, account=(request.step, trial))

        return await executor.run(loop.candidate(spec.candidate).source(), spec, ask)

    def _answer_by_hand(self, request: Request) -> Reply | Path:
        """The answer that a person has told, or the file with the question."""
        assert isinstance(request.work, Ask)
        question, answer = self.folder.question(request.step, request.place, request.nth)
        if answer.exists():
            return Reply([answer.read_text(encoding="utf-8")], model=ASK)
        self.folder.put_question(question, request.work.messages)
        return question

    # ------------------------------------------------------------------------------------------- stopping, telling

    def _stop_where_asked(self, loop: LearningLoop) -> None:
        """The stop file and the clock end a run between updates."""
        if loop.ending:
            return
        if self.folder.stop_asked():
            self._write(loop, loop.finish("the stop file was found"))
        if self._callbacks.stop:
            self._write(loop, loop.finish(self._callbacks.stop))
        minutes = self.loop.budget.minutes
        if minutes is not None and self.seconds + self._end_seconds(loop) >= minutes * 60:
            self._write(loop, loop.finish(f"budget.minutes = {minutes:g} leaves no time for another update"))

    def _end_seconds(self, loop: LearningLoop) -> float:
        """How long the trials at the end may take, by the slowest trial seen, with one more for what runs now."""
        rounds = -(-trials_of_end(loop.card) // self.loop.execution.slots) + 1
        return self._slowest * rounds

    def _count_failures(self, loop: LearningLoop, result: Result) -> None:
        """Raise `FailingLoudly` when the same thing fails again and again: going on would only cost more."""
        limit = self.loop.budget.failures
        population = loop.population
        if population.failures >= limit:
            raise FailingLoudly(
                f"{population.failures} updates in a row came to nothing for the same reason ({population.failure}); "
                f"'loopwright show {self.folder.path}' has the details, budget.failures sets the limit"
            )
        if isinstance(result, Trial):
            self._slowest = max(self._slowest, result.seconds)
            failed = result.feedback.error == "model"
            self._model_failures = self._model_failures + 1 if failed else 0
            if self._model_failures >= limit:
                raise FailingLoudly(
                    f"{limit} trials in a row failed because the model could not be asked: {result.feedback.text}"
                )

    async def _cancel(self) -> None:
        for task in self._running.values():
            task.cancel()
        await asyncio.gather(*self._running.values(), return_exceptions=True)
        self._running.clear()

    def _write(self, loop: LearningLoop, entries: Sequence[Entry]) -> None:
        """Write events down, then tell whoever watches."""
        if entries:
            self.journal.append(list(self._metered(entries)))
        if self._listener is None and not self._callbacks:
            return
        progress = self._progress(loop, entries)
        if self._listener is not None:
            self._listener(entries, progress)
        self._callbacks.tell(entries, progress)

    def _metered(self, entries: Iterable[Entry]) -> Iterator[Entry]:
        """Count what events say was spent as they are written, not only when their update is complete."""
        for entry in entries:
            self._meter.add(entry.event)
            yield entry

    def _progress(self, loop: LearningLoop, entries: Sequence[Entry]) -> Progress:
        population = loop.population
        for entry in entries:
            if isinstance(entry.event, Updated):
                self._verdict = describe(entry.event)
        done, steps = population.steps, self.loop.budget.steps
        elapsed = time.monotonic() - self._began_at
        fresh = done - self._steps_before(loop)
        return Progress(
            step=done,
            steps=steps,
            best=population.best,
            best_score=population.mean(population.best),
            start_score=population.mean(population.start),
            current_score=population.mean(population.current),
            verdict=self._verdict,
            trials=self._meter.trials,
            usage=self._meter.usage,
            seconds=self.seconds,
            seconds_left=self._left(elapsed / fresh * (steps - done)) if fresh > 0 and not loop.ending else None,
            running=len(self._running),
            notes=[*self._the_gateway.notes, *self._callbacks.notes],
            phase="ended" if loop.ended else "testing" if loop.ending else "learning" if done else "measuring",
        )

    def _left(self, estimate: float) -> float:
        """Seconds still to come: what the updates left would take, or less where the clock ends the run before."""
        minutes = self.loop.budget.minutes
        return estimate if minutes is None else max(0.0, min(estimate, minutes * 60 - self.seconds))

    def _steps_before(self, loop: LearningLoop) -> int:
        if self._first_step is None:
            self._first_step = loop.population.steps
        return self._first_step

    # ------------------------------------------------------------------------------------------------- small parts

    @property
    def _the_gateway(self) -> Gateway:
        assert self._gateway is not None, "models can be asked only while the run is driven"
        return self._gateway

    def _outcome(self, loop: LearningLoop) -> Outcome:
        population, ended = loop.population, loop.ended
        assert ended is not None, "a loop without requests has ended"
        best = population.candidates[ended.best]
        self.folder.put_best(best.files())
        return Outcome(
            folder=self.folder.path,
            reason=ended.reason,
            best=ended.best,
            steps=population.steps,
            start_validation=population.mean(population.start),
            best_validation=ended.best_score,
            start_test=ended.start_test,
            best_test=ended.best_test,
            files=best.files(),
            usage=loop.meter.usage,
            accepted=sum(node.accepted for node in population.nodes.values()) - 1,
        )


def _as_begun(card: TaskCard, began: Began | None) -> TaskCard:
    """The task's card as the run knows it: one that began before the task declared a ceiling goes on without it."""
    return msgspec.structs.replace(card, ceiling=None) if began is not None and began.card.ceiling is None else card


def describe(update: Updated) -> str:
    """An update's verdict in a few words."""
    verdict = f"accepted {update.accepted}" if update.accepted else "kept the parent"
    return f"{verdict}: {update.reason}"


def _difference(one: object, other: object, path: str = "") -> str:
    """The dotted name of the first value in which two records or nested tables differ."""
    one, other = msgspec.to_builtins(one), msgspec.to_builtins(other)
    if isinstance(one, dict) and isinstance(other, dict):
        left, right = cast("dict[str, Any]", one), cast("dict[str, Any]", other)
        for key in {**left, **right}:
            if left.get(key) != right.get(key):
                return _difference(left.get(key), right.get(key), f"{path}.{key}" if path else str(key))
    return path
