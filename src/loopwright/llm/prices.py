"""What a model's tokens cost in US dollars: a shipped table that says its date, and the user's own prices before it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from importlib.resources import files

import msgspec

from loopwright.errors import SettingsError
from loopwright.llm.models import is_free
from loopwright.trial import Usage

_MILLION = 1_000_000
# A model's date or "latest", which providers append to a name without changing its price.
_VERSION = re.compile(r"(-20\d\d-?\d\d-?\d\d|-\d{4}-preview|-latest|:free|:nitro|:floor)$")


class Price(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """US dollars per million tokens. A request with more than `long` prompt tokens (0: none) has the long prices."""

    input: float
    output: float
    long: int = 0
    long_input: float = 0.0
    long_output: float = 0.0

    def __post_init__(self) -> None:
        if not (self.input >= 0 and self.output >= 0):
            raise SettingsError("a price is [input, output] in US dollars per million tokens, both zero or more")

    def usd(self, usage: Usage) -> float:
        """What `usage` of one request costs."""
        dear = self.long and usage.input_tokens > self.long
        per_input, per_output = (self.long_input, self.long_output) if dear else (self.input, self.output)
        return (usage.input_tokens * per_input + usage.output_tokens * per_output) / _MILLION

    def most(self, usage: Usage) -> float:
        """The most that a request within `usage` can cost, whichever of the two prices applies."""
        return max(self.usd(usage), (usage.input_tokens * self.input + usage.output_tokens * self.output) / _MILLION)


FREE = Price(0.0, 0.0)


class Prices:
    """Prices by model name. `own` goes before the shipped table; its keys are names as settings give them."""

    def __init__(self, own: Mapping[str, Price] | None = None) -> None:
        self._own = dict(own or {})
        self._shipped: dict[str, Price] | None = None
        self._date = ""

    def find(self, model: str) -> Price | None:
        """The price of a model, or None where it is unknown. Models on this machine are free unless `own` says else."""
        if model in self._own:
            return self._own[model]
        if is_free(model):
            return FREE
        shipped = self._table()
        for name in _names(model):
            if name in shipped:
                return shipped[name]
        return None

    @property
    def date(self) -> str:
        """When the shipped prices were collected, as year and month."""
        self._table()
        return self._date

    def _table(self) -> dict[str, Price]:
        if self._shipped is None:
            import tomllib

            data = tomllib.loads(files("loopwright.llm").joinpath("prices.toml").read_text("utf-8"))
            rows = msgspec.convert(data["models"], dict[str, list[float]])
            self._date = str(data["date"])
            self._shipped = {name: price_of(name, row) for name, row in rows.items()}
        return self._shipped


def price_of(name: str, row: list[float]) -> Price:
    """A price from its row in a table: two numbers, or five. Raises `SettingsError`."""
    if len(row) == 2:
        return Price(row[0], row[1])
    if len(row) == 5:
        return Price(row[0], row[1], int(row[2]), row[3], row[4])
    raise SettingsError(f"the price of '{name}' has {len(row)} numbers; give [input, output] per million tokens")


def _names(model: str) -> list[str]:
    """Names under which the table may have this model: as it is, without a date, without a reseller in front."""
    names = [model]
    reseller, slash, rest = model.partition("/")
    if slash and reseller == "openrouter":
        names += [rest, rest.replace("google/", "gemini/"), rest.replace("x-ai/", "xai/"), _dashed(rest)]
    return [*names, *(_VERSION.sub("", name) for name in names)]


def _dashed(name: str) -> str:
    return name.replace(".", "-") if name.startswith("anthropic/") else name
