"""Tests of local models: every one has an empty folder of weights, unless it asks for the real ones."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from loopwright.llm.local import weights

# Where real weights are, as the person or the CI that runs the tests has it; the tests themselves move it.
GIVEN = os.environ.get("LOOPWRIGHT_MODELS", "")
SMALL = "smollm2-135m"


@pytest.fixture(autouse=True)
def models(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder of weights."""
    monkeypatch.setenv("LOOPWRIGHT_MODELS", str(tmp_path / "models"))
    return tmp_path / "models"


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> str:
    """The name of the smallest real model; the test is skipped where its weights are not on this machine."""
    monkeypatch.setenv("LOOPWRIGHT_MODELS", GIVEN)
    pytest.importorskip("xllamacpp", reason="needs loopwright[local]")
    if not weights.is_here(SMALL):
        pytest.skip(f"needs weights: loopwright models pull {SMALL}")
    return f"local/{SMALL}"
