"""The journal's laws: what was appended is read back, damage is found, nothing is written twice or half."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from loopwright.errors import StoreError
from loopwright.feedback import Feedback
from loopwright.llm.cache import CacheKey
from loopwright.llm.protocol import Ask, Reply
from loopwright.store import Entry, Journal, RunFolder
from loopwright.store.events import Answered, Child, Proposed, Ran, Showed, Updated
from loopwright.trace import Call, Failure, Step, Trace
from loopwright.trial import Trial, TrialSpec, Usage

SPEC = TrialSpec("abc", "train", 3, 17, record=True)
TRACE = Trace(
    [Step({"x": 1, "far": [1.5, None]}, 2, 0.5, [Call("f", [("a", {"b": 1}, -1)], 7)])],
    Failure("ValueError", "no", "--> 3 | x"),
    "out",
    "err",
)
EVENTS = [
    Ran(Trial(SPEC, Feedback(0.5, "text " * 100, {"m": 2.0}), TRACE, Usage(1, 2, 3, 0.5), 1.25, 0.75)),
    Ran(Trial(SPEC, Feedback.failed("timeout", "too late"))),
    Showed("evidence " * 1000, {"trials": 12}, "batch"),
    Answered(Ask("m", [{"role": "user", "content": "q" * 500}]), Reply(["a" * 500], Usage(1, 2, 3), seconds=2.0)),
    Proposed("abc", "def", {"PROMPT": "line\r\nnext \ud800"}, "because"),
    Proposed("abc", refused="refusal", reason="it said no", reply="no"),
    Updated("abc", {3: 0.5}, children=[Child("def", "accepted", 1.0, 0.5)], accepted="def", best="def", best_score=1.0),
]


def journal(folder: Path) -> Journal:
    return Journal(folder / "journal.db")


def test_events_come_back_equal_and_in_the_order_of_the_loop(tmp_path: Path) -> None:
    entries = [Entry(i // 3, i % 3, event) for i, event in enumerate(EVENTS)]
    book = journal(tmp_path)
    for entry in reversed(entries):
        book.append([entry])
    assert list(book.entries(traces=True)) == entries
    book.close()
    assert list(journal(tmp_path).entries(traces=True)) == entries


def test_traces_are_left_out_unless_asked_for(tmp_path: Path) -> None:
    book = journal(tmp_path)
    book.append([Entry(1, 0, EVENTS[0])])
    (entry,) = book.entries()
    assert isinstance(entry.event, Ran)
    assert entry.event.trial.trace is None


@given(st.text(max_size=2000), st.dictionaries(st.text(max_size=5), st.text(max_size=400), max_size=3))
@profile(max_examples=30, deadline=None)
def test_any_text_survives(tmp_path_factory: pytest.TempPathFactory, text: str, texts: dict[str, str]) -> None:
    book = journal(tmp_path_factory.mktemp("j"))
    event = Proposed("p", "c", texts, text)
    book.append([Entry(1, 0, event)])
    assert [entry.event for entry in book.entries()] == [event]
    book.close()


def test_times_are_not_part_of_the_canonical_journal(tmp_path: Path) -> None:
    bodies = []
    for name, seconds in (("a", 1.0), ("b", 9.0)):
        (tmp_path / name).mkdir()
        book = journal(tmp_path / name)
        book.append([Entry(1, 0, Ran(Trial(SPEC, Feedback(1.0), TRACE, Usage(), seconds, seconds)))])
        bodies.append(book.canonical())
    assert bodies[0] == bodies[1]


def test_an_append_is_whole_or_not_at_all(tmp_path: Path) -> None:
    book = journal(tmp_path)
    book.append([Entry(1, 0, EVENTS[1])])
    with pytest.raises(StoreError, match="another event"):
        book.append([Entry(1, 1, EVENTS[2]), Entry(1, 0, EVENTS[2])])
    assert [entry[:2] for entry in book.entries()] == [(1, 0)]
    book.append([Entry(1, 1, EVENTS[2])])
    book.close()
    assert [entry[:2] for entry in journal(tmp_path).entries()] == [(1, 0), (1, 1)]


def _damage(path: Path, statement: str) -> None:
    database = sqlite3.connect(path)
    with database:
        database.execute(statement)
    database.close()


def test_a_damaged_last_event_is_dropped_with_a_warning(tmp_path: Path) -> None:
    book = journal(tmp_path)
    book.append([Entry(1, number, event) for number, event in enumerate(EVENTS)])
    book.close()
    _damage(book.path, "UPDATE events SET body = substr(body, 1, 9) WHERE id = (SELECT max(id) FROM events)")
    with pytest.warns(UserWarning, match="damaged and is dropped"):
        again = journal(tmp_path)
    assert len(list(again.entries())) == len(EVENTS) - 1
    again.append([Entry(1, len(EVENTS) - 1, EVENTS[-1])])
    again.close()
    assert len(list(journal(tmp_path).entries())) == len(EVENTS)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE events SET body = replace(body, 'abc', 'abd') WHERE id = 2",
        "DELETE FROM events WHERE id = 2",
        "UPDATE events SET step = 7 WHERE id = 2",
    ],
)
def test_damage_elsewhere_is_an_error(tmp_path: Path, statement: str) -> None:
    book = journal(tmp_path)
    book.append([Entry(1, number, event) for number, event in enumerate(EVENTS)])
    book.close()
    _damage(book.path, statement)
    with pytest.raises(StoreError, match="damaged at event"):
        journal(tmp_path)


def test_a_damaged_text_is_an_error_that_names_it(tmp_path: Path) -> None:
    book = journal(tmp_path)
    book.append([Entry(1, 0, EVENTS[2])])
    book.close()
    _damage(book.path, "UPDATE blobs SET data = x'00'")
    with pytest.raises(StoreError, match="does not have its hash"):
        list(journal(tmp_path).entries())


def test_a_newer_format_and_a_foreign_file_are_refused(tmp_path: Path) -> None:
    journal(tmp_path).close()
    _damage(tmp_path / "journal.db", "UPDATE meta SET value = '99' WHERE key = 'format'")
    with pytest.raises(StoreError, match="use a newer one"):
        journal(tmp_path)
    (tmp_path / "journal.db").write_text("hello, this is no database at all" * 100)
    for leftover in tmp_path.glob("journal.db-*"):
        leftover.unlink()
    with pytest.raises(StoreError, match="cannot be read"):
        journal(tmp_path)


def test_a_full_disk_is_one_sentence_and_loses_nothing(tmp_path: Path) -> None:
    book = journal(tmp_path)
    book.append([Entry(1, 0, EVENTS[1])])
    pages = book._db.execute("PRAGMA page_count").fetchone()[0]
    book._db.execute(f"PRAGMA max_page_count = {pages + 2}")
    big = Showed("".join(chr(33 + i * i % 90) + str(i) for i in range(60_000)), {}, "batch")
    with pytest.raises(StoreError, match=r"full.*what was written is kept"):
        book.append([Entry(1, 1, big)])
    book.close()
    assert [entry[:2] for entry in journal(tmp_path).entries()] == [(1, 0)]


def test_replies_are_kept_by_their_whole_key(tmp_path: Path) -> None:
    book = journal(tmp_path)
    key = CacheKey("m", "hash", "update/1")
    assert book.get(key) is None
    book.put(key, Reply(["one"], Usage(1, 2, 3, 0.1)))
    assert book.get(CacheKey("m", "hash", "update/2")) is None
    book.close()
    assert journal(tmp_path).get(key) == Reply(["one"], Usage(1, 2, 3, 0.1))


def test_equal_texts_are_stored_once(tmp_path: Path) -> None:
    book = journal(tmp_path)
    text = "".join(str(i * 7919 % 10007) for i in range(2000))
    book.append([Entry(step, 0, Proposed("p", "c", {"P": text})) for step in range(50)])
    assert book._db.execute("SELECT count(*) FROM blobs").fetchone()[0] == 1


def test_two_writers_cannot_hold_one_run(tmp_path: Path) -> None:
    with RunFolder(tmp_path / "run"), pytest.raises(StoreError, match="in use by process"), RunFolder(tmp_path / "run"):
        pass
    with RunFolder(tmp_path / "run"):
        pass


def test_a_folder_with_other_files_or_a_file_is_refused(tmp_path: Path) -> None:
    (tmp_path / "mine.txt").write_text("x")
    with pytest.raises(StoreError, match="holds other files"), RunFolder(tmp_path):
        pass
    with pytest.raises(StoreError, match="is a file"), RunFolder(tmp_path / "mine.txt"):
        pass


def test_reading_does_not_need_the_lock(tmp_path: Path) -> None:
    with RunFolder(tmp_path / "run") as folder:
        book = folder.journal()
        book.append([Entry(1, 0, EVENTS[1])])
        assert len(list(folder.journal(readonly=True).entries())) == 1
    with pytest.raises(StoreError, match=r"no journal\.db"):
        RunFolder(tmp_path / "none").journal(readonly=True)


def test_a_journal_is_there_whole_or_not_at_all(tmp_path: Path) -> None:
    """A kill while the journal was made leaves an unfinished file beside it: the run can still be begun."""
    folder = RunFolder(tmp_path / "run")
    folder.path.mkdir()
    for name in ("journal.db.new", "journal.db.new-journal"):
        (folder.path / name).write_bytes(b"half")
    assert not folder.exists()
    with folder:
        folder.journal().close()
    assert folder.exists()
    assert sorted(each.name for each in folder.path.iterdir() if "new" in each.name) == []
