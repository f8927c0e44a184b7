"""What the optimizer sees: experiences drawn, cut to the horizon, combined, fitted to a token limit, rendered."""

from loopwright.evidence.batch import Batch
from loopwright.evidence.evidence import Evidence, Experience, Section
from loopwright.evidence.horizon import Horizon

__all__ = ["Batch", "Evidence", "Experience", "Horizon", "Section"]
