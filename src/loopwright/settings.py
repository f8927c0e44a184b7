"""The settings of a learning loop: `loop.toml` as one frozen record, and the same names in Python.

Only names, types, defaults and their consistency live here. What a setting *does* is said where it is read.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Literal, cast, get_args, get_origin, get_type_hints

import msgspec

from loopwright.artifact.constraints import Constraint
from loopwright.errors import SettingsError, nearest
from loopwright.evidence.batch import Batch
from loopwright.evidence.horizon import Horizon
from loopwright.evidence.records import Show
from loopwright.execution.protocol import Isolation, Limits
from loopwright.llm.local.settings import LocalSettings
from loopwright.staged import Staged

Accept = Literal["always", "not-worse", "improve", "confident"]
Gate = Literal["batch", "validation"]


class ArtifactSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which files, and which parts of them may be edited.

    `include` are further files (or globs) the artifact needs but that stay frozen. `max_chars` limits each parameter.
    `constraints` are further demands on a parameter by its name, or on each by `"*"`.
    """

    path: str | list[str]
    edit: list[str]
    include: list[str] = []
    max_chars: int | None = None
    constraints: dict[str, Constraint] = {}

    @property
    def paths(self) -> list[str]:
        return [self.path] if isinstance(self.path, str) else list(self.path)


class EvidenceSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What the optimizer sees of each update: credit horizon, experience batching, and a limit in tokens.

    `feedback` is what of each trial's feedback is shown: its numbers, its words, or both. `staged` are texts that go
    with the mean score of the update's trials. `tokenizer` counts: "" estimates, "model" is that of the optimizer's
    model, else "file.py:function".
    """

    horizon: Horizon = Horizon()
    batch: Batch = Batch()
    feedback: Show = "both"
    staged: Staged | None = None
    tokens: int = 30_000
    tokenizer: str = ""


class OptimizerSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Who proposes edits. `samples` proposals are drawn for one update; the gate chooses among them.

    `memory` is how many past proposals are shown, in at most `memory_tokens`; `repairs` how often a refused reply may
    be mended by one more turn. `options` go to the optimizer's own constructor.
    """

    kind: str = "optoprime"
    model: str = ""
    memory: int = 5
    samples: int = 1
    repairs: int = 1
    temperature: float | None = None
    max_tokens: int = 4096
    memory_tokens: int = 4_000
    options: dict[str, Any] = {}

    def shared(self) -> dict[str, Any]:
        """The settings that go to the optimizer itself, as far as its kind has them."""
        names = ("model", "samples", "memory", "memory_tokens", "repairs", "temperature", "max_tokens")
        return {name: getattr(self, name) for name in names}

    def asked(self) -> str:
        """The model that will be asked, "" where none will."""
        return "" if self.kind in {"ask", "mutate"} else self.model


class SearchSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which candidate is edited next, and which are kept.

    `accept` compares a child with its parent on the `gate`: the update's own batch, or the validation split. After
    `revert` updates without a new best the search goes on from the best candidate; after `patience` of them the run
    ends. `target` ends it when the best validation score reaches it. `branches` updates may be under way at once:
    update t then starts from what is known after update t - branches. `width` candidates are open in a beam.

    "confident" draws pairs of trials of child and parent until the difference is settled: `error` bounds the chance to
    keep a child that is no better, `cap` the pairs of one decision. `redraw` lets examples be drawn more than once in a
    decision, each time with a new seed: only where a trial depends on its seed.
    """

    kind: str = "sequential"
    accept: Accept = "always"
    gate: Gate = "validation"
    patience: int | None = None
    revert: int | None = None
    target: float | None = None
    branches: int = 1
    error: float = 0.05
    cap: int = 40
    redraw: bool = False
    width: int = 4


class BudgetSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a run may spend; `None` is no limit. Nothing here is ever passed.

    `steps` counts updates, `trials` all trials including validation and test, `calls`, `tokens` and `usd` all model
    calls. `failures` consecutive failures of one kind end the run with an error.
    """

    steps: int = 15
    trials: int | None = None
    calls: int | None = None
    tokens: int | None = None
    usd: float | None = None
    minutes: float | None = None
    failures: int = 10


class AgentSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The model behind `trial.llm`, for programs that call one."""

    model: str = ""
    temperature: float | None = None
    max_tokens: int | None = None


class JudgeSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """The model behind `lw.judge`, for tasks that have one judge; without a `model` it is the agent's."""

    model: str = ""
    temperature: float | None = None
    max_tokens: int = 600


class ExecutionSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Where and within which limits trials run. `slots` trials run at a time; `limits` hold for each of them."""

    isolation: Isolation = "process"
    slots: int = 2
    limits: Limits = Limits()


class Loop(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """A learning loop as its user writes it.

    `task` is "file.py:name" or "package.module:name"; `task_options` go to it where it takes some. `prices` are US
    dollars per million tokens, as [input, output], of models whose price is not known or has changed. `local` is how
    models called `local/...` are run. `cache` is a file of finished model calls that runs share.
    `log` are callbacks that follow the run, by name or as "module:Class".
    """

    task: str
    artifact: ArtifactSettings
    seed: int = 0
    task_options: dict[str, Any] = {}
    evidence: EvidenceSettings = EvidenceSettings()
    optimizer: OptimizerSettings = OptimizerSettings()
    agent: AgentSettings = AgentSettings()
    judge: JudgeSettings = JudgeSettings()
    search: SearchSettings = SearchSettings()
    budget: BudgetSettings = BudgetSettings()
    execution: ExecutionSettings = ExecutionSettings()
    local: LocalSettings = LocalSettings()
    prices: dict[str, list[float]] = {}
    cache: str = ""
    log: list[str] = []

    @classmethod
    def load(cls, path: str | Path, overrides: Mapping[str, Any] | None = None) -> Loop:
        """Read `loop.toml`; `overrides` are dotted names and values, as `--set search.accept=improve` gives them.

        Raises `SettingsError` for a missing or unreadable file, an unknown setting (the nearest is named), a wrong
        type.
        """
        path = Path(path)
        try:
            table = tomllib.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise SettingsError(f"there is no loop file {path}; name one, or make one with 'loopwright init'") from None
        except IsADirectoryError:
            raise SettingsError(f"{path} is a folder; name the loop file in it, such as {path / 'loop.toml'}") from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
            raise SettingsError(f"{path} is not valid TOML: {error}") from None
        for name, value in (overrides or {}).items():
            put(table, name, value)
        return cls.of(table, where=str(path))

    @classmethod
    def of(cls, table: Mapping[str, Any], *, where: str = "the settings") -> Loop:
        """A Loop from a plain nested mapping with the names of `loop.toml`."""
        refuse_unknown(cls, table, where)
        try:
            loop = msgspec.convert(dict(table), cls)
        except msgspec.ValidationError as error:
            raise SettingsError(f"{where}: {_readable(error)}") from None
        loop.check(where)
        return loop

    def check(self, where: str = "the settings") -> None:
        """Refuse values that cannot be meant, one sentence each."""
        rules = [
            (
                "artifact.edit",
                bool(self.artifact.edit),
                "names no editable part; name functions, strings or files",
            ),
            ("optimizer.samples", self.optimizer.samples >= 1, "must be at least 1"),
            ("optimizer.memory", self.optimizer.memory >= 0, "must not be negative"),
            ("optimizer.memory_tokens", self.optimizer.memory_tokens >= 0, "must not be negative"),
            (
                "optimizer.kind",
                self.optimizer.kind != "opro" or self.evidence.feedback != "text",
                'is opro, which learns from scores, but evidence.feedback = "text" hides them; take another kind',
            ),
            ("optimizer.repairs", self.optimizer.repairs >= 0, "must not be negative"),
            ("optimizer.max_tokens", self.optimizer.max_tokens >= 1, "must be at least 1"),
            ("judge.max_tokens", self.judge.max_tokens >= 1, "must be at least 1"),
            ("search.width", 1 <= self.search.width <= 16, "must be from 1 to 16, as many as are kept ranked"),
            ("search.branches", self.search.branches >= 1, "must be at least 1"),
            (
                "search.branches",
                self.search.branches == 1 or self.evidence.horizon.where != "online",
                'must be 1 with horizon.where = "online": each update goes on where the one before it ended',
            ),
            ("search.error", 0 < self.search.error < 1, "must be a chance between 0 and 1, such as 0.05"),
            ("search.cap", self.search.cap >= 1, "must be at least 1"),
            ("search.patience", (self.search.patience or 1) >= 1, "must be at least 1"),
            ("search.revert", (self.search.revert or 1) >= 1, "must be at least 1"),
            (
                "evidence.tokens",
                self.evidence.tokens >= 200,
                "must be at least 200: less shows the optimizer nothing",
            ),
            ("execution.slots", self.execution.slots >= 1, "must be at least 1"),
            ("execution.limits.seconds", self.execution.limits.seconds > 0, "must be more than 0"),
            ("execution.limits.threads", self.execution.limits.threads >= 1, "must be at least 1"),
            ("budget.steps", self.budget.steps >= 0, "must not be negative"),
            ("budget.failures", self.budget.failures >= 1, "must be at least 1"),
            *(
                (
                    f"budget.{name}",
                    (value := getattr(self.budget, name)) is None or value > 0,
                    "must be more than 0",
                )
                for name in ("trials", "calls", "tokens", "usd", "minutes")
            ),
        ]
        for name, holds, problem in rules:
            if not holds:
                raise SettingsError(f"{where}: {name} {problem}")

    def data(self) -> dict[str, Any]:
        """The settings as plain nested data, every default spelled out."""
        return msgspec.to_builtins(self)


def put(table: dict[str, Any], name: str, value: Any) -> None:
    """Set a dotted name in a nested table, making the tables on the way."""
    *path, last = name.split(".")
    for part in path:
        inner = table.setdefault(part, {})
        if not isinstance(inner, dict):
            raise SettingsError(f"{name} cannot be set: {part} is a value, not a table")
        table = cast("dict[str, Any]", inner)
    table[last] = value


def parse_override(text: str) -> tuple[str, Any]:
    """`"search.accept=improve"` as a name and a value: the value is read as TOML, and else taken as a plain string."""
    name, equals, raw = text.partition("=")
    if not equals or not name.strip():
        raise SettingsError(f"--set takes NAME=VALUE, such as search.accept=improve; got {text!r}")
    try:
        return name.strip(), tomllib.loads(f"value = {raw}")["value"]
    except tomllib.TOMLDecodeError:
        return name.strip(), raw.strip()


def refuse_unknown(record: type[msgspec.Struct], table: Mapping[str, Any], where: str, path: str = "") -> None:
    """Walk a table beside its record; an unknown name is an error that names the nearest valid one."""
    hints = get_type_hints(record)
    for name, value in table.items():
        if name not in record.__struct_fields__:
            raise SettingsError(f"{where}: unknown setting '{path}{name}'{nearest(name, record.__struct_fields__)}")
        inner = hints[name]
        by_name = [arg for arg in get_args(inner) if isinstance(arg, type) and issubclass(arg, msgspec.Struct)]
        if get_origin(inner) is dict and by_name and isinstance(value, Mapping):
            for key, entry in cast("Mapping[str, Any]", value).items():
                if isinstance(entry, Mapping):
                    refuse_unknown(by_name[0], cast("Mapping[str, Any]", entry), where, f"{path}{name}.{key}.")
        if isinstance(value, Mapping) and isinstance(inner, type) and issubclass(inner, msgspec.Struct):
            refuse_unknown(inner, cast("Mapping[str, Any]", value), where, f"{path}{name}.")


def _readable(error: msgspec.ValidationError) -> str:
    """msgspec's message with the setting first: "search.gate: Invalid enum value 'bath'"."""
    match = re.fullmatch(r"(.*) - at `\$\.?(.*)`", str(error), flags=re.DOTALL)
    if match:
        return f"{match[2]}: {match[1]}"
    missing = re.fullmatch(r"Object missing required field `(.*)`", str(error))
    return f"the setting '{missing[1]}' is missing" if missing else str(error)
