"""Writes a run to Weights & Biases. Project, entity, key and mode are those of its own environment variables."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loopwright.callbacks.figures import of_end, of_update
from loopwright.callbacks.make import needed
from loopwright.callbacks.protocol import Callback, RunInfo
from loopwright.store.events import Updated

if TYPE_CHECKING:
    from loopwright.runner import Outcome, Progress


class WeightsAndBiases(Callback):
    """One W&B run for one run; RUN/wandb-id keeps its id, so that a run that goes on adds to the same."""

    def __init__(self) -> None:
        """Raises `SettingsError` where wandb is not installed."""
        try:
            self._package: Any = import_module("wandb")
        except ImportError:
            raise needed("wandb", "wandb") from None
        self._run: Any = None

    def on_begin(self, run: RunInfo) -> None:
        kept = run.folder / "wandb-id"
        known = kept.read_text().strip() if kept.exists() else None
        self._run = self._package.init(
            project=os.environ.get("WANDB_PROJECT", "loopwright"),
            name=Path(run.folder).resolve().name,
            config=run.loop.data(),
            dir=str(run.folder),
            id=known,
            resume="allow",
            reinit="create_new",  # several runs of a study are open at once in one process
        )
        kept.write_text(str(self._run.id))

    def on_update(self, step: int, updated: Updated, progress: Progress) -> None:
        self._run.log(of_update(updated, progress), step=step)

    def on_end(self, outcome: Outcome | None) -> None:
        if outcome is not None:
            self._run.summary.update({**of_end(outcome), "best": outcome.best, "reason": outcome.reason})
        self._run.finish(exit_code=0 if outcome is not None else 1)
