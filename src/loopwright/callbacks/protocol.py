"""What a callback is: four methods, each of which may be left out."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from loopwright.execution.protocol import TaskCard
from loopwright.settings import Loop
from loopwright.store.events import AnyEvent, Updated

if TYPE_CHECKING:
    from loopwright.runner import Outcome, Progress


class StopRun(Exception):
    """Raised by a callback to end the run cleanly: updates under way are finished, then start and best are tested.

    When an update is told of, the next is under way already.
    """


class RunInfo(msgspec.Struct, frozen=True):
    """The run that begins or goes on. `step` is its last complete update, 0 for a new run."""

    folder: Path
    loop: Loop
    card: TaskCard
    step: int

    @property
    def resumed(self) -> bool:
        return self.step > 0


class Callback:
    """Told of a run as it goes. Override what you need; every method here does nothing.

    Events come in the order in which they are written, each once, after they are in the journal; those of an earlier
    process are not told again. With `search.branches` > 1 the events of several updates may alternate; `on_update` is
    always in the order of the updates. All calls come from the thread that drives the run, and it waits for them: do
    what takes long elsewhere.

    `StopRun`, raised by any method but `on_end`, ends the run as a stop file does. Anything else that is raised is told
    once, as a Python warning and in `Progress.notes`; that callback is then left alone for the rest of the process, and
    the run goes on. Nothing that was paid for is lost either way.
    """

    def on_begin(self, run: RunInfo) -> None:
        """The run begins, or goes on in this process. No event was told yet."""

    def on_event(self, step: int, event: AnyEvent) -> None:
        """One event was written: see `loopwright.store.events`. A trial's trace is in it where it was recorded."""

    def on_update(self, step: int, updated: Updated, progress: Progress) -> None:
        """An update is complete. `progress` says how the run stands after the events written with it."""

    def on_end(self, outcome: Outcome | None) -> None:
        """The process is done with the run: `None` where the run has not come to its end, be it stopped or failed.

        Always called where `on_begin` was, also after `StopRun`; not after this callback failed.
        """
