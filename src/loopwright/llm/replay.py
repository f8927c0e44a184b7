"""A model that gives the replies of an earlier run, and pays nothing."""

from __future__ import annotations

from collections.abc import Callable

import msgspec

from loopwright.errors import ModelError
from loopwright.llm.cache import request_hash
from loopwright.llm.protocol import Ask, Reply
from loopwright.trial import Usage

# (request hash, context) to the reply of the earlier run, or None. With the context "" any reply to that request.
FindReply = Callable[[str, str], Reply | None]


class ReplayModel:
    """Answers from `find`. A request which the earlier run never made is a `ModelError`: nothing is invented."""

    def __init__(self, name: str, find: FindReply) -> None:
        self.name = name
        self._find = find

    async def ask(self, ask: Ask) -> Reply:
        return self.replay(ask, "")

    def replay(self, ask: Ask, context: str) -> Reply:
        """The earlier reply to this request in this context, else any to this request."""
        request = request_hash(ask)
        reply = self._find(request, context) or self._find(request, "")
        if reply is None:
            raise ModelError(
                f"model '{self.name}': the earlier run has no reply to this request; "
                "a replay works only with the same settings, seed and task"
            )
        return msgspec.structs.replace(reply, usage=Usage(), cached=True)

    async def close(self) -> None:
        return None
