"""A model server in a process of its own that answers after a fixed latency; the same for loopwright and its rivals.

    with serve(latency=0.05) as model: ...   # "http://127.0.0.1:PORT/v1#bench"

To an optimizer's prompt (it names a parameter) it answers with a valid edit, each time another one; to a program, with
one short word.
"""

from __future__ import annotations

import contextlib
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

from loopwright.testing.model_server import Behaviour, ModelServer, Received, reply


@contextlib.contextmanager
def serve(latency: float) -> Iterator[str]:
    """The model's name, as loopwright's settings take it; what is before the # is a base URL for anybody else."""
    process = subprocess.Popen([sys.executable, str(Path(__file__)), str(latency)], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield process.stdout.readline().strip()
    finally:
        process.kill()
        process.communicate()


def _answers(latency: float) -> Behaviour:
    def text(received: Received) -> str:
        asked = received.messages[-1]["content"] if received.messages else ""
        if "### parameter: PROMPT" not in asked:
            return "fine"
        return f"Another try.\n\n### parameter: PROMPT\n```\nAnswer. Try {received.number}.\n```\n"

    return reply(text, latency=latency)


if __name__ == "__main__":
    with ModelServer(_answers(float(sys.argv[1])), name="bench", record=False) as server:
        print(server.model, flush=True)
        threading.Event().wait()
