"""A run as it is read from its folder, under way or finished: its events by update, and the state they fold into.

Nothing is written here, and a run that another process is writing may be read.
"""

from __future__ import annotations

import contextlib
from collections import Counter
from collections.abc import Generator, Iterator
from pathlib import Path
from statistics import fmean

import msgspec

from loopwright.artifact import Artifact, Candidate
from loopwright.budget import Meter
from loopwright.errors import StoreError, UsageError, nearest
from loopwright.outcomes import Compared, compared, leading
from loopwright.search.population import Population
from loopwright.settings import Loop
from loopwright.store.events import Answered, AnyEvent, Began, Ended, Proposed, Ran, Showed, Updated
from loopwright.store.journal import Journal
from loopwright.store.run_folder import RunFolder
from loopwright.trial import Trial

_WORDS = {"best", "start", "current"}


class Update(msgspec.Struct):
    """One update's events, sorted. `updated` is None while it is under way, or where the run stopped before its end."""

    step: int
    trials: list[Trial] = []
    showed: Showed | None = None
    answered: list[Answered] = []
    proposed: list[Proposed] = []
    updated: Updated | None = None
    stopped: bool = False  # it is not complete, and nobody is at work on it

    @property
    def batch(self) -> list[Trial]:
        """The parent's trials, which made the evidence."""
        return [trial for trial in self.trials if trial.spec.role == "train"]

    @property
    def batch_score(self) -> float | None:
        """The parent's mean on the batch, None before its first trial is back."""
        scores = [trial.score for trial in self.batch]
        return fmean(scores) if scores else None

    @property
    def seconds(self) -> float:
        """Time spent in its trials and model calls, all slots together."""
        return sum(trial.seconds for trial in self.trials) + sum(each.reply.seconds for each in self.answered)

    def verdict(self) -> str:
        """One word or two for what became of it."""
        if self.updated is None:
            return "not finished" if self.stopped else "under way"
        child = leading(self.updated)
        if child is not None:
            return child.outcome
        return next((each.refused for each in self.proposed if each.refused), "nothing proposed")

    def why(self) -> str:
        """The reason for the verdict, in words; "" where the update is not complete."""
        if self.updated is None:
            return ""
        if leading(self.updated) is not None:
            return self.updated.reason
        return next((each.reason for each in self.proposed if each.refused), "")

    def parent(self) -> str:
        """The id of the candidate that was edited, "" where no trial has ended yet."""
        if self.updated is not None:
            return self.updated.parent
        return self.batch[0].spec.candidate if self.batch else ""


