"""Driving a run from the command line: watching it, ending it cleanly when asked, and saying what came of it.

`run`, `resume` and `tell --resume` differ only in what they start; everything after that is here.
"""

from __future__ import annotations

import asyncio
import contextlib
import signal
import sys
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from loopwright.cli.app import INTERRUPTED, tell
from loopwright.cli.text import clean, quoted
from loopwright.cli.watch import Json, Lines, Quiet, Terminal, Watcher
from loopwright.errors import LoopwrightError, StoreError
from loopwright.record import record
from loopwright.store.run_folder import RunFolder

if TYPE_CHECKING:
    from loopwright.runner import Listener, Outcome
    from loopwright.settings import Loop

WAITING = 3
_TERMINATED = 128 + signal.SIGTERM

# Starts or continues a run, with a listener; what the runner's own functions are.
Start = Callable[["Listener"], Awaitable["Outcome"]]


def drive(folder: Path, start: Start, settings: Loop, *, json: bool, quiet: bool) -> int:
    """Run to the end, or to where a person is needed; gives the exit code."""
    if not json and not quiet:
        _warn(settings)
    if json:
        # A program run inline may print: standard output is for JSON alone.
        stdout = sys.stdout
        with contextlib.redirect_stdout(sys.stderr):
            return _drive(folder, start, Json(stdout))
    watcher = Quiet() if quiet else Terminal() if sys.stderr.isatty() else Lines()
    return _drive(folder, start, watcher)


def _drive(folder: Path, start: Start, watcher: Watcher) -> int:
    from loopwright.runner import Waiting

    fresh = not RunFolder(folder).exists()
    stopped: list[int] = []
    json = watcher if isinstance(watcher, Json) else None
    watcher.start(folder)
    try:
        outcome = asyncio.run(_stoppable(start, watcher, stopped))
    except Waiting as waiting:
        watcher.stop()
        return _waiting(folder, waiting.questions, json)
    except (KeyboardInterrupt, asyncio.CancelledError):
        watcher.stop()
        return _interrupted(folder, json, _TERMINATED if stopped else INTERRUPTED)
    except LoopwrightError as error:
        watcher.stop()
        return _failed(folder, error, json, fresh=fresh)
    except BaseException:
        watcher.stop()
        raise
    watcher.stop()
    if json is not None:
        json.write("outcome", **_plain(outcome))
    else:
        _say_closing(folder)
    return 0


def _warn(settings: Loop) -> None:
    """Say which protections do not hold for this run."""
    from loopwright.execution.protections import protections

    if settings.execution.isolation == "inline":
        held = 'isolation is "inline": candidates run in this process and can do whatever you can'
    else:
        missing = [each.name for each in protections(settings.execution.limits) if not each.holds]
        held = f"not protected here: {', '.join(missing)}; 'loopwright preflight' says more" if missing else ""
    if held:
        click.echo(f"{click.style('note:', fg='yellow')} {held}", err=True)


async def _stoppable(start: Start, watcher: Watcher, stopped: list[int]) -> Outcome:
    """The run, ended cleanly by SIGTERM and SIGHUP as `asyncio.run` does by Ctrl-C: by cancelling it."""
    task = asyncio.current_task()
    loop = asyncio.get_running_loop()

    def stop() -> None:
        stopped.append(1)
        if task is not None:
            task.cancel()

    for number in (signal.SIGTERM, signal.SIGHUP):
        with contextlib.suppress(ValueError, RuntimeError):  # not the main thread: whoever runs us handles signals
            loop.add_signal_handler(number, stop)
    return await start(watcher)


def _say_closing(folder: Path) -> None:
    from loopwright.cli.closing import closing

    for text in closing(record(folder)):
        click.echo(clean(text))


def _waiting(folder: Path, questions: list[Path], json: Json | None) -> int:
    if json is not None:
        json.write("waiting", folder=str(folder), questions=[str(path) for path in questions])
        return WAITING
    first = questions[0]
    if before := _what_became(folder):
        click.echo(clean(before))
    click.echo("The run waits for an answer by hand.")
    click.echo(f"  read    {quoted(first)}")
    if len(questions) > 1:
        click.echo(f"          and {len(questions) - 1} more: {', '.join(path.stem for path in questions[1:])}")
    click.echo("  answer  in the form that the question describes: some words on what you change and why, then for")
    click.echo("          each parameter a line '### parameter: NAME' and its whole new text between ``` lines")
    click.echo(f"  then    loopwright tell {quoted(folder)} ANSWER.md --resume")
    return WAITING


def _what_became(folder: Path) -> str:
    """What became of the answer before this question, "" where there was none."""
    updates = record(folder).updates
    if updates and updates[-1].updated is None and updates[-1].answered:
        return f"The last answer to update {updates[-1].step} was refused; the question ends with the reason."
    done = next((update for update in reversed(updates) if update.updated is not None), None)
    return f"Update {done.step}: {done.verdict()}; {done.why()}." if done else ""


def _interrupted(folder: Path, json: Json | None, code: int) -> int:
    begun = _begun(folder)
    if json is not None:
        json.write("interrupted", folder=str(folder), exit_code=code)
    elif begun:
        click.echo("Interrupted; all that was done is kept. To go on:", err=True)
        click.echo(f"  loopwright resume {quoted(folder)}", err=True)
    else:
        click.echo("Interrupted before the run began.", err=True)
    return code


def _failed(folder: Path, error: LoopwrightError, json: Json | None, *, fresh: bool) -> int:
    """Say what went wrong; a folder in which nothing ever began is removed again."""
    begun = _begun(folder)
    if json is not None:
        json.write("error", error=str(error), kind=type(error).__name__, exit_code=error.exit_code)
    tell(str(error))
    if begun and not isinstance(error, StoreError):
        click.echo("What was done is kept. To go on, when the cause is mended:", err=True)
        click.echo(f"  loopwright resume {quoted(folder)}", err=True)
    if fresh and not begun:
        remove_unbegun(folder)
    return error.exit_code


def _begun(folder: Path) -> bool:
    """Whether anything of the run is in its journal. A journal that cannot be read is told of elsewhere."""
    if RunFolder(folder).exists():
        with contextlib.suppress(LoopwrightError):
            record(folder)
            return True
    return False


def remove_unbegun(folder: Path) -> None:
    """Remove a run folder in which nothing began: only the files a run makes by itself, only where nothing else is."""
    own = {"journal.db", "journal.db-wal", "journal.db-shm", "lock"}
    with contextlib.suppress(OSError):
        if {path.name for path in folder.iterdir()} <= own:
            for path in list(folder.iterdir()):
                path.unlink()
            folder.rmdir()


def _plain(outcome: Outcome) -> dict[str, Any]:
    """The outcome for machines; the files of the best candidate lie in the run folder."""
    import msgspec

    plain: dict[str, Any] = {
        name: getattr(outcome, name) for name in outcome.__struct_fields__ if name not in {"files", "folder"}
    }
    plain["folder"] = str(outcome.folder)
    plain["files"] = sorted(outcome.files)
    return {"exit_code": 0, **msgspec.to_builtins(plain)}
