"""The report of a run is one file that holds everything, fetches nothing, and cannot be broken by a text in it."""

from __future__ import annotations

import base64
import json
import re
import zlib
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pytest
from runs import HOSTILE, written

from loopwright.record import RunRecord
from loopwright.report.page import embedded
from loopwright.report.run_page import run_page
from loopwright.report.texts import LEFT_OUT, TextPool, shortened


class Page(HTMLParser):
    """What a browser's parser makes of the page: its elements, and the contents of its scripts."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.scripts: list[str] = []
        self._in_script = False
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag == "script":
            self._in_script = True
            self.scripts.append("")

    def handle_endtag(self, tag: str) -> None:
        self._in_script = self._in_script and tag != "script"

    def handle_data(self, data: str) -> None:
        if self._in_script:
            self.scripts[-1] += data

    @property
    def data(self) -> dict[str, Any]:
        return json.loads(self.scripts[0])

    def text(self, number: int) -> str:
        """A long text, read as the page's own script reads it."""
        chunk, start, length = self.data["places"][number]
        packed = self.scripts[1 + chunk].strip()
        return zlib.decompress(base64.b64decode(packed))[start : start + length].decode()


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> RunRecord:
    return written(tmp_path_factory.mktemp("runs") / "nine", spice=HOSTILE)


@pytest.fixture(scope="module")
def page(run: RunRecord) -> Page:
    return Page(run_page(run))


def test_hostile_texts_add_no_element_and_no_script(page: Page, tmp_path: Path) -> None:
    plain = Page(run_page(written(tmp_path / "plain", spice="harmless")))
    tags = [tag for tag, _ in page.tags]
    assert tags == [tag for tag, _ in plain.tags]
    assert page.scripts[-1] == plain.scripts[-1]


def test_nothing_in_the_page_names_another_place(run: RunRecord, page: Page) -> None:
    for tag, attributes in page.tags:
        for name in ("src", "href", "action", "srcset", "data"):
            value = attributes.get(name)
            assert value is None or value.startswith(("#", "data:")), (tag, value)
    assert not re.search(r"@import|url\((?!#)", run_page(run).split("<style>")[1].split("</style>")[0])
    policy = next(attributes["content"] for tag, attributes in page.tags if "http-equiv" in attributes)
    assert policy is not None
    assert "default-src 'none'" in policy
    assert "unsafe-inline" not in policy.split("style-src")[0]


def test_the_evidence_the_reply_and_the_verdict_of_every_update_are_in_the_page(run: RunRecord, page: Page) -> None:
    updates = page.data["updates"]
    for place, update in enumerate(run.updates):
        assert update.showed is not None
        assert page.text(updates["evidence"][place]) == update.showed.text.encode("utf-8", "replace").decode()
        detail = json.loads(page.text(updates["detail"][place]))
        assert updates["verdict"][place] == update.verdict()
        said = page.text(detail["calls"][0]["replies"][0])
        assert said == update.answered[0].reply.text.encode("utf-8", "replace").decode()
        assert len(detail["trials"]) == len(update.trials)
        before, evidence, after = updates["prompts"][place][0]
        asked = page.text(before) + page.text(updates["evidence"][place]) + page.text(after)
        assert evidence == -2
        joined = "\n\n".join(message["content"] for message in update.answered[0].ask.messages)
        assert asked == joined.encode("utf-8", "replace").decode()


def test_every_candidate_has_its_texts_and_scores(run: RunRecord, page: Page) -> None:
    candidates = page.data["candidates"]
    assert candidates["id"] == list(run.population.candidates)
    for place, (id, candidate) in enumerate(run.population.candidates.items()):
        texts = [page.text(number) for number in candidates["texts"][place]]
        assert texts == [candidate.texts[each.name] for each in run.artifact.parameters]
        assert candidates["validation"][place] == run.population.mean(id)
        parent = run.population.nodes[id].parent
        assert candidates["id"][candidates["parent"][place]] == parent if parent else candidates["parent"][place] == -1


def test_the_heat_map_has_every_score_once(run: RunRecord, page: Page) -> None:
    scores = json.loads(page.text(page.data["scores"]["validation"]))
    found = {
        (page.data["candidates"]["id"][candidate], index): score
        for candidate, index, score in zip(scores["candidate"], scores["index"], scores["score"], strict=True)
    }
    known = {
        (id, i): s for id in run.population.candidates for i, s in enumerate(run.population.scores(id, "validation"))
    }
    assert found == known


def test_spending_by_purpose_adds_up_to_what_the_run_spent(run: RunRecord, page: Page) -> None:
    spend = page.data["updates"]["spend"]
    totals = {unit: sum(sum(column) for column in columns.values()) for unit, columns in spend.items()}
    assert totals["trials"] == run.meter.trials
    assert totals["tokens"] == run.meter.usage.tokens
    assert totals["usd"] == pytest.approx(run.meter.usage.usd)
    assert len(spend["trials"]["train"]) == len(run.updates) + 2


def test_where_there_is_no_room_evidence_goes_and_accepted_updates_keep_theirs(tmp_path: Path) -> None:
    run = written(tmp_path / "long", 12, rows=700)
    whole, page = run_page(run), run_page(run, room=60_000)
    small = Page(page)
    evidence = small.data["updates"]["evidence"]
    accepted = [place for place, update in enumerate(run.updates) if update.updated and update.updated.accepted]
    assert small.data["left_out"] >= evidence.count(LEFT_OUT) > 0
    assert all(evidence[place] != LEFT_OUT for place in accepted)
    assert len(page) < len(whole)
    assert "had no room" in page
    assert "had no room" not in whole


def test_a_run_without_an_update_has_a_report(tmp_path: Path) -> None:
    empty = Page(run_page(written(tmp_path / "none", updates=0)))
    assert empty.data["updates"]["step"] == []


@pytest.mark.parametrize("text", ["", "plain", HOSTILE, "é" * 70_000, "\r\n\t"])
def test_a_text_comes_out_of_the_pool_as_it_went_in(text: str) -> None:
    pool = TextPool(10**9)
    numbers = [pool.add(each) for each in ("first", text, "last" * 40_000, text)]
    pool.close()
    assert numbers[1] == numbers[3]
    chunk, start, length = pool.places[numbers[1]]
    raw = zlib.decompress(base64.b64decode(pool.chunks[chunk]))[start : start + length]
    assert raw == text.encode("utf-8", "replace")


def test_a_full_pool_takes_no_offer_but_every_addition() -> None:
    pool = TextPool(1000)
    assert pool.add("x" * 10_000) == 0
    assert pool.offer("another text" * 10) == LEFT_OUT
    assert pool.offer("x" * 10_000) == 0
    assert pool.left_out == 1


@pytest.mark.parametrize("write", [embedded])
def test_embedded_json_says_the_same_and_cannot_end_its_element(write: Callable[[object], str]) -> None:
    text = write({"a": [HOSTILE], HOSTILE: None})
    assert not re.search(r"[<>&\u2028\u2029]", text)
    sound = HOSTILE.encode("utf-8", "replace").decode()
    assert json.loads(text) == {"a": [sound], sound: None}


def test_a_shortened_text_says_how_much_is_gone() -> None:
    text = shortened("a" * 50 + "b" * 100 + "c" * 50, 100)
    assert text.startswith("a" * 50)
    assert text.endswith("c" * 50)
    assert "100 characters are left out" in text
    assert shortened("short", 100) == "short"
