"""`loopwright init`: a small complete loop, written into a folder. What is written is in `templates`."""

from __future__ import annotations

from pathlib import Path

import click

from loopwright.errors import UsageError, nearest

# What each template is, and what is needed besides this package.
TEMPLATES = {
    "program": "a Python function, improved by mutation: needs no model",
    "qa": "a prompt and a parser around a model, improved by a model",
    "gym": "a policy for CartPole, a Gymnasium environment, improved by mutation: needs loopwright[gym]",
    "reasoning": "a question of reasoning-gym and a model on this machine: needs loopwright[local,reasoning-gym]",
    "triage": "a prompt that routes messages, improved by a model on this machine: needs loopwright[local]",
    "pong": "a policy that plays Pong on the emulator, improved by mutation: needs loopwright[atari]",
    "spaceship-titanic": "a machine-learning pipeline, improved by a model: needs loopwright[ml] and the data set",
    "house-prices": "the same for house prices",
    "kernel": "a C function made faster, compiled and timed by the task: needs a C compiler",
}
_FOLDER = Path(__file__).parent / "templates"


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path())
@click.option("--template", "name", default="program", metavar="NAME", help=f"One of {', '.join(TEMPLATES)}.")
@click.option("--list", "listing", is_flag=True, help="Say what the templates are.")
def init(folder: Path, name: str, listing: bool) -> None:
    """Write a small complete loop that runs at once, into FOLDER (default: here).

    No file is ever overwritten.
    """
    from loopwright.cli.text import quoted

    if listing:
        for each, what in TEMPLATES.items():
            click.echo(f"{each:<19}{what}")
        return
    files = template(name)
    write_new(folder, files)
    loop = quoted(folder / "loop.toml")
    click.echo(f"wrote {', '.join(sorted(files))} into {quoted(folder)}: {TEMPLATES[name]}")
    needs = [*_needs(files["loop.toml"].decode()), *_data(name)]
    click.echo(f"next:  loopwright run {loop}")
    for need in needs:
        click.echo(f"       {need}")


def template(name: str) -> dict[str, bytes]:
    """The files of a template by name. Raises `UsageError`."""
    if name not in TEMPLATES:
        raise UsageError(f"there is no template '{name}'{nearest(name, TEMPLATES)}")
    files = {path.name: path.read_bytes() for path in sorted((_FOLDER / name).iterdir()) if path.is_file()}
    if name == "pong":
        from loopwright.tasks.atari import starting

        files["policy.py"] = starting("pong").read_bytes()
    if name in {"spaceship-titanic", "house-prices"}:
        from loopwright.tasks.mlbench import starting

        files["pipeline.py"] = starting(name, code="working").encode()
    return files


def write_new(folder: Path, files: dict[str, bytes]) -> None:
    """Write files that are not there yet. Raises `UsageError` before anything is written where one is."""
    there = [name for name in files if (folder / name).exists()]
    if there:
        raise UsageError(f"{folder / there[0]} is there already and is not overwritten; name a new folder")
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, data in files.items():
            with (folder / name).open("xb") as handle:
                handle.write(data)
    except OSError as error:
        raise UsageError(f"{folder} cannot be written: {error.strerror}") from None


def _data(template: str) -> list[str]:
    """What must be done before a template's data set is here."""
    from loopwright import data

    if template not in data.names() or all(file.state == "good" for file in data.states(template)):
        return []
    return [f"first fetch the data: loopwright data pull {template}"]


def _needs(loop: str) -> list[str]:
    """What must be there before the loop can run: keys or weights of the models it names."""
    import os
    import tomllib

    from loopwright.llm.models import endpoint, is_local

    table = tomllib.loads(loop)
    models = {table.get(part, {}).get("model", "") for part in ("optimizer", "agent")} - {"", "ask"}
    found: list[str] = []
    for model in sorted(models):
        if is_local(model):
            found += _missing_weights(model)
            continue
        where = endpoint(model, os.environ)
        if where.key_needed and not os.environ.get(where.key_variable):
            found.append(f"first set {where.key_variable}, or put another model than '{model}' into loop.toml")
    return found


def _missing_weights(model: str) -> list[str]:
    """What must be done before a model on this machine can be asked."""
    from loopwright.errors import ModelError
    from loopwright.llm.local import weights

    name = model.removeprefix("local/")
    try:
        weights.find(name, Path())
    except ModelError:
        return [f"first run: loopwright models pull {name}"]
    return []
