"""From the names a user gives in `edit` to parameters: which file, which kind, and that no two overlap."""

from __future__ import annotations

import ast
from collections.abc import Mapping, Sequence
from pathlib import PurePosixPath

import msgspec

from loopwright.artifact import locate
from loopwright.artifact.parameter import Parameter
from loopwright.artifact.source import Positions, Text
from loopwright.errors import ArtifactError, nearest

_ALL_REGIONS = "EVOLVE-BLOCK"


def resolve(sources: Mapping[str, Text], edit: Sequence[str]) -> tuple[Parameter, ...]:
    """The parameters that `edit` names, in its order. Raises `ArtifactError`."""
    if not edit:
        raise ArtifactError("nothing is editable: `edit` must name at least one function, class, string or file")
    finder = _Finder(sources)
    found: list[Parameter] = []
    for name in edit:
        for parameter in finder.find(name):
            if any(other.name == parameter.name for other in found):
                raise ArtifactError(f"'{parameter.name}' is named twice in `edit`; name it once")
            found.append(parameter)
    for index, one in enumerate(found):
        for other in found[index + 1 :]:
            if one.file == other.file and one.start <= other.end and other.start <= one.end:
                raise ArtifactError(
                    f"{one.what} and {other.what} overlap in {one.file}; make only one of them editable"
                )
    return tuple(found)


class _Finder:
    def __init__(self, sources: Mapping[str, Text]) -> None:
        self.sources = sources
        self.named: dict[str, list[locate.Named]] = {}

    def find(self, name: str) -> list[Parameter]:
        path = str(PurePosixPath(name))
        if path in self.sources:
            if self.sources[path].python:
                locate.tree_of(self.sources[path])
            return [locate.file(self.sources[path])]
        file, separator, inner = name.rpartition(":")
        if separator and file not in self.sources:
            raise ArtifactError(f"`edit` names '{name}', but there is no file '{file}'{nearest(file, self.sources)}")
        files = [file] if separator else list(self.sources)
        if inner == _ALL_REGIONS:
            found = [region for region in self.regions() if region.file in files]
            if not found:
                raise ArtifactError(f"no line '{_ALL_REGIONS}-START' in {', '.join(files)}")
            return found
        return [self._one(name, inner, files)]

    def regions(self) -> list[Parameter]:
        found: list[Parameter] = []
        for source in self.sources.values():
            for region in locate.regions(source, sum(r.name.startswith("EVOLVE-BLOCK-") for r in found)):
                found.append(region)
        return found

    def _one(self, name: str, inner: str, files: Sequence[str]) -> Parameter:
        python = [file for file in files if self.sources[file].python]
        hits = [(file, named) for file in python for named in self._names(file) if named.qualname == inner]
        # Markers are read only where a name needs them: a broken one elsewhere is nobody's concern.
        every = [] if hits else [region for region in self.regions() if region.file in files]
        regions = [region for region in every if region.qualname == inner]
        places = [f"{file}:{named.node.lineno}" for file, named in hits] + [f"{r.file}:{r.line}" for r in regions]
        if not places:
            known = {named.qualname for file in python for named in self._names(file) if _editable(named)}
            known.update(region.qualname for region in every)
            known.update(file for file in files if not self.sources[file].python)
            raise ArtifactError(f"there is no '{inner}' in {', '.join(files)}{nearest(inner, known)}")
        if len({place.rpartition(":")[0] for place in places}) > 1:
            first = places[0].rpartition(":")[0]
            raise ArtifactError(f"'{inner}' is in several files ({', '.join(places)}); write '{first}:{inner}'")
        if len(places) > 1:
            raise ArtifactError(
                f"'{inner}' is defined more than once ({', '.join(places)}); an editable part needs a name of its own"
            )
        if regions:
            return msgspec.structs.replace(regions[0], name=name)
        file, named = hits[0]
        source = self.sources[file]
        make = locate.definition if locate.is_definition(named.node) else locate.string
        return make(source, Positions(source.text), name, named)

    def _names(self, file: str) -> list[locate.Named]:
        if file not in self.named:
            self.named[file] = list(locate.names(locate.tree_of(self.sources[file])))
        return self.named[file]


def _editable(named: locate.Named) -> bool:
    """Whether a name is worth suggesting: a definition, or a string."""
    if locate.is_definition(named.node):
        return True
    value = named.node.value if isinstance(named.node, ast.Assign | ast.AnnAssign) else None
    return isinstance(value, ast.Constant) and isinstance(value.value, str)
