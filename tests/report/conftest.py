"""A real browser for the tests of reports: Debian's chromium, driven without a window and without network."""

from __future__ import annotations

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

_FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-first-run",
]


@pytest.fixture(scope="module")  # no longer: while playwright is open, no test may start an event loop of its own
def browser() -> Iterator[Any]:
    found = shutil.which("chromium") or shutil.which("google-chrome")
    if found is None:
        pytest.skip("needs chromium (apt-get install chromium)")
    api = pytest.importorskip("playwright.sync_api", reason="needs playwright (pip install 'loopwright[dev]')")
    with api.sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=found, args=_FLAGS)
        yield chromium
        chromium.close()


@pytest.fixture
def opened(browser: Any, tmp_path: Path) -> Callable[..., Any]:
    """Open a page's text in a new window without network; whatever the console or a request says fails the test."""

    @contextmanager
    def open_page(text: str, *, width: int = 1280, scheme: str = "light", at: str = "") -> Iterator[Any]:
        path = tmp_path / "report.html"
        path.write_text(text, encoding="utf-8")
        context = browser.new_context(
            viewport={"width": width, "height": 900}, color_scheme=scheme, offline=True, reduced_motion="reduce"
        )
        window = context.new_page()
        troubles: list[str] = []
        window.on("console", lambda message: troubles.append(f"{message.type}: {message.text}"))
        window.on("pageerror", lambda error: troubles.append(f"error: {error}"))
        window.on("request", lambda request: troubles.append(request.url) if not _own(request.url) else None)
        window.goto(f"{path.as_uri()}#{at}")
        yield window
        assert troubles == []
        assert window.evaluate("window.broken") is None
        context.close()

    return open_page


def _own(url: str) -> bool:
    return url.startswith(("file:", "data:", "blob:"))
