"""What the user demands of every text of a parameter: `[artifact.constraints]`, told to the optimizer and enforced.

A refused edit has a reason that a model can act on. This is no protection against hostile code (`execution` is):
allowed imports keep an honest model within what the user has installed and wants.
"""

from __future__ import annotations

import ast
import importlib.util
import re
import sys
import textwrap
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import cast

import msgspec

from loopwright.artifact.edit import EditError, invalid
from loopwright.artifact.parameter import Parameter
from loopwright.artifact.source import Text
from loopwright.errors import ArtifactError, nearest
from loopwright.tokens import estimate

# A text in. True or None: fine. False: refused with the constraint's message. A text: refused with these words.
Predicate = Callable[[str], object]
EVERY = "*"
_IMPORT = re.compile(
    r"^[ \t]*(?:from[ \t]+([\w.]+)[ \t]+import|import[ \t]+([\w.]+(?:[ \t]*,[ \t]*[\w.]+)*))", re.MULTILINE
)


class Constraint(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Demands on one parameter, or on each (`"*"`).

    - `keep`: words that must stand in every version, exactly.
    - `placeholders`: the same, for what the program fills in; those of the form `{name}` in strings are kept anyway.
    - `frozen`: a pair of marks; what stands between them in the starting text stays, marks included.
    - `tokens`: the longest text, by the estimate of `loopwright.tokens`.
    - `imports`: the modules that Python code may import (with what is in them); an empty list: none.
    - `check`: `"file.py:function"`, a function of the text that says whether it is fine; `message` tells the optimizer
      what it looks at, and is the reason where the function only says no.
    """

    keep: list[str] = []
    placeholders: list[str] = []
    frozen: list[str] = []
    tokens: int | None = None
    imports: list[str] | None = None
    check: str = ""
    message: str = ""


class Rule(msgspec.Struct, frozen=True, eq=False):
    """A constraint bound to one parameter: with what of its starting text must stay, and its predicate at hand."""

    constraint: Constraint
    keep: list[str]
    placeholders: list[str]
    spans: list[str]
    imports: list[str] | None
    predicate: Predicate | None = None

    def words(self) -> list[str]:
        """The demands as an optimizer is told them, each the end of a sentence."""
        constraint = self.constraint
        told: list[str] = []
        if self.keep:
            told.append(f"keep these words exactly: {', '.join(f'`{words}`' for words in self.keep)}")
        if self.placeholders:
            told.append(f"keep the placeholders {', '.join(self.placeholders)}, which the program fills in")
        if self.spans:
            first, last = constraint.frozen
            told.append(f"leave what stands between `{first}` and `{last}` as it is, these marks included")
        if constraint.tokens is not None:
            told.append(f"at most {constraint.tokens:,} tokens (about {constraint.tokens * 4:,} characters)")
        if self.imports is not None:
            told.append(f"import only {', '.join(self.imports)}" if self.imports else "import nothing")
        if constraint.message:
            told.append(constraint.message.strip().rstrip("."))
        return told

    def enforce(self, what: str, text: str) -> None:
        """Raises `EditError` where `text` (as the parameter holds it) breaks a demand."""
        constraint = self.constraint
        for words in self.keep:
            if words not in text:
                raise invalid(f"the text for {what} has lost `{words}`, which must stay exactly so; put it back")
        for hole in self.placeholders:
            if hole not in text:
                raise invalid(
                    f"the text for {what} has lost the placeholder {hole}, which the program fills in; keep it"
                )
        if self.spans and (found := _spans(text, constraint.frozen)) != self.spans:
            changed = next((span for span in self.spans if span not in found), self.spans[0])
            raise invalid(
                f"the text for {what} changes the frozen part {_short(changed)}; "
                "keep it with its marks, once and unchanged"
            )
        if constraint.tokens is not None and (size := estimate(text)) > constraint.tokens:
            raise invalid(f"the text for {what} has about {size:,} tokens; at most {constraint.tokens:,} are allowed")
        if self.imports is not None:
            _only_imports(what, text, self.imports)
        if constraint.check:
            self._ask(what, text)

    def _ask(self, what: str, text: str) -> None:
        check = self.constraint.check
        if self.predicate is None:
            raise ArtifactError(
                f"the check '{check}' is not loaded: an artifact read from a run alone cannot be edited"
            )
        try:
            said = self.predicate(text)
        except Exception as error:  # the user's function, on a text it did not expect: told as the reason
            raise invalid(f"the check '{check}' of {what} raised {type(error).__name__}: {error}") from error
        if said is False or (isinstance(said, str) and said):
            reason = said if isinstance(said, str) else self.constraint.message or f"the check '{check}' says no"
            raise invalid(f"the text for {what} is refused: {reason}")
        if said not in (True, None, ""):
            raise ArtifactError(
                f"the check '{check}' returned {type(said).__name__}; "
                "it must return True, False, or the reason as a text"
            )


def bind(
    constraints: Mapping[str, Constraint],
    parameters: Sequence[Parameter],
    sources: Mapping[str, Text],
    root: Path | None,
) -> dict[str, list[Rule]]:
    """The rules of each parameter that has some. Predicates are looked up under `root`, and left out without one.

    Raises `ArtifactError` for a name that is no parameter, a constraint that makes no sense for its parameter, and one
    that the starting text itself breaks.
    """
    names = [parameter.name for parameter in parameters]
    rules: dict[str, list[Rule]] = {}
    for name, constraint in constraints.items():
        where = f"artifact.constraints.{name}" if name.isidentifier() else f'artifact.constraints."{name}"'
        if name != EVERY and name not in names:
            raise ArtifactError(f"{where}: there is no parameter '{name}'{nearest(name, [*names, EVERY])}")
        _sensible(where, constraint)
        predicate = _load(where, constraint.check, root) if constraint.check and root is not None else None
        for parameter in parameters:
            if name in (EVERY, parameter.name):
                python = parameter.kind != "string" and sources[parameter.file].python
                rule = _bound(where, name, constraint, parameter, python=python, predicate=predicate)
                _starts_well(where, rule, parameter)
                rules.setdefault(parameter.name, []).append(rule)
    return rules


def _bound(
    where: str, name: str, constraint: Constraint, parameter: Parameter, *, python: bool, predicate: Predicate | None
) -> Rule:
    """The part of a constraint that concerns a parameter. What is meant for one by name must be in its text."""
    text, lone = parameter.text, name != EVERY
    spans = _spans(text, constraint.frozen) if constraint.frozen else []
    for words in [*constraint.keep, *constraint.placeholders] if lone else ():
        if words not in text:
            raise ArtifactError(f"{where}: {parameter.what} does not hold `{words}` at the start, so it cannot keep it")
    if lone and constraint.frozen and not spans:
        first, last = constraint.frozen
        raise ArtifactError(f"{where}: {parameter.what} has nothing between `{first}` and `{last}` at the start")
    if lone and constraint.imports is not None and not python:
        raise ArtifactError(f"{where}: {parameter.what} is no Python code; remove `imports`")
    return Rule(
        constraint,
        [words for words in constraint.keep if words in text],
        [hole for hole in constraint.placeholders if hole in text],
        spans,
        constraint.imports if python else None,
        predicate,
    )


def _sensible(where: str, constraint: Constraint) -> None:
    if constraint.frozen and (len(constraint.frozen) != 2 or not all(constraint.frozen)):
        raise ArtifactError(f'{where}: frozen is a pair of marks, such as ["# FROZEN", "# END"]')
    if constraint.tokens is not None and constraint.tokens < 1:
        raise ArtifactError(f"{where}: tokens is {constraint.tokens}; it must be at least 1")
    if not all([*constraint.keep, *constraint.placeholders]):
        raise ArtifactError(f"{where}: an empty text cannot be kept; remove it")


def _starts_well(where: str, rule: Rule, parameter: Parameter) -> None:
    if rule.constraint.check and rule.predicate is None:
        rule = msgspec.structs.replace(rule, constraint=msgspec.structs.replace(rule.constraint, check=""))
    try:
        rule.enforce(parameter.what, parameter.text)
    except EditError as error:
        raise ArtifactError(f"{where}: the starting text breaks it already: {error.reason}") from None


def _spans(text: str, marks: Sequence[str]) -> list[str]:
    """What stands between the two marks, and the marks, each time."""
    first, last = (re.escape(mark) for mark in marks)
    return re.findall(f"{first}.*?{last}", text, flags=re.DOTALL)


def _only_imports(what: str, text: str, allowed: Sequence[str]) -> None:
    for module in _imported(text):
        if not any(module == name or module.startswith(f"{name}.") for name in allowed):
            may = f"only {', '.join(allowed)} may be imported" if allowed else "nothing may be imported"
            raise invalid(f"the text for {what} imports '{module}'; {may}")


def _imported(text: str) -> list[str]:
    """The modules that Python code imports, by their full names; "." begins one of the artifact's own package."""
    try:
        tree = ast.parse(textwrap.dedent(text))
    except (SyntaxError, ValueError, RecursionError, MemoryError):
        # A region need not be code by itself.
        found = [one or each for one, several in _IMPORT.findall(text) for each in re.split(r"\s*,\s*", several)]
        return [*found, *(["__import__"] if "__import__" in text else [])]
    modules: list[str] = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            modules += [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom):
            modules.append("." * node.level + (node.module or ""))
        elif isinstance(node, ast.Name) and node.id == "__import__":
            modules.append(node.id)
    return modules


def _load(where: str, check: str, root: Path) -> Predicate:
    file, _, name = check.partition(":")
    path = (root / file).resolve()
    if not name or not file.endswith(".py"):
        raise ArtifactError(f'{where}: check = "{check}" must be "file.py:function"')
    if not path.is_file():
        near = [found.name for found in path.parent.glob("*.py")] if path.parent.is_dir() else []
        raise ArtifactError(f"{where}: there is no file {path}{nearest(path.name, near)}")
    spec = importlib.util.spec_from_file_location(f"loopwright_check_{path.stem}", path)
    if spec is None or spec.loader is None:
        raise ArtifactError(f"{where}: {path} is not a Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module
    try:
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:
        raise ArtifactError(f"{where}: {file} raised at import: {type(error).__name__}: {error}") from error
    found = getattr(module, name, None)
    if not callable(found):
        functions = [key for key, value in vars(module).items() if callable(value)]
        raise ArtifactError(f"{where}: {file} has no function '{name}'{nearest(name, functions)}")
    return cast("Predicate", found)


def _short(text: str) -> str:
    line = " ".join(text.split())
    return f"`{line if len(line) <= 80 else line[:77] + '...'}`"
