"""`local/NAME` as a `Model`: asks the process in which llama.cpp runs, and says what its failures mean here."""

from __future__ import annotations

from pathlib import Path

import msgspec

from loopwright.errors import ModelError
from loopwright.llm.cache import request_hash
from loopwright.llm.local.runtime import Address, Runtime, Runtimes
from loopwright.llm.local.settings import LocalSettings
from loopwright.llm.local.weights import find
from loopwright.llm.models import LOCAL, Endpoint
from loopwright.llm.openai_compatible import OpenAICompatible
from loopwright.llm.protocol import Ask, Reply
from loopwright.llm.retry import RetryableError


def open_local(
    name: str, *, root: Path = Path(), settings: LocalSettings | None = None, shared: Runtimes | None = None
) -> LocalModel:
    """The model `local/NAME` or `local/PATH.gguf`; nothing is loaded yet.

    Paths are relative to `root`. With `shared`, the process is that of all runs which have it, and is theirs to close.
    Raises `ModelError` where the weights or the extra `local` are missing.
    """
    settings = settings or LocalSettings()
    path = find(name.removeprefix(LOCAL), root)
    runtime = shared.get(name, path, settings) if shared is not None else Runtime(name, path, settings)
    return LocalModel(name, runtime, owned=shared is None)


class LocalModel:
    """Replies of one model file. The same requests in the same order get the same replies.

    A request without a seed gets one that is made of the request, so equal ones have equal replies. Token counts are
    the tokenizer's own. A runtime that dies is started again by the next request; nothing of it is charged.
    """

    def __init__(self, name: str, runtime: Runtime, *, owned: bool = True) -> None:
        self.name = name
        self.runtime = runtime
        self.notes: list[str] = []
        self._owned = owned
        self._client: OpenAICompatible | None = None
        self._number = 0

    async def ask(self, ask: Ask) -> Reply:
        """One request; gives one text."""
        address = await self.runtime.running()
        client = await self._reach(address)
        seed = int(request_hash(ask), 16) if ask.seed is None else ask.seed
        ask = msgspec.structs.replace(ask, seed=seed & 0x7FFFFFFF)  # llama.cpp's: 32 bits, the highest means "any"
        try:
            return msgspec.structs.replace(await client.ask(ask), model=self.name)  # llama.cpp names the file's path
        except RetryableError as error:
            how = self.runtime.ended(address.number)
            text = f"model '{self.name}': {how} while it was asked" if how else str(error)
            raise RetryableError(text, kind=error.kind, after=0.0 if how else error.after) from error
        except ModelError as error:
            raise self._explained(error) from error

    def count(self, text: str) -> int:
        """Tokens of `text` by the model's own tokenizer. Starts the model where it does not run yet."""
        return self.runtime.count(text)

    async def close(self) -> None:
        if self._client is not None:
            await self._client.close()
            self._client = None
        if self._owned:
            self.runtime.close()

    async def _reach(self, address: Address) -> OpenAICompatible:
        """A client of the process that runs now."""
        if self._client is None or self._number != address.number:
            if self._client is not None:
                await self._client.close()
            where = Endpoint(self.name, self.name, "http://local/v1", "", key_needed=False, many=False, free=True)
            self._client = OpenAICompatible(where, address.key, socket=address.socket)
            self._number = address.number
        return self._client

    def _explained(self, error: ModelError) -> ModelError:
        if "exceeds the available context size" not in str(error):
            return error
        context = self.runtime.settings.context
        return ModelError(
            f"{error} (local.context = {context}); set local.context to more, or evidence.tokens and max_tokens to less"
        )
