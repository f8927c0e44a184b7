"""A plain Python callable `(prompt) -> reply` as a model: for tests, for own clients, for a person's own wrapper."""

from __future__ import annotations

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor

from loopwright.errors import ModelError
from loopwright.llm.protocol import Ask, Message, Reply
from loopwright.llm.tokens import estimate, estimate_prompt
from loopwright.trial import Usage

ModelFunction = Callable[[str], str] | Callable[[str], Awaitable[str]]


def as_prompt(messages: list[Message]) -> str:
    """A conversation as one text: the content alone of a single message, else every turn under its role."""
    if len(messages) == 1:
        return messages[0]["content"]
    return "\n\n".join(f"{message['role']}:\n{message['content']}" for message in messages)


class CallableModel:
    """Calls the function once for each wanted reply; a plain one in a pool of `threads` threads.

    What it raises becomes a `ModelError` that names it; `ModelError` and `RetryableError` pass as they are.
    """

    def __init__(self, function: ModelFunction, *, threads: int = 64) -> None:
        self._function = function
        self._threads = threads
        self._pool: ThreadPoolExecutor | None = None

    async def ask(self, ask: Ask) -> Reply:
        prompt = as_prompt(ask.messages)
        began = time.perf_counter()
        texts = [await self._one(prompt) for _ in range(ask.n)]
        usage = Usage(
            calls=1,
            input_tokens=estimate_prompt(ask.messages),
            output_tokens=sum(estimate(text) for text in texts),
        )
        return Reply(texts, usage, model=ask.model, seconds=time.perf_counter() - began)

    async def _one(self, prompt: str) -> str:
        try:
            if inspect.iscoroutinefunction(self._function):
                got: object = await self._function(prompt)
            else:
                if self._pool is None:
                    self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="loopwright-model")
                got = await asyncio.get_running_loop().run_in_executor(self._pool, self._called, prompt)
                if inspect.isawaitable(got):
                    got = await got
        except ModelError:
            raise
        except Exception as error:  # a user's function: told as a failed model call, the cause kept
            raise ModelError(
                f"the model function raised {type(error).__name__}: {error}; "
                "it must take a prompt and return the reply as a str"
            ) from error
        if not isinstance(got, str):
            raise ModelError(f"the model function returned {type(got).__name__}; it must return the reply as a str")
        # Half a character, which neither a journal nor a further request could hold, becomes a mark of its own.
        return got.encode("utf-8", "surrogatepass").decode("utf-8", "replace")

    def _called(self, prompt: str) -> object:
        try:
            return self._function(prompt)
        except StopIteration as error:  # no future takes it: whoever waits would wait for ever
            raise RuntimeError("StopIteration") from error

    async def close(self) -> None:
        if self._pool is not None:
            self._pool.shutdown(wait=False, cancel_futures=True)
            self._pool = None
