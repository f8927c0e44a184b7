"""Which trial runs on which slot. Every slot has a trial at work, and while more are waiting the next one at hand.

A worker that ends a trial thus begins the next at once, without waiting until the main process has taken the result
and been given a core. A trial at hand belongs to no slot for good: it is taken back for a slot that has nothing to do,
so that nothing waits behind a long trial. Not here: processes, results, what becomes of a dead worker's trial.
"""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable

from loopwright.execution.link import Run
from loopwright.execution.worker import Worker


class Job:
    """One trial on its way: `turn` is done when it has become the one at work on `slot`."""

    def __init__(self, run: Run) -> None:
        self.run = run
        self.turn: asyncio.Future[Slot] = asyncio.get_running_loop().create_future()
        self.handed: Worker | None = None  # the worker that has the trial already


class Slot:
    def __init__(self, number: int) -> None:
        self.number = number
        self.worker: Worker | None = None
        self.at_work: Job | None = None
        self.begun = False  # whether the worker has begun the trial at work
        self.at_hand: Job | None = None

    def hand(self, job: Job) -> None:
        """Have the worker begin `job` as soon as it can, unless it has it already."""
        if job.handed is not self.worker and self.worker is not None:
            job.handed = self.worker
            self.worker.hand(job.run)

    def take_back(self) -> Job | None:
        """The trial at hand, where the worker has not begun it."""
        job = self.at_hand
        if job is None or self.worker is None or not self.worker.tray.take_back():
            return None
        self.at_hand = job.handed = None
        return job


class Slots:
    """Gives out `count` slots, first come, first served. `drop(slot)` kills a slot's worker, whatever it is at."""

    def __init__(self, count: int, drop: Callable[[Slot], None]) -> None:
        self.all = [Slot(number) for number in range(count)]
        self._drop = drop
        self._waiting: deque[Job] = deque()

    async def enter(self, job: Job) -> Slot:
        """Wait until `job` is the one at work on a slot. Its worker may have begun it by then."""
        self._waiting.append(job)
        self._assign()
        try:
            return await job.turn
        except asyncio.CancelledError:
            self._withdraw(job)
            raise

    def begin(self, slot: Slot) -> None:
        """The worker has begun the trial at work, so its tray is empty: only now may another be put at hand.

        With two tokens in the tray, taking back the second would take the first.
        """
        slot.begun = True
        self._assign()

    def leave(self, slot: Slot) -> None:
        """The trial at work on `slot` has ended: the one at hand is now at work."""
        slot.at_work, slot.at_hand, slot.begun = slot.at_hand, None, False
        job = slot.at_work
        if job is not None and job.turn.cancelled():
            self._withdraw(job)
        elif job is not None:
            job.turn.set_result(slot)
        self._assign()

    def lose(self, slot: Slot) -> None:
        """The worker of `slot` is dead or about to be: what it had at hand waits again, before all others."""
        job, slot.at_hand = slot.at_hand, None
        if job is not None:
            job.handed = None
            self._waiting.appendleft(job)
        slot.worker, slot.begun = None, False

    def _withdraw(self, job: Job) -> None:
        """Forget a trial that nobody waits for, wherever it is."""
        if job in self._waiting:
            self._waiting.remove(job)
            return
        for slot in self.all:
            if slot.at_hand is job and slot.take_back() is None:
                continue  # begun: it comes here again when the trial before it has been told
            if slot.at_work is job:
                self._drop(slot)
                self.leave(slot)
        self._assign()

    def _assign(self) -> None:
        for slot in self.all:
            if slot.at_work is None and (job := self._next() or self._taken_back()):
                slot.at_work = job
                slot.hand(job)  # now: before anything can be put at hand
                job.turn.set_result(slot)
        for slot in self.all:
            if slot.at_hand is None and slot.begun and slot.worker is not None and (job := self._next()):
                slot.at_hand = job
                slot.hand(job)

    def _next(self) -> Job | None:
        while self._waiting:
            job = self._waiting.popleft()
            if not job.turn.cancelled():
                return job
        return None

    def _taken_back(self) -> Job | None:
        """A trial that waits behind another one: the oldest that its worker has not begun."""
        behind = [slot for slot in self.all if slot.at_hand is not None and not slot.at_hand.turn.cancelled()]
        for slot in sorted(behind, key=lambda slot: slot.at_hand.run.number if slot.at_hand else 0):
            if (job := slot.take_back()) is not None:
                return job
        return None
