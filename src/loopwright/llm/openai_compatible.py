"""One endpoint that speaks OpenAI's chat completions over HTTP: one request, one attempt, every failure told apart.

Not here: retries, limits, budgets and caching (the gateway). Replies are not streamed: a body that ends early is then
visible as such, and is worth another attempt.
"""

from __future__ import annotations

import contextlib
import math
import time
from typing import TYPE_CHECKING, Any, cast

import msgspec

from loopwright import __version__
from loopwright.errors import ModelError
from loopwright.llm.models import Endpoint
from loopwright.llm.protocol import Ask, Reply
from loopwright.llm.retry import FailureKind, RetryableError, retry_after
from loopwright.llm.tokens import estimate, estimate_prompt
from loopwright.trial import Usage

if TYPE_CHECKING:
    import httpx2

    from loopwright.llm.clients import Clients

_LARGEST_BODY = 32 * 1024 * 1024
_LOOPBACK = ("http://127.", "http://localhost", "http://[::1]")
# Parameters a request can do without, where an endpoint says that it does not take them.
_OPTIONAL = ("temperature", "seed", "n", "stop")
_LIMITS = ("max_tokens", "max_completion_tokens")


class OpenAICompatible:
    """A client of one endpoint. Holds the key, which never appears in a message or a repr.

    `notes` are things a user should hear once (a parameter that had to be left out, numbers that were estimated).
    With `socket`, the path of a Unix socket, that is where the endpoint listens, whatever its URL.
    """

    def __init__(self, endpoint: Endpoint, key: str, *, socket: str | None = None) -> None:
        self.endpoint = endpoint
        self.notes: list[str] = []
        self._key = key
        self._socket = socket
        self._clients: Clients | None = None
        self._headers: httpx2.Headers | None = None
        self._url: httpx2.URL | None = None
        self._limit = endpoint.limit
        self._without: set[str] = set() if endpoint.many else {"n"}

    def __repr__(self) -> str:
        return f"OpenAICompatible({self.endpoint.name!r})"

    async def ask(self, ask: Ask) -> Reply:
        """One request. May give fewer texts than `ask.n` where the endpoint cannot give several at once."""
        began = time.perf_counter()
        status, headers, body = await self._post(self._request(ask))
        if status != 200:
            raise self._refusal(status, headers.get("retry-after"), body)
        reply = self._read(ask, body)
        return msgspec.structs.replace(reply, seconds=time.perf_counter() - began)

    async def close(self) -> None:
        if self._clients is not None:
            await self._clients.close()
            self._clients = None

    def _request(self, ask: Ask) -> dict[str, object]:
        body: dict[str, object] = {"model": self.endpoint.model, "messages": ask.messages}
        optional: dict[str, object | None] = {
            "temperature": ask.temperature,
            "seed": ask.seed,
            "n": ask.n if ask.n > 1 else None,
            "stop": ask.stop or None,
        }
        body |= {name: value for name, value in optional.items() if value is not None and name not in self._without}
        if ask.max_tokens is not None:
            body[self._limit] = ask.max_tokens
        if ask.schema is not None:
            schema = {"name": "reply", "schema": ask.schema, "strict": True}
            body["response_format"] = {"type": "json_schema", "json_schema": schema}
        if ask.grammar is not None:
            body["grammar"] = ask.grammar
        return body

    async def _post(self, request: dict[str, object]) -> tuple[int, httpx2.Headers, bytes]:
        """Status, headers and whole body. Raises `RetryableError` where the way there or back broke."""
        import httpx2

        content = msgspec.json.encode(request)
        received = bytearray()
        answered = False
        try:
            clients = self._clients = self._clients or self._open()
            async with clients.lend() as client:
                response = await client.send(
                    httpx2.Request("POST", self._url or "", headers=self._headers, content=content), stream=True
                )
                answered = True
                async with contextlib.aclosing(response):
                    async for chunk in response.aiter_bytes():
                        received += chunk
                        if len(received) > _LARGEST_BODY:
                            size = _LARGEST_BODY // 2**20
                            raise ModelError(f"model '{self.endpoint.name}': the reply is longer than {size} MB")
                return response.status_code, response.headers, bytes(received)
        except httpx2.TimeoutException as error:
            # A connection that was never made cost nothing; anything later may have been answered and charged.
            billed = not isinstance(error, httpx2.ConnectTimeout | httpx2.PoolTimeout)
            raise self._failure("timeout", "no answer in time", billed=billed) from error
        except httpx2.ConnectError as error:
            raise self._failure("unreachable", f"cannot be reached at {self.endpoint.url}: {error}") from error
        except httpx2.TransportError as error:
            if answered:
                message = f"the reply broke off after {len(received)} bytes"
                raise self._failure("cut", message, billed=True) from error
            message = f"the connection broke before an answer ({type(error).__name__}: {error})"
            raise self._failure("connection", message, billed=True) from error
        except httpx2.DecodingError as error:
            raise self._failure("malformed", f"the reply cannot be decoded: {error}", billed=True) from error
        except (httpx2.InvalidURL, httpx2.HTTPError, UnicodeEncodeError) as error:
            message = f"model '{self.endpoint.name}': the request cannot be sent: {error}"
            raise ModelError(self._clean(message)) from None

    def _open(self) -> Clients:
        """What every request needs, made once."""
        import httpx2

        from loopwright.llm.clients import Clients

        headers = {
            "content-type": "application/json",
            "accept": "application/json",
            "accept-encoding": "gzip, deflate",
            "user-agent": f"loopwright/{__version__}",
        }
        if self._key:
            headers["authorization"] = f"Bearer {self._key}"
        try:
            self._headers = httpx2.Headers(headers)
        except UnicodeEncodeError:
            raise ModelError(
                f"model '{self.endpoint.name}': the key in {self.endpoint.key_variable} has characters "
                "that no key can have; set it again"
            ) from None
        self._url = httpx2.URL(f"{self.endpoint.url}/chat/completions")
        # An endpoint on this machine is not reached through a proxy.
        return Clients(self.endpoint.url, trust_env=not self.endpoint.url.startswith(_LOOPBACK), socket=self._socket)

    def _failure(
        self, kind: FailureKind, message: str, *, after: float | None = None, billed: bool = False
    ) -> RetryableError:
        text = self._clean(f"model '{self.endpoint.name}': {message}")
        return RetryableError(text, kind=kind, after=after, billed=billed)

    def _clean(self, text: str) -> str:
        return text.replace(self._key, "***") if self._key else text

    def _refusal(self, status: int, wait: str | None, body: bytes) -> ModelError:
        """What a status other than 200 means: worth a retry, worth one without some parameter, or final."""
        message, code = _error_of(_decoded(body), body)
        told = f"status {status}: {message}" if message else f"status {status}"
        # A spent quota is told as 429 too, but waiting does not fill it.
        if status == 429 and code != "insufficient_quota":
            return self._failure("rate", told, after=retry_after(wait))
        if status >= 500 or status in {408, 409, 425}:
            return self._failure("server", told, after=retry_after(wait))
        if status in {400, 422} and (changed := self._do_without(message, code)):
            return self._failure("parameter", f"{told}; {changed}", after=0.0)
        hint = ""
        if status in {401, 403}:
            hint = f"; check the key in {self.endpoint.key_variable}"
        elif status == 404:
            hint = f"; check the model's name '{self.endpoint.model}' and the address {self.endpoint.url}"
        elif 300 <= status < 400:
            hint = "; the address redirects: give the final one"
        return ModelError(self._clean(f"model '{self.endpoint.name}': {told}{hint}"))

    def _do_without(self, message: str, code: str) -> str:
        """Leave out, from now on, the optional parameter that the endpoint complains of; what was changed, or ''."""
        other = _LIMITS[1 - _LIMITS.index(self._limit)]
        if self._limit in message and (other in message or "nsupported" in message) and "limit" not in self._without:
            self._without.add("limit")
            self._limit = other
            return f"using '{other}'"
        unsupported = "nsupported" in message + code or "not support" in message or "nknown" in message
        for name in _OPTIONAL:
            quoted = any(f"{mark}{name}{mark}" in message for mark in "'`\"")
            if unsupported and quoted and name not in self._without:
                self._without.add(name)
                self.notes.append(f"model '{self.endpoint.name}' does not take '{name}'; it is left out")
                return f"leaving out '{name}'"
        return ""

    def _read(self, ask: Ask, body: bytes) -> Reply:
        """The reply in a body of status 200."""
        data = _decoded(body)
        if not isinstance(data, dict):
            shown = body[:80].decode("utf-8", "replace")
            raise self._failure("malformed", f"the reply is no JSON object: {shown!r}", billed=True)
        fields = cast("dict[str, Any]", data)
        if fields.get("error"):
            message, code = _error_of(fields, body)
            if code.isdigit() and 400 <= int(code) < 500 and code not in {"408", "409", "425", "429"}:
                raise ModelError(self._clean(f"model '{self.endpoint.name}': {message}"))
            raise self._failure("rate" if code == "429" else "server", message)
        choices = fields.get("choices")
        if not isinstance(choices, list):
            raise self._failure("malformed", "the reply has no 'choices'", billed=True)
        if not choices:
            raise self._failure("empty", "the reply has an empty list of choices", billed=True)
        texts: list[str] = []
        finishes: list[str] = []
        for choice in cast("list[object]", choices):
            text, ended = _choice(choice)
            if text is None:
                raise self._failure("malformed", "a choice of the reply has no message", billed=True)
            texts.append(text)
            finishes.append(ended)
        usage, sound = _usage(fields.get("usage"), ask, texts)
        if not sound:
            self.notes.append(f"model '{self.endpoint.name}' reports no usable token counts; they are estimated")
        name = fields.get("model")
        wanted = max(1, ask.n)
        return Reply(
            texts=texts[:wanted],
            usage=usage,
            finish=next((finish for finish in finishes[:wanted] if finish != "stop"), "stop"),
            model=name if isinstance(name, str) else self.endpoint.model,
            finishes=finishes[:wanted],
        )


