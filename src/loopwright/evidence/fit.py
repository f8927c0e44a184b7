"""Fit the drafts of all sections to a limit of tokens. The result never passes it, whatever the drafts are.

Where everything fits, nothing is cut. Else the limit is shared out: each section may have its share (`SHARES`,
divided by the experiences), what a section does not need goes to the others, and each is cut to what it was given
(`pieces.shrink`). Where that is not enough, only the scores and the heads of the feedback remain.
"""

from __future__ import annotations

from collections.abc import Sequence

from loopwright.evidence.combine import Draft
from loopwright.evidence.pieces import middle, shrink, squeeze, write
from loopwright.evidence.records import Section
from loopwright.evidence.tokens import Counter

# The share of the limit that a kind of section may have when all want more than there is.
SHARES = {"summary": 0.05, "feedback": 0.25, "failure": 0.15, "steps": 0.45, "printed": 0.10}
BETWEEN = "\n\n"


def fit(drafts: Sequence[Draft], tokens: int, count: Counter) -> tuple[list[Section], list[str]]:
    """The sections, of at most `tokens` tokens when joined, and what was cut for it, in words."""
    full = [write(draft.pieces) for draft in drafts]
    if count(BETWEEN.join(full)) <= tokens:
        return _sections(drafts, full, count), []
    sizes = [count(text) for text in full]
    weights = [SHARES.get(draft.name, 0.1) for draft in drafts]
    target = tokens
    for _ in range(4):
        given = share_out(sizes, weights, target - len(drafts))
        texts: list[str] = []
        notes: list[str] = []
        for draft, text, size, most in zip(drafts, full, sizes, given, strict=True):
            cut: list[str] = []
            if size > most:
                text, cut = shrink(draft.pieces, most, count)
            texts.append(text)
            notes += [f"{_whose(draft)}: {note}" for note in cut]
        total = count(BETWEEN.join(text for text in texts if text))
        if total <= tokens and all(texts):
            return _sections(drafts, texts, count), notes
        if total > tokens:
            target = min(target - 1, target * tokens // total)
        else:
            break
    return _heads(drafts, tokens, count)


def share_out(sizes: Sequence[int], weights: Sequence[float], limit: int) -> list[int]:
    """Shares of `limit`: nobody gets more than its size, and what is spare goes to the others by weight."""
    given = [0] * len(sizes)
    wanting: list[int] = list(range(len(sizes)))
    left = max(0, limit)
    while wanting:
        weight = sum(weights[i] for i in wanting)
        content = [i for i in wanting if sizes[i] <= left * weights[i] / weight]
        if not content:
            for i in wanting:
                given[i] = int(left * weights[i] / weight)
            break
        for i in content:
            given[i] = sizes[i]
        left -= sum(sizes[i] for i in content)
        wanting = [i for i in wanting if i not in set(content)]
    return given


def _heads(drafts: Sequence[Draft], tokens: int, count: Counter) -> tuple[list[Section], list[str]]:
    """Only the summary and, of each experience, its score and the head of its feedback, as long as they fit."""
    kept = [draft for draft in drafts if draft.name in {"summary", "feedback"}]
    texts: list[str] = []
    for limit in (200, 80, 40):
        texts = [_head(draft, limit) for draft in kept]
        if count(BETWEEN.join(texts)) <= tokens:
            break
    else:
        whole = squeeze("\n".join(texts), tokens, count)
        sections = [Section("summary", whole, count(whole))] if whole else []
        return sections, ["only scores and heads of feedback, cut in the middle"]
    return _sections(kept, texts, count), ["only scores and heads of feedback shown"]


def _head(draft: Draft, limit: int) -> str:
    lines: list[str] = []
    for piece in draft.pieces:
        text = f"{piece.text} {piece.body}" if piece.body else piece.text
        lines.append(middle(" ".join(text.split()), limit))
    return "\n".join(lines)


def _whose(draft: Draft) -> str:
    return draft.name if draft.experience < 0 else f"experience {draft.experience + 1}, {draft.name}"


def _sections(drafts: Sequence[Draft], texts: Sequence[str], count: Counter) -> list[Section]:
    return [
        Section(draft.name, text, count(text), draft.experience)
        for draft, text in zip(drafts, texts, strict=True)
        if text
    ]
