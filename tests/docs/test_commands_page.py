"""The page of commands has every command with every option, and nothing else; so have the commands shown elsewhere."""

from __future__ import annotations

import re
import shlex

import click
import pytest
from pages import commands, pages, read

from loopwright.cli.app import COMMANDS, app


def options(command: click.Command) -> set[str]:
    """A command's options; those of a group are its commands'."""
    own = {name for each in command.params if isinstance(each, click.Option) for name in each.opts}
    inner = command.commands.values() if isinstance(command, click.Group) else []
    return own.union(*(options(each) for each in inner))


def found(name: str) -> click.Command:
    command = app.get_command(click.Context(app), name)
    assert command is not None, name
    return command


def sections() -> dict[str, str]:
    parts = re.split(r"^## `loopwright (\w+)[^`]*`$", read("reference/commands.md"), flags=re.MULTILINE)
    return dict(zip(parts[1::2], parts[2::2], strict=True))


def test_every_command_has_its_section() -> None:
    assert set(sections()) == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_a_section_has_every_option_and_no_other(name: str) -> None:
    documented = re.findall(r"^\| `(--[\w-]+)", sections()[name], flags=re.MULTILINE)
    assert sorted(documented) == sorted(options(found(name)))


SHOWN = [(page, line) for page in pages() for line in commands(page) if re.match(r"(\w+=\S+ )*loopwright ", line)]


@pytest.mark.parametrize(("page", "line"), SHOWN)
def test_a_shown_command_exists_with_its_options(page: str, line: str) -> None:
    words = shlex.split(re.split(r" [|>] ", line)[0], comments=False)
    words = words[words.index("loopwright") + 1 :]
    if words[0].startswith("-"):
        assert words[0] in options(app), line
        return
    given = {word.partition("=")[0] for word in words[1:] if word.startswith("--")}
    assert given <= options(found(words[0])), line
