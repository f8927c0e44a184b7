"""Puts the case studies' scripts on the path."""

import sys
from pathlib import Path

STUDIES = Path(__file__).parents[2] / "case_studies"
sys.path[:0] = [str(STUDIES), *(str(STUDIES / name) for name in ("atari", "bbeh", "mlbench"))]
