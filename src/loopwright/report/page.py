"""One HTML file from plain data: the template, the styles and scripts of `assets`, and the data, nothing from outside.

A page carries a content policy that lets it run its own script only and fetch nothing, whatever a text in it says.
Data stand in the page as JSON and base64, never as markup, and the script makes text nodes of them.
"""

from __future__ import annotations

import base64
import hashlib
from functools import cache
from importlib.resources import files
from typing import Any

import jinja2
import msgspec

from loopwright.report.run_data import sound
from loopwright.report.texts import TextPool

_COMMON = ("dom", "data", "numbers", "tip", "axes", "plot", "diff", "table")
_SCRIPTS = {
    "run": (*_COMMON, "overview", "updates", "candidates", "heat", "spend", "settings", "main"),
    "study": (*_COMMON, "study", "settings", "main"),
}


def render(kind: str, head: dict[str, Any], data: dict[str, Any], pool: TextPool) -> str:
    """The page. `head` is what stands in it as plain HTML already: title, state, verdict, facts, settings."""
    pool.close()
    script = _script(kind)
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    page = _template().render(
        kind=kind,
        head=head,
        style=_asset("style.css"),
        script=script,
        policy=f"default-src 'none'; script-src 'sha256-{digest}'; style-src 'unsafe-inline'; img-src data:",
        data=embedded({**data, "places": [list(place) for place in pool.places]}),
        chunks=pool.chunks,
    )
    return page.encode("utf-8", "replace").decode()  # a task's own words may hold lone surrogates, a file may not


def embedded(value: object) -> str:
    """JSON that may stand inside a `<script>` element: no letter in it can end the element or begin another."""
    text = msgspec.json.encode(sound(value)).decode()
    for letter in "<>&\u2028\u2029":
        text = text.replace(letter, f"\\u{ord(letter):04x}")
    return text


def _script(kind: str) -> str:
    parts = "\n".join(_asset(f"{name}.js") for name in _SCRIPTS[kind])
    return f'"use strict";\n(() => {{\n{parts}\n}})();\n'


@cache
def _template() -> jinja2.Template:
    env = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    return env.from_string(_asset("page.html"))


def _asset(name: str) -> str:
    return files("loopwright.report").joinpath("assets", name).read_text("utf-8")
