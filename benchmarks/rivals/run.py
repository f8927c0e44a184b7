"""Measure rivals and loopwright in the same run, on the same machine, against the same model server.

    python benchmarks/rivals/run.py [--quick] [--markdown docs/reference/benchmarks.md] [--keep FOLDER]

Each rival is installed, in the version named here, into a virtual environment of its own under a temporary folder,
which is removed afterwards (or kept and used again with --keep). What cannot be installed or run here is said in its
row. The installs take some minutes and about 2.5 GB; --quick leaves out the two that are only imported.

OpenTrace's trainer is in no release: install OpenTrace from its repository into an environment of your own (Graphviz'
dot must be there, too), and name that environment's Python with --opentrace.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from statistics import median
from typing import NamedTuple

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE.parent))

import bench_bookkeeping  # noqa: E402 - beside the folder of this script
import bench_slots  # noqa: E402
import bench_trace  # noqa: E402
from bench_import import import_cpu  # noqa: E402
from latency_server import serve  # noqa: E402
from measure import machine, write_between  # noqa: E402


class Rival(NamedTuple):
    """What is installed, what is imported, and the script with its arguments ("MODEL": the server's address)."""

    name: str
    version: str
    statement: str
    script: tuple[str, ...] = ()
    cheap: bool = True


RIVALS = (
    Rival("gepa", "0.1.4", "import gepa", ("gepa_rows.py", "MODEL", "UPDATES", "REPEATS")),
    Rival("trace-opt", "0.1.3.8", "import opto.trace, opto.optimizers", ("opto_rows.py", "5")),
    Rival("openevolve", "0.4.0", "import openevolve", ("openevolve_rows.py", "UPDATES")),
    Rival("dspy", "3.4.1", "import dspy", cheap=False),
    Rival("textgrad", "0.1.8", "import textgrad", cheap=False),
)
OPENTRACE = Rival(
    "OpenTrace", "(its repository)", "import opto.trace, opto.optimizers", ("opentrace_rows.py", "MODEL", "REPEATS")
)
IMPORT = "import, fresh interpreter"
Line = tuple[str, str, str]  # who, what, measured


def install(rival: Rival, folder: Path) -> str:
    """The rival's Python. Raises `OSError` where it cannot be installed; the message is pip's last line."""
    place = folder / f"{rival.name}-{rival.version}"
    python = place / "bin" / "python"
    done = place / ".installed"
    if not done.exists():
        commands = (
            [sys.executable, "-m", "venv", str(place)],
            [
                str(python),
                "-m",
                "pip",
                "install",
                "--quiet",
                "--disable-pip-version-check",
                f"{rival.name}=={rival.version}",
            ],
        )
        for command in commands:
            ended = subprocess.run(command, capture_output=True, text=True, check=False)
            if ended.returncode:
                raise OSError((ended.stderr.strip().splitlines() or ["no reason was given"])[-1])
        done.touch()
    return str(python)


def measure(rival: Rival, python: str, model: str, *, quick: bool) -> Iterator[Line]:
    """The import, then the rows that the rival's script prints."""
    # Without this, some of them look for a newer price list on the network and wait for it.
    os.environ["LITELLM_LOCAL_MODEL_COST_MAP"] = "True"
    own, _ = import_cpu(python, rival.statement, 3 if quick else 9)
    yield f"{rival.name} {rival.version}", f"{IMPORT}: `{rival.statement}`", f"{own:.2f} s CPU above a bare interpreter"
    if not rival.script:
        return
    values = {"MODEL": model, "UPDATES": "100" if quick else "1000", "REPEATS": "1" if quick else "3"}
    script, *arguments = [values.get(word, word) for word in rival.script]
    with tempfile.TemporaryDirectory(prefix="rival-") as cwd:  # some leave logs where they are run
        command = [str(Path(python).absolute()), str(HERE / script), *arguments]
        ended = subprocess.run(command, cwd=cwd, capture_output=True, text=True, check=False)
    # Some print much of their own: rows are the lines that are rows.
    for line in ended.stdout.splitlines():
        if line.startswith('{"what"'):
            found = json.loads(line)
            yield f"{rival.name} {rival.version}", found["what"], found["measured"]
    if ended.returncode:
        why = (ended.stderr.strip().splitlines() or ["no reason was given"])[-1]
        yield f"{rival.name} {rival.version}", script, f"ended with exit code {ended.returncode}: {why[:200]}"


def ours(model: str, *, quick: bool) -> Iterator[Line]:
    """The same of loopwright, in the same minutes."""
    own, _ = import_cpu(sys.executable, "import loopwright", 3 if quick else 9)
    yield "loopwright", f"{IMPORT}: `import loopwright`", f"{own:.3f} s CPU above a bare interpreter"
    for batch, branches in ((3, 1), (16, 1), (16, 4)):
        got = [
            bench_slots.measure(bench_slots.settings(model, steps=12 * branches, batch=batch, branches=branches))
            for _ in range(1 if quick else 3)
        ]
        yield "loopwright", f"worker slots busy: {bench_slots.about(batch, branches)}", bench_slots.shown(got)
    kept = bench_bookkeeping.measure(100 if quick else 1_000)
    shown = ", ".join(f"{ms:.1f} ms at update {mark:,}" for mark, ms in kept.cpu.items())
    yield (
        "loopwright",
        "bookkeeping per update, durable, candidates of 8 KB",
        f"CPU: {shown}; {kept.disk / 1e6:.1f} MB on disk",
    )
    over, _, _ = bench_trace.traced(bench_trace.small, 1, 2, repeats=9)
    yield "loopwright", "one traced call over the plain call", f"{over:.1f} us CPU"
    times, text = bench_trace.rendered(9)
    yield (
        "loopwright",
        "graph of 1,000 calls: slice and render",
        f"{median(times):.0f} ms CPU, {len(text):,} characters",
    )
    fan = bench_trace.fan_in(1_000, 9)
    yield "loopwright", "graph of one call that uses 1,000 outputs: slice and render", f"{fan:.0f} ms CPU"


def table(lines: Sequence[Line]) -> str:
    """A Markdown table, which is as readable on a terminal."""
    cells = [("who", "what", "measured"), ("---", "---", "---"), *lines]
    return "\n".join(f"| {' | '.join(cell.replace('|', '/') for cell in line)} |" for line in cells)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer repeats and rivals")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write the table into this page too")
    parser.add_argument("--keep", type=Path, metavar="FOLDER", help="where the environments are made, to be used again")
    parser.add_argument("--opentrace", metavar="PYTHON", help="a Python that has OpenTrace with its trainer")
    options = parser.parse_args()
    head = machine()
    print(head, flush=True)
    lines: list[Line] = []
    with tempfile.TemporaryDirectory(prefix="rivals-") as temporary, serve(bench_slots.LATENCY) as model:
        for rival in RIVALS:
            if options.quick and not rival.cheap:
                continue
            print(f"{rival.name} {rival.version} ...", file=sys.stderr, flush=True)
            try:
                python = install(rival, options.keep or Path(temporary))
                lines += measure(rival, python, model, quick=options.quick)
            except OSError as error:
                lines.append((f"{rival.name} {rival.version}", "cannot be installed or run here", str(error)[:200]))
        if options.opentrace:
            print("OpenTrace ...", file=sys.stderr, flush=True)
            lines += measure(OPENTRACE, options.opentrace, model, quick=options.quick)
        print("loopwright ...", file=sys.stderr, flush=True)
        lines += ours(model, quick=options.quick)
    print(table(lines))
    if options.markdown is not None:
        write_between(options.markdown, "rivals", f"Measured on {head}.\n\n{table(lines)}")


if __name__ == "__main__":
    main()
