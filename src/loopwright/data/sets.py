"""Which data sets there are: name, what it is, its files with their checksums. Read from `sets.toml`."""

from __future__ import annotations

from functools import cache
from importlib.resources import files

import msgspec

from loopwright.errors import DataError, nearest


class DataSet(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One data set. `files` maps a file's name to the sha256 of its content (of what a .gz file unpacks to)."""

    about: str
    licence: str
    files: dict[str, str]


@cache
def _all() -> dict[str, DataSet]:
    return msgspec.toml.decode(files("loopwright.data").joinpath("sets.toml").read_bytes(), type=dict[str, DataSet])


def names() -> list[str]:
    """The names of all data sets, in the order of `sets.toml`."""
    return list(_all())


def data_set(name: str) -> DataSet:
    """A data set by its name. Raises `DataError` that names the nearest."""
    if name not in _all():
        raise DataError(f"there is no data set '{name}'{nearest(name, _all())}")
    return _all()[name]
