"""Counting tokens, for those who fit evidence. What is counted, and how well, is said in `loopwright.tokens`."""

from loopwright.tokens import Counter, estimate

__all__ = ["Counter", "estimate"]
