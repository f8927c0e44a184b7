"""The process in which llama.cpp runs: loads one GGUF file and answers over a socket until its standard input ends.

`python -m loopwright.llm.local.serve` reads one line of JSON (a `Setup`) from standard input and answers with one line
(a `Ready`) on standard output. Then it serves the OpenAI protocol on a Unix socket in a folder that only this user may
enter, to whoever knows the key. Standard input closes when the process that started this one ends, however it ends:
so no server is left behind.
"""

from __future__ import annotations

import os
import shutil
import sys
import tempfile
from importlib import import_module
from pathlib import Path
from typing import Any

import msgspec


class Setup(msgspec.Struct, frozen=True):
    """What to load and how. `context` is tokens for each request, prompt and reply together."""

    path: str
    key: str
    threads: int
    context: int
    parallel: int


class Ready(msgspec.Struct, frozen=True):
    """Where the server listens; or what is wrong, in one sentence."""

    socket: str = ""
    error: str = ""


def main() -> int:
    setup = msgspec.json.decode(sys.stdin.buffer.readline(), type=Setup)
    # llama.cpp prints to standard output, too: keep a way to answer, and let everything else go to the log.
    answers = os.fdopen(os.dup(1), "wb", buffering=0)
    os.dup2(2, 1)
    # The path of a Unix socket may have about a hundred characters.
    place = tempfile.mkdtemp(prefix="loopwright-model-", dir="/tmp" if len(tempfile.gettempdir()) > 60 else None)
    address = str(Path(place) / "model.sock")
    try:
        server = _serve(setup, address)
    except Exception as error:  # noqa: BLE001 - whatever the binding raises is told to the process that waits
        shutil.rmtree(place, ignore_errors=True)
        answers.write(msgspec.json.encode(Ready(error=f"{type(error).__name__}: {error}")) + b"\n")
        return 1
    answers.write(msgspec.json.encode(Ready(address)) + b"\n")
    _wait(server)
    shutil.rmtree(place, ignore_errors=True)
    # Not through the interpreter's end: threads of the server may be at work, and nobody waits for them any more.
    os._exit(0)


def _wait(server: Any) -> None:
    """Until standard input ends; the server serves as long as somebody holds it."""
    while server is not None and sys.stdin.buffer.read(1):
        pass


def _serve(setup: Setup, address: str) -> Any:
    """A running server. Greedy and seeded replies must repeat, whatever was asked before: hence three settings.

    Flash attention on a CPU gives other digits to a prompt that is read in one piece than to one of which the beginning
    is remembered, and so do weights that are re-packed for matrix products. Without both, they agree.
    """
    llama: Any = import_module("xllamacpp")
    params = llama.CommonParams()
    params.model.path = setup.path
    params.hostnames = [address]
    params.api_keys = [setup.key]
    # One slot more than requests: the beginnings of the optimizer's and the agent's prompts are both remembered.
    slots = setup.parallel + 1
    params.n_ctx = setup.context * slots
    params.n_parallel = slots
    params.cpuparams.n_threads = params.cpuparams_batch.n_threads = setup.threads
    params.n_threads_http = max(4, setup.parallel + 2)
    params.flash_attn_type = llama.llama_flash_attn_type.LLAMA_FLASH_ATTN_TYPE_DISABLED
    params.no_extra_bufts = True
    params.cache_ram_mib = 0  # prompts are remembered in the slot alone, not in gigabytes beside it
    params.fit_params = False
    params.n_gpu_layers = 0
    params.warmup = False
    params.verbosity = 1
    return llama.Server(params)


if __name__ == "__main__":
    raise SystemExit(main())
