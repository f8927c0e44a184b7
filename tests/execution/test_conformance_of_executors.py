"""Both executors hold to the public laws of executors."""

from __future__ import annotations

from pathlib import Path

from loopwright.execution.inline import InlineExecutor
from loopwright.execution.process import ProcessExecutor
from loopwright.execution.protocol import Executor
from loopwright.testing import ExecutorConformance


class TestInline(ExecutorConformance):
    def make(self, task: str, root: Path) -> Executor:
        return InlineExecutor(task, root)


class TestProcess(ExecutorConformance):
    def make(self, task: str, root: Path) -> Executor:
        return ProcessExecutor(task, root, slots=2)
