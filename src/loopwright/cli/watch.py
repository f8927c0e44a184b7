"""Watching a run: live on a terminal, plain lines elsewhere, JSON for machines. Each is a listener of the runner."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean
from typing import IO, TYPE_CHECKING, Any, Protocol, cast

import msgspec

from loopwright.cli.text import line
from loopwright.outcomes import leading
from loopwright.store.events import Child, Proposed, Ran, Updated
from loopwright.store.journal import Entry
from loopwright.wording import counted, duration, number, spent

if TYPE_CHECKING:
    from rich.console import Console, RenderableType
    from rich.live import Live

    from loopwright.runner import Progress


class Watcher(Protocol):
    """A listener that is started before the run and stopped after it, whatever happened."""

    def start(self, folder: Path) -> None: ...

    def __call__(self, entries: Sequence[Entry], progress: Progress) -> None: ...

    def stop(self) -> None: ...


class Quiet:
    """Says nothing."""

    def start(self, folder: Path) -> None:
        pass

    def __call__(self, entries: Sequence[Entry], progress: Progress) -> None:
        pass

    def stop(self) -> None:
        pass


class Lines:
    """One plain line an update, for logs and pipes."""

    def __init__(self, stream: IO[str] | None = None) -> None:
        self._stream = stream or sys.stderr
        self._teller = Teller()

    def start(self, folder: Path) -> None:
        self._say(f"run {folder}")

    def __call__(self, entries: Sequence[Entry], progress: Progress) -> None:
        for told in self._teller.lines(entries, progress):
            self._say(f"{told}; {counted(progress.trials, 'trial')}, {spent(progress.usage)}, {_time(progress)}")

    def stop(self) -> None:
        pass

    def _say(self, text: str) -> None:
        print(text, file=self._stream, flush=True)


class Json:
    """One JSON object a line: every event as it is written, and how the run stands after each update."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream

    def start(self, folder: Path) -> None:
        self.write("run", folder=str(folder))

    def __call__(self, entries: Sequence[Entry], progress: Progress) -> None:
        for entry in entries:
            self.write("event", step=entry.step, number=entry.number, event=without_trace(entry))
        if any(isinstance(entry.event, Updated) for entry in entries):
            self.write("progress", **cast("dict[str, Any]", msgspec.to_builtins(progress)))

    def stop(self) -> None:
        pass

    def write(self, type_: str, **fields: object) -> None:
        """One line. Lone surrogates, which JSON cannot hold, are written as question marks."""
        try:
            text = msgspec.json.encode({"type": type_, **fields}).decode()
        except UnicodeEncodeError:
            text = msgspec.json.encode(sound({"type": type_, **fields})).decode()
        print(text, file=self._stream, flush=True)


