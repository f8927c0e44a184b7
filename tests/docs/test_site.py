"""The site is whole: every page that is named exists, every page is named, and links between pages lead somewhere."""

from __future__ import annotations

import re

import pytest
from pages import DOCS, ROOT, pages, read

_CODE = re.compile(r"^```.*?^```|`[^`\n]*`", re.MULTILINE | re.DOTALL)
_LINK = re.compile(r"(?<!!)\[[^\]]+\]\(([^)\s]+)\)")


def named() -> set[str]:
    return set(re.findall(r": ([\w/-]+\.md)$", (ROOT / "mkdocs.yml").read_text(encoding="utf-8"), flags=re.MULTILINE))


def slugs(page: str) -> set[str]:
    """The anchors of a page's headings."""
    heads = re.findall(r"^#+ (.+)$", re.sub(r"^```.*?^```", "", read(page), flags=re.M | re.S), flags=re.MULTILINE)
    return {re.sub(r"[\s]+", "-", re.sub(r"[^\w\s-]", "", head).strip().lower()) for head in heads}


def test_the_site_names_every_page_and_no_other() -> None:
    assert named() == set(pages())


@pytest.mark.parametrize("page", pages())
def test_links_lead_somewhere(page: str) -> None:
    for link in _LINK.findall(_CODE.sub("", read(page))):
        if re.match(r"[a-z]+:", link):
            continue
        path, _, anchor = link.partition("#")
        target = (DOCS / page).parent / path if path else DOCS / page
        assert target.is_file(), f"{page}: {link}"
        if anchor:
            assert anchor in slugs(target.resolve().relative_to(DOCS).as_posix()), f"{page}: {link}"


@pytest.mark.parametrize("page", pages())
def test_a_page_has_one_title_and_it_is_first(page: str) -> None:
    text = re.sub(r"^```.*?^```$", "", read(page), flags=re.MULTILINE | re.DOTALL)
    assert re.findall(r"^# .+$", text, flags=re.MULTILINE) == text.splitlines()[:1]
