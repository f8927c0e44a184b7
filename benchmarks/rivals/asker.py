"""What the scripts for rivals share: a plain client of the benchmark's model server, and how a row is handed back.

Each script runs in the rival's own environment, with the rival's public interface and nothing of loopwright, and prints
rows as JSON lines: {"what": ..., "measured": ...}.
"""

from __future__ import annotations

import http.client
import json
import threading
import time
from typing import NamedTuple
from urllib.parse import urlsplit

LATENCY = 0.05
_here = threading.local()


class Busy(NamedTuple):
    """Shares of workers x wall time: inside an evaluation, waiting for its model call alone; evaluations a second."""

    work: float
    waiting: float
    rate: float


class Asker:
    """Asks the model server, with one kept connection a thread, and adds up how long its callers were held."""

    def __init__(self, model: str) -> None:
        url = urlsplit(model)
        assert url.hostname is not None
        self._address = (url.hostname, url.port)
        self._path = f"{url.path}/chat/completions"
        self._lock = threading.Lock()
        self.held: list[tuple[float, float]] = []

    def ask(self, prompt: str) -> str:
        connection = getattr(_here, "connection", None)
        if connection is None:
            connection = _here.connection = http.client.HTTPConnection(*self._address)
        body = json.dumps({"model": "bench", "messages": [{"role": "user", "content": prompt}], "max_tokens": 4096})
        connection.request("POST", self._path, body, {"Content-Type": "application/json"})
        return json.loads(connection.getresponse().read())["choices"][0]["message"]["content"]

    def work(self, prompt: str) -> str:
        """One evaluation: a model call that occupies a worker."""
        began = time.perf_counter()
        text = self.ask(prompt)
        with self._lock:
            self.held.append((began, time.perf_counter()))
        return text

    def busy(self, slots: int, began: float, ended: float) -> Busy:
        """How the workers' time between two moments was spent."""
        inside = [(one, two) for one, two in self.held if one >= began and two <= ended]
        room = slots * (ended - began)
        held = sum(two - one for one, two in inside)
        return Busy(held / room, len(inside) * LATENCY / room, len(inside) / (ended - began))


def said(busy: Busy) -> str:
    return (
        f"at work {busy.work:.0%}, waiting for the model {busy.waiting:.0%}; {busy.rate:.0f} evaluations/s "
        "(in threads of the process that holds the keys)"
    )


def row(what: str, measured: str) -> None:
    print(json.dumps({"what": what, "measured": measured}), flush=True)
