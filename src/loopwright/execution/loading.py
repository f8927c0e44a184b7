"""A candidate's files as modules of this process: written to a folder, imported as they ask for it, functions traced.

Used in a trial's process (`serve`) and by programs in this process (`local`). Nothing here protects anything.
"""

from __future__ import annotations

import ast
import builtins
import importlib
import importlib.machinery
import inspect
import linecache
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from importlib.util import spec_from_file_location
from pathlib import Path, PurePosixPath
from types import ModuleType
from typing import Any

import msgspec

from loopwright.execution.program import TrialTimeout
from loopwright.execution.protocol import Source
from loopwright.trace import Failure
from loopwright.trace.record import Tracer, failure_of

_TRACE = "__loopwright_trace__"


def safe_path(name: str) -> PurePosixPath:
    """A relative path that stays inside the folder it is joined to. Raises `ValueError`."""
    path = PurePosixPath(name)
    if path.is_absolute() or not path.parts or ".." in path.parts or "\x00" in name:
        raise ValueError(f"'{name}' is no path inside a candidate's folder")
    return path


def write_files(files: Mapping[str, bytes], folder: str) -> None:
    """Write a candidate's files under `folder`."""
    for name, content in files.items():
        target = os.path.join(folder, str(safe_path(name)))
        if "/" in name:
            os.makedirs(os.path.dirname(target), exist_ok=True)
        with open(target, "wb") as file:
            file.write(content)


def top_level_imports(files: Mapping[str, bytes]) -> list[str]:
    """The third-party or standard modules which Python files import at their top, without the files' own modules.

    Reads the text only; files that do not parse import nothing.
    """
    own = {PurePosixPath(name).parts[0].removesuffix(".py") for name in files}
    own |= {PurePosixPath(name).stem for name in files}
    found: dict[str, None] = {}
    for name, content in files.items():
        if name.endswith(".py") and (b"import " in content or b"async " in content):
            found.update(dict.fromkeys(_imported(content)))
    return [module for module in found if module.partition(".")[0] not in own]


@lru_cache(64)
def _imported(content: bytes) -> list[str]:
    """What one file imports at its top; asyncio for one with coroutine functions, which need it to run."""
    try:
        tree = ast.parse(content)
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    found = ["asyncio"] if b"async " in content else []
    for node in tree.body:
        if isinstance(node, ast.Import):
            found += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
            found.append(node.module)
    return found


