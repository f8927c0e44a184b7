"""What the optimizer saw in one update, byte for byte."""

from __future__ import annotations

import msgspec

from loopwright.errors import UsageError
from loopwright.evidence.tokens import estimate
from loopwright.record import RunRecord, Update


class Seen(msgspec.Struct, frozen=True):
    """`text` is what was sent; `tokens` are those of the evidence in it by section, `total` those of the whole text.

    Messages of a conversation are joined by an empty line, as they are in the file of a question. `calls` is how many
    model calls the update has made, `call` the one shown (0 where no model was asked).
    """

    step: int
    call: int
    calls: int
    text: str
    tokens: dict[str, int]
    template: str
    total: int

    def notes(self) -> list[str]:
        """Tokens by section, and which call this is."""
        parts = ", ".join(f"{name} {count:,}" for name, count in self.tokens.items())
        evidence = sum(self.tokens.values())
        lines = [f"evidence ({self.template}): {evidence:,} tokens: {parts}"]
        if self.call:
            lines.append(f"with task, parameters, memory and instructions: about {self.total:,} tokens")
        if self.calls > 1:
            lines.append(f"model call {self.call} of {self.calls} of update {self.step}; --call K shows another")
        return lines


def seen(record: RunRecord, update: Update, call: int | None) -> Seen:
    """What the `call`-th model call of the update was sent; where none was made, the evidence alone.

    Raises `UsageError` where there is nothing yet, or no such call.
    """
    if update.showed is None:
        raise UsageError(f"update {update.step} has no evidence yet: its trials are still under way")
    texts = ["\n\n".join(message["content"] for message in each.ask.messages) for each in update.answered]
    texts += _asked_by_hand(record, update.step)
    if call is not None and not 1 <= call <= len(texts):
        raise UsageError(
            f"update {update.step} has no model call {call}; "
            + (f"its calls are 1 to {len(texts)}" if texts else "no model was asked")
        )
    place = call or (1 if texts else 0)
    text = texts[place - 1] if texts else update.showed.text
    showed = update.showed
    return Seen(update.step, place, len(texts), text, dict(showed.tokens), showed.template, estimate(text))


def _asked_by_hand(record: RunRecord, step: int) -> list[str]:
    """The questions of this update that wait for a person: they are in no event before they are answered."""
    waiting = record.folder.open_questions()
    return [question.read_text(encoding="utf-8") for question, _ in waiting if question.stem.startswith(f"{step:04d}-")]
