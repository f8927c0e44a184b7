"""`study.toml`: a loop, axes over any of its settings, how many repeats, and what all runs together may spend.

Only names, types and their consistency live here; which cells follow from the axes is in `design`.

    loop = "loop.toml"                      # or a table [loop] with the same names
    repeats = 5
    [axes]
    evidence.horizon.steps = [1, "full"]    # a setting and its levels
    [axes.start]                            # a name, and levels that may set several settings at once
    one = { artifact.path = "one.py" }
    many = { artifact.path = "many.py" }
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import msgspec

from loopwright.errors import SettingsError, nearest
from loopwright.settings import Loop, put, refuse_unknown
from loopwright.study.results import Axis


class Design(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which combinations of levels are run: all of them, unless one of these says otherwise.

    `generators` make a regular fraction of two-level axes: "c = a * b" runs only the cells in which the level of c
    follows from those of a and b. `half = true` is the one generator that keeps the most: the last axis from all
    others. `cells` lists the combinations themselves.
    """

    generators: list[str] = []
    half: bool = False
    cells: list[dict[str, Any]] = []


class StudyBudget(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What all runs of a study together may spend, over all times it is started; never passed. `None` is no limit."""

    trials: int | None = None
    calls: int | None = None
    tokens: int | None = None
    usd: float | None = None
    minutes: float | None = None


class Study(msgspec.Struct, frozen=True, kw_only=True):
    """A study as its user writes it. `loop` is the plain table that all runs begin with.

    Repeat r of every cell has the seed `loop.seed + r - 1`. `slots` trials and `runs` runs are under way at a time.
    """

    loop: dict[str, Any]
    axes: list[Axis]
    name: str = "study"
    repeats: int = 5
    slots: int = 2
    runs: int = 2
    design: Design = Design()
    budget: StudyBudget = StudyBudget()

    @classmethod
    def load(cls, path: str | Path, overrides: Mapping[str, Any] | None = None) -> Study:
        """Read `study.toml`; `overrides` are names of the study such as `repeats` or `budget.trials`.

        Raises `SettingsError`: for a missing or unreadable file, unknown names (the nearest is named), wrong types.
        """
        path = Path(path)
        table = _read(path)
        for name, value in (overrides or {}).items():
            put(table, name, value)
        where = str(path)
        if isinstance(file := table.get("loop"), str):
            table["loop"] = _read(path.parent / file)
        table.setdefault("name", path.stem)
        return cls.of(table, where=where)

    @classmethod
    def of(cls, table: Mapping[str, Any], *, where: str = "the study") -> Study:
        """A study from a plain mapping with the names of `study.toml`; its `loop` must be a table."""
        known = {*cls.__struct_fields__, "set"}
        for name in table:
            if name not in known:
                raise SettingsError(f"{where}: unknown setting '{name}'{nearest(name, known)}")
        for name, record in (("design", Design), ("budget", StudyBudget)):
            if isinstance(inner := table.get(name), Mapping):
                refuse_unknown(record, cast("Mapping[str, Any]", inner), where, f"{name}.")
        loop = table.get("loop")
        if not isinstance(loop, Mapping):
            raise SettingsError(f'{where}: a study needs a loop; write loop = "loop.toml" or a table [loop]')
        base = cast("dict[str, Any]", msgspec.to_builtins(loop))
        for name, value in flat(table.get("set", {})).items():
            put(base, name, value)
        rest = {name: value for name, value in table.items() if name not in {"loop", "set", "axes"}}
        slots = base.get("execution", {}).get("slots", 2)
        try:
            study = msgspec.convert(
                {"slots": slots, "runs": max(2, int(rest.get("slots", slots))), **rest, "loop": base, "axes": []}, cls
            )
        except msgspec.ValidationError as error:
            raise SettingsError(f"{where}: {error}") from None
        study = msgspec.structs.replace(study, axes=_axes(table.get("axes"), where))
        study.check(where)
        return study

    def check(self, where: str = "the study") -> None:
        """Refuse what cannot be meant, one sentence each. Every level is tried on the loop."""
        for name in ("repeats", "slots", "runs"):
            if getattr(self, name) < 1:
                raise SettingsError(f"{where}: {name} must be at least 1")
        for name in StudyBudget.__struct_fields__:
            value = getattr(self.budget, name)
            if value is not None and value <= 0:
                raise SettingsError(f"{where}: budget.{name} must be more than 0")
        Loop.of(self.loop, where=f"{where}, [loop]")
        for axis in self.axes:
            for label, settings in axis.settings.items():
                if "seed" in settings:
                    raise SettingsError(f"{where}: the axis '{axis.name}' sets the seed; that is what repeats are for")
                with_settings(self.loop, settings, where=f"{where}, axis '{axis.name}', level '{label}'")

    def axis(self, name: str) -> Axis:
        """The axis of that name. Raises `SettingsError` that names the nearest."""
        for axis in self.axes:
            if axis.name == name:
                return axis
        raise SettingsError(f"there is no axis '{name}'{nearest(name, [axis.name for axis in self.axes])}")


def with_settings(loop: Mapping[str, Any], settings: Mapping[str, Any], *, where: str) -> Loop:
    """The loop with dotted settings changed. Raises `SettingsError`."""
    table = cast("dict[str, Any]", msgspec.to_builtins(loop))
    for name, value in settings.items():
        put(table, name, value)
    return Loop.of(table, where=where)


def flat(table: Mapping[str, Any], path: str = "") -> dict[str, Any]:
    """A nested table as dotted names: `{"search": {"accept": "improve"}}` is `{"search.accept": "improve"}`."""
    found: dict[str, Any] = {}
    for name, value in table.items():
        if isinstance(value, Mapping) and value:
            found |= flat(cast("Mapping[str, Any]", value), f"{path}{name}.")
        else:
            found[path + name] = value
    return found


def label_of(value: Any) -> str:
    """How a level is called that has no name of its own: its value."""
    if isinstance(value, bool) or value is None:
        return str(value).lower()
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _axes(table: Any, where: str) -> list[Axis]:
    if not isinstance(table, Mapping) or not table:
        raise SettingsError(f"{where}: a study needs axes; write [axes] and, below it, search.accept = ['a', 'b']")
    found: list[tuple[str, dict[str, dict[str, Any]]]] = []
    for name, value in cast("Mapping[str, Any]", table).items():
        if name.split(".")[0] in Loop.__struct_fields__:
            found += _swept(value, name, where)
        elif isinstance(value, Mapping):
            found.append((name, _levels(cast("Mapping[str, Any]", value), name, where)))
        else:
            hint = nearest(name, Loop.__struct_fields__)
            raise SettingsError(
                f"{where}: axes.{name} is no setting{hint} An axis of your own is a table of levels: [axes.{name}]"
            )
    short = [".".join(name.split(".")[-2:]) for name, _ in found]
    names = [name if short.count(brief) > 1 else brief for (name, _), brief in zip(found, short, strict=True)]
    for name, (_, levels) in zip(names, found, strict=True):
        if len(levels) < 2:
            raise SettingsError(f"{where}: the axis '{name}' has {len(levels)} level; it needs at least two to compare")
    return [Axis(name, levels) for name, (_, levels) in zip(names, found, strict=True)]


def _swept(value: Any, name: str, where: str) -> list[tuple[str, dict[str, dict[str, Any]]]]:
    """Axes over single settings, at any depth of nested tables: the first list met holds the levels."""
    if isinstance(value, Mapping):
        inner = cast("Mapping[str, Any]", value)
        return [axis for key, each in inner.items() for axis in _swept(each, f"{name}.{key}", where)]
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise SettingsError(f"{where}: axes.{name} is {value!r}; an axis is a list of levels, such as [1, 3]")
    levels: dict[str, dict[str, Any]] = {}
    for each in cast("Sequence[Any]", value):
        label = label_of(each)
        if label in levels:
            raise SettingsError(f"{where}: axes.{name} has the level {label} twice")
        levels[label] = {name: each}
    return [(name, levels)]


def _levels(table: Mapping[str, Any], name: str, where: str) -> dict[str, dict[str, Any]]:
    levels: dict[str, dict[str, Any]] = {}
    for label, settings in table.items():
        if not isinstance(settings, Mapping):
            raise SettingsError(
                f"{where}: axes.{name}.{label} must be a table of settings, such as {{ search.accept = 'improve' }}; "
                f"an axis over one setting is written under the setting's own name"
            )
        levels[label] = flat(cast("Mapping[str, Any]", settings))
    return levels


def _read(path: Path) -> dict[str, Any]:
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SettingsError(f"there is no file {path}") from None
    except IsADirectoryError:
        raise SettingsError(f"{path} is a folder; name the study file in it, such as {path / 'study.toml'}") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise SettingsError(f"{path} is not valid TOML: {error}") from None
