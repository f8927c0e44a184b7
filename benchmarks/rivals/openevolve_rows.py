"""openevolve: bookkeeping of its program database per iteration, and the size of its checkpoints.

One iteration is what its controller does in the main process: take a snapshot for the worker, sample, add the child;
and, to be durable after each as loopwright is, save. Runs in an environment with openevolve alone:
python openevolve_rows.py UPDATES
"""

from __future__ import annotations

import logging
import random
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

from asker import row
from openevolve.config import DatabaseConfig
from openevolve.database import Program, ProgramDatabase

SIZE = 8192
CHANGED = 200
MARKS = (10, 100, 1_000)


def main() -> None:
    logging.disable(logging.CRITICAL)
    updates, rng = int(sys.argv[1]), random.Random(0)
    words = ["alpha", "beta", "return", "lambda", "x", "y", "value", "if", "else", "=", "+", "(", ")", "\n"]
    code = " ".join(rng.choice(words) for _ in range(SIZE))[:SIZE]
    database = ProgramDatabase(DatabaseConfig(in_memory=True, random_seed=0))
    database.add(Program(id="0", code=code, metrics={"combined_score": 0.5}), iteration=0)
    worked: list[float] = []
    saves: dict[int, tuple[float, int]] = {}
    for number in range(1, updates + 1):
        began = time.process_time()
        parent, _ = database.sample()
        at = rng.randrange(SIZE - CHANGED)
        fresh = "".join(rng.choice("abcdefghijklmnopqrstuvwxyz     \n") for _ in range(CHANGED))
        child = parent.code[:at] + fresh + parent.code[at + CHANGED :]
        metrics = {"combined_score": rng.random()}
        database.add(Program(id=str(number), code=child, parent_id=parent.id, metrics=metrics), iteration=number)
        worked.append((time.process_time() - began) * 1e3)
        if number in MARKS:
            with tempfile.TemporaryDirectory() as folder:
                began = time.process_time()
                database.save(folder, number)
                spent = (time.process_time() - began) * 1e3
                disk = sum(path.stat().st_size for path in Path(folder).rglob("*") if path.is_file())
            saves[number] = (spent, disk)
    for mark, (spent, disk) in saves.items():
        own = median(worked[max(mark // 2, mark - 100) : mark])
        row(
            f"database at iteration {mark:,}, candidates of 8 KB",
            f"sample and add {own:.1f} ms CPU; one checkpoint {spent:.0f} ms CPU, {disk / 1e6:.1f} MB",
        )


if __name__ == "__main__":
    main()