def _decoded(body: bytes) -> object:
    try:
        return msgspec.json.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _error_of(data: object, body: bytes) -> tuple[str, str]:
    """(message, code) of an error body, in the several shapes that endpoints give it."""
    error: object = data
    if isinstance(data, list) and data:
        error = cast("list[object]", data)[0]
    if isinstance(error, dict):
        fields = cast("dict[str, object]", error)
        error = fields.get("error", fields.get("detail", fields))
    if isinstance(error, dict):
        fields = cast("dict[str, object]", error)
        message = fields.get("message") or fields.get("detail") or fields.get("type") or ""
        return _short(str(message)), str(fields.get("code") or fields.get("type") or "")
    if isinstance(error, str):
        return _short(error), ""
    return _short(body[:600].decode("utf-8", "replace")), ""


def _short(text: str) -> str:
    line = " ".join(text.split())
    return line if len(line) <= 300 else line[:297] + "..."


def _choice(choice: object) -> tuple[str | None, str]:
    """(text, finish reason) of one choice; the text is None where there is no message at all."""
    if not isinstance(choice, dict):
        return None, ""
    fields = cast("dict[str, object]", choice)
    reason = fields.get("finish_reason")
    finish = reason if isinstance(reason, str) and reason else "stop"
    message = fields.get("message")
    if not isinstance(message, dict):
        text = fields.get("text")
        return (text, finish) if isinstance(text, str) else (None, finish)
    parts = cast("dict[str, object]", message)
    content = parts.get("content")
    if isinstance(content, str):
        return content, finish
    if isinstance(content, list):
        texts = [
            cast("dict[str, object]", part).get("text")
            for part in cast("list[object]", content)
            if isinstance(part, dict)
        ]
        return "".join(text for text in texts if isinstance(text, str)), finish
    refusal = parts.get("refusal")
    # No content: the model used up its tokens thinking, was stopped by a filter, or declined.
    return (refusal if isinstance(refusal, str) else ""), finish


def _usage(reported: object, ask: Ask, texts: list[str]) -> tuple[Usage, bool]:
    """(usage, whether both numbers were reported). What is missing or no whole number from 0 up is estimated."""
    fields = cast("dict[str, object]", reported) if isinstance(reported, dict) else {}
    prompt = _count(fields.get("prompt_tokens"))
    output = _count(fields.get("completion_tokens"))
    sound = prompt is not None and output is not None
    if prompt is None:
        prompt = estimate_prompt(ask.messages)
    if output is None:
        output = sum(estimate(text) for text in texts)
    return Usage(calls=1, input_tokens=prompt, output_tokens=output), sound


def _count(value: object) -> int | None:
    if isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value) or value < 0:
        return None
    return int(value)
