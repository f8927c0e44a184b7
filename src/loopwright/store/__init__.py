"""The run folder: an append-only journal of events in SQLite, texts and traces as content-addressed blobs beside it."""

from loopwright.store.journal import Entry, Journal
from loopwright.store.run_folder import RunFolder

__all__ = ["Entry", "Journal", "RunFolder"]
