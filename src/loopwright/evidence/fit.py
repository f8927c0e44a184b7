"""Fit the drafts of all sections to a limit of tokens. The result never passes it, whatever the drafts are.

Where everything fits, nothing is cut. Else the limit is shared out: scores and heads of the feedback come first; of the
rest each section may have its share (`SHARES`, divided by the experiences), what a section does not need goes to the
others, and each is cut to what it was given (`pieces.shrink`). A section that cannot be cut so far is left out, and a
line says so. Where even the feedback has no room, only scores and its heads remain.
"""

from __future__ import annotations

from collections.abc import Sequence

from loopwright.evidence.combine import Draft
from loopwright.evidence.pieces import SHORTEST, middle, shrink, squeeze, write
from loopwright.evidence.records import Section
from loopwright.evidence.tokens import Counter

# The share of the limit that a kind of section may have when all want more than there is.
SHARES = {"summary": 0.05, "feedback": 0.25, "failure": 0.15, "steps": 0.45, "printed": 0.10}
HEADS = ("summary", "feedback")
BETWEEN = "\n\n"


def fit(drafts: Sequence[Draft], tokens: int, count: Counter) -> tuple[list[Section], list[str]]:
    """The sections, of at most `tokens` tokens when joined, and what was cut for it, in words."""
    full = [write(draft.pieces) for draft in drafts]
    if count(BETWEEN.join(full)) <= tokens:
        return _sections(drafts, full, count), []
    sizes = [count(text) for text in full]
    weights = [SHARES[draft.name] for draft in drafts]
    floors = [count(write(draft.pieces, SHORTEST)) if draft.name in HEADS else 0 for draft in drafts]
    over = [size - floor for size, floor in zip(sizes, floors, strict=True)]
    target = tokens - len(drafts)
    for _ in range(4):
        if sum(floors) >= target:
            break
        shares = share_out(over, weights, target - sum(floors))
        given = [floor + share for floor, share in zip(floors, shares, strict=True)]
        texts: list[str] = []
        notes: list[str] = []
        for draft, text, size, most in zip(drafts, full, sizes, given, strict=True):
            cut: list[str] = []
            if size > most:
                text, cut = shrink(draft.pieces, most, count)
                if not text:
                    text, cut = f"(... {draft.name} left out: about {size:,} tokens ...)", ["left out"]
            texts.append(text)
            notes += [f"{_whose(draft)}: {note}" for note in cut]
        total = count(BETWEEN.join(texts))
        if total <= tokens:
            return _sections(drafts, texts, count), notes
        target = min(target - 1, target * tokens // total)
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
    kept = [draft for draft in drafts if draft.name in HEADS]
    texts: list[str] = []
    for limit in (400, 200, 100, 50, 0):
        texts = [_head(draft, limit) for draft in kept]
        if count(BETWEEN.join(texts)) <= tokens:
            shown = "scores and heads of the feedback" if limit else "scores"
            note = f"(... only {shown}: the token limit leaves no room for more ...)"
            if count(BETWEEN.join([*texts, note])) <= tokens:
                texts[-1] += BETWEEN + note
            return _sections(kept, texts, count), [f"only {shown} shown"]
    whole = squeeze("\n".join(texts), tokens, count)
    sections = [Section("summary", whole, count(whole))] if whole else []
    return sections, ["only scores shown, cut in the middle"]


def _head(draft: Draft, limit: int) -> str:
    """The heading in full, and every further line cut to `limit` characters, or left out where that is 0."""
    lines = [draft.pieces[0].text]
    for piece in draft.pieces[1:] if limit else ():
        lines.append(middle(" ".join(write([piece]).split()), limit))
    return "\n".join(lines)


def _whose(draft: Draft) -> str:
    return draft.name if draft.experience < 0 else f"experience {draft.experience + 1}, {draft.name}"


def _sections(drafts: Sequence[Draft], texts: Sequence[str], count: Counter) -> list[Section]:
    return [
        Section(draft.name, text, count(text), draft.experience)
        for draft, text in zip(drafts, texts, strict=True)
        if text
    ]
