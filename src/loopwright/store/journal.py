"""The journal: append-only events in SQLite (WAL), long texts and traces as compressed blobs named by their hash.

One file holds everything about a run and any SQLite client can query it: `events.body` is JSON without times,
`events.clock` has the times. Every event carries a digest chained over all before it, so damage is found when the
journal is opened: a damaged last event is dropped with a warning, damage elsewhere is an error.
"""

from __future__ import annotations

import contextlib
import hashlib
import sqlite3
import time
import warnings
from collections.abc import Generator, Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any, NamedTuple, cast

import msgspec
import zstandard

from loopwright.errors import StoreError
from loopwright.llm.cache import CacheKey
from loopwright.llm.protocol import Reply
from loopwright.store.events import AnyEvent, Began, Ran
from loopwright.trace import Trace
from loopwright.trial import Usage

FORMAT = 1
UNFINISHED = ".new"  # ends the name of a journal that is being made
_LAST = 2**62
_LONG = 200  # texts longer than this become blobs: equal ones are stored once
_SCHEMA = """
CREATE TABLE meta (key TEXT PRIMARY KEY, value TEXT NOT NULL);
CREATE TABLE events (
    id INTEGER PRIMARY KEY, step INTEGER NOT NULL, number INTEGER NOT NULL, kind TEXT NOT NULL, body TEXT NOT NULL,
    clock TEXT NOT NULL, digest BLOB NOT NULL, UNIQUE (step, number));
CREATE TABLE blobs (hash BLOB PRIMARY KEY, data BLOB NOT NULL) WITHOUT ROWID;
CREATE TABLE calls (
    number INTEGER PRIMARY KEY, requests INTEGER NOT NULL, input_tokens INTEGER NOT NULL,
    output_tokens INTEGER NOT NULL, usd REAL NOT NULL);
CREATE TABLE replies (key TEXT PRIMARY KEY, reply BLOB NOT NULL) WITHOUT ROWID;
"""


class Entry(NamedTuple):
    """An event in its place."""

    step: int
    number: int
    event: AnyEvent


