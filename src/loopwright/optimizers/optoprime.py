"""`optoprime`: one model reads the evidence and the memory of past tries, and rewrites any of the parameters.

After OptoPrime of Trace (Cheng et al. 2024), with its memory of past candidates and its limit of 4096 tokens; the
evidence, the reply format and the repair turn are loopwright's own. `ask` is the same with a person as the model.
"""

from __future__ import annotations

import random

import msgspec

from loopwright.errors import SettingsError
from loopwright.llm.protocol import Ask, Message, Reply
from loopwright.optimizers.prompt import mending, messages
from loopwright.optimizers.protocol import Check, Proposal, Proposing, Rejected, View
from loopwright.optimizers.replies import parse_reply

# What another turn can mend. A refusal stays one, and a model that changes nothing has been understood.
_MENDABLE = {"unparsable", "invalid"}


class OptoPrime(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of the optimizer, and the optimizer itself.

    `samples` proposals are drawn for one update; equal ones are dropped. `memory` is how many earlier tries are shown,
    in at most `memory_tokens`. `repairs` is how many further turns a refused reply gets. `temperature` None leaves it
    to the model; `max_tokens` limits each reply.
    """

    model: str
    samples: int = 1
    memory: int = 5
    temperature: float | None = None
    max_tokens: int = 4096
    repairs: int = 1
    memory_tokens: int = 4_000

    def __post_init__(self) -> None:
        if not self.model:
            raise SettingsError(
                'optimizer.model names no model; name one such as "openai/gpt-5.1" or "http://host:port/v1#name", '
                'answer yourself with "ask", or set optimizer.kind = "mutate", which needs none'
            )
        least = {"samples": 1, "memory": 0, "max_tokens": 1, "repairs": 0, "memory_tokens": 0}
        for name, low in least.items():
            if getattr(self, name) < low:
                raise SettingsError(f"optimizer.{name} is {getattr(self, name)}; it must be at least {low}")

    def propose(self, view: View, rng: random.Random, check: Check) -> Proposing:
        asked = messages(view, memory=self.memory, memory_tokens=self.memory_tokens)
        (reply,) = yield [self._ask(asked, rng, self.samples)]
        texts = reply.texts[: self.samples]
        turns = [_Turn(asked, text, _judge(reply, number, view, check)) for number, text in enumerate(texts)]
        if not turns:
            return [Rejected("unparsable", "the model gave no reply")]
        for _ in range(self.repairs):
            broken = [number for number, turn in enumerate(turns) if turn.mendable]
            if not broken:
                break
            again = [mending(turns[n].asked, turns[n].text, turns[n].refused) for n in broken]
            replies: list[Reply] = yield [self._ask(conversation, rng, 1) for conversation in again]
            for number, conversation, answer in zip(broken, again, replies, strict=True):
                turns[number] = _Turn(conversation, answer.text, _judge(answer, 0, view, check))
        return _without_twins([turn.result for turn in turns])

    def _ask(self, conversation: list[Message], rng: random.Random, n: int) -> Ask:
        return Ask(
            model=self.model,
            messages=conversation,
            temperature=self.temperature,
            max_tokens=self.max_tokens,
            seed=rng.getrandbits(31),
            n=n,
        )


class _Turn(msgspec.Struct, frozen=True):
    """One reply: what was asked for it, what it said, and what that came to."""

    asked: list[Message]
    text: str
    result: Proposal | Rejected

    @property
    def mendable(self) -> bool:
        return isinstance(self.result, Rejected) and self.result.kind in _MENDABLE

    @property
    def refused(self) -> Rejected:
        assert isinstance(self.result, Rejected)
        return self.result


def _judge(reply: Reply, number: int, view: View, check: Check) -> Proposal | Rejected:
    """What a text of a reply proposes, or why it is refused: by its form, or by the artifact."""
    text = reply.texts[number] if number < len(reply.texts) else ""
    result = parse_reply(text, view.parent, cut=reply.cut(number))
    if isinstance(result, Rejected):
        return result
    refused = check(result.texts)
    # The artifact knows the edit, not the reply: keep the words the model wrote.
    return result if refused is None else msgspec.structs.replace(refused, text=refused.text or text)


def _without_twins(results: list[Proposal | Rejected]) -> list[Proposal | Rejected]:
    """Each different proposal once, in order; every rejection stays."""
    seen: set[tuple[tuple[str, str], ...]] = set()
    kept: list[Proposal | Rejected] = []
    for result in results:
        if isinstance(result, Proposal):
            key = tuple(sorted(result.texts.items()))
            if key in seen:
                continue
            seen.add(key)
        kept.append(result)
    return kept
