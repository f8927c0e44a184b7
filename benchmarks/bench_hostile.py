"""Whether hostile candidates are contained here: every attack of `loopwright.testing.attacks` in one real run."""

from __future__ import annotations

import functools
from pathlib import Path

from measure import Row, alone, write_between

from loopwright.execution.protections import protections
from loopwright.testing import hostile


@functools.cache
def results() -> list[hostile.Row]:
    """One run with an attack in every update. Returns only where that run ended normally."""
    return hostile.run_attacks()


def rows(quick: bool) -> list[Row]:
    found = results()
    held = [row for row in found if row.contained]
    missed = ", ".join(row.attack.name for row in found if not row.contained)
    return [
        Row(
            "hostile candidates contained, each followed by a good trial on its slot, in one run",
            f"{len(held)} of {len(found)}{f' (not: {missed})' if missed else ''}; the run ended normally",
            "all",
            not missed,
        )
    ]


def write(page: Path, head: str) -> None:
    """Write the table of all attacks between the markers of its page."""
    lines = ["| attack | what it does | what contains it | label | contained | next trial |", "| --- " * 6 + "|"]
    for row in results():
        attack = row.attack
        cells = [
            attack.name,
            attack.tries,
            attack.by,
            row.label or "none",
            "yes" if row.contained else "NO",
            "good" if row.after == 1.0 else "BAD",
        ]
        lines.append(f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |")
    missing = [each.name for each in protections() if not each.holds]
    held = f"Without: {', '.join(missing)}." if missing else "Every protection of `loopwright preflight` holds."
    write_between(page, "hostile", f"Run on {head}; it ended normally. {held}\n\n" + "\n".join(lines))


if __name__ == "__main__":
    alone(rows, __doc__)