class Loaded:
    """A candidate's modules in this process. Raises whatever the candidate's code raises while it is imported."""

    def __init__(self, source: Source, folder: Path, tracer: Tracer | None = None) -> None:
        self.source = source
        self.folder = folder
        self.tracer = tracer
        self.paths = frozenset(str(folder / name) for name in source.files)
        self.entry: ModuleType | None = None
        self._modules: list[str] = []
        self._finder = _Finder(self)
        if tracer is not None:
            tracer.files = self.paths
        self._remember_sources()

    def load(self) -> None:
        """Import the entry file; its siblings are imported as it asks for them."""
        if not self.source.entry:
            return
        entry = self.folder / safe_path(self.source.entry)
        root, name = self._place(entry)
        own = {p.parts[0].removesuffix(".py") for p in map(PurePosixPath, self.source.files)} | {entry.stem}
        for top in [name for name in own if name in sys.modules and not _is_ours(name)]:
            for module in [m for m in sys.modules if m == top or m.startswith(f"{top}.")]:
                del sys.modules[module]
        for path in dict.fromkeys([str(self.folder), str(root)]):
            sys.path.insert(0, path)
        sys.meta_path.insert(0, self._finder)
        if self.tracer is not None:
            # Among the built-ins, not in the module: a program that looks through its own names finds what it would.
            setattr(builtins, _TRACE, self._trace)
        self.entry = importlib.import_module(name)

    def _trace(self, name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
        assert self.tracer is not None
        tracer = self.tracer
        return lambda function: tracer.wrap(function, name)

    def unload(self) -> None:
        """Forget the modules again: for programs that share their process with others."""
        if hasattr(builtins, _TRACE):
            delattr(builtins, _TRACE)
        if self._finder in sys.meta_path:
            sys.meta_path.remove(self._finder)
        inside = str(self.folder)
        sys.path[:] = [p for p in sys.path if p != inside and not p.startswith(inside + os.sep)]
        for name in self._modules:
            sys.modules.pop(name, None)
        for path in self.paths:
            linecache.cache.pop(path, None)

    def get(self, name: str) -> Any:
        """The entry file's global `name`. Raises `AttributeError` with a message a person can act on."""
        if self.entry is None:
            raise AttributeError(f"this candidate has no Python entry file, so it has no '{name}'")
        try:
            return getattr(self.entry, name)
        except AttributeError:
            raise AttributeError(f"the program {self.source.entry} has no '{name}'") from None

    def failure(self, error: BaseException) -> Failure:
        """An exception of the program as a record; what ended it on purpose is said in words."""
        failure = failure_of(error, self.paths)
        if isinstance(error, SystemExit):
            return msgspec.structs.replace(failure, message=f"the program called sys.exit({failure.message})")
        if isinstance(error, TrialTimeout):
            return Failure("TimeoutError", "the trial's time was over while this ran", failure.where)
        return failure

    def signatures(self) -> dict[str, list[str]]:
        """The positional parameter names of the entry file's functions, to name what is recorded of their calls."""
        found: dict[str, list[str]] = {}
        for name, value in list(vars(self.entry).items()) if self.entry is not None else ():
            code = getattr(inspect.unwrap(value) if callable(value) else None, "__code__", None)
            if code is not None and not name.startswith("_"):
                found[name] = list(code.co_varnames[: code.co_argcount])
        return found

    def _place(self, entry: Path) -> tuple[Path, str]:
        """The folder to import the entry from, and its module name there: packages are kept whole."""
        top, names = entry.parent, [entry.stem]
        while top != self.folder and (top / "__init__.py").exists():
            names.insert(0, top.name)
            top = top.parent
        return top, ".".join(names)

    def _remember_sources(self) -> None:
        # Without a time stamp linecache never looks at the file again, so a program that rewrites its own files does
        # not change what its failures show.
        for name, content in self.source.files.items():
            if name.endswith(".py"):
                text = content.decode("utf-8", "replace")
                linecache.cache[str(self.folder / name)] = (
                    len(text),
                    None,
                    text.splitlines(keepends=True),
                    str(self.folder / name),
                )


def _is_ours(module: str) -> bool:
    return module.partition(".")[0] in ("loopwright", "sys", "builtins", "msgspec")


class _Finder:
    """Finds the candidate's modules, so that traced functions are wrapped while their module is made."""

    def __init__(self, loaded: Loaded) -> None:
        self._loaded = loaded

    def find_spec(
        self, name: str, path: Sequence[str] | None = None, target: ModuleType | None = None
    ) -> importlib.machinery.ModuleSpec | None:
        folder, files = str(self._loaded.folder), self._loaded.paths
        tail = name.rpartition(".")[2]
        for place in sys.path if path is None else path:
            if not isinstance(place, str) or (place != folder and not place.startswith(folder + os.sep)):  # pyright: ignore[reportUnnecessaryIsInstance]
                continue  # a program may put anything into sys.path
            package = os.path.join(place, tail)
            for file, inside in ((f"{package}{os.sep}__init__.py", [package]), (f"{package}.py", None)):
                if file in files:
                    loader = _Loader(name, file, self._loaded)
                    return spec_from_file_location(name, file, loader=loader, submodule_search_locations=inside)
        return None


class _Loader(importlib.machinery.SourceFileLoader):
    """Compiles a candidate's file from the bytes that were handed over, with a decorator on traced functions."""

    def __init__(self, fullname: str, path: str, loaded: Loaded) -> None:
        super().__init__(fullname, path)
        self._loaded = loaded

    def get_code(self, fullname: str) -> Any:
        file = os.path.relpath(self.path, self._loaded.folder)
        content = self._loaded.source.files[file]
        traced = {name for f, name in self._loaded.source.traced if f == file}
        if self._loaded.tracer is None or not traced:
            return compile(content, self.path, "exec", dont_inherit=True)
        return compile(_decorated(ast.parse(content, self.path), traced), self.path, "exec", dont_inherit=True)

    def exec_module(self, module: ModuleType) -> None:
        self._loaded._modules.append(module.__name__)  # pyright: ignore[reportPrivateUsage]
        super().exec_module(module)


def _decorated(tree: ast.Module, traced: set[str]) -> ast.Module:
    """The tree with a decorator on each traced function, closest to it: so that static methods, class methods,
    properties, caches and registries all hold the traced one. A class that is named has all its methods traced."""

    def visit(body: list[ast.stmt], prefix: str, every: bool) -> None:
        for node in body:
            if isinstance(node, ast.ClassDef):
                name = f"{prefix}{node.name}"
                visit(node.body, f"{name}.", name in traced)
            elif isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                name = f"{prefix}{node.name}"
                if name in traced or (every and not _is_dunder(node.name)):
                    node.decorator_list.append(_decorator(node, name))
            else:
                for inner in ("body", "orelse", "finalbody"):
                    visit(getattr(node, inner, []), prefix, every)

    visit(tree.body, "", False)
    return tree


def _is_dunder(name: str) -> bool:
    return name.startswith("__") and name.endswith("__") and name not in ("__init__", "__call__")


def _decorator(node: ast.FunctionDef | ast.AsyncFunctionDef, name: str) -> ast.expr:
    call = ast.Call(ast.Name(_TRACE, ast.Load()), [ast.Constant(name)], [])
    for part in ast.walk(call):
        ast.copy_location(part, node)
        if isinstance(part, ast.expr):
            part.end_lineno, part.end_col_offset = node.lineno, node.col_offset
    return call