class Terminal:
    """A live view: a line for each finished update above, how the run stands below."""

    def __init__(self, console: Console | None = None) -> None:
        from rich.console import Console

        self._console = console or Console(stderr=True, highlight=False)
        self._live: Live | None = None
        self._teller = Teller()
        self._progress: Progress | None = None
        self._at = time.monotonic()

    def start(self, folder: Path) -> None:
        from rich.live import Live

        self._console.print(f"run {folder}", markup=False)
        self._live = Live(get_renderable=self._render, console=self._console, refresh_per_second=4, transient=True)
        self._live.start()

    def __call__(self, entries: Sequence[Entry], progress: Progress) -> None:
        self._progress, self._at = progress, time.monotonic()
        for told in self._teller.lines(entries, progress):
            self._console.print(told, markup=False, overflow="ellipsis", no_wrap=True)

    def stop(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _render(self) -> RenderableType:
        from rich.console import Group
        from rich.progress_bar import ProgressBar
        from rich.table import Table
        from rich.text import Text

        progress = self._progress
        if progress is None:
            return Text("starting", style="dim")
        since = time.monotonic() - self._at
        head = Table.grid(padding=(0, 1), expand=True)
        head.add_column(no_wrap=True)
        head.add_column(ratio=1)
        head.add_column(no_wrap=True, justify="right")
        doing = {"measuring": "the start is measured", "testing": "start and best are tested"}.get(progress.phase, "")
        where = doing or f"update {min(progress.step + 1, progress.steps)} of {progress.steps}"
        left = max(0.0, progress.seconds_left - since) if progress.seconds_left is not None else None
        times = duration(progress.seconds + since) + (f", about {duration(left)} left" if left is not None else "")
        bar = ProgressBar(total=max(1, progress.steps), completed=progress.step)
        head.add_row(Text(where, style="bold"), bar, Text(times))
        scores = (
            f"best {number(progress.best_score)}, current {number(progress.current_score)}, "
            f"start {number(progress.start_score)}"
        )
        costs = f"{counted(progress.trials, 'trial')}, {spent(progress.usage)}; {progress.running} open"
        rows = [("validation", scores), ("spent", costs)]
        body = Table.grid(padding=(0, 1))
        body.add_column(style="dim", no_wrap=True)
        body.add_column(no_wrap=True, overflow="ellipsis")
        for name, value in rows:
            body.add_row(name, Text(value))
        return Group(head, body)


class Teller:
    """Turns events into one line an update; keeps what earlier events of the same update said."""

    def __init__(self) -> None:
        self._validation: dict[str, list[float]] = {}
        self._refused: dict[int, str] = {}
        self._measured = False
        self._best: str | None = None

    def lines(self, entries: Sequence[Entry], progress: Progress) -> list[str]:
        told: list[str] = []
        if not self._measured and progress.phase != "measuring":
            self._measured = True
            if progress.start_score is not None:
                told.append(f"start: {number(progress.start_score)} on validation")
        for entry in entries:
            match entry.event:
                case Ran(trial) if trial.spec.role == "validation":
                    self._validation.setdefault(trial.spec.candidate, []).append(trial.score)
                case Proposed(refused=kind, reason=reason) if kind:
                    self._refused[entry.step] = f"{kind}: {reason}"
                case Updated():
                    told.append(self._update(entry.step, entry.event, progress))
                case _:
                    pass
        return told

    def _update(self, step: int, update: Updated, progress: Progress) -> str:
        scores = list(update.train.values())
        batch = f"parent {number(fmean(scores))} on its batch" if scores else ""
        refused = self._refused.pop(step, "")
        child = leading(update)
        if child is None:
            verdict = refused or update.reason
        else:
            became = f"accepted as {update.accepted}" if update.accepted else child.outcome
            verdict = f"child {became}, {self._how(update, child)}"
        news = " (new)" if self._best not in {None, update.best} else ""
        best = f"best {number(update.best_score)}{news}" if update.best_score is not None else ""
        self._best = update.best
        # A narrow terminal cuts what comes last: what matters least, or the reason of a refusal, which may be long.
        parts = (verdict, best, batch) if child is not None else (batch, best, verdict)
        return line(f"update {step}: {'; '.join(part for part in parts if part)}")

    def _how(self, update: Updated, child: Child) -> str:
        """What decided on the child; where nothing had to, its score on the validation split if it was run there."""
        scores = self._validation.get(child.candidate, ())
        if child.score is None and scores:
            return f"{number(fmean(scores))} on validation"
        return update.reason


def without_trace(entry: Entry) -> object:
    """An event as plain data. Traces stay in the journal: `show --trace` has them."""
    event = entry.event
    if isinstance(event, Ran):
        event = Ran(msgspec.structs.replace(event.trial, trace=None))
    return msgspec.to_builtins(event, str_keys=True)


def _time(progress: Progress) -> str:
    left = f", about {duration(progress.seconds_left)} left" if progress.seconds_left is not None else ""
    return f"{duration(progress.seconds)}{left}"


def sound(value: object) -> object:
    """Plain data without lone surrogates."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {key: sound(item) for key, item in cast("dict[str, object]", value).items()}
    if isinstance(value, list):
        return [sound(item) for item in cast("list[object]", value)]
    return value
