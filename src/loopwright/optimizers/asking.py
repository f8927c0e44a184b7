"""What the optimizers that ask a model have in common: settings, samples, repair turns, and the dropping of twins.

How a question is worded, and which questions there are, is each optimizer's own.
"""

from __future__ import annotations

import random
from collections.abc import Generator, Iterable, Mapping, Sequence

import msgspec

from loopwright.errors import SettingsError
from loopwright.llm.protocol import Ask, Message, Reply
from loopwright.optimizers.prompt import mending
from loopwright.optimizers.protocol import Check, Proposal, Proposing, Rejected, View
from loopwright.optimizers.replies import parse_reply

Result = Proposal | Rejected
Drawing = Generator[list[Ask], list[Reply], list[list[Result]]]

# What another turn can mend. A refusal stays one, and a model that changes nothing has been understood.
MENDABLE = frozenset({"unparsable", "invalid"})


class Question(msgspec.Struct, frozen=True):
    """One conversation that asks for a proposal, `n` times. With `only`, no other parameter may change."""

    messages: list[Message]
    n: int = 1
    only: tuple[str, ...] | None = None


class Asking(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Settings of an optimizer that asks a model.

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
        self.require(samples=1, memory=0, max_tokens=1, repairs=0, memory_tokens=0)

    def require(self, **least: float) -> None:
        """Raises `SettingsError` for the first of these settings that is below its least value."""
        for name, low in least.items():
            if getattr(self, name) < low:
                raise SettingsError(f"optimizer.{name} is {getattr(self, name)}; it must be at least {low}")

    def request(self, messages: list[Message], rng: random.Random, n: int = 1) -> Ask:
        return Ask(
            model=self.model,
            messages=messages,
            temperature=self.temperature,
            max_tokens=self.max_tokens,
            seed=rng.getrandbits(31),
            n=n,
        )

    def draw(
        self,
        questions: Sequence[Question],
        view: View,
        rng: random.Random,
        check: Check,
        *,
        mendable: frozenset[str] = MENDABLE,
    ) -> Drawing:
        """The results of each question, at least one and at most `n`; all questions are asked at once.

        A result of a `mendable` kind is asked for again with the reason, `repairs` times; all of those at once, too.
        """
        replies = yield [self.request(question.messages, rng, question.n) for question in questions]
        turns = [
            _Turn(place, question.messages, text, _judge(reply, number, question, view, check))
            for place, (question, reply) in enumerate(zip(questions, replies, strict=True))
            for number, text in enumerate(reply.texts[: question.n])
        ]
        for _ in range(self.repairs):
            broken = [n for n, turn in enumerate(turns) if turn.kind in mendable]
            if not broken:
                break
            again = [turns[n].mending() for n in broken]
            replies = yield [self.request(conversation, rng) for conversation in again]
            for n, conversation, reply in zip(broken, again, replies, strict=True):
                place = turns[n].place
                turns[n] = _Turn(place, conversation, reply.text, _judge(reply, 0, questions[place], view, check))
        results: list[list[Result]] = [[] for _ in questions]
        for turn in turns:
            results[turn.place].append(turn.result)
        return [found or [Rejected("unparsable", "the model gave no reply")] for found in results]


def together(every: Sequence[Proposing]) -> Drawing:
    """Several optimizers at work at once: what they ask is asked together, and each is given its own replies."""
    results: list[list[Result]] = [[] for _ in every]
    waiting: dict[int, list[Ask]] = {}

    def go_on(place: int, replies: list[Reply] | None) -> None:
        try:
            waiting[place] = next(every[place]) if replies is None else every[place].send(replies)
        except StopIteration as stop:
            waiting.pop(place, None)
            results[place] = stop.value

    for place in range(len(every)):
        go_on(place, None)
    while waiting:
        asked = dict(waiting)
        replies = yield [ask for asks in asked.values() for ask in asks]
        at = 0
        for place, asks in asked.items():
            go_on(place, replies[at : at + len(asks)])
            at += len(asks)
    return results


class _Turn(msgspec.Struct, frozen=True):
    """One reply: to which question, what was asked for it, what it said, and what that came to."""

    place: int
    asked: list[Message]
    text: str
    result: Result

    @property
    def kind(self) -> str:
        """The kind of rejection; "" for a proposal."""
        return self.result.kind if isinstance(self.result, Rejected) else ""

    def mending(self) -> list[Message]:
        assert isinstance(self.result, Rejected)
        return mending(self.asked, self.text, self.result)


def _judge(reply: Reply, number: int, question: Question, view: View, check: Check) -> Result:
    """What a text of a reply proposes, or why it is refused: by its form, or by the artifact."""
    text = reply.texts[number] if number < len(reply.texts) else ""
    result = parse_reply(text, view.parent, cut=reply.cut(number), only=question.only)
    if isinstance(result, Rejected):
        return result
    refused = check(result.texts)
    # The artifact knows the edit, not the reply: keep the words the model wrote.
    return result if refused is None else msgspec.structs.replace(refused, text=refused.text or text)


def without_twins(results: Iterable[Result]) -> list[Result]:
    """Each different proposal once, in order; every rejection stays."""
    seen: set[tuple[tuple[str, str], ...]] = set()
    kept: list[Result] = []
    for result in results:
        if isinstance(result, Proposal):
            key = tuple(sorted(result.texts.items()))
            if key in seen:
                continue
            seen.add(key)
        kept.append(result)
    return kept


def woven(drawn: Mapping[str, Sequence[Result]], samples: int, check: Check) -> list[Result]:
    """Proposals from texts that were drawn for each parameter by itself: the first of each make the first, and so on.

    A parameter without a usable text stays as it is; where none has one, its rejection is the result.
    """
    results: list[Result] = []
    for number in range(samples):
        found = {name: each[number] for name, each in drawn.items() if number < len(each)}
        good = {name: each for name, each in found.items() if isinstance(each, Proposal)}
        if not good:
            results += list(found.values())[:1]
            continue
        texts = {name: text for each in good.values() for name, text in each.texts.items()}
        words = [f"{name}: {each.rationale}" if len(drawn) > 1 else each.rationale for name, each in good.items()]
        # Each alone was checked when it was drawn; together they may still not fit.
        refused = check(texts) if len(good) > 1 else None
        results.append(refused or Proposal(texts, "\n".join(words)))
    return without_twins(results) or [Rejected("unparsable", "the model gave no reply")]
