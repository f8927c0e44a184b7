"""A competition's tables, and their parts: which rows a pipeline is fitted on and which it predicts in each trial.

The rows for the test are set apart first and never looked at before the end. What is left is split by a seed, whole
groups at a time, into validation rows and rows to learn from; the latter into folds, each of which is one training
example.

    mlagentbench   test: the last 20 % of the train file    left: the first 80 %
    kaggle         test: the competition's test file        left: the whole train file
"""

from __future__ import annotations

import io
from collections.abc import Sequence
from importlib import import_module
from typing import Any

import msgspec

from loopwright import data, seeding
from loopwright.errors import TaskError
from loopwright.tasks.mlbench.competition import Competition, Protocol

# A pandas table or series, and an array of row numbers; neither library has types of its own that are light to import.
Table = Any
Rows = Any
SHARE = 0.8  # of the rows: to learn from, against validation or test


class Part(msgspec.Struct, frozen=True):
    """One example: fit on the rows `fit` of the train file, predict its rows `new` (None: the test file's rows)."""

    name: str
    fit: Rows
    new: Rows | None


class Tables(msgspec.Struct, frozen=True):
    """A competition's files as tables. `answers` are those of the test file's rows, None where nobody has them."""

    competition: Competition
    train: Table
    test: Table
    answers: Table | None = None

    def given(self, part: Part) -> tuple[Table, Table, Table]:
        """What the candidate is given: x and y to fit on, and the rows to predict, which have no answers."""
        known = self.train.iloc[part.fit].reset_index(drop=True)
        new = self.test if part.new is None else self.train.iloc[part.new]
        features = [name for name in self.train.columns if name != self.competition.target]
        return known[features], known[self.competition.target], new[features].reset_index(drop=True)

    def truth(self, part: Part) -> Any | None:
        """The answers of the rows to predict as an array; None where nobody has them."""
        if part.new is not None:
            return self.train[self.competition.target].to_numpy()[part.new]
        return None if self.answers is None else self.answers.to_numpy()

    def ids(self, part: Part) -> Table:
        """The names of the rows to predict."""
        return (self.test if part.new is None else self.train.iloc[part.new])[self.competition.id]


def read(competition: Competition) -> Tables:
    """The tables of a competition, every file checked. Raises `DataError`."""
    pandas: Any = import_module("pandas")

    def table(file: str) -> Table:
        return pandas.read_csv(io.BytesIO(data.read(competition.data, file)))

    train, test = table("train.csv"), table("test.csv")
    answers = None
    if competition.answers:
        known = table(competition.answers).set_index(competition.id)[competition.target]
        answers = known.loc[test[competition.id]].reset_index(drop=True)
    return Tables(competition, train, test, answers)


def parts(tables: Tables, protocol: Protocol, *, folds: int, seed: int) -> tuple[list[Part], list[Part], list[Part]]:
    """The training, validation and test examples under a protocol. No row is in two of them but to fit on.

    Training: one a fold, fitted on the other folds. Validation: fitted on all folds. Test: fitted on everything that
    is not test.
    """
    numpy: Any = import_module("numpy")
    total = len(tables.train)
    left = int(total * SHARE) if protocol == "mlagentbench" else total
    order = _shuffled(_groups(tables, left), seed)
    learn, validation = _cut(numpy, order, SHARE)
    pieces = _pieces(numpy, learn, folds)
    if any(len(piece) == 0 for piece in pieces):
        raise TaskError(f"folds = {folds}: there are not enough rows for so many")
    every = numpy.sort(numpy.concatenate(pieces))
    train = [
        Part(
            f"fold {number} of {folds}",
            numpy.sort(numpy.concatenate([other for other in pieces if other is not piece])),
            numpy.sort(piece),
        )
        for number, piece in enumerate(pieces, start=1)
    ]
    rest = numpy.arange(left, total) if protocol == "mlagentbench" else None
    held = Part("validation", every, numpy.sort(numpy.concatenate(validation)))
    return train, [held], [Part("test", numpy.arange(left), rest)]


def _groups(tables: Tables, rows: int) -> list[list[int]]:
    """Row numbers that stay together, in the order of the file."""
    size = tables.competition.group
    if not size:
        return [[row] for row in range(rows)]
    found: dict[str, list[int]] = {}
    for row, name in enumerate(tables.train[tables.competition.id].iloc[:rows]):
        found.setdefault(str(name)[:size], []).append(row)
    return list(found.values())


def _shuffled(groups: list[list[int]], seed: int) -> list[list[int]]:
    rng = seeding.generator(seed, "mlbench", "split")
    keyed = sorted((rng.random(), place) for place in range(len(groups)))
    return [groups[place] for _, place in keyed]


def _cut(numpy: Any, groups: Sequence[list[int]], share: float) -> tuple[list[list[int]], list[Rows]]:
    """The groups of the first `share` of all rows, and the rows of the others as arrays."""
    wanted = share * sum(map(len, groups))
    count = rows = 0
    while rows < wanted:
        rows += len(groups[count])
        count += 1
    return list(groups[:count]), [numpy.array(group) for group in groups[count:]]


def _pieces(numpy: Any, groups: Sequence[list[int]], folds: int) -> list[Rows]:
    """The groups dealt out to so many folds of about equal size."""
    return [
        numpy.array([row for group in groups[number::folds] for row in group], dtype=int) for number in range(folds)
    ]