class Journal:
    """The journal of one run, open for one writer. Not for use from several threads."""

    def __init__(self, path: Path, *, readonly: bool = False) -> None:
        """Open or create the journal. Raises `StoreError` where it is damaged, newer than us, or no journal."""
        self.path = path
        if readonly and not path.exists():
            raise StoreError(f"there is no journal at {path}; it is not the folder of a run")
        try:
            self._db = _connect(path, readonly=readonly)
            self._tail = self._verify(repair=not readonly)
        except sqlite3.DatabaseError as error:
            raise StoreError(f"the journal {path} cannot be read: {error}") from None
        self._encoder = zstandard.ZstdCompressor(level=3)
        self._decoder = zstandard.ZstdDecompressor()

    def append(self, entries: Iterable[Entry]) -> None:
        """Write events in one transaction: either all are there afterwards or none.

        Raises `StoreError` where the disk is full or the place of an event is taken by a different one.
        """
        tail = self._tail
        now = time.time()
        with self._writing():
            for entry in entries:
                body, clock = self._encode(entry.event)
                clock["time"] = now
                tail = _chain(tail, entry.step, entry.number, body)
                self._db.execute(
                    "INSERT INTO events (step, number, kind, body, clock, digest) VALUES (?, ?, ?, ?, ?, ?)",
                    (
                        entry.step,
                        entry.number,
                        entry.event.__struct_config__.tag,
                        body,
                        _json(clock),
                        tail,
                    ),
                )
        self._tail = tail

    def entries(self, *, traces: bool = False, since: int = -1, until: int = _LAST) -> Iterator[Entry]:
        """All events in the order of the loop (step, number), whatever order they were written in.

        `traces` loads the traces of trials too. `since` and `until` are the first and the last step given.
        """
        rows = self._db.execute(
            "SELECT step, number, body, clock FROM events WHERE step BETWEEN ? AND ? ORDER BY step, number",
            (since, until),
        )
        for step, number, body, clock in rows:
            yield Entry(step, number, self._decode(body, clock, traces=traces))

    def for_resume(self) -> Iterator[Entry]:
        """All events, with the traces of those updates only that are not complete: no other is looked at again."""
        (last,) = self._db.execute("SELECT coalesce(max(step), 0) FROM events WHERE kind = 'updated'").fetchone()
        yield from self.entries(until=last)
        yield from self.entries(since=last + 1, traces=True)

    def canonical(self) -> list[tuple[int, int, str]]:
        """Every event without its times, in the order of the loop: equal for equal runs."""
        return list(self._db.execute("SELECT step, number, body FROM events ORDER BY step, number"))

    def began(self) -> Began | None:
        """What the run began with, or None where it never began."""
        first = next(self.entries(until=-1), None)
        return first.event if first is not None and isinstance(first.event, Began) else None

    def meta(self, key: str) -> str | None:
        """A fact about the run that is not part of its course, such as the folder it was started in."""
        row = self._db.execute("SELECT value FROM meta WHERE key = ?", (key,)).fetchone()
        return None if row is None else row[0]

    def set_meta(self, key: str, value: str) -> None:
        with self._writing():
            self._db.execute("INSERT OR REPLACE INTO meta VALUES (?, ?)", (key, value))

    def budget(self) -> dict[str, Any]:
        """The limits that were changed since the run began."""
        return msgspec.json.decode(self.meta("budget") or "{}")

    def set_budget(self, limits: Mapping[str, Any]) -> None:
        self.set_meta("budget", _json(dict(limits)))

    def get(self, key: CacheKey) -> Reply | None:
        """The reply of a finished model call (the gateway's cache)."""
        row = self._db.execute("SELECT reply FROM replies WHERE key = ?", (_key(key),)).fetchone()
        return None if row is None else msgspec.msgpack.decode(self._decoder.decompress(row[0]), type=Reply)

    def put(self, key: CacheKey, reply: Reply) -> None:
        """Keep a finished model call at once: it is never paid again, whatever happens next."""
        data = self._encoder.compress(msgspec.msgpack.encode(reply))
        with self._writing():
            self._db.execute("INSERT OR REPLACE INTO replies VALUES (?, ?)", (_key(key), data))

    def open_call(self, bound: Usage) -> int:
        """Before a request leaves: should this process be killed, it has cost `bound` (the ledger's `Spending`)."""
        with self._writing():
            row = (bound.calls, bound.input_tokens, bound.output_tokens, bound.usd)
            cursor = self._db.execute(
                "INSERT INTO calls (requests, input_tokens, output_tokens, usd) VALUES (?, ?, ?, ?)", row
            )
        return cursor.lastrowid or 0

    def settle_call(self, number: int, usage: Usage) -> None:
        """What a request cost in the end."""
        row = (usage.calls, usage.input_tokens, usage.output_tokens, usage.usd, number)
        with self._writing():
            self._db.execute(
                "UPDATE calls SET requests = ?, input_tokens = ?, output_tokens = ?, usd = ? WHERE number = ?", row
            )

    def spent(self) -> Usage:
        """What all requests of the run have cost, those at their upper bound whose end nobody saw."""
        row = self._db.execute(
            "SELECT sum(requests), sum(input_tokens), sum(output_tokens), sum(usd) FROM calls"
        ).fetchone()
        return Usage(*(value or 0 for value in row))

    def replies(self) -> Iterator[tuple[CacheKey, Reply]]:
        """Every finished model call of the run with its request key."""
        for key, data in self._db.execute("SELECT key, reply FROM replies"):
            yield CacheKey(*key.split("\n", 2)), msgspec.msgpack.decode(self._decoder.decompress(data), type=Reply)

    def close(self) -> None:
        self._db.close()

    @contextlib.contextmanager
    def _writing(self) -> Generator[None]:
        """One transaction; what SQLite refuses becomes one sentence."""
        try:
            with self._db:
                yield
        except sqlite3.IntegrityError:
            raise StoreError(f"the journal {self.path} has another event at the place of a new one") from None
        except sqlite3.OperationalError as error:
            raise StoreError(f"the journal {self.path} cannot be written: {error}; what was written is kept") from None

    # Events to rows and back.

    def _encode(self, event: AnyEvent) -> tuple[str, dict[str, Any]]:
        trace: Trace | None = None
        if isinstance(event, Ran):
            # Beside the rest, whose keys become text: a dict of a program's may have numbers for keys.
            trace = event.trial.trace
            event = Ran(msgspec.structs.replace(event.trial, trace=None))
        data = cast("dict[str, Any]", msgspec.to_builtins(event, builtin_types=(bytes,), str_keys=True))
        clock: dict[str, Any] = {}
        if "trial" in data:
            trial = data["trial"]
            clock = {"seconds": trial.pop("seconds"), "cpu": trial.pop("cpu")}
            trial["trace"] = None if trace is None else self._keep(_packed(trace))
        elif "reply" in data and isinstance(data["reply"], dict):
            reply = cast("dict[str, Any]", data["reply"])
            clock = {"seconds": reply.pop("seconds"), "cached": reply.pop("cached")}
        return _json(self._shorten(data)), clock

    def _decode(self, body: str, clock: str, *, traces: bool) -> AnyEvent:
        data = cast("dict[str, Any]", self._lengthen(msgspec.json.decode(body)))
        times = msgspec.json.decode(clock)
        trace: Trace | None = None
        if "trial" in data:
            trial = data["trial"]
            trial.update(seconds=times["seconds"], cpu=times["cpu"])
            name = trial.pop("trace")
            if name is not None and traces:
                trace = msgspec.msgpack.decode(self._load(name), type=Trace)
        elif "reply" in data and isinstance(data["reply"], dict):
            reply = cast("dict[str, Any]", data["reply"])
            reply.update(seconds=times["seconds"], cached=times["cached"])
        event = msgspec.convert(data, AnyEvent, builtin_types=(bytes,), str_keys=True)
        if trace is not None and isinstance(event, Ran):
            event = Ran(msgspec.structs.replace(event.trial, trace=trace))
        return event

    def _shorten(self, value: Any) -> Any:
        """Long texts and all bytes replaced by references to blobs."""
        if isinstance(value, str):
            data = value.encode("utf-8", "surrogatepass")
            plain = len(value) <= _LONG and (len(data) == len(value) or _is_unicode(value))
            return value if plain else {"$text": self._keep(data)}
        if isinstance(value, bytes):
            return {"$bytes": self._keep(value)}
        if isinstance(value, dict):
            return {key: self._shorten(item) for key, item in cast("dict[str, Any]", value).items()}
        if isinstance(value, list):
            return [self._shorten(item) for item in cast("list[Any]", value)]
        return value

    def _lengthen(self, value: Any) -> Any:
        if isinstance(value, dict):
            table = cast("dict[str, Any]", value)
            if len(table) == 1 and "$text" in table:
                return self._load(table["$text"]).decode("utf-8", "surrogatepass")
            if len(table) == 1 and "$bytes" in table:
                return self._load(table["$bytes"])
            return {key: self._lengthen(item) for key, item in table.items()}
        if isinstance(value, list):
            return [self._lengthen(item) for item in cast("list[Any]", value)]
        return value

    def _keep(self, data: bytes) -> str:
        """Store a blob once; its name is its hash."""
        name = hashlib.blake2b(data, digest_size=16)
        known = self._db.execute("SELECT 1 FROM blobs WHERE hash = ?", (name.digest(),)).fetchone()
        if known is None:
            self._db.execute("INSERT INTO blobs VALUES (?, ?)", (name.digest(), self._encoder.compress(data)))
        return name.hexdigest()

    def _load(self, name: str) -> bytes:
        row = self._db.execute("SELECT data FROM blobs WHERE hash = ?", (bytes.fromhex(name),)).fetchone()
        if row is None:
            raise StoreError(f"the journal {self.path} is damaged: the text {name} is missing")
        try:
            data = self._decoder.decompress(row[0])
        except zstandard.ZstdError:
            data = b""
        if hashlib.blake2b(data, digest_size=16).hexdigest() != name:
            raise StoreError(f"the journal {self.path} is damaged: the text {name} does not have its hash")
        return data

    def _verify(self, *, repair: bool) -> bytes:
        """Check format and digests; returns the digest of the last sound event."""
        row = self._db.execute("SELECT value FROM meta WHERE key = 'format'").fetchone()
        if row is None or int(row[0]) > FORMAT:
            found = "no format" if row is None else f"format {row[0]}"
            raise StoreError(
                f"the journal {self.path} has {found}; this loopwright reads up to {FORMAT}: use a newer one"
            )
        tail = b""
        damaged: list[int] = []
        rows = self._db.execute("SELECT id, step, number, body, digest FROM events ORDER BY id")
        for number, step, place, body, digest in rows:
            if damaged:
                raise StoreError(
                    f"the journal {self.path} is damaged at event {damaged[0]}, which is not its last; "
                    "restore the folder from a copy"
                )
            if _chain(tail, step, place, body) == digest:
                tail = digest
            else:
                damaged.append(number)
        if damaged:
            warnings.warn(f"the last event of {self.path} was damaged and is dropped", stacklevel=4)
            if repair:
                with self._db:
                    self._db.execute("DELETE FROM events WHERE id = ?", (damaged[0],))
        return tail


