"""Callbacks: your own code told of a run as it goes, and writers for TensorBoard, Weights & Biases and MLflow.

A callback is told after an event is in the journal, so nothing it does can lose what was paid for. What it may raise,
and what that does, is said in `protocol`.
"""

from __future__ import annotations

from loopwright.callbacks.make import KINDS, make_callbacks
from loopwright.callbacks.protocol import Callback, RunInfo, StopRun

__all__ = ["KINDS", "Callback", "RunInfo", "StopRun", "make_callbacks"]
