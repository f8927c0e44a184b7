"""The thing that is improved: text files with named editable parts, and its immutable versions."""

from loopwright.artifact.artifact import Artifact
from loopwright.artifact.candidate import Candidate, EditError
from loopwright.artifact.parameter import Parameter

__all__ = ["Artifact", "Candidate", "EditError", "Parameter"]
