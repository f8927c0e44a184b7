"""Writes a run to MLflow. Where to is said by its own environment variables, such as MLFLOW_TRACKING_URI."""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

from loopwright.callbacks.figures import flat, of_end, of_update
from loopwright.callbacks.make import needed
from loopwright.callbacks.protocol import Callback, RunInfo
from loopwright.store.events import Updated

if TYPE_CHECKING:
    from loopwright.runner import Outcome, Progress

_LONGEST = 500  # characters of a parameter; some stores take no more


class MLflow(Callback):
    """One MLflow run for one run, by the client and not by the active run: a study has many open at once.

    RUN/mlflow-id keeps its id, so that a run that goes on adds to the same.
    """

    def __init__(self) -> None:
        """Raises `SettingsError` where mlflow is not installed."""
        try:
            self._package: Any = import_module("mlflow")
        except ImportError:
            raise needed("mlflow", "mlflow") from None
        self._client: Any = None
        self._id = ""
        self._step = 0

    def on_begin(self, run: RunInfo) -> None:
        self._client, self._step = self._package.MlflowClient(), run.step
        kept = run.folder / "mlflow-id"
        if kept.exists():
            self._id = kept.read_text().strip()
            self._client.update_run(self._id, status="RUNNING")
            return
        name = os.environ.get("MLFLOW_EXPERIMENT_NAME", "loopwright")
        known = self._client.get_experiment_by_name(name)
        experiment = known.experiment_id if known is not None else self._client.create_experiment(name)
        made = self._client.create_run(experiment, run_name=Path(run.folder).resolve().name)
        self._id = made.info.run_id
        kept.write_text(self._id)
        for setting, value in flat(run.loop.data()).items():
            self._client.log_param(self._id, setting, str(value)[:_LONGEST])

    def on_update(self, step: int, updated: Updated, progress: Progress) -> None:
        self._step = step
        for name, value in of_update(updated, progress).items():
            self._client.log_metric(self._id, name, value, step=step)

    def on_end(self, outcome: Outcome | None) -> None:
        for name, value in (of_end(outcome) if outcome is not None else {}).items():
            self._client.log_metric(self._id, name, value, step=self._step)
        self._client.set_terminated(self._id, status="FINISHED" if outcome is not None else "KILLED")
