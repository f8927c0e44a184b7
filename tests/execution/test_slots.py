"""Which trial runs on which slot: the next one is at hand, and waits for nobody."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from loopwright.execution.link import Run
from loopwright.execution.protocol import Source
from loopwright.execution.slots import Job, Slot, Slots
from loopwright.execution.worker import Tray, Worker, taken
from loopwright.trial import TrialSpec


class World:
    """Slots whose workers are connected to nobody; the test takes the tokens out of their trays."""

    def __init__(self, count: int) -> None:
        self.dropped: list[int] = []
        self.slots = Slots(count, self._drop)
        for slot in self.slots.all:
            slot.worker = Worker(1, Tray())

    def _drop(self, slot: Slot) -> None:
        self.dropped.append(slot.number)
        worker = slot.worker
        self.slots.lose(slot)
        assert worker is not None
        worker.hang_up()
        slot.worker = Worker(2, Tray())

    def ask(self, number: int) -> tuple[Job, asyncio.Task[Slot]]:
        job = Job(Run(number, Source("c", {}), TrialSpec("c", "train", number, 0)))
        return job, asyncio.create_task(self.slots.enter(job))

    def begun(self, slot: int) -> int | None:
        """The trial that this slot's worker begins now."""
        worker = self.slots.all[slot].worker
        assert worker is not None
        worker.tray.theirs.setblocking(False)
        number = taken(worker.tray.theirs)
        at_work = self.slots.all[slot].at_work
        if at_work is not None and at_work.run.number == number:
            self.slots.begin(self.slots.all[slot])  # main is told
        return number

    def close(self) -> None:
        for slot in self.slots.all:
            if slot.worker is not None:
                slot.worker.hang_up()


def in_world(count: int) -> Callable[[Callable[[World], Awaitable[Any]]], Callable[[], None]]:
    def decorate(test: Callable[[World], Awaitable[Any]]) -> Callable[[], None]:
        async def run() -> None:
            world = World(count)
            try:
                await test(world)
            finally:
                world.close()

        def call() -> None:
            asyncio.run(run())

        call.__name__ = test.__name__
        return call

    return decorate


async def settle() -> None:
    for _ in range(4):
        await asyncio.sleep(0)


@in_world(1)
async def test_the_next_trial_is_at_hand_before_the_first_has_ended(world: World) -> None:
    (_, one), (_, two), (_, three) = (world.ask(number) for number in (1, 2, 3))
    await settle()
    assert (world.begun(0), world.begun(0)) == (1, 2), "the worker goes on without asking main"
    assert world.begun(0) is None, "no more than one is at hand"
    assert one.done()
    assert not two.done()
    world.slots.leave(await one)
    assert (await two).number == 0
    world.slots.leave(await two)
    assert world.begun(0) == 3
    assert (await three).number == 0


@in_world(2)
async def test_the_tray_never_holds_two_trials(world: World) -> None:
    """Else taking back the one at hand would take the one before it, and its result would be taken for the other's."""
    tasks = [world.ask(number)[1] for number in (1, 2, 3, 4, 5)]
    await settle()
    assert [world.begun(0), world.begun(1)] == [1, 2]
    # Slot 0 ends trial 1, and main takes the result before the worker takes trial 3 out of its tray.
    world.slots.leave(await tasks[0])
    assert (await tasks[2]).number == 0
    # Slot 1 has ended all it had, and looks for work: trial 5 waits for anybody, trial 3 is slot 0's.
    world.slots.leave(await tasks[1])
    assert world.begun(1) == 4
    world.slots.leave(await tasks[3])
    assert world.begun(1) == 5
    assert world.begun(0) == 3
    assert (await tasks[4]).number == 1


@in_world(2)
async def test_what_waits_behind_a_long_trial_goes_to_a_slot_that_is_free(world: World) -> None:
    tasks = [world.ask(number)[1] for number in (1, 2, 3, 4)]
    await settle()
    assert [world.begun(0), world.begun(1)] == [1, 2]
    # Slot 1 ends its trial and the one at hand; slot 0 goes on with its first.
    world.slots.leave(await tasks[1])
    assert world.begun(1) == 4
    world.slots.leave(await tasks[3])
    assert (await asyncio.wait_for(tasks[2], 1)).number == 1, "trial 3 was at hand for slot 0"
    assert world.begun(1) == 3
    assert world.begun(0) is None, "it is run once"


@in_world(2)
async def test_a_trial_that_its_worker_has_begun_is_not_taken_back(world: World) -> None:
    tasks = [world.ask(number)[1] for number in (1, 2, 3)]
    await settle()
    assert [world.begun(0), world.begun(0)] == [1, 3], "begun, though main does not know yet that 1 has ended"
    world.slots.leave(await tasks[1])
    await settle()
    assert not tasks[2].done()
    world.slots.leave(await tasks[0])
    assert (await tasks[2]).number == 0
    assert world.begun(1) == 2


@in_world(1)
@pytest.mark.filterwarnings("error")
async def test_a_cancelled_trial_at_hand_is_not_run_and_disturbs_nobody(world: World) -> None:
    tasks = [world.ask(number)[1] for number in (1, 2, 3)]
    await settle()
    assert world.begun(0) == 1
    tasks[1].cancel()
    await settle()
    assert world.begun(0) == 3, "the next one has taken its place"
    assert world.dropped == []


@in_world(1)
async def test_a_cancelled_trial_that_has_begun_costs_its_worker_but_not_the_one_before(world: World) -> None:
    tasks = [world.ask(number)[1] for number in (1, 2, 3)]
    await settle()
    assert [world.begun(0), world.begun(0)] == [1, 2]
    tasks[1].cancel()
    await settle()
    assert world.dropped == [], "the result of trial 1 may be on its way"
    world.slots.leave(await tasks[0])
    assert world.dropped == [0]
    assert (await tasks[2]).number == 0
    assert world.begun(0) == 3


@in_world(2)
async def test_what_a_dead_worker_had_at_hand_runs_elsewhere(world: World) -> None:
    tasks = [world.ask(number)[1] for number in (1, 2, 3, 4)]
    await settle()
    assert [world.begun(0), world.begun(1)] == [1, 2]
    slot = await tasks[0]
    world._drop(slot)
    slot.hand(slot.at_work)  # type: ignore[arg-type] - the executor runs it again on the new worker
    assert world.begun(0) == 1
    world.slots.leave(await tasks[1])
    assert world.begun(1) == 4
    world.slots.leave(await tasks[3])
    assert (await tasks[2]).number == 1
    assert world.begun(1) == 3
