"""Preflight: a linter for learning loops. The starting artifact is run a few times, and each check says what it finds.

`sample` does the running; the checks are pure functions of the sample, one finding each. Nothing is edited or asked of
an optimizer, and the test split is not touched.
"""

from loopwright.preflight.finding import Finding, Level, Preflight
from loopwright.preflight.run import preflight, preflight_async

__all__ = ["Finding", "Level", "Preflight", "preflight", "preflight_async"]
