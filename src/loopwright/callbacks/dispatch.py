"""Tells a run's callbacks of it, and holds them to their rule: one that raises is told of and left alone."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from loopwright.callbacks.protocol import Callback, RunInfo, StopRun
from loopwright.store.events import Updated
from loopwright.store.journal import Entry

if TYPE_CHECKING:
    from loopwright.runner import Outcome, Progress


class Dispatch:
    """The callbacks of one run. `stop` is why one of them wants the run to end, `notes` say which failed and how."""

    def __init__(self, callbacks: Sequence[Callback]) -> None:
        self.stop = ""
        self.notes: list[str] = []
        self._callbacks = list(callbacks)
        self._begun: list[Callback] = []

    def __bool__(self) -> bool:
        """Whether there is anyone to tell."""
        return bool(self._callbacks)

    def begin(self, run: RunInfo) -> None:
        for callback in list(self._callbacks):
            self._begun.append(callback)
            self._call(callback, lambda callback=callback: callback.on_begin(run))

    def tell(self, entries: Sequence[Entry], progress: Progress) -> None:
        """Every callback hears every event, then of every update that is complete with them."""
        for entry in entries:
            for callback in list(self._callbacks):
                self._call(callback, lambda callback=callback, entry=entry: callback.on_event(entry.step, entry.event))
        for entry in entries:
            event = entry.event
            if isinstance(event, Updated):
                for callback in list(self._callbacks):
                    self._call(
                        callback,
                        lambda callback=callback, step=entry.step, event=event: callback.on_update(
                            step, event, progress
                        ),
                    )

    def end(self, outcome: Outcome | None) -> None:
        for callback in [each for each in self._callbacks if each in self._begun]:
            self._call(callback, lambda callback=callback: callback.on_end(outcome))

    def _call(self, callback: Callback, call: Callable[[], None]) -> None:
        try:
            call()
        except StopRun as stop:
            self.stop = self.stop or (f"a callback asked for it: {stop}" if str(stop) else "a callback asked for it")
        except Exception as error:  # noqa: BLE001 - a user's code: told below, and the callback is left alone
            self._callbacks.remove(callback)
            name = type(callback).__name__
            note = f"the callback {name} failed and is not called again: {type(error).__name__}: {error}"
            self.notes.append(note)
            warnings.warn(note, RuntimeWarning, stacklevel=2)
