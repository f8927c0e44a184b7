"""Examples from a list or a file, split by a seed: `@lw.task(**lw.examples("rows.jsonl", split=(15, 10,
None)))`.

A file is JSONL, JSON (a list of objects), CSV (the first line names the fields) or Parquet (extra `parquet`).
The same seed gives the same split on every machine. Not here: data sets that must be fetched.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from importlib import import_module
from pathlib import Path
from typing import Any, TypedDict, cast

from loopwright import seeding
from loopwright.errors import TaskError


class Splits(TypedDict):
    """The three splits, as `task` takes them."""

    train: list[Any]
    validation: list[Any]
    test: list[Any]


Share = int | float | None


def examples(
    source: str | Path | Sequence[Any],
    split: tuple[Share, Share, Share] = (0.6, 0.2, 0.2),
    *,
    seed: int = 0,
    shuffle: bool = True,
    stratify: str | Callable[[Any], object] | None = None,
) -> Splits:
    """Three disjoint splits of the examples in `source`, a list or a file's path.

    `split` says how many go to train, validation and test: shares (floats, at most 1 in sum), counts (ints),
    and at most one None for all that are left. Without `shuffle` they are taken in order. `stratify` (a
    field's name, or a function of an example) keeps each kind's share equal in the three splits, as far as
    whole examples allow. Raises `TaskError`.
    """
    if isinstance(source, str | Path):
        rows, name = read(Path(source)), str(source)
    else:
        rows, name = list(source), "the list of examples"
    if not rows:
        raise TaskError(f"{name} holds no example")
    sizes = _sizes(split, len(rows), name)
    order = list(range(len(rows)))
    if shuffle:
        _shuffle(order, seed)
    if stratify is not None:
        order = _interleaved(order, [_kind(row, stratify, name) for row in rows])
    a, b, c = sizes
    picked = [rows[i] for i in order]
    return {"train": picked[:a], "validation": picked[a : a + b], "test": picked[a + b : a + b + c]}


def read(path: Path) -> list[Any]:
    """All examples of a file, in order. Raises `TaskError` naming the line where one cannot be read."""
    readers = {".jsonl": _jsonl, ".ndjson": _jsonl, ".json": _json, ".csv": _csv, ".parquet": _parquet}
    reader = readers.get(path.suffix.lower())
    if reader is None:
        raise TaskError(f"{path}: examples are read from .jsonl, .json, .csv or .parquet, not '{path.suffix}'")
    try:
        return reader(path)
    except FileNotFoundError:
        raise TaskError(f"the file of examples {path} does not exist") from None
    except IsADirectoryError:
        raise TaskError(f"{path} is a folder, not a file of examples") from None
    except UnicodeDecodeError as error:
        raise TaskError(f"{path} is not UTF-8 text (byte {error.start}); save it as UTF-8") from None
    except OSError as error:
        raise TaskError(f"{path} cannot be read: {error.strerror or error}") from error


def _jsonl(path: Path) -> list[Any]:
    rows: list[Any] = []
    for number, line in enumerate(path.read_text(encoding="utf-8-sig").split("\n"), 1):
        if line.strip():
            try:
                rows.append(json.loads(line))
            except ValueError as error:
                raise TaskError(f"{path}, line {number} is not JSON: {error}") from None
    return rows


def _json(path: Path) -> list[Any]:
    try:
        value = json.loads(path.read_text(encoding="utf-8-sig"))
    except json.JSONDecodeError as error:
        raise TaskError(f"{path}, line {error.lineno} is not JSON: {error.msg}") from None
    if not isinstance(value, list):
        raise TaskError(f"{path} must hold a list of examples, not {type(value).__name__}")
    return cast("list[Any]", value)


def _csv(path: Path) -> list[Any]:
    rows: list[Any] = []
    with path.open(encoding="utf-8-sig", newline="") as file:
        reader = csv.reader(file, strict=True)
        try:
            names: list[str] = next(reader, None) or []
            if len(set(names)) != len(names):
                raise TaskError(f"{path}: two columns of the first line have the same name")
            for row in reader:
                if not row:
                    continue
                if len(row) != len(names):
                    raise TaskError(
                        f"{path}, line {reader.line_num} has {len(row)} fields, the first line names {len(names)}"
                    )
                rows.append(dict(zip(names, row, strict=True)))
        except csv.Error as error:
            raise TaskError(f"{path}, line {reader.line_num} is not CSV: {error}") from None
    return rows


def _parquet(path: Path) -> list[Any]:
    try:
        parquet: Any = import_module("pyarrow.parquet")
    except ImportError:
        raise TaskError("Parquet files need the package pyarrow: pip install 'loopwright[parquet]'") from None
    try:
        table = parquet.read_table(path)
    except FileNotFoundError:
        raise
    except Exception as error:  # pyarrow's own errors: told as a TaskError
        raise TaskError(f"{path} is not a Parquet file: {str(error).splitlines()[0]}") from error
    return cast("list[Any]", table.to_pylist())


def _sizes(split: tuple[Share, Share, Share], total: int, name: str) -> tuple[int, int, int]:
    if len(split) != 3:
        raise TaskError(f"split={split!r} must have three parts: train, validation, test")
    if sum(part is None for part in split) > 1:
        raise TaskError(f"split={split!r}: only one part can be None, for all that are left")
    for part in split:
        if isinstance(part, bool) or (part is not None and (part < 0 or (isinstance(part, float) and part > 1))):
            raise TaskError(f"split={split!r}: a part is a share from 0.0 to 1.0, a count, or None")
    shares = sum(part for part in split if isinstance(part, float))
    if shares > 1 + 1e-9:
        raise TaskError(f"split={split!r}: the shares are more than 1 in sum")
    counts = [int(part) if isinstance(part, int) else 0 for part in split]
    if all(isinstance(part, float) for part in split) and abs(shares - 1) < 1e-9:
        # Whole examples from cumulated shares, so that none is lost by rounding.
        edges = [round(total * sum(cast("tuple[float, ...]", split)[:k])) for k in range(4)]
        counts = [edges[k + 1] - edges[k] for k in range(3)]
    else:
        counts = [round(part * total) if isinstance(part, float) else n for part, n in zip(split, counts, strict=True)]
    left = total - sum(counts)
    if left < 0:
        raise TaskError(f"split={split!r} asks for {sum(counts)} examples; {name} holds {total}")
    counts = [left if part is None else n for part, n in zip(split, counts, strict=True)]
    return counts[0], counts[1], counts[2]


def _shuffle(order: list[int], seed: int) -> None:
    """Fisher-Yates on our own draws: `random.shuffle` is free to change with the Python version."""
    rng = seeding.generator(seed, "split")
    for i in range(len(order) - 1, 0, -1):
        j = int(rng.random() * (i + 1))
        order[i], order[j] = order[j], order[i]


def _kind(row: Any, stratify: str | Callable[[Any], object], name: str) -> str:
    try:
        return str(row[stratify] if isinstance(stratify, str) else stratify(row))
    except Exception as error:  # the user's field or function: told as a TaskError
        raise TaskError(
            f"stratify={stratify!r} failed on an example of {name}: {type(error).__name__}: {error}"
        ) from error


def _interleaved(order: list[int], kinds: list[str]) -> list[int]:
    """`order` spread so that every stretch holds the kinds in about their shares; within a kind the order
    stays.
    """
    members: dict[str, list[int]] = {}
    for i in order:
        members.setdefault(kinds[i], []).append(i)
    placed = [
        ((position + 0.5) / len(group), number, i)
        for number, group in enumerate(members.values())
        for position, i in enumerate(group)
    ]
    return [i for _, _, i in sorted(placed)]
