"""From a model's name in the settings to something that can be asked. Reads keys; opens no connection.

Forms: `provider/name` for a known provider, `http://host:port/v1#name` for any OpenAI-compatible endpoint,
`replay/RUN` for the replies of an earlier run, `local/NAME` or `local/PATH.gguf` for a model file on this machine, and,
from Python, any callable `(prompt) -> reply`. The word `ask` (a person answers) is not for here: the runner stops the
run for it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from urllib.parse import urlsplit

import msgspec

from loopwright.errors import ModelError, SettingsError, nearest
from loopwright.llm.callable import CallableModel, ModelFunction
from loopwright.llm.protocol import Model
from loopwright.llm.replay import FindReply, ReplayModel

ASK = "ask"
LOCAL = "local/"
ENDPOINT_KEY = "LOOPWRIGHT_API_KEY"


class Provider(msgspec.Struct, frozen=True):
    """A service that speaks the OpenAI chat completions protocol.

    `key` names the environment variable of its key ("" where it needs none), `base` the variable that may replace its
    URL. `limit` is its name for the reply's length limit, `many` says that one request can give several replies.
    `free` says that a call costs no money.
    """

    url: str
    key: str
    base: str = ""
    limit: str = "max_tokens"
    many: bool = True
    free: bool = False


PROVIDERS: Mapping[str, Provider] = {
    "openai": Provider("https://api.openai.com/v1", "OPENAI_API_KEY", "OPENAI_BASE_URL", limit="max_completion_tokens"),
    "anthropic": Provider("https://api.anthropic.com/v1", "ANTHROPIC_API_KEY", many=False),
    "gemini": Provider("https://generativelanguage.googleapis.com/v1beta/openai", "GEMINI_API_KEY"),
    "openrouter": Provider("https://openrouter.ai/api/v1", "OPENROUTER_API_KEY", many=False),
    "mistral": Provider("https://api.mistral.ai/v1", "MISTRAL_API_KEY"),
    "groq": Provider("https://api.groq.com/openai/v1", "GROQ_API_KEY", many=False),
    "deepseek": Provider("https://api.deepseek.com/v1", "DEEPSEEK_API_KEY", many=False),
    "together": Provider("https://api.together.xyz/v1", "TOGETHER_API_KEY"),
    "fireworks": Provider("https://api.fireworks.ai/inference/v1", "FIREWORKS_API_KEY"),
    "cerebras": Provider("https://api.cerebras.ai/v1", "CEREBRAS_API_KEY", many=False),
    "xai": Provider("https://api.x.ai/v1", "XAI_API_KEY"),
    "nvidia": Provider("https://integrate.api.nvidia.com/v1", "NVIDIA_API_KEY", many=False),
    "dashscope": Provider("https://dashscope-intl.aliyuncs.com/compatible-mode/v1", "DASHSCOPE_API_KEY", many=False),
    "ollama": Provider("http://127.0.0.1:11434/v1", "", "OLLAMA_BASE_URL", many=False, free=True),
    "vllm": Provider("http://127.0.0.1:8000/v1", "", "VLLM_BASE_URL", free=True),
    "lmstudio": Provider("http://127.0.0.1:1234/v1", "", "LMSTUDIO_BASE_URL", many=False, free=True),
    "llamacpp": Provider("http://127.0.0.1:8080/v1", "", "LLAMACPP_BASE_URL", many=False, free=True),
}


class Endpoint(msgspec.Struct, frozen=True):
    """Where and how to ask one remote model. The key itself is not in it, so it may be printed and stored."""

    name: str
    model: str
    url: str
    key_variable: str
    key_needed: bool
    limit: str = "max_tokens"
    many: bool = True
    free: bool = False


def endpoint(name: str, environ: Mapping[str, str]) -> Endpoint:
    """The endpoint that `provider/name` or `http://host/v1#name` means. Raises `SettingsError` for any other form."""
    if name.startswith(("http://", "https://")):
        return _by_url(name)
    provider, slash, model = name.partition("/")
    if not slash or not model:
        raise SettingsError(
            f"model '{name}' is not a model name; write 'provider/name' such as 'openai/gpt-5.1', "
            "or 'http://host:port/v1#name' for an endpoint of your own"
        )
    known = PROVIDERS.get(provider)
    if known is None:
        words = [*PROVIDERS, "replay", "local"]
        raise SettingsError(f"model '{name}': no provider is called '{provider}'{nearest(provider, words)}")
    moved = environ.get(known.base, "").strip() if known.base else ""
    return Endpoint(
        name=name,
        model=model,
        url=(moved or known.url).rstrip("/"),
        key_variable=known.key or ENDPOINT_KEY,
        # Somewhere else than the provider's own address, whether a key is needed is not ours to know.
        key_needed=bool(known.key) and not moved,
        limit="max_tokens" if moved else known.limit,
        many=known.many,
        free=known.free,
    )


def _by_url(name: str) -> Endpoint:
    address, _, model = name.partition("#")
    try:
        host = urlsplit(address).hostname
        _ = urlsplit(address).port
    except ValueError:
        host = None
    if not host:
        raise SettingsError(f"model '{name}': '{address}' is no address; write 'http://host:port/v1#name'")
    if not model:
        raise SettingsError(f"model '{name}' does not name a model; add it after a '#', as in '{address}#name'")
    return Endpoint(name, model, address.rstrip("/"), ENDPOINT_KEY, key_needed=False)


def callable_name(function: ModelFunction) -> str:
    """The name under which a callable stands in settings, journal and ledger."""
    module = getattr(function, "__module__", "")
    name = getattr(function, "__qualname__", type(function).__qualname__)
    return f"callable/{module}.{name}" if module else f"callable/{name}"


def is_free(name: str) -> bool:
    """Whether calls of this model cost no money by their nature: on this machine, replayed, or a plain callable."""
    provider = name.partition("/")[0]
    known = PROVIDERS.get(provider)
    return provider in {"callable", "replay", "local"} or (known is not None and known.free)


def is_local(name: str) -> bool:
    """Whether the model is a file that runs on this machine, in a process of ours: no network, no deadline."""
    return name.startswith(LOCAL)


def connect(
    model: str | ModelFunction,
    *,
    environ: Mapping[str, str] | None = None,
    open_replay: Callable[[str], FindReply] | None = None,
    open_local: Callable[[str], Model] | None = None,
) -> Model:
    """A model ready to be asked; nothing is sent yet.

    `open_replay` opens an earlier run's folder for `replay/FOLDER`, `open_local` a model file for `local/NAME`. Raises
    `SettingsError` for a name that means nothing and `ModelError` for a key or a file that is missing; a message names
    a key's variable, never its value.
    """
    if callable(model):
        return CallableModel(model)
    if environ is None:
        import os

        environ = os.environ
    if model == ASK:
        raise SettingsError("the model 'ask' is a person: it can be an optimizer's model, not an agent's")
    if model.startswith("replay/"):
        if open_replay is None:
            raise ModelError(f"model '{model}': replays of a run folder can only be used inside a run")
        return ReplayModel(model, open_replay(model.removeprefix("replay/")))
    if is_local(model):
        if open_local is None:
            from loopwright.llm.local.model import open_local
        return open_local(model)
    where = endpoint(model, environ)
    key = environ.get(where.key_variable, "").strip()
    if where.key_needed and not key:
        raise ModelError(f"model '{model}' needs a key: set the environment variable {where.key_variable}")
    from loopwright.llm.openai_compatible import OpenAICompatible

    return OpenAICompatible(where, key)
