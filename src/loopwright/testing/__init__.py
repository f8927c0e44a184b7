"""For tests of one's own parts: suites of laws that any optimizer, search, store or executor must hold to.

A suite is a class whose methods pytest runs; a subclass says how the part is made. Nothing here is used by a run.
"""

from loopwright.testing.executors import ExecutorConformance
from loopwright.testing.optimizers import OptimizerConformance
from loopwright.testing.searches import SearchConformance
from loopwright.testing.stores import StoreConformance

__all__ = ["ExecutorConformance", "OptimizerConformance", "SearchConformance", "StoreConformance"]
