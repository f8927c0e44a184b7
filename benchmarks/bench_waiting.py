"""Memory of one process in which 1,000 model calls wait for their answer at the same time."""

from __future__ import annotations

import subprocess
import sys
import textwrap

from latency_server import serve
from measure import Row, alone

# In a process of its own, so that its peak is of nothing else. Prints MB before the calls, at the peak, and calls seen.
PROGRAM = textwrap.dedent("""
    import asyncio, re, sys
    from loopwright.llm.gateway import Gateway
    from loopwright.llm.protocol import Ask, conversation
    from loopwright.llm.traffic import Pace, Traffic

    count, model = int(sys.argv[1]), sys.argv[2]

    def peak():
        # What getrusage() tells is not less than what the process that started this one had.
        return int(re.search(r"VmHWM:\\s+(\\d+) kB", open("/proc/self/status").read())[1]) / 1024

    async def main():
        gateway = Gateway(traffic=Traffic(default=Pace(concurrency=count)))
        await gateway.ask(Ask(model, conversation("first"), max_tokens=10))
        before = peak()
        asks = [Ask(model, conversation(f"{i} " + "x" * 1000), max_tokens=10) for i in range(count)]
        replies = await asyncio.gather(*(gateway.ask(ask) for ask in asks))
        print(before, peak(), len(replies))
        await gateway.close()

    asyncio.run(main())
""")


def rows(quick: bool) -> list[Row]:
    # The latency is longer than sending all of them takes: at its end all wait.
    with serve(latency=5.0) as model:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, "1000", model], capture_output=True, text=True, timeout=300, check=True
        )
    before, most, count = (float(word) for word in done.stdout.split())
    assert count == 1000
    measured = f"{most:.0f} MB at the peak, {(most - before) * 1024 / 1000:.0f} KB a waiting call"
    return [Row("1,000 model calls of 1 KB waiting in one process", measured, "< 200 MB", most < 200)]


if __name__ == "__main__":
    alone(rows, __doc__)
