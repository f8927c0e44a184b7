"""Which examples are for learning, for choosing and for the test. Pure functions of the examples and a seed.

The paper (arXiv 2603.23994, appendix C) takes the first 15 for training, the next 10 for validation and the rest for
the test, in the order of the data set. Some tasks are ordered by their answers: the first 15 of boardgame_qa are all of
one class, so that a constant answer looks perfect while learning. The other two splits mend that.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from loopwright.tasks.examples import Splits, examples

Split = Literal["paper", "shuffled", "stratified"]
SPLITS = ("paper", "shuffled", "stratified")
TRAIN, VALIDATION = 15, 10


def split_rows(
    rows: Sequence[dict[str, str]],
    how: Split = "paper",
    *,
    seed: int = 0,
    train: int = TRAIN,
    validation: int = VALIDATION,
    test: int | None = None,
) -> Splits:
    """The examples in three splits without overlap.

    "paper" is in the order of the data set; "shuffled" draws by `seed`; "stratified" draws by `seed` and gives each
    split the answers in about the shares that all the data have (where nearly every answer is its own, that is
    "shuffled"). `test` is how many of the rest are tested, all of them by default. Raises `TaskError` where there are
    fewer examples.
    """
    return examples(
        rows,
        (train, validation, test),
        seed=seed,
        shuffle=how != "paper",
        stratify="target" if how == "stratified" else None,
    )
