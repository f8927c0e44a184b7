"""What the optimizer is told of its earlier tries: newest first, each try once, within a limit of tokens.

A try appears as what it changed and what became of it: refused tries too, since what is forgotten is tried again.
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping, Sequence

import msgspec

from loopwright.evidence.tokens import Counter, estimate
from loopwright.optimizers.protocol import Remembered

_OUTCOMES = {
    "accepted": "was kept",
    "no better": "was tried, did not do better than its parent, and was not kept",
    "worse": "was tried, did worse than its parent, and was not kept",
    "outdone": "was tried, and another one of the same update did better",
    "refusal": "was declined by you",
    "unparsable": "could not be read",
    "invalid": "was refused before it ran",
    "unchanged": "changed nothing",
    "duplicate": "was the same as an earlier one",
}
_REASON = 600
_SCORES = 30  # rows of the table of scores


class _Try(msgspec.Struct, frozen=True):
    """A remembered proposal, and at which steps it was made."""

    remembered: Remembered
    steps: list[int]


def render_memory(
    memory: Sequence[Remembered],
    current: Mapping[str, str],
    *,
    entries: int = 5,
    tokens: int = 4_000,
    count: Counter = estimate,
) -> str:
    """The last `entries` different tries as text of at most `tokens`; "" where there is none or no room for one.

    `current` are the parent's texts: a try that differs from them little is shown as a diff. Where the room ends, older
    tries are shown without their texts, then left out, and the last line says how many.
    """
    tries = _distinct(memory)[: max(0, entries)]
    shown: list[str] = []
    left = tokens
    for number, each in enumerate(tries):
        note = _left_out(len(tries) - number)
        spare = 0 if number + 1 == len(tries) else count(_left_out(len(tries) - number - 1)) + 2
        full = _entry(each, current)
        for text in (full, _headline(each)):
            # Two for the blank line between entries.
            if count(text) + 2 + spare <= left:
                shown.append(text)
                left -= count(text) + 2
                break
        else:
            if shown and count(note) <= left:
                shown.append(note)
            break
    text = "\n\n".join(shown)
    return text if count(text) <= tokens else ""


def render_scores(earlier: Sequence[Remembered], *, tokens: int, count: Counter = estimate) -> str:
    """Tries before those that are shown, by their scores alone: a row each, newest first; "" where none was scored.

    So the course of a long run can be seen for a few tokens. At most thirty rows, and as many as fit into `tokens`.
    """
    rows = [
        f"{each.step}|{each.outcome}|{each.score:.4g}|{'' if each.parent_score is None else f'{each.parent_score:.4g}'}"
        for each in reversed(earlier)
        if each.score is not None
    ]
    for shown in range(min(len(rows), _SCORES), 0, -1):
        left = f" ({len(rows) - shown} older ones left out)" if shown < len(rows) else ""
        head = f"Before those, by their scores alone{left}:\nupdate|what became of it|score|its parent's"
        text = "\n".join([head, *rows[:shown]])
        if count(text) <= tokens:
            return text
    return ""


def _left_out(number: int) -> str:
    return f"({number} older {'try is' if number == 1 else 'tries are'} left out.)"


def _distinct(memory: Sequence[Remembered]) -> list[_Try]:
    """The tries, newest first, equal ones joined under the newest."""
    found: dict[object, _Try] = {}
    for each in reversed(memory):
        key = tuple(sorted(each.texts.items())) or (each.outcome, each.reason)
        if key in found:
            found[key].steps.append(each.step)
        else:
            found[key] = _Try(each, [each.step])
    return list(found.values())


def _headline(each: _Try) -> str:
    past = each.remembered
    steps = ", ".join(str(step) for step in sorted(set(each.steps)))
    what = _OUTCOMES.get(past.outcome, past.outcome)
    score = ""
    if past.score is not None:
        score = f", score {past.score:.4g}"
        score += f" where its parent had {past.parent_score:.4g}" if past.parent_score is not None else ""
    reason = " ".join(past.reason.split())
    reason = reason if len(reason) <= _REASON else reason[: _REASON - 3] + "..."
    return f"Update {steps}: {what}{score}{': ' + reason if reason else ''}"


def compared(entries: Sequence[tuple[str, Mapping[str, str]]], now: Mapping[str, str], *, tokens: int) -> str:
    """Versions under their headings, by what differs from the texts `now`; as many as fit into `tokens`, in order."""
    shown: list[str] = []
    for head, texts in entries:
        text = _texts([head], {name: each for name, each in texts.items() if now.get(name) != each}, now)
        tokens -= estimate(text) + 2
        if tokens < 0:
            break
        shown.append(text)
    return "\n\n".join(shown)


def _entry(each: _Try, current: Mapping[str, str]) -> str:
    return _texts([_headline(each)], each.remembered.texts, current)


def _texts(parts: list[str], texts: Mapping[str, str], current: Mapping[str, str]) -> str:
    """Below a heading the texts of some parameters: as a diff from the present one where that is shorter."""
    for name, text in texts.items():
        now = current.get(name)
        if now == text:
            parts.append(f"'{name}' is this now.")
            continue
        diff = _diff(now, text) if now is not None else None
        if diff is not None and len(diff) < len(text):
            parts.append(f"'{name}', compared with what it is now:\n{diff}")
        else:
            parts.append(f"'{name}' was:\n{_quoted(text)}")
    return "\n".join(parts)


def _diff(now: str, then: str) -> str:
    """What a past text has (+) and lacks (-) against the present one, with a line of context."""
    lines = list(difflib.unified_diff(now.split("\n"), then.split("\n"), n=1, lineterm=""))[2:]
    return "\n".join("..." if line.startswith("@@") else line for line in lines)


def _quoted(text: str) -> str:
    """Every line behind a bar, so that nothing in an old text reads like a part of this prompt."""
    return "\n".join(f"| {line}" for line in text.split("\n"))
