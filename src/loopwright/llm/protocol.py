"""What a model call is, for every kind of model: `Ask` in, `Reply` out."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, Protocol, TypedDict

import msgspec

from loopwright.trial import Usage

# Stands for the judge's model in a call from inside a trial, as "" does for the agent's; the main process knows which.
JUDGE = "judge"


class Message(TypedDict):
    role: Literal["system", "user", "assistant"]
    content: str


class Ask(msgspec.Struct, frozen=True):
    """One request to a model. `n` replies are wanted; `schema` (JSON) and `grammar` (GBNF) constrain where supported.

    `None` leaves a value to the model's own default.
    """

    model: str
    messages: list[Message]
    temperature: float | None = None
    max_tokens: int | None = None
    seed: int | None = None
    n: int = 1
    stop: list[str] = []
    schema: dict[str, object] | None = None
    grammar: str | None = None


class Reply(msgspec.Struct, frozen=True):
    """What came back. `texts` has one entry a wanted reply. `cached` means nothing was paid.

    `finishes` says for each text how it ended, where known; `finish` is the first of them that is not "stop".
    """

    texts: list[str]
    usage: Usage = Usage()
    finish: str = "stop"
    model: str = ""
    seconds: float = 0.0
    cached: bool = False
    finishes: list[str] = []

    def cut(self, number: int = 0) -> bool:
        """Whether text `number` ended at a limit of tokens, and not where the model meant to end."""
        finish = self.finishes[number] if number < len(self.finishes) else self.finish
        return finish == "length" and (bool(self.finishes) or len(self.texts) <= 1)

    @property
    def text(self) -> str:
        return self.texts[0] if self.texts else ""


class Model(Protocol):
    """One endpoint. Raises `ModelError` for what no retry can mend, `RetryableError` for what it may.

    One that has its tokenizer at hand may have a method `count(text) -> int`, for `evidence.tokenizer = "model"`.
    """

    async def ask(self, ask: Ask) -> Reply: ...

    async def close(self) -> None: ...


def conversation(prompt: str | Sequence[Message], system: str = "") -> list[Message]:
    """`prompt` as messages: a plain text becomes one user message."""
    messages: list[Message] = [{"role": "system", "content": system}] if system else []
    if isinstance(prompt, str):
        return [*messages, {"role": "user", "content": prompt}]
    return [*messages, *prompt]
