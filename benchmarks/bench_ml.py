"""What isolation, tables on the wire and recording cost for a real pipeline: house prices, five functions, some models.

CPU seconds of the same code on the same rows, in turn: bare in a fresh process with one thread, and as a trial in the
sandbox (evaluator and candidate together). Reading the files, and the imports at the top of the pipeline, are left out
of both; what its libraries do at their first use is in both. Needs the extra `ml` and the data set `house-prices`.
"""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from statistics import median

from measure import Row, alone

from loopwright import data
from loopwright.execution.process import ProcessExecutor
from loopwright.execution.protocol import Limits, Source
from loopwright.tasks.mlbench import editable
from loopwright.trial import TrialSpec

WHAT = "evaluation of a many-function house-price pipeline, CPU against the same code run bare"
GOAL = "<= 1.15 x"
PIPELINE = Path(__file__).parents[1] / "case_studies" / "mlbench" / "reference" / "house-prices.py"

# Runs the pipeline in a fresh process as often as a line comes in, and answers each with its CPU seconds.
BARE = """
import os, sys, time
from loopwright.tasks.mlbench import HOUSES
from loopwright.tasks.mlbench.tables import parts, read
tables = read(HOUSES)
_, [validation], _ = parts(tables, "mlagentbench", folds=5, seed=0)
module = {}
exec(compile(open(sys.argv[1]).read(), "pipeline.py", "exec"), module)
for line in sys.stdin:
    x, y, new = tables.given(validation)
    if not (child := os.fork()):
        began = time.process_time()
        module["fit_predict"](x, y, new)
        print(time.process_time() - began, flush=True)
        os._exit(0)
    os.waitpid(child, 0)
"""


async def measured(repeats: int) -> tuple[list[float], list[float]]:
    """CPU seconds bare, and CPU seconds of recorded trials, in turn after one of each that does not count."""
    threads = dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "LOKY_MAX_CPU_COUNT"), "1")
    bare = subprocess.Popen(
        [sys.executable, "-c", BARE, str(PIPELINE)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ, **threads},
    )
    assert bare.stdin is not None
    assert bare.stdout is not None
    text = PIPELINE.read_bytes()
    traced = [("pipeline.py", name) for name in editable("house-prices", "many")]
    executor = ProcessExecutor("loopwright.tasks.mlbench:HousePrices", Path(), limits=Limits(seconds=120, memory=4096))
    plain: list[float] = []
    isolated: list[float] = []
    try:
        await executor.start()
        for number in range(repeats + 1):
            bare.stdin.write("go\n")
            bare.stdin.flush()
            plain.append(float(bare.stdout.readline()))
            source = Source(str(number), {"pipeline.py": text}, "pipeline.py", traced)
            trial = await executor.run(source, TrialSpec(str(number), "validation", 0, 0, record=True))
            assert trial.feedback.error is None, trial.feedback.text
            isolated.append(trial.cpu)
    finally:
        await executor.close()
        bare.stdin.close()
        bare.wait()
    return plain[1:], isolated[1:]


def rows(quick: bool) -> list[Row]:
    if any(file.state != "good" for file in data.states("house-prices")):
        return [Row(WHAT, "not measured: the data set house-prices is not here", GOAL)]
    plain, isolated = asyncio.run(measured(3 if quick else 9))
    ratio = median(one / other for one, other in zip(isolated, plain, strict=True))
    told = f"{ratio:.2f} x ({median(isolated):.2f} s, bare {median(plain):.2f} s), every call recorded"
    return [Row(WHAT, told, GOAL, ratio <= 1.15)]


if __name__ == "__main__":
    alone(rows, __doc__)
