"""The artifact: text files with named editable parts. Loading from disk or from texts, and plain data to resume from.

Which bytes an edit may touch is settled here once, from the starting files; candidates only carry texts.
"""

from __future__ import annotations

import os
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path, PurePosixPath

import msgspec

from loopwright.artifact.candidate import Candidate, identify
from loopwright.artifact.constraints import Constraint, Rule, bind
from loopwright.artifact.parameter import Parameter
from loopwright.artifact.resolve import resolve
from loopwright.artifact.source import Text, decode, is_python, python_encoding
from loopwright.errors import ArtifactError, nearest


class ArtifactData(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """An artifact as plain data. `frozen` names the files in which nothing is looked up; the first other Python file is
    the entry."""

    files: dict[str, bytes]
    edit: list[str]
    frozen: list[str] = []
    max_chars: int | None = None
    constraints: dict[str, Constraint] = {}


class Artifact(msgspec.Struct, frozen=True, eq=False):
    """Files with named parameters.

    `files` are the starting files, exact bytes by relative name; `sources` those in which names are looked up, decoded;
    `editable` the parameters of each file that has some. `max_chars` limits each parameter's text, and `rules` are what
    else is demanded of it, by its name.
    """

    data: ArtifactData
    parameters: tuple[Parameter, ...]
    sources: dict[str, Text]
    editable: dict[str, list[Parameter]]
    entry: str
    rules: dict[str, list[Rule]]

    @classmethod
    def load(
        cls,
        paths: Sequence[Path | str],
        edit: Sequence[str],
        *,
        include: Sequence[Path | str] = (),
        root: Path | str | None = None,
        max_chars: int | None = None,
        constraints: Mapping[str, Constraint] | None = None,
    ) -> Artifact:
        """Read an artifact from disk.

        `paths` are the files in which `edit` is looked up; `include` are further files, folders or globs that belong to
        the program and stay frozen. Both are relative to `root`, which is by default the folder that holds all `paths`
        (paths are then relative to the working directory); files are named relative to it.

        A name in `edit` is a function, `Class.method`, `Class`, a `NAME` assigned a string, a whole file by its
        relative name, a region's name or `EVOLVE-BLOCK` for all regions; `file.py:name` says in which file.
        Definitions under `if` or `try` count too; a name defined twice is an error. `constraints` are demands on
        parameters by name; the files of their checks are relative to the root, too.

        Raises `ArtifactError`.
        """
        if not paths:
            raise ArtifactError("no file is given; `path` must name at least one")
        base = Path(root) if root is not None else None
        found = [_absolute(Path(path), base) for path in paths]
        top = base if base is not None else Path(os.path.commonpath([path.parent for path in found]))
        top = Path(os.path.abspath(top))
        files = {_relative(path, top): _read(path) for path in found}
        included: dict[str, bytes] = {}
        for path in _included(include, top):
            name = _relative(path, top)
            if name not in files:
                included[name] = _read(path)
        demands = dict(constraints or {})
        data = ArtifactData({**files, **included}, list(edit), list(included), max_chars, demands)
        return cls.from_data(data, root=top)

    @classmethod
    def from_texts(
        cls,
        texts: Mapping[str, str] | str,
        edit: Sequence[str] | None = None,
        *,
        max_chars: int | None = None,
        constraints: Mapping[str, Constraint] | None = None,
        root: Path | str | None = None,
    ) -> Artifact:
        """An artifact from texts by file name; one `str` alone is a file named `text`.

        Without `edit`, every text is editable as a whole. Checks among the constraints need a `root`.

        Raises `ArtifactError`.
        """
        named = {"text": texts} if isinstance(texts, str) else dict(texts)
        files = {name: _encoded(name, text) for name, text in named.items()}
        names = list(named) if edit is None else list(edit)
        return cls.from_data(ArtifactData(files, names, [], max_chars, dict(constraints or {})), root=root)

    @classmethod
    def from_data(cls, data: ArtifactData, *, root: Path | str | None = None) -> Artifact:
        """The artifact that gave this data. Raises `ArtifactError`.

        Without a `root`, checks among its constraints are not loaded: it can be read, but not edited where one applies.
        """
        for name in data.files:
            path = PurePosixPath(name)
            if path.is_absolute() or ".." in path.parts or str(path) != name or "\x00" in name or name == ".":
                raise ArtifactError(f"{name!r} cannot name a file of an artifact; use a relative name without '..'")
        sources = {name: decode(name, content) for name, content in data.files.items() if name not in data.frozen}
        for name in data.edit:
            if name in data.frozen:
                raise ArtifactError(f"'{name}' is only included, which keeps it frozen; name it in `path` to edit it")
        parameters = resolve(sources, data.edit)
        editable: dict[str, list[Parameter]] = {}
        for parameter in parameters:
            editable.setdefault(parameter.file, []).append(parameter)
            if data.max_chars is not None and len(parameter.text) > data.max_chars:
                raise ArtifactError(
                    f"{parameter.what} has {len(parameter.text):,} characters already, more than "
                    f"max_chars = {data.max_chars:,}; raise the limit or shorten it"
                )
        entry = next((name for name in sources if is_python(name)), "")
        rules = bind(data.constraints, parameters, sources, Path(root) if root is not None else None)
        return cls(data, parameters, sources, editable, entry, rules)

    def to_data(self) -> ArtifactData:
        """Everything needed to make this artifact again, as plain data."""
        return self.data

    @property
    def files(self) -> dict[str, bytes]:
        return self.data.files

    @property
    def max_chars(self) -> int | None:
        return self.data.max_chars

    @property
    def start(self) -> Candidate:
        """The starting artifact as a candidate."""
        return self.candidate({parameter.name: parameter.text for parameter in self.parameters})

    def parameter(self, name: str) -> Parameter:
        """The parameter of that name; raises `ArtifactError` that names the nearest."""
        for parameter in self.parameters:
            if parameter.name == name:
                return parameter
        raise ArtifactError(f"there is no parameter '{name}'{nearest(name, (p.name for p in self.parameters))}")

    def candidate(self, texts: Mapping[str, str]) -> Candidate:
        """A candidate from its stored texts, one for each parameter; nothing is checked again.

        Raises `ArtifactError` where the names are not this artifact's.
        """
        for name in texts:
            self.parameter(name)
        missing = [parameter.name for parameter in self.parameters if parameter.name not in texts]
        if missing:
            raise ArtifactError(f"these texts have none for '{missing[0]}'; they are not a version of this artifact")
        ordered = {parameter.name: texts[parameter.name] for parameter in self.parameters}
        return Candidate(identify(ordered), self, ordered)


def _absolute(path: Path, base: Path | None) -> Path:
    return Path(os.path.abspath(path if base is None else base / path))


def _relative(path: Path, top: Path) -> str:
    try:
        return path.relative_to(top).as_posix()
    except ValueError:
        raise ArtifactError(f"{path} is outside of {top}; set `root` to a folder that holds every file") from None


def _included(include: Iterable[Path | str], top: Path) -> list[Path]:
    found: list[Path] = []
    for entry in include:
        path = Path(os.path.abspath(top / entry))
        if path.is_file():
            found.append(path)
            continue
        pattern = f"{entry}/**/*" if path.is_dir() else str(entry)
        if Path(pattern).is_absolute():
            pattern = _relative(Path(pattern), top)
        matches = [match for match in sorted(top.glob(pattern)) if match.is_file() and "__pycache__" not in match.parts]
        if not matches:
            raise ArtifactError(f"`include` names '{entry}', but no file of {top} matches it")
        found += matches
    return found


def _read(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        beside = [other.name for other in path.parent.glob("*") if other.is_file()] if path.parent.is_dir() else []
        raise ArtifactError(f"there is no file {path}{nearest(path.name, beside[:50])}") from None
    except IsADirectoryError:
        raise ArtifactError(f"{path} is a folder; name the files in it") from None
    except OSError as error:
        raise ArtifactError(f"{path} cannot be read: {error.strerror}") from None


def _encoded(name: str, text: str) -> bytes:
    try:
        data = text.encode()
        encoding = python_encoding(data) if is_python(name) else "utf-8"
        return data if encoding == "utf-8" else text.encode(encoding)
    except UnicodeEncodeError as error:
        raise ArtifactError(f"{name}: character {error.start} cannot be written as {error.encoding}") from None
    except SyntaxError as error:
        raise ArtifactError(f"{name}: {error.msg}") from None
