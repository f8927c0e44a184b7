"""Drives one generator of the loop: requests go out, results come in as they come, events come out in order.

A flow yields a list of work to be done together and is sent the list of results, or yields an event to be written
down. What it returns is its outcome. Not for reading first: `loop.py` says what the flows do.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator, Sequence
from typing import Any, Generic, NamedTuple, TypeVar, cast

from loopwright.errors import StoreError
from loopwright.llm.protocol import Ask, Reply
from loopwright.store.events import Answered, AnyEvent, Ran
from loopwright.store.journal import Entry
from loopwright.trial import Trial, TrialSpec

Work = TrialSpec | Ask
Result = Trial | Reply
Outcome = TypeVar("Outcome")
Flow = Generator[Sequence[TrialSpec] | Sequence[Ask] | AnyEvent, Any, Outcome]


class Request(NamedTuple):
    """Something to be done now. (step, place, nth) names it within the run, today and after a resume."""

    step: int
    place: int  # how many events of this step come before those of its group
    nth: int  # its position in the group of requests that are asked together
    work: Work


class Branch(Generic[Outcome]):
    """One flow under way. `events` are all it has made so far, `recorded` those an earlier process wrote already."""

    def __init__(self, step: int, flow: Flow[Outcome], *, first: int = 0, recorded: Sequence[AnyEvent] = ()) -> None:
        self.step = step
        self.events: list[AnyEvent] = []
        self.done = False
        self.outcome: Outcome | None = None
        self._flow = flow
        self._first = first
        self._recorded = deque(recorded)
        self._group: list[Request] = []
        self._results: dict[int, Result] = {}
        self._committed = 0

    def start(self) -> list[Entry]:
        """Run to the first requests that nothing recorded answers. Call once."""
        return self._advance(None)

    def waiting(self) -> list[Request]:
        """The requests that have no result yet."""
        return [request for request in self._group if request.nth not in self._results]

    def tell(self, request: Request, result: Result) -> list[Entry]:
        """Take a result; gives the events that can now be written, those of earlier requests first."""
        if self._group and request.place == self._group[0].place and request.nth not in self._results:
            self._results[request.nth] = result
        return self._commit()

    @property
    def number(self) -> int:
        """How many events this step has, those before this flow among them."""
        return self._first + len(self.events)

    def append(self, event: AnyEvent) -> Entry:
        """Place an event after all others of this step."""
        self.events.append(event)
        return Entry(self.step, self._first + len(self.events) - 1, event)

    def _commit(self) -> list[Entry]:
        entries: list[Entry] = []
        while self._committed in self._results:
            result = self._results[self._committed]
            work = self._group[self._committed].work
            event = Ran(result) if isinstance(result, Trial) else Answered(cast("Ask", work), result)
            entries.append(self.append(event))
            self._committed += 1
        if self._group and self._committed == len(self._group):
            results = [self._results[index] for index in range(len(self._group))]
            self._group = []
            entries += self._advance(results)
        return entries

    def _advance(self, value: list[Result] | None) -> list[Entry]:
        """Send results into the flow and follow it to its next open requests, or to its end."""
        entries: list[Entry] = []
        while True:
            try:
                made = self._flow.send(value)
            except StopIteration as stop:
                self.outcome, self.done = stop.value, True
                return entries
            value = None
            if not isinstance(made, Sequence):
                entries += self._derived(made)
                continue
            self._ask(cast("Sequence[Work]", made))
            if self._committed == len(self._group):
                value = [self._results[index] for index in range(len(self._group))]
                self._group = []
                continue
            return entries

    def _derived(self, event: AnyEvent) -> list[Entry]:
        """An event that the flow made itself: new, or equal to the one an earlier process wrote."""
        if not self._recorded:
            return [self.append(event)]
        self._compare(self._recorded.popleft(), event)
        self.append(event)
        return []

    def _ask(self, works: Sequence[Work]) -> None:
        """Open a group of requests, answered as far as there are recorded results."""
        place = self._first + len(self.events)
        self._group = [Request(self.step, place, index, work) for index, work in enumerate(works)]
        self._results = {}
        self._committed = 0
        while self._recorded and self._committed < len(self._group):
            event = self._recorded.popleft()
            work = self._group[self._committed].work
            if isinstance(event, Ran):
                self._compare(event.trial.spec, work)
                self._results[self._committed] = event.trial
            elif isinstance(event, Answered):
                self._compare(event.ask, work)
                self._results[self._committed] = event.reply
            else:
                self._compare(event, work)
            self.append(event)
            self._committed += 1

    def _compare(self, recorded: object, now: object) -> None:
        if recorded != now:
            raise StoreError(
                f"the run cannot be continued: update {self.step} now takes another course than its journal says "
                f"({type(recorded).__name__} differs); was the task, the artifact or loopwright itself changed?"
            )
