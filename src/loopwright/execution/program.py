"""A candidate's files as a running program: written to a folder, imported as modules, its functions traced.

`Loaded` is the bare machinery, used in the candidate process and by `LocalProgram`, which is a program in this very
process (`isolation = "inline"`, tests). `ProgramFailure` is how any program tells a task that the candidate failed; it
is the task's business to let it pass. Nothing here protects anything: `process` does.
"""

from __future__ import annotations

import ast
import builtins
import contextlib
import importlib.machinery
import inspect
import linecache
import os
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path, PurePosixPath
from types import ModuleType
from typing import Any, Protocol

from loopwright.execution.protocol import Command, Limits, Source
from loopwright.feedback import ErrorKind
from loopwright.trace import Call, Failure
from loopwright.trace.record import Tracer, describe, failure_of, plain

_TRACE = "__loopwright_trace__"


class ProgramFailure(Exception):
    """The candidate raised, timed out, crashed or gave what cannot be passed on. `kind` labels the feedback."""

    def __init__(self, kind: ErrorKind, failure: Failure) -> None:
        super().__init__(failure.text())
        self.kind: ErrorKind = kind
        self.failure = failure


class TrialTimeout(BaseException):
    """Raised inside a program when its trial's time is over; no `Exception`, so that no retry loop swallows it."""


class Recorder(Protocol):
    """Where a program tells each call made on it; see `loopwright.task.StepRecorder`."""

    def called(self, observation: Any, action: Any, calls: list[Call] | None = None) -> None: ...


def kind_of(error: BaseException) -> ErrorKind:
    """The label of an exception that a program raised."""
    if isinstance(error, MemoryError):
        return "memory"
    if isinstance(error, TrialTimeout):
        return "timeout"
    if isinstance(error, SystemExit | GeneratorExit | KeyboardInterrupt):
        return "crash"
    return "exception"


def safe_path(name: str) -> PurePosixPath:
    """A relative path that stays inside the folder it is joined to. Raises `ValueError`."""
    path = PurePosixPath(name)
    if path.is_absolute() or not path.parts or ".." in path.parts or "\x00" in name:
        raise ValueError(f"'{name}' is no path inside a candidate's folder")
    return path


def write_files(files: Mapping[str, bytes], folder: Path) -> None:
    """Write a candidate's files under `folder`."""
    for name, content in files.items():
        target = folder / safe_path(name)
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_bytes(content)


def top_level_imports(files: Mapping[str, bytes]) -> list[str]:
    """The third-party or standard modules which Python files import at their top, without the files' own modules.

    Reads the text only; files that do not parse import nothing.
    """
    own = {PurePosixPath(name).parts[0].removesuffix(".py") for name in files}
    own |= {PurePosixPath(name).stem for name in files}
    found: dict[str, None] = {}
    for name, content in files.items():
        if not name.endswith(".py") or (b"import " not in content):
            continue
        try:
            tree = ast.parse(content)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            continue
        for node in tree.body:
            if isinstance(node, ast.Import):
                found.update(dict.fromkeys(alias.name for alias in node.names))
            elif isinstance(node, ast.ImportFrom) and node.module and node.level == 0:
                found[node.module] = None
    return [module for module in found if module.partition(".")[0] not in own]


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
        top, name = self._place(entry)
        own = {p.parts[0].removesuffix(".py") for p in map(PurePosixPath, self.source.files)} | {entry.stem}
        for module in [m for m in sys.modules if m.partition(".")[0] in own and not _is_ours(m)]:
            del sys.modules[module]
        for path in dict.fromkeys([str(self.folder), str(top)]):
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
        return failure_of(error, self.paths)

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
        folder = str(self._loaded.folder)
        if path is None:
            path = [p for p in sys.path if p == folder or p.startswith(folder + os.sep)]
        spec = importlib.machinery.PathFinder.find_spec(name, path, target)
        if spec is None or spec.origin not in self._loaded.paths:
            return None
        if isinstance(spec.loader, importlib.machinery.SourceFileLoader):
            spec.loader = _Loader(spec.loader.name, spec.loader.path, self._loaded)
        return spec


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


def observed(args: Sequence[Any], kwargs: Mapping[str, Any], names: Sequence[str] = ()) -> Any:
    """The arguments of a program call as a step's observation: by name, without callables; a single one bare."""
    shown: dict[str, Any] = {}
    for place, value in enumerate(args):
        if not callable(value):
            shown[names[place] if place < len(names) else str(place)] = plain(value)
    shown.update((key, plain(value)) for key, value in kwargs.items() if not callable(value))
    return next(iter(shown.values())) if len(shown) == 1 else shown


