"""The released Atari table, judged again: per game, with equal budgets and intervals, corrected for eight games.

python case_studies/released-atari/reanalyse.py             # Markdown, as in docs/case-studies/released-atari.md
python case_studies/released-atari/reanalyse.py --latex
"""

from __future__ import annotations

import csv
import sys
from pathlib import Path
from statistics import median

from loopwright.study.published import Difference, Published, judge
from loopwright.study.tables import Table, as_latex, as_markdown, signed

HERE = Path(__file__).parent
PAPER = {"Pong": "multi", "Breakout": "multi", "SpaceInvaders": "multi", "Asterix": "multi"}


def rows(name: str) -> list[dict[str, str]]:
    lines = [line for line in (HERE / name).read_text(encoding="utf-8").splitlines() if not line.startswith("#")]
    return list(csv.DictReader(lines))


def differences(where: str) -> list[tuple[int, Difference]]:
    """Per game the updates compared and multi minus one; a game without rows "equal" has equal ends."""
    found = {(row["game"], row["condition"], row["where"]): row for row in rows("released.csv")}
    games = list(dict.fromkeys(game for game, _, _ in found))
    pairs = []
    for game in games:
        chosen = where if (game, "one", where) in found else "end"
        one, multi = (found[game, condition, chosen] for condition in ("one", "multi"))
        made = (Published(int(row["trials"]), float(row["mean"]), float(row["se"])) for row in (one, multi))
        pairs.append((int(one["updates"]), (game, *made)))
    judged = judge([pair for _, pair in pairs])
    return [(updates, each) for (updates, _), each in zip(pairs, judged, strict=True)]


def table(where: str) -> Table:
    finals = {row.pop("game"): [float(value) for value in row.values()] for row in rows("finals.csv")}
    made = []
    for updates, found in differences(where):
        interval = f"{signed(found.interval.low)} to {signed(found.interval.high)}" if found.interval else "-"
        made.append(
            [
                found.name,
                str(updates),
                f"{found.first.mean:g} ± {found.first.se:g}",
                f"{found.second.mean:g} ± {found.second.se:g}",
                *([f"{median(finals[found.name]):g}" if found.name in finals else "-"] if where == "end" else []),
                signed(found.mean),
                interval,
                f"{found.p:.3f}" if found.p is not None else "-",
                f"{found.adjusted:.3f}" if found.adjusted is not None else "-",
                PAPER.get(found.name, "one"),
                {"higher": "multi", "lower": "one"}.get(found.verdict, found.verdict),
            ]
        )
    median_of_multi = ["multi-step median"] if where == "end" else []
    head = [
        "game",
        "updates",
        "one-step",
        "multi-step",
        *median_of_multi,
        "difference",
        "95 % interval",
        "p",
        "p (Holm)",
    ]
    title = {"end": "As released, at the end of each condition", "equal": "At equal numbers of updates"}[where]
    return Table(title, [*head, "paper says", "verdict"], made)


if __name__ == "__main__":
    write = as_latex if "--latex" in sys.argv else as_markdown
    print("\n".join(write(table(where)) for where in ("end", "equal")), end="")
