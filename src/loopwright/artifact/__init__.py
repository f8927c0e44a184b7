"""The thing that is improved: text files with named editable parts, and its immutable versions."""

from loopwright.artifact.apply import Applied, apply_texts
from loopwright.artifact.artifact import Artifact, ArtifactData
from loopwright.artifact.candidate import Candidate, check, diff
from loopwright.artifact.constraints import Constraint
from loopwright.artifact.edit import EditError
from loopwright.artifact.parameter import Kind, Parameter

__all__ = [
    "Applied",
    "Artifact",
    "ArtifactData",
    "Candidate",
    "Constraint",
    "EditError",
    "Kind",
    "Parameter",
    "apply_texts",
    "check",
    "diff",
]
