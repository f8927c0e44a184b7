"""A candidate: one immutable version of an artifact, known by a hash of its texts."""

from __future__ import annotations

import ast
import difflib
import hashlib
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import msgspec

from loopwright.artifact import locate
from loopwright.artifact.edit import EditError, invalid, read, verify, write
from loopwright.artifact.parameter import Parameter
from loopwright.artifact.source import parse, unix
from loopwright.errors import nearest

if TYPE_CHECKING:
    from loopwright.artifact.artifact import Artifact
    from loopwright.execution.protocol import Source


class Candidate(msgspec.Struct, frozen=True, eq=False):
    """One version. `texts` has every parameter's text by its name; candidates with equal texts have equal ids.

    Made by `Artifact.start`, `Artifact.candidate` and `edit`, never directly.
    """

    id: str
    artifact: Artifact
    texts: dict[str, str]

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Candidate) and self.id == other.id

    def __hash__(self) -> int:
        return hash(self.id)

    def __repr__(self) -> str:
        return f"Candidate({self.id})"

    @property
    def entry(self) -> str:
        """The first Python file, whose names are the program's; `""` where there is none."""
        return self.artifact.entry

    def files(self) -> dict[str, bytes]:
        """Every file of the artifact, exact bytes by relative name."""
        files = dict(self.artifact.files)
        for name, parameters in self.artifact.editable.items():
            source = self.artifact.sources[name]
            files[name] = source.encode(write(source, parameters, self.texts)[0])
        return files

    @property
    def traced(self) -> list[tuple[str, str]]:
        """(file, qualified name) of the functions and methods that are editable, in this version's own code."""
        return [(p.file, name) for p in self.artifact.parameters for name in self.functions(p)]

    def functions(self, parameter: Parameter) -> Iterator[str]:
        """The qualified names of the functions and methods in a parameter, as their calls are named in a trace."""
        if parameter.kind in {"function", "method"}:
            yield parameter.qualname
            return
        python = self.artifact.sources[parameter.file].python
        if parameter.kind == "string" or not python:
            return
        if parameter.kind == "region":
            yield from self._functions_of_region(parameter)
            return
        prefix = parameter.qualname.rpartition(".")[0]
        for named in locate.names(parse(self.texts[parameter.name])):
            if isinstance(named.node, ast.FunctionDef | ast.AsyncFunctionDef):
                yield f"{prefix}.{named.qualname}" if prefix else named.qualname

    def _functions_of_region(self, parameter: Parameter) -> Iterator[str]:
        source = self.artifact.sources[parameter.file]
        text, ends = write(source, self.artifact.editable[parameter.file], self.texts)
        last = unix(text[: ends[parameter.name]]).count("\n") + 1
        first = last - self.texts[parameter.name].count("\n")
        for named in locate.names(parse(text)):
            if isinstance(named.node, ast.FunctionDef | ast.AsyncFunctionDef) and first <= named.node.lineno <= last:
                yield named.qualname

    def source(self) -> Source:
        """This candidate as an executor takes it."""
        from loopwright.execution.protocol import Source

        return Source(id=self.id, files=self.files(), entry=self.entry, traced=self.traced)

    def edit(self, texts: Mapping[str, str]) -> Candidate:
        """The child with new texts for some parameters.

        Raises `EditError` ("invalid") where a text is refused, and ("unchanged") where nothing would differ.
        """
        held: dict[str, str] = {}
        known = {parameter.name: parameter for parameter in self.artifact.parameters}
        for name, text in texts.items():
            if name not in known:
                raise invalid(f"there is no parameter '{name}'{nearest(name, known)}")
            held[name] = read(known[name], text, self.artifact.max_chars)
        changed = [name for name, text in held.items() if text != self.texts[name]]
        for name in changed:
            for rule in self.artifact.rules.get(name, ()):
                rule.enforce(known[name].what, held[name])
        if not changed:
            raise EditError("unchanged", "every text given is the one the parameter already has; change something")
        child = self.artifact.candidate({**self.texts, **held})
        for name, parameters in self.artifact.editable.items():
            mine = [parameter.name for parameter in parameters if parameter.name in changed]
            if mine:
                verify(self.artifact.sources[name], parameters, child.texts, mine)
        return child

    def diff(self, other: Candidate) -> str:
        """What changes from this candidate to `other`: one unified diff over their files, `""` where equal."""
        return diff(self.files(), other.files())


def check(candidate: Candidate, texts: Mapping[str, str]) -> EditError | None:
    """Why `candidate.edit(texts)` would be refused, or None where it is fine."""
    try:
        candidate.edit(texts)
    except EditError as error:
        return error
    return None


def identify(texts: Mapping[str, str]) -> str:
    """The id of a candidate with these texts: 12 hexadecimal digits, equal on every machine."""
    digest = hashlib.blake2b(digest_size=6)
    for name, text in sorted(texts.items()):
        for part in (name.encode(), text.encode()):
            digest.update(len(part).to_bytes(8, "big") + part)
    return digest.hexdigest()


def diff(before: Mapping[str, bytes], after: Mapping[str, bytes]) -> str:
    """A unified diff from one set of files to another, as `patch` reads it."""
    parts: list[str] = []
    for name in sorted({*before, *after}):
        old, new = before.get(name), after.get(name)
        if old == new:
            continue
        try:
            lines = [_lines(data.decode()) if data is not None else [] for data in (old, new)]
        except UnicodeDecodeError:
            lines = [_lines(data.decode("latin-1")) if data is not None else [] for data in (old, new)]
        names = ("/dev/null" if old is None else f"a/{name}", "/dev/null" if new is None else f"b/{name}")
        for line in difflib.unified_diff(lines[0], lines[1], *names):
            parts.append(line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n")
    return "".join(parts)


def _lines(text: str) -> list[str]:
    lines = text.split("\n")
    return [*(line + "\n" for line in lines[:-1]), *lines[-1:]] if lines[-1] else [line + "\n" for line in lines[:-1]]
