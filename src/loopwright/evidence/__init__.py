"""What the optimizer sees: experiences drawn, cut to the horizon, combined, fitted to a token limit, rendered.

Read `evidence` for the chain, then one file a link: `batch` (which examples), `horizon` and `cut` (how much of each
execution), `combine` (the template), `steps`, `table`, `fields`, `columns`, `origins` and `folded` (rendering), `fit`,
`pieces` and `tokens` (the limit).
"""

from loopwright.evidence.batch import Batch, draw
from loopwright.evidence.cut import cut
from loopwright.evidence.evidence import Evidence, Experience, Section, Template
from loopwright.evidence.horizon import Horizon, window
from loopwright.evidence.tokens import Counter, estimate

__all__ = [
    "Batch",
    "Counter",
    "Evidence",
    "Experience",
    "Horizon",
    "Section",
    "Template",
    "cut",
    "draw",
    "estimate",
    "window",
]