def _connect(path: Path, *, readonly: bool) -> sqlite3.Connection:
    if readonly:
        return sqlite3.connect(f"{path.absolute().as_uri()}?mode=ro", uri=True)
    if not path.exists():
        _create(path)
    database = sqlite3.connect(path)
    database.execute("PRAGMA journal_mode = WAL")
    # NORMAL in WAL mode: a killed process loses nothing; only a power cut may lose the last events, never damage them.
    database.execute("PRAGMA synchronous = NORMAL")
    return database


def _create(path: Path) -> None:
    """An empty journal, there whole or not at all: what a kill on the way leaves beside it is replaced next time."""
    new = path.with_name(f"{path.name}{UNFINISHED}")
    for left in path.parent.glob(f"{new.name}*"):
        left.unlink()
    with contextlib.closing(sqlite3.connect(new)) as database, database:
        database.executescript(_SCHEMA)
        database.execute("INSERT INTO meta VALUES ('format', ?)", (str(FORMAT),))
    new.replace(path)


def _is_unicode(text: str) -> bool:
    """Whether JSON can hold `text`: a program's output may contain lone surrogates, which it cannot."""
    return not any("\ud800" <= letter <= "\udfff" for letter in text)


def _packed(value: Any) -> bytes:
    """A trace as msgpack. What UTF-8 cannot hold, which only an inline program brings here, becomes question marks."""
    try:
        return msgspec.msgpack.encode(value)
    except UnicodeEncodeError:
        return msgspec.msgpack.encode(_sayable(value))


def _sayable(value: Any) -> Any:
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {_sayable(key): _sayable(item) for key, item in cast("dict[Any, Any]", value).items()}
    if isinstance(value, list | tuple):
        return [_sayable(item) for item in cast("list[Any]", value)]
    return value


def _key(key: CacheKey) -> str:
    return f"{key.model}\n{key.request}\n{key.context}"


def _chain(tail: bytes, step: int, number: int, body: object) -> bytes:
    text = body if isinstance(body, str) else repr(body)
    return hashlib.blake2b(tail + f"{step}/{number}/{text}".encode("utf-8", "replace"), digest_size=12).digest()


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()
