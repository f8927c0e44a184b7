"""The journal holds to the public laws of stores."""

from __future__ import annotations

from pathlib import Path

from loopwright.store import Journal
from loopwright.testing import StoreConformance


class TestJournal(StoreConformance):
    def make(self, folder: Path) -> Journal:
        return Journal(folder / "journal.db")
