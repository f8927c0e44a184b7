"""loopwright: learning loops that improve code, prompts and workflows from execution feedback.

Everything public is here, imported when first used: `import loopwright` loads nothing else.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

__version__ = "0.1.0"

# Where each name lives; "" for a module of its own.
_PUBLIC = {
    "Artifact": "loopwright.artifact",
    "Batch": "loopwright.evidence",
    "Callback": "loopwright.callbacks",
    "Candidate": "loopwright.artifact",
    "Evidence": "loopwright.evidence",
    "Feedback": "loopwright.feedback",
    "Horizon": "loopwright.evidence",
    "LearningLoop": "loopwright.loop",
    "Loop": "loopwright.settings",
    "Outcome": "loopwright.runner",
    "Pool": "loopwright.pool",
    "Proposal": "loopwright.optimizers.protocol",
    "Rejected": "loopwright.optimizers.protocol",
    "StopRun": "loopwright.callbacks",
    "Study": "loopwright.study.definition",
    "Waiting": "loopwright.runner",
    "episodes": "loopwright.tasks.episode",
    "examples": "loopwright.tasks.examples",
    "judge": "loopwright.judging",
    "judge_async": "loopwright.judging",
    "match": "",
    "rerun": "loopwright.rerunning",
    "rerun_async": "loopwright.rerunning",
    "resume": "loopwright.runner",
    "resume_async": "loopwright.runner",
    "run": "loopwright.runner",
    "run_async": "loopwright.runner",
    "Stage": "loopwright.staged",
    "Staged": "loopwright.staged",
    "run_study": "loopwright.study.runner",
    "run_study_async": "loopwright.study.runner",
    "task": "loopwright.tasks.task",
    "tasks": "",
    "trajectory": "loopwright.trajectories",
}

if TYPE_CHECKING:
    from loopwright import match as match
    from loopwright import tasks as tasks
    from loopwright.artifact import Artifact as Artifact
    from loopwright.artifact import Candidate as Candidate
    from loopwright.callbacks import Callback as Callback
    from loopwright.callbacks import StopRun as StopRun
    from loopwright.evidence import Batch as Batch
    from loopwright.evidence import Evidence as Evidence
    from loopwright.evidence import Horizon as Horizon
    from loopwright.feedback import Feedback as Feedback
    from loopwright.judging import judge as judge
    from loopwright.judging import judge_async as judge_async
    from loopwright.loop import LearningLoop as LearningLoop
    from loopwright.optimizers.protocol import Proposal as Proposal
    from loopwright.optimizers.protocol import Rejected as Rejected
    from loopwright.pool import Pool as Pool
    from loopwright.rerunning import rerun as rerun
    from loopwright.rerunning import rerun_async as rerun_async
    from loopwright.runner import Outcome as Outcome
    from loopwright.runner import Waiting as Waiting
    from loopwright.runner import resume as resume
    from loopwright.runner import resume_async as resume_async
    from loopwright.runner import run as run
    from loopwright.runner import run_async as run_async
    from loopwright.settings import Loop as Loop
    from loopwright.staged import Stage as Stage
    from loopwright.staged import Staged as Staged
    from loopwright.study.definition import Study as Study
    from loopwright.study.runner import run_study as run_study
    from loopwright.study.runner import run_study_async as run_study_async
    from loopwright.tasks.episode import episodes as episodes
    from loopwright.tasks.examples import examples as examples
    from loopwright.tasks.task import task as task
    from loopwright.trajectories import trajectory as trajectory

__all__ = ["__version__", *_PUBLIC]  # pyright: ignore[reportUnsupportedDunderAll]


def __getattr__(name: str) -> Any:
    if name not in _PUBLIC:
        raise AttributeError(f"module 'loopwright' has no attribute '{name}'")
    where = _PUBLIC[name]
    value = getattr(import_module(where), name) if where else import_module(f"loopwright.{name}")
    globals()[name] = value
    return value
