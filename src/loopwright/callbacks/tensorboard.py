"""Writes a run for TensorBoard, into RUN/tensorboard: `tensorboard --logdir runs`."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

from loopwright.callbacks.figures import flat, of_end, of_update
from loopwright.callbacks.make import needed
from loopwright.callbacks.protocol import Callback, RunInfo
from loopwright.store.events import Updated

if TYPE_CHECKING:
    from loopwright.runner import Outcome, Progress


class TensorBoard(Callback):
    """Scalars at every update, the settings as a text. A run that goes on adds to what is there."""

    def __init__(self) -> None:
        """Raises `SettingsError` where tensorboardX is not installed."""
        try:
            self._package: Any = import_module("tensorboardX")
        except ImportError:
            raise needed("tensorboardX", "tensorboard") from None
        self._writer: Any = None
        self._step = 0

    def on_begin(self, run: RunInfo) -> None:
        # The suffix keeps two processes of one second out of one file.
        suffix = f".from-{run.step}"
        self._writer = self._package.SummaryWriter(str(run.folder / "tensorboard"), filename_suffix=suffix)
        self._step = run.step
        if not run.resumed:
            rows = "\n".join(f"| {name} | {value} |" for name, value in flat(run.loop.data()).items())
            self._writer.add_text("settings", f"| setting | value |\n| --- | --- |\n{rows}", 0)

    def on_update(self, step: int, updated: Updated, progress: Progress) -> None:
        self._step = step
        for name, value in of_update(updated, progress).items():
            self._writer.add_scalar(name, value, step)
        self._writer.flush()

    def on_end(self, outcome: Outcome | None) -> None:
        for name, value in (of_end(outcome) if outcome is not None else {}).items():
            self._writer.add_scalar(name, value, self._step)
        self._writer.close()
