"""What needs no model and no learning scores on BIG-Bench Extra Hard: `python case_studies/bbeh/bbeh_baselines.py`.

Two predictors, exactly, on every task and split by the strict scorer: the starting program, which always says "(A)",
and the most common answer of the train split (of several, the first). Whoever learns must beat the second to have
learned more than how answers are distributed. Intervals are Wilson's, 95 %: of the share among all such questions.
The second table has the starting program on the splits that are drawn, by the seed that a task has unless it is told.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence

from loopwright.tasks.bbeh import EIGHT, TASKS, rows
from loopwright.tasks.bbeh.scorers import strict
from loopwright.tasks.bbeh.splits import SPLITS, Split, split_rows

Z = 1.959964


def wilson(right: int, count: int) -> tuple[float, float]:
    """The 95 % interval of a share by Wilson's score method."""
    share, spread = right / count, Z * Z / count
    middle = share + spread / 2
    half = Z * math.sqrt(share * (1 - share) / count + spread / (4 * count))
    # Rounding must not put an end beyond what a share can be.
    return max(0.0, (middle - half) / (1 + spread)), min(1.0, (middle + half) / (1 + spread))


def share(says: str, part: Sequence[dict[str, str]]) -> tuple[int, int]:
    """How many questions of a part a constant answer gets right, and of how many."""
    return sum(strict(says, row["target"]) for row in part), len(part)


def told(right: int, count: int) -> str:
    """A share with its interval: ".263 (.203-.333)"."""
    low, high = wilson(right, count)
    return f"{_short(right / count)} ({_short(low)}-{_short(high)})"


def _short(value: float) -> str:
    return f"{value:.3f}".removeprefix("0") if value < 1 else "1"


def row(name: str) -> str:
    """One task's line: the starting program on the paper's splits, and the majority on the test of each split."""
    data = rows(name)
    cells = starting_program(data, "paper")
    for how in SPLITS:
        split = split_rows(data, how)
        majority = Counter(each["target"] for each in split["train"]).most_common(1)[0][0]
        cells.append(told(*share(majority, split["test"])))
    return _line(name, cells)


def drawn_row(name: str) -> str:
    """One task's line: the starting program on the train, validation and test part of the two splits that are drawn."""
    data = rows(name)
    return _line(name, [cell for how in SPLITS if how != "paper" for cell in starting_program(data, how)])


def starting_program(data: Sequence[dict[str, str]], how: Split) -> list[str]:
    """What "(A)" scores in training, validation and test of a split, told."""
    parts = split_rows(data, how)
    return [told(*share("(A)", part)) for part in (parts["train"], parts["validation"], parts["test"])]


def _line(name: str, cells: Sequence[str]) -> str:
    return f"| {name}{' *' if name in EIGHT else ''} | {' | '.join(cells)} |"


def main() -> None:
    print("| task | (A): train | (A): validation | (A): test | majority: paper | shuffled | stratified |")
    print("| --- |" + " --- |" * 6)
    for name in TASKS:
        print(row(name))
    print("\n| task | shuffled: train | validation | test | stratified: train | validation | test |")
    print("| --- |" + " --- |" * 6)
    for name in TASKS:
        print(drawn_row(name))


if __name__ == "__main__":
    main()
