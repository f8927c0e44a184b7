"""Model names, keys and prices: what they mean, and what is said of wrong ones."""

from __future__ import annotations

import pytest

from loopwright.errors import ModelError, SettingsError
from loopwright.llm.callable import CallableModel
from loopwright.llm.models import PROVIDERS, callable_name, connect, endpoint, is_free
from loopwright.llm.prices import FREE, Price, Prices, price_of
from loopwright.trial import Usage


@pytest.mark.parametrize("provider", sorted(PROVIDERS))
def test_every_provider_gives_an_endpoint(provider: str) -> None:
    found = endpoint(f"{provider}/some/model", {})
    assert found.model == "some/model"
    assert found.url.startswith("http")
    assert found.key_needed == bool(PROVIDERS[provider].key)


def test_a_missing_key_is_one_sentence_with_the_variable() -> None:
    with pytest.raises(ModelError, match="OPENAI_API_KEY"):
        connect("openai/gpt-5.1", environ={})
    with pytest.raises(ModelError, match="ANTHROPIC_API_KEY"):
        connect("anthropic/claude", environ={"ANTHROPIC_API_KEY": "  "})


def test_a_base_url_of_ones_own_needs_no_key() -> None:
    found = endpoint("openai/name", {"OPENAI_BASE_URL": "http://127.0.0.1:9/v1/"})
    assert found.url == "http://127.0.0.1:9/v1"
    connect("openai/name", environ={"OPENAI_BASE_URL": "http://127.0.0.1:9/v1/"})


def test_a_url_names_address_and_model() -> None:
    found = endpoint("http://127.0.0.1:8000/v1/#Qwen/Qwen3-8B", {})
    assert (found.url, found.model) == ("http://127.0.0.1:8000/v1", "Qwen/Qwen3-8B")
    assert not found.key_needed


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("gpt-5.1", "provider/name"),
        ("openia/gpt-5.1", "did you mean 'openai'"),
        ("openai/", "provider/name"),
        ("", "provider/name"),
        ("http://127.0.0.1:8000/v1", "does not name a model"),
        ("http://127.0.0.1:8000/v1#", "does not name a model"),
        ("http://#x", "is no address"),
        ("http://127.0.0.1:port/v1#x", "is no address"),
        ("ask", "person"),
    ],
)
def test_a_wrong_name_is_said_in_one_sentence(name: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said) as caught:
        connect(name, environ={})
    assert "\n" not in str(caught.value)


def test_local_and_replay_say_what_they_need() -> None:
    with pytest.raises(ModelError, match="no local model is called 'qwen'"):
        connect("local/qwen", environ={})
    with pytest.raises(ModelError, match="inside a run"):
        connect("replay/runs/1", environ={})
    opened: list[str] = []
    connect("replay/runs/1", environ={}, open_replay=lambda folder: opened.append(folder) or (lambda r, c: None))
    assert opened == ["runs/1"]


def test_a_callable_is_connected_and_has_a_name() -> None:
    assert isinstance(connect(str.upper), CallableModel)
    assert callable_name(endpoint).endswith("models.endpoint")


def test_no_key_is_in_a_repr() -> None:
    model = connect("openai/gpt-5.1", environ={"OPENAI_API_KEY": "sk-hush"})
    assert "sk-hush" not in repr(model)
    assert "sk-hush" not in repr(vars(model)["endpoint"])


def test_own_prices_go_before_shipped_ones_and_before_free() -> None:
    prices = Prices({"openai/gpt-5.1": Price(7, 8), "ollama/x": Price(1, 1)})
    assert prices.find("openai/gpt-5.1") == Price(7, 8)
    assert prices.find("ollama/x") == Price(1, 1)
    assert prices.find("ollama/y") == FREE
    assert prices.find("http://127.0.0.1:1/v1#x") is None


@pytest.mark.parametrize(
    ("name", "like"),
    [
        ("openai/gpt-5.1-2025-11-13", "openai/gpt-5.1"),
        ("anthropic/claude-haiku-4-5-20251001", "anthropic/claude-haiku-4-5"),
        ("anthropic/claude-3-5-haiku-latest", "anthropic/claude-3-5-haiku"),
        ("openrouter/openai/gpt-5-mini", "openai/gpt-5-mini"),
        ("openrouter/anthropic/claude-haiku-4.5", "anthropic/claude-haiku-4-5"),
        ("openrouter/google/gemini-2.5-flash", "gemini/gemini-2.5-flash"),
    ],
)
def test_a_dated_or_resold_name_has_the_price_of_the_plain_one(name: str, like: str) -> None:
    assert Prices().find(name) == Prices().find(like) is not None


def test_a_name_that_only_begins_alike_has_no_price() -> None:
    assert Prices().find("openai/gpt-5.1-pro-max") is None


def test_shipped_prices_are_sound_and_dated() -> None:
    prices = Prices()
    assert len(prices.date) == len("2026-01")
    table = prices._table()
    assert len(table) >= 36
    for name, price in table.items():
        provider, _, _ = name.partition("/")
        assert provider in PROVIDERS
        assert 0 < price.input <= price.output
        assert not price.long or (price.long_input >= price.input and price.long_output >= price.output)


def test_long_prompts_cost_the_long_price() -> None:
    price = price_of("x", [1.0, 2.0, 1000, 10.0, 20.0])
    assert price.usd(Usage(1, 1000, 1000)) == pytest.approx(0.003)
    assert price.usd(Usage(1, 1001, 1000)) == pytest.approx(0.03001)
    assert price.most(Usage(1, 1001, 1000)) >= price.usd(Usage(1, 1000, 1000))


def test_a_wrong_price_is_an_error() -> None:
    with pytest.raises(SettingsError):
        price_of("x", [1.0])
    with pytest.raises(SettingsError):
        Price(-1, 1)


def test_only_what_runs_here_is_free() -> None:
    assert is_free("callable/a.b")
    assert is_free("ollama/x")
    assert not is_free("openai/x")
    assert not is_free("http://127.0.0.1:1/v1#x")
