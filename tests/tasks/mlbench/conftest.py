"""Puts the small competitions on the path; without the extra `ml` there is nothing to test here."""

import sys
from pathlib import Path

import pytest

sys.path.append(str(Path(__file__).parents[2] / "worlds" / "mlbench"))

pytest.importorskip("sklearn")
pytest.importorskip("lightgbm")
