"""From the setting `task = "task.py:qa"` to a `Task`: finding the module, importing it, and saying clearly
what failed.
"""

from __future__ import annotations

import importlib
import importlib.util
import inspect
import sys
from collections.abc import Mapping
from pathlib import Path
from types import ModuleType
from typing import Any

from loopwright.errors import TaskError, nearest
from loopwright.tasks.task import Task, told


def load(spec: str, root: Path, options: Mapping[str, Any]) -> Task:
    """See `loopwright.tasks.task.load_task`."""
    where, _, name = spec.partition(":")
    if not where:
        raise TaskError(f"task = '{spec}' names no file; write 'task.py:name' or 'package.module:name'")
    module = _file(where, root) if where.endswith(".py") or "/" in where else _module(where, root)
    return _task(spec, _named(module, where, name), options)


def _file(where: str, root: Path) -> ModuleType:
    path = (root / where).resolve()
    if not path.is_file():
        near = [str(found.relative_to(path.parent)) for found in path.parent.glob("*.py")]
        raise TaskError(f"the task's file {path} does not exist{nearest(path.name, near)}")
    # Its neighbours are importable, as when Python runs the file itself; the name cannot shadow an installed
    # module.
    if str(path.parent) not in sys.path:
        sys.path.insert(0, str(path.parent))
    name = f"loopwright_task_{path.stem}"
    found = importlib.util.spec_from_file_location(name, path)
    if found is None or found.loader is None:
        raise TaskError(f"the task's file {path} is not a Python file")
    module = importlib.util.module_from_spec(found)
    sys.modules[name] = module
    try:
        found.loader.exec_module(module)
    except TaskError:
        raise
    except (Exception, SystemExit) as error:
        del sys.modules[name]
        raise TaskError(f"the task's file {where} raised at import: {told(error)}") from error
    return module


def _module(where: str, root: Path) -> ModuleType:
    if str(root) not in sys.path:
        sys.path.insert(0, str(root))
    try:
        return importlib.import_module(where)
    except TaskError:
        raise
    except ModuleNotFoundError as error:
        if error.name is None or not f"{where}.".startswith(f"{error.name}."):
            raise TaskError(f"the task's module {where} raised at import: {told(error)}") from error
        hint = f"; a file is written '{where}.py:name'" if (root / f"{where}.py").is_file() else ""
        raise TaskError(f"there is no module '{error.name}' for task = '{where}'{hint}") from error
    except (Exception, SystemExit) as error:
        raise TaskError(f"the task's module {where} raised at import: {told(error)}") from error


def _named(module: ModuleType, where: str, name: str) -> object:
    tasks = [key for key, value in vars(module).items() if isinstance(value, Task)]
    if not name:
        if len(tasks) == 1:
            return vars(module)[tasks[0]]
        hint = f"{where}:{tasks[0] if tasks else 'name'}"
        raise TaskError(f"{where} holds {len(tasks)} tasks; say which, for example task = '{hint}'")
    try:
        return getattr(module, name)  # getattr, not vars: a module may make its tasks when first asked for
    except AttributeError:
        public = [key for key in dir(module) if not key.startswith("_")]
        raise TaskError(f"{where} has no '{name}'{nearest(name, tasks or public)}") from None


def _task(spec: str, found: object, options: Mapping[str, Any]) -> Task:
    if isinstance(found, Task):
        if options:
            raise TaskError(f"task = '{spec}' is a finished task and takes no options; remove [task_options]")
        return found
    if not callable(found):
        raise TaskError(f"task = '{spec}' is {type(found).__name__}, not a task; decorate a function with @task(...)")
    _check(spec, found, options)
    try:
        made = found(**options)
    except TaskError:
        raise
    except Exception as error:
        raise TaskError(f"task = '{spec}' raised while it was made: {told(error)}") from error
    if not isinstance(made, Task):
        raise TaskError(f"task = '{spec}' gave {type(made).__name__}, not a task; decorate it with @task(...)")
    return made


def _check(spec: str, factory: Any, options: Mapping[str, Any]) -> None:
    """Unknown or missing options, told before the factory is called."""
    try:
        parameters = inspect.signature(factory).parameters.values()
    except (TypeError, ValueError):
        return
    required = [p.name for p in parameters if p.default is p.empty and p.kind not in {p.VAR_KEYWORD, p.VAR_POSITIONAL}]
    missing = [name for name in required if name not in options]
    if missing:
        raise TaskError(
            f"task = '{spec}' needs {', '.join(missing)}: decorate it with @task(...), or give them in [task_options]"
        )
    if any(p.kind is p.VAR_KEYWORD for p in parameters):
        return
    known = [p.name for p in parameters]
    unknown = [name for name in options if name not in known]
    if unknown:
        raise TaskError(f"[task_options] {unknown[0]} is no option of '{spec}'{nearest(unknown[0], known)}")