class RunRecord:
    """Everything a run has written. `updates` are those begun, in order; `opening` holds the start's first trials."""

    def __init__(self, folder: RunFolder, journal: Journal) -> None:
        began = journal.began()
        if began is None:
            raise StoreError(f"the run {folder.path} has not begun yet: nothing is in its journal")
        self.folder = folder
        self.began: Began = began
        self.root = journal.meta("root")
        self.seconds = float(journal.meta("seconds") or 0)
        settings = {**began.settings, "budget": {**began.settings["budget"], **journal.budget()}}
        self.loop = Loop.of(settings, where=f"the settings of {folder.path}")
        self.artifact = Artifact.from_data(began.artifact)
        self.population = Population(self.artifact.start)
        self.meter = Meter()
        self.opening = Update(0)
        self.updates: list[Update] = []
        self.tested: list[Trial] = []
        self.ended: Ended | None = None
        self.pending: dict[str, Candidate] = {}  # children of updates that are not complete
        self._read(journal)

    @property
    def path(self) -> Path:
        return self.folder.path

    @property
    def start(self) -> Candidate:
        return self.population.candidates[self.population.start]

    @property
    def best(self) -> Candidate:
        return self.population.candidates[self.population.best]

    def state(self) -> str:
        """How the run stands, in a few words."""
        if (owner := self.folder.owner()) is not None:
            return f"under way (process {owner})"
        if self.ended is not None:
            return f"ended: {self.ended.reason}"
        if self.folder.open_questions():
            return "waiting for an answer by hand"
        return "stopped before its end"

    def refused(self) -> Counter[str]:
        """Proposals that became no kept candidate, counted by why: refused outright, or judged and not kept."""
        counts = Counter(each.refused for update in self.updates for each in update.proposed if each.refused)
        for update in self.updates:
            children = update.updated.children if update.updated is not None else []
            counts.update(child.outcome for child in children if child.outcome != "accepted")
        return counts

    def compared(self, update: Update) -> Compared | None:
        """The update's child against its parent; None where there is no child."""
        return compared(update.updated, self.population.mean)

    def accepted(self) -> int:
        return sum(bool(update.updated and update.updated.accepted) for update in self.updates)

    def update(self, step: int) -> Update:
        """One update. Raises `UsageError` where there is none of that number."""
        for update in self.updates:
            if update.step == step:
                return update
        last = f"its updates are 1 to {self.updates[-1].step}" if self.updates else "it has no update yet"
        raise UsageError(f"the run {self.path} has no update {step}; {last}")

    def candidate(self, name: str) -> Candidate:
        """A candidate by its id, the beginning of its id, or best, start or current. Raises `UsageError`."""
        candidates = {**self.population.candidates, **self.pending}
        if name in _WORDS:
            return candidates[getattr(self.population, name)]
        found = [id for id in candidates if id.startswith(name)] if name else []
        if len(found) > 1:
            raise UsageError(f"'{name}' begins {len(found)} candidates of {self.path}; give more of the id")
        if not found:
            raise UsageError(
                f"the run {self.path} has no candidate '{name}'{nearest(name, [*_WORDS, *candidates])}"
                if len(candidates) < 10
                else f"the run {self.path} has no candidate '{name}'; 'loopwright show {self.path}' lists them"
            )
        return candidates[found[0]]

    def _read(self, journal: Journal) -> None:
        for step, events in _by_step(journal):
            update = self.opening if step == 0 else Update(step)
            for event in events:
                self.meter.add(event)
                self._sort(update, event)
            if step == 0 or update.updated is not None:
                self.population.apply(step, events)
            else:
                self._look_ahead(update)
            if step > 0:
                self.updates.append(update)
        rests = self.folder.owner() is None and (self.ended is not None or not self.folder.open_questions())
        for update in self.updates:
            update.stopped = rests and update.updated is None

    def _sort(self, update: Update, event: AnyEvent) -> None:
        match event:
            case Ran(trial) if trial.spec.role == "test":
                self.tested.append(trial)
            case Ran(trial):
                update.trials.append(trial)
            case Showed():
                update.showed = event
            case Answered():
                update.answered.append(event)
            case Proposed():
                update.proposed.append(event)
            case Updated():
                update.updated = event
                self.ended = None  # a run that had ended went further
            case Ended():
                self.ended = event
            case Began():
                pass

    def _look_ahead(self, update: Update) -> None:
        """The children of an update that is not complete, so that they can be shown too."""
        for event in update.proposed:
            parent = self.population.candidates.get(event.parent)
            if event.candidate and parent is not None and event.candidate not in self.population.candidates:
                self.pending[event.candidate] = self.artifact.candidate({**parent.texts, **event.texts})


def _by_step(journal: Journal) -> Iterator[tuple[int, list[AnyEvent]]]:
    at, events = 0, list[AnyEvent]()
    for entry in journal.entries(since=0):
        if entry.step != at:
            yield at, events
            at, events = entry.step, []
        events.append(entry.event)
    yield at, events


@contextlib.contextmanager
def opened(folder: str | Path) -> Generator[tuple[RunRecord, Journal]]:
    """A run's record with its journal open for reading. Raises `StoreError`, and `UsageError` for no run folder."""
    place = RunFolder(folder)
    if not place.exists():
        raise UsageError(_no_run(place.path))
    with contextlib.closing(place.journal(readonly=True)) as journal:
        yield RunRecord(place, journal), journal


def record(folder: str | Path) -> RunRecord:
    """A run's record alone."""
    with opened(folder) as (found, _):
        return found


def _no_run(path: Path) -> str:
    if not path.exists():
        beside = [each.name for each in path.parent.glob("*") if each.is_dir()] if path.parent.is_dir() else []
        hint = nearest(path.name, beside[:50])
        return f"there is no run folder {path}{hint if 'did you mean' in hint else ''}"
    if path.is_dir():
        runs = sorted(each.parent.name for each in path.glob("*/journal.db"))
        hint = f"; its runs are {', '.join(runs[:5])}" if runs else ""
        return f"{path} is not the folder of a run: there is no journal.db in it{hint}"
    return f"{path} is a file, not the folder of a run"
