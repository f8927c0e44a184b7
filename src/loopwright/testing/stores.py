"""What every store of a run must hold to, ours or a user's, as tests that pytest runs (they use its `tmp_path`).

    from loopwright.testing import StoreConformance

    class TestMine(StoreConformance):
        def make(self, folder):
            return Mine(folder)

A store is what `store.journal.Journal` is: the events of one run in their places, the replies that were paid for, and
what was spent. What damage it can bear is its own affair, and is tested beside it.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from pathlib import Path

import msgspec

from loopwright.errors import StoreError
from loopwright.feedback import Feedback
from loopwright.llm.cache import CacheKey
from loopwright.llm.protocol import Ask, Reply
from loopwright.store.events import Answered, AnyEvent, Child, Ended, Proposed, Ran, Showed, Updated
from loopwright.store.journal import Entry, Journal
from loopwright.trace import Call, Failure, Step, Trace
from loopwright.trial import Trial, TrialSpec, Usage

_TRACE = Trace(
    [Step({"x": 1, "far": [1.5, None]}, 2, 0.5, [Call("f", [("a", {"b": True}, -1)], 7)])],
    Failure("ValueError", "no", "--> 3 | x"),
    "out",
    "err",
)
_TEXT = 'line\r\nnext "quoted" \\ \x00 \u2028 \ud800 é 漢 🙂'
_PLAIN = _TEXT.replace("\ud800", "")  # no model gives half a character
_EVENTS: Sequence[AnyEvent] = [
    Ran(Trial(TrialSpec("a", "train", 3, 17, record=True), Feedback(0.1 + 0.2, _TEXT, {"m": 2.0}), _TRACE)),
    Ran(Trial(TrialSpec("a", "train", 4, 2**62), Feedback.failed("timeout", "too late"), usage=Usage(1, 2, 3, 0.5))),
    Showed("evidence " * 1_000, {"trials": 12}, "batch"),
    Answered(Ask("m", [{"role": "user", "content": _TEXT}], seed=5), Reply([_TEXT, ""], Usage(1, 2, 3))),
    Proposed("a", "b", {"PROMPT": _TEXT}, "because"),
    Proposed("a", refused="refusal", reason="it said no", reply="no"),
    Updated("a", {3: 0.5, 4: 0.0}, children=[Child("b", "accepted", 1.0, 0.5)], accepted="b", best="b"),
    Ended("all done", "b", 1.0, [0.1], [0.2]),
]


def entries() -> list[Entry]:
    """Events of every kind, three to a step."""
    return [Entry(number // 3, number % 3, event) for number, event in enumerate(_EVENTS)]


class StoreConformance:
    """The laws of a store. A subclass says how to `make` (or open again) the one that lies in a folder."""

    def make(self, folder: Path) -> Journal:
        raise NotImplementedError("say how the store is opened: def make(self, folder): return Mine(folder)")

    def test_events_come_back_equal_in_the_order_of_the_loop_however_they_came(self, tmp_path: Path) -> None:
        written = entries()
        random.Random(3).shuffle(written)
        store = self.make(tmp_path)
        for entry in written:
            store.append([entry])
        assert list(store.entries(traces=True)) == entries()
        store.close()
        again = self.make(tmp_path)
        assert list(again.entries(traces=True)) == entries()
        assert list(again.entries(traces=True, since=1, until=1)) == [entry for entry in entries() if entry.step == 1]
        again.close()

    def test_a_place_is_taken_once_and_an_append_is_whole(self, tmp_path: Path) -> None:
        store = self.make(tmp_path)
        first, second, third = entries()[:3]
        store.append([first])
        try:
            store.append([second, Entry(first.step, first.number, third.event)])
        except StoreError:
            pass
        else:
            raise AssertionError("two events have the same place")
        assert list(store.entries(traces=True)) == [first]
        store.append([second])
        assert list(store.entries(traces=True)) == [first, second]
        store.close()

    def test_equal_courses_are_equal_whatever_their_times_and_order(self, tmp_path: Path) -> None:
        stores = [self.make(_folder(tmp_path, name)) for name in ("one", "other")]
        stores[0].append(entries())
        for entry in reversed(entries()):
            event = entry.event
            if isinstance(event, Ran):
                event = Ran(msgspec.structs.replace(event.trial, seconds=9.0, cpu=3.0))
            stores[1].append([Entry(entry.step, entry.number, event)])
        assert stores[0].canonical() == stores[1].canonical()
        for store in stores:
            store.close()

    def test_a_reply_that_was_put_is_there_after_a_crash(self, tmp_path: Path) -> None:
        key, reply = CacheKey("m", "request", "context"), Reply([_PLAIN], Usage(1, 2, 3, 0.25), finishes=["stop"])
        store = self.make(tmp_path)
        assert store.get(key) is None
        store.put(key, reply)
        # Not closed: what was put is safe at once.
        again = self.make(tmp_path)
        assert again.get(key) == reply
        assert list(again.replies()) == [(key, reply)]
        for other in (CacheKey("n", "request", "context"), CacheKey("m", "request", "")):
            assert again.get(other) is None
        again.close()
        store.close()

    def test_a_request_that_nobody_saw_the_end_of_counts_at_its_bound(self, tmp_path: Path) -> None:
        store = self.make(tmp_path)
        assert store.spent() == Usage()
        number = store.open_call(Usage(1, 100, 100, 1.0))
        store.open_call(Usage(1, 10, 10, 0.5))
        assert store.spent() == Usage(2, 110, 110, 1.5)
        store.settle_call(number, Usage(1, 7, 3, 0.25))
        store.close()
        again = self.make(tmp_path)
        assert again.spent() == Usage(2, 17, 13, 0.75)
        again.close()

    def test_facts_beside_the_course_are_kept_and_may_change(self, tmp_path: Path) -> None:
        store = self.make(tmp_path)
        assert store.meta("root") is None
        store.set_meta("root", "one")
        store.set_meta("root", _PLAIN)
        store.set_budget({"steps": 9, "usd": None})
        store.close()
        again = self.make(tmp_path)
        assert again.meta("root") == _PLAIN
        assert again.budget() == {"steps": 9, "usd": None}
        assert again.canonical() == []
        again.close()

    def test_a_run_that_never_began_says_so(self, tmp_path: Path) -> None:
        store = self.make(tmp_path)
        assert store.began() is None
        store.append([entries()[0]])
        assert store.began() is None
        store.close()


def _folder(path: Path, name: str) -> Path:
    (path / name).mkdir()
    return path / name
