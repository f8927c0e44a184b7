"""How many tokens a request can cost at most, and about how many a text has. For budgets, not for fitting evidence."""

from __future__ import annotations

import msgspec

from loopwright.llm.protocol import Ask, Message
from loopwright.trial import Usage

# What chat templates add: role markers and separators for each message, and a fixed preamble.
_PER_MESSAGE = 16
_PER_REQUEST = 64
_BYTES_A_TOKEN = 3.6


def estimate(text: str) -> int:
    """About how many tokens `text` has: what is counted where an endpoint reports no usable number."""
    return -int(-len(text.encode("utf-8", "surrogatepass")) // _BYTES_A_TOKEN)


def estimate_prompt(messages: list[Message]) -> int:
    """About how many tokens a conversation has."""
    return sum(estimate(message["content"]) + 4 for message in messages) + 3


def upper_bound(ask: Ask, max_tokens: int) -> Usage:
    """What one request can cost at most, without money: one call, its prompt, and `n` replies of full length.

    A token of the usual tokenizers covers at least one byte, so the bytes of the prompt bound its tokens. `max_tokens`
    is the reply limit where the ask itself names none.
    """
    prompt = sum(len(message["content"].encode("utf-8", "surrogatepass")) + _PER_MESSAGE for message in ask.messages)
    if ask.schema is not None:
        prompt += len(msgspec.json.encode(ask.schema))
    if ask.grammar is not None:
        prompt += len(ask.grammar.encode("utf-8", "surrogatepass"))
    reply = max_tokens if ask.max_tokens is None else ask.max_tokens
    return Usage(calls=1, input_tokens=prompt + _PER_REQUEST, output_tokens=max(1, ask.n) * max(0, reply))
