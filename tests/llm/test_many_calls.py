"""A thousand waiting model calls cost one process little memory."""

from __future__ import annotations

import subprocess
import sys
import textwrap

import pytest

PROGRAM = """
    import asyncio, sys
    from loopwright.llm.gateway import Gateway
    from loopwright.llm.protocol import Ask, conversation
    from loopwright.llm.traffic import Pace, Traffic

    concurrency, model = int(sys.argv[1]), sys.argv[2]

    async def main():
        gateway = Gateway(traffic=Traffic(default=Pace(concurrency=concurrency)))
        asks = [Ask(model, conversation(f"{i} " + "x" * 1000), max_tokens=10) for i in range(1000)]
        got = await asyncio.gather(*(gateway.ask(ask) for ask in asks))
        assert len(got) == gateway.ledger.spent().calls == 1000
        await gateway.close()

    asyncio.run(main())
    # Not ru_maxrss: it keeps the size of the process that started this one.
    (peak,) = [line for line in open("/proc/self/status") if line.startswith("VmHWM")]
    print(int(peak.split()[1]) // 1024)
"""


@pytest.mark.slow
@pytest.mark.parametrize("concurrency", [32, 1000])
def test_a_thousand_calls_at_once_need_less_than_200_megabytes(concurrency: int) -> None:
    server = subprocess.Popen(
        [sys.executable, "-m", "loopwright.testing.model_server", "--latency", "0.5"],
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        assert server.stdout is not None
        model = server.stdout.readline().strip()
        assert model.startswith("http://127.0.0.1:")
        done = subprocess.run(
            [sys.executable, "-c", textwrap.dedent(PROGRAM), str(concurrency), model],
            capture_output=True,
            text=True,
            timeout=100,
            check=False,
        )
        assert done.returncode == 0, done.stderr
        assert int(done.stdout) < 200
    finally:
        server.kill()
        server.wait()
        server.stdout.close() if server.stdout else None