class LocalProgram:
    """A candidate as a program in this process: the same contract as a sandboxed one, without any protection."""

    def __init__(self, source: Source, folder: Path, limits: Limits, recorder: Recorder | None = None) -> None:
        self._source = source
        self._folder = folder
        self._limits = limits
        self._recorder = recorder
        self._tracer = Tracer() if recorder is not None else None
        self._loaded: Loaded | None = None
        self._broken: ProgramFailure | None = None
        self.last_failure: Failure | None = None
        write_files(source.files, folder)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        if name.startswith("__"):
            raise AttributeError(name)
        return lambda *args, **kwargs: self._call(name, args, kwargs)

    def value(self, name: str) -> Any:
        """A plain module-level value of the entry file."""
        return self._guarded(lambda: self._load().get(name))

    def text(self, name: str) -> str:
        """The text of one of the candidate's files."""
        return text_of(self._source, name)

    def run(
        self,
        command: Sequence[str],
        *,
        stdin: str = "",
        seconds: float | None = None,
        env: Mapping[str, str] | None = None,
    ) -> Command:
        """Run a command in the candidate's folder; the limits hold for time and output only."""
        return run_command(
            command,
            folder=self._folder,
            stdin=stdin,
            seconds=min(seconds or self._limits.seconds, self._limits.seconds),
            env={**os.environ, **(env or {})},
            output=self._limits.output,
        )

    def unload(self) -> None:
        """Forget the program's modules."""
        if self._loaded is not None:
            self._loaded.unload()

    def _load(self) -> Loaded:
        if self._broken is not None:
            raise self._broken
        if self._loaded is None:
            self._loaded = Loaded(self._source, self._folder, self._tracer)
            try:
                self._loaded.load()
            except (Exception, SystemExit) as error:
                self._broken = self._failed(error)
                raise self._broken from error
        return self._loaded

    def _failed(self, error: BaseException) -> ProgramFailure:
        assert self._loaded is not None
        self.last_failure = self._loaded.failure(error)
        return ProgramFailure(kind_of(error), self.last_failure)

    def _guarded(self, act: Callable[[], Any]) -> Any:
        try:
            return act()
        except ProgramFailure:
            raise
        except (Exception, SystemExit) as error:
            raise self._failed(error) from error

    def _call(self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        loaded = self._load()
        observation = self._observe(name, args, kwargs)
        result = self._guarded(lambda: loaded.get(name)(*args, **kwargs))
        running = _in_event_loop()
        if inspect.isawaitable(result):
            if running:
                return self._awaited(result, observation)
            result = self._guarded(lambda: _finish(result))
        self._record(observation, result)
        return _Given(result) if running else result

    async def _awaited(self, result: Awaitable[Any], observation: Any) -> Any:
        try:
            value = await result
        except (Exception, SystemExit) as error:
            raise self._failed(error) from error
        self._record(observation, value)
        return value

    def _observe(self, name: str, args: Sequence[Any], kwargs: Mapping[str, Any]) -> Any:
        if self._recorder is None:
            return None
        return observed(args, kwargs, self._load().signatures().get(name, ()))

    def _record(self, observation: Any, result: Any) -> None:
        if self._recorder is not None and self._tracer is not None:
            self._recorder.called(observation, plain(result), self._tracer.take())


class _Given:
    """A value that may be awaited: what a plain function gives inside an async task."""

    def __init__(self, value: Any) -> None:
        self._value = value

    def __await__(self) -> Any:
        return self._value
        yield

    def __repr__(self) -> str:
        return f"<result of a program call: write 'await' before it: {describe(self._value)!r}>"


def _in_event_loop() -> bool:
    asyncio = sys.modules.get("asyncio")
    return asyncio is not None and asyncio._get_running_loop() is not None


def _finish(awaitable: Awaitable[Any]) -> Any:
    import asyncio

    async def wait() -> Any:
        return await awaitable

    return asyncio.run(wait())


def text_of(source: Source, name: str) -> str:
    """The text of one of a candidate's files. Raises `KeyError` where there is none."""
    if name not in source.files:
        raise KeyError(f"the candidate has no file '{name}'; it has: {', '.join(sorted(source.files))}")
    return source.files[name].decode("utf-8", "replace")


def run_command(
    command: Sequence[str],
    *,
    folder: Path,
    stdin: str,
    seconds: float,
    env: Mapping[str, str],
    output: int,
) -> Command:
    """Run a command to its end or its time limit; its output is cut at `output` characters, and the cut is said."""
    started = time.monotonic()
    process = subprocess.Popen(
        list(command),
        cwd=folder,
        env=dict(env),
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    timed_out = False
    try:
        out, err = process.communicate(stdin.encode(), timeout=seconds)
    except subprocess.TimeoutExpired:
        timed_out = True
        _kill_group(process.pid)
        out, err = process.communicate()
    status = 124 if timed_out else process.returncode
    return Command(status, cut(out, output), cut(err, output), timed_out, time.monotonic() - started)


def cut(data: bytes, limit: int) -> str:
    """Output as text, its middle cut out where it is longer than `limit` bytes."""
    text = data.decode("utf-8", "replace")
    if len(text) <= limit:
        return text
    return f"{text[: limit // 2]}\n... ({len(text) - limit} characters cut) ...\n{text[-(limit // 2) :]}"


def _kill_group(pid: int) -> None:
    import signal

    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, signal.SIGKILL)
