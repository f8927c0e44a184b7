"""The command `loopwright` itself: its subcommands' names, and how an error becomes one sentence and an exit code.

Exit codes: 0 done, 1 failed, 2 usage (settings, files, names), 3 waiting for an answer by hand, 130 interrupted.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from typing import Any, cast

import click

from loopwright import __version__
from loopwright.errors import LoopwrightError, nearest

# What `--help` says of each command. Said here, so that help imports none of them.
COMMANDS = {
    "init": "Write a small complete loop that runs at once.",
    "run": "Run a loop file.",
    "resume": "Go on with a run that was stopped, that waits, or that shall go further.",
    "show": "Show a run: its course, one update, the evidence, a candidate.",
    "apply": "Write a run's best texts into your own files.",
    "ask": "Print the question that a run waits with.",
    "tell": "Answer the question that a run waits with.",
    "report": "Write one HTML file about a run, with its curves, candidates and evidence.",
    "film": "Film a candidate of an Atari run.",
    "data": "List and fetch the data sets that tasks use.",
    "compare": "Run two candidates again on the same fresh seeds.",
    "study": "Run many runs that differ in chosen settings, and compare them.",
    "models": "List the models that run on this machine, and fetch their weights.",
    "preflight": "Say what speaks against a loop before it is run, and which protections hold.",
}
INTERRUPTED = 130


class App(click.Group):
    """A click group that imports a command when it is used, and reports every error in one sentence."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        return cast("click.Command", getattr(import_module(f"loopwright.cli.{cmd_name}"), cmd_name))

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and not args[0].startswith("-") and args[0] not in COMMANDS:
            raise click.UsageError(f"there is no command '{args[0]}'{nearest(args[0], COMMANDS)}", ctx)
        return super().resolve_command(ctx, args)

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def main(
        self,
        args: Sequence[str] | None = None,
        prog_name: str | None = None,
        complete_var: str | None = None,
        standalone_mode: bool = True,
        windows_expand_args: bool = True,
        **extra: Any,
    ) -> Any:
        args = list(sys.argv[1:] if args is None else args)
        debug = "--debug" in args  # wherever it stands: one adds it to the end of a command that failed
        if debug:
            args = ["--debug", *(arg for arg in args if arg != "--debug")]
        try:
            code: object = super().main(
                args=args,
                prog_name=prog_name or "loopwright",
                complete_var=complete_var,
                standalone_mode=False,
                windows_expand_args=windows_expand_args,
                **extra,
            )
        except BrokenPipeError:
            # Whoever read our output is gone (`| head`); Python would complain again when it flushes at its end.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            code = 1
        except (click.ClickException, click.Abort, LoopwrightError, KeyboardInterrupt) as error:
            code = reported(error)
        except Exception as error:  # noqa: BLE001 - a fault of ours: told, with its traceback where --debug asks for it
            code = _fault(error, debug=debug)
        sys.exit(code if isinstance(code, int) else 0)


def reported(error: BaseException) -> int:
    """Tell of an error on stderr in one sentence; gives the exit code."""
    if isinstance(error, KeyboardInterrupt | click.Abort):
        click.echo("interrupted", err=True)
        return INTERRUPTED
    if isinstance(error, click.ClickException):
        ctx = error.ctx if isinstance(error, click.UsageError) else None
        hint = f" (see '{ctx.command_path} --help')" if ctx is not None else ""
        message = error.format_message().rstrip(".")
        tell(f"{message[:1].lower()}{message[1:]}{hint}")
        return error.exit_code
    tell(str(error))
    return error.exit_code if isinstance(error, LoopwrightError) else 1


def overrides(changes: Sequence[str]) -> dict[str, Any]:
    """The values of all `--set NAME=VALUE`. Raises `SettingsError`."""
    from loopwright.settings import parse_override

    return dict(parse_override(change) for change in changes)


def tell(message: str) -> None:
    """An error on stderr."""
    from loopwright.cli.text import clean

    click.echo(f"{click.style('error:', fg='red', bold=True)} {clean(message)}", err=True)


def _fault(error: Exception, *, debug: bool) -> int:
    if debug:
        import traceback

        click.echo("".join(traceback.format_exception(error)), err=True)
    hint = "" if debug else "; run it again with --debug for the details"
    tell(f"this is a fault in loopwright, please report it: {type(error).__name__}: {error}{hint}")
    return 1


@click.group(
    "loopwright",
    cls=App,
    invoke_without_command=True,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
@click.version_option(__version__, "--version", message="loopwright %(version)s", help="Print the version and end.")
@click.option("--debug", is_flag=True, help="Print tracebacks of faults in loopwright itself.")
@click.pass_context
def app(ctx: click.Context, debug: bool) -> None:
    """Improve code, prompts and workflows by running them: learning loops with their choices in plain sight.

    Begin with 'loopwright init', then 'loopwright run loop.toml'.
    """
    if ctx.invoked_subcommand is None:
        click.echo(ctx.get_help())
