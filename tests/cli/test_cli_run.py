"""`run`, `resume` and what they say: progress, JSON, exit codes, and what is left after a failure."""

from __future__ import annotations

import json
import os
import shutil
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest
from console import Cli, sentence

from loopwright.cli.run import new_folder
from loopwright.cli.watch import without_trace
from loopwright.store import RunFolder


def journal(folder: Path) -> list[tuple[int, int, str]]:
    with RunFolder(folder) as place:
        return place.journal(readonly=True).canonical()


def test_each_run_gets_a_folder_of_its_own_beside_the_loop_file(world: Path, cli: Cli, tmp_path_factory) -> None:
    os.chdir(tmp_path_factory.mktemp("elsewhere"))
    for number in (1, 2):
        cli("run", world / "loop.toml", "--set", "budget.steps=1", "--quiet")
        assert (world / "runs" / f"loop-{number}" / "journal.db").exists()


def test_new_folders_are_never_shared(tmp_path: Path) -> None:
    loop = tmp_path / "my.toml"
    (tmp_path / "runs" / "my-9").mkdir(parents=True)
    (tmp_path / "runs" / "my-old").mkdir()
    assert [new_folder(loop).name for _ in range(3)] == ["my-10", "my-11", "my-12"]


def test_progress_goes_to_stderr_a_line_an_update_and_the_result_to_stdout(world: Path, cli: Cli) -> None:
    result = cli("run", "loop.toml", "--set", "budget.steps=4")
    assert sum(line.startswith("update ") for line in result.stderr.splitlines()) == 4
    assert "start: " in result.stderr
    assert result.stdout.startswith("Ended: all 4 updates are done.")
    assert "loopwright show runs/loop-1" in result.stdout
    assert "loopwright resume runs/loop-1 --set budget.steps=8" in result.stdout
    assert cli("run", "loop.toml", "--set", "budget.steps=1", "--quiet").stderr == ""


def test_running_without_protection_is_said(world: Path, cli: Cli) -> None:
    told = cli("run", "loop.toml", "--set", "budget.steps=0").stderr
    assert 'note: isolation is "inline"' in told


def test_json_is_the_journal_a_line_an_event_and_nothing_else(world: Path, cli: Cli) -> None:
    (world / "agent.py").write_text('def guess(x):\n    print("noise")\n    return 3 * x\n')
    result = cli("run", "loop.toml", "--out", "r", "--json")
    lines = [json.loads(line) for line in result.stdout.splitlines()]
    with RunFolder(world / "r") as place:
        entries = [entry for entry in place.journal(readonly=True).entries() if entry.step >= 0]
    told = [line for line in lines if line["type"] == "event"]
    assert [(each["step"], each["number"]) for each in told] == [entry[:2] for entry in entries]
    assert [each["event"]["event"] for each in told] == [e.event.__struct_config__.tag for e in entries]
    for line, entry in zip(told, entries, strict=True):
        plain = json.loads(json.dumps(without_trace(entry)))
        if "trial" not in plain:  # times apart, a trial is the same too
            assert line["event"] == plain
    assert (lines[0]["type"], lines[-1]["type"]) == ("run", "outcome")
    assert lines[-1]["steps"] == 12
    assert sum(line["type"] == "progress" for line in lines) == 12


def test_no_gain_is_called_no_gain(world: Path, cli: Cli) -> None:
    (world / "agent.py").write_text("def guess(x):\n    return 4 * x\n")
    told = cli("run", "loop.toml").stdout
    assert "no candidate was better than the start" in told
    assert "nothing was gained" in told
    assert "loopwright apply" not in told


def test_a_gain_is_told_with_its_interval(finished: Path, cli: Cli) -> None:
    told = cli("resume", finished, "--set", "budget.steps=41").stdout
    assert "5 examples, paired" in told
    assert "95% interval" in told or "on every example" in told
    assert f"loopwright apply {finished.name}" in told


def test_seed_and_set_reach_the_settings(world: Path, cli: Cli) -> None:
    cli("run", "loop.toml", "--out", "r", "--seed", 9, "--set", "budget.steps=1", "--set", "search.accept=not-worse")
    settings = json.loads(cli("show", "r", "--json").stdout)["settings"]
    assert (settings["seed"], settings["budget"]["steps"], settings["search"]["accept"]) == (9, 1, "not-worse")


def test_running_again_into_the_folder_of_the_same_loop_changes_nothing(world: Path, cli: Cli) -> None:
    cli("run", "loop.toml", "--out", "r")
    before = journal(world / "r")
    cli("run", "loop.toml", "--out", "r")
    assert journal(world / "r") == before


def test_a_run_folder_of_another_loop_is_refused_and_kept(world: Path, cli: Cli) -> None:
    cli("run", "loop.toml", "--out", "r")
    before = journal(world / "r")
    told = sentence(cli("run", "loop.toml", "--out", "r", "--seed", 5, code=1))
    assert "another loop" in told
    assert "seed" in told
    assert journal(world / "r") == before


def test_a_longer_budget_goes_on_and_repeats_nothing(world: Path, cli: Cli) -> None:
    cli("run", "loop.toml", "--out", "r", "--set", "budget.steps=3")
    before = journal(world / "r")
    cli("resume", "r", "--set", "budget.steps=6")
    after = journal(world / "r")
    assert set(before) <= set(after)
    assert len(json.loads(cli("show", "r", "--json").stdout)["updates"]) == 6


@pytest.mark.parametrize("change", ["search.accept=always", "budget", "seed=3"])
def test_only_limits_change_on_resume(world: Path, cli: Cli, change: str) -> None:
    cli("run", "loop.toml", "--out", "r", "--set", "budget.steps=1")
    sentence(cli("resume", "r", "--set", change, code=2))


def test_a_ceiling_that_the_task_came_to_declare_does_not_end_a_run_that_began_without(world: Path, cli: Cli) -> None:
    cli("run", "loop.toml", "--out", "r", "--set", "budget.steps=1")
    task = (world / "task.py").read_text()
    (world / "task.py").write_text(task.replace("floor=-1e9", "floor=-1e9, ceiling=0"))
    cli("resume", "r", "--set", "budget.steps=2")
    (world / "task.py").write_text(task.replace("floor=-1e9", "floor=-1e8"))
    assert "floor differs" in sentence(cli("resume", "r", "--set", "budget.steps=3", code=None))


BAD_SETTINGS = {
    "serch.accept=improve": "did you mean 'search'",
    "search.accpt=improve": "did you mean 'accept'",
    "search.accept=sometimes": "search.accept",
    "budget.steps=many": "budget.steps",
    "noequals": "--set takes NAME=VALUE",
    "artifact.path=agnt.py": "did you mean 'agent.py'",
    'artifact.edit=["gess"]': "did you mean 'guess'",
    'artifact.edit=["guess", "agent.py"]': "overlap",
    "task=tsk.py:times": "did you mean 'task.py'",
    "task=task.py:time": "did you mean 'times'",
    "optimizer.kind=mutat": "did you mean 'mutate'",
}


@pytest.mark.parametrize(("change", "hint"), BAD_SETTINGS.items())
def test_bad_settings_are_one_sentence_and_leave_no_folder(world: Path, cli: Cli, change: str, hint: str) -> None:
    result = cli("run", "loop.toml", "--set", change, code=2)
    assert hint in sentence(result)
    assert not list(world.glob("runs/*"))


def test_running_a_run_names_resume(world: Path, cli: Cli) -> None:
    cli("run", "loop.toml", "--out", "r", "--set", "budget.steps=1")
    assert "loopwright resume r" in sentence(cli("run", "r", code=2))


def test_a_missing_loop_file_is_one_sentence(world: Path, cli: Cli) -> None:
    assert "no loop file" in sentence(cli("run", "nothing.toml", code=2))
    assert "is a folder" in sentence(cli("run", ".", code=2))
    (world / "bad.toml").write_text("task = ")
    assert "not valid TOML" in sentence(cli("run", "bad.toml", code=2))


@pytest.mark.parametrize("isolation", ["inline", "process"])
def test_a_task_that_raises_at_import_is_one_sentence(world: Path, cli: Cli, isolation: str) -> None:
    (world / "task.py").write_text("import loopwright\n\n1 / 0\n")
    told = sentence(cli("run", "loop.toml", "--set", f"execution.isolation={isolation}", code=2))
    assert "ZeroDivisionError" in told
    assert "line 3" in told
    assert not list(world.glob("runs/*"))


def test_a_program_without_the_tasks_function_stops_loudly(world: Path, cli: Cli) -> None:
    (world / "agent.py").write_text("def other(x):\n    return x\n")
    result = cli(
        "run", "loop.toml", "--set", 'artifact.edit=["other"]', "--set", "budget.failures=3", "--out", "r", code=None
    )
    assert result.exit_code in {1, 2}
    sentence(result)


@pytest.mark.parametrize(
    ("model", "hint"),
    [
        ("openai/gpt-5.1", "OPENAI_API_KEY"),
        ("opnai/x", "did you mean 'openai'"),
        pytest.param("http://127.0.0.1:9/v1#m", "127.0.0.1:9", marks=pytest.mark.slow),  # it is tried several times
    ],
)
def test_a_model_that_cannot_be_asked_stops_the_run(
    world: Path, cli: Cli, model: str, hint: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    result = cli(
        "run", "loop.toml", "--set", "optimizer.kind=optoprime", "--set", f'optimizer.model="{model}"', code=None
    )
    assert result.exit_code in {1, 2}
    assert hint in sentence(result)


def test_a_second_process_on_a_run_is_refused(world: Path, cli: Cli) -> None:
    cli("run", "loop.toml", "--out", "r", "--set", "budget.steps=1")
    with RunFolder(world / "r"):
        assert f"in use by process {os.getpid()}" in sentence(cli("resume", "r", code=1))
        assert "under way" in cli("show", "r").stdout
    assert "ended" in cli("show", "r").stdout


def test_a_journal_of_a_newer_version_is_refused(world: Path, cli: Cli) -> None:
    cli("run", "loop.toml", "--out", "r", "--set", "budget.steps=1")
    with sqlite3.connect(world / "r" / "journal.db") as database:
        database.execute("UPDATE meta SET value = '99' WHERE key = 'format'")
    for command in ("show", "resume", "apply", "ask"):
        assert "newer" in sentence(cli(command, "r", code=1))


@pytest.mark.parametrize("command", ["show", "resume", "apply", "ask"])
def test_what_is_no_run_is_one_sentence(world: Path, cli: Cli, command: str) -> None:
    assert "there is no run folder" in sentence(cli(command, "nothing", code=2))
    assert "not the folder of a run" in sentence(cli(command, ".", code=2))
    assert "is a file" in sentence(cli(command, "loop.toml", code=2))


def test_a_folder_with_other_things_is_refused_and_kept(world: Path, cli: Cli) -> None:
    (world / "mine").mkdir()
    (world / "mine" / "diary.txt").write_text("dear diary")
    assert "holds other files" in sentence(cli("run", "loop.toml", "--out", "mine", code=1))
    assert [path.name for path in (world / "mine").iterdir()] == ["diary.txt"]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_a_run_cleanly_and_resuming_continues_exactly(
    world: Path, cli: Cli, number: signal.Signals
) -> None:
    options = ["--set", "execution.isolation=process", "--set", "budget.steps=60"]
    # Where tests run in the background, the shell has Ctrl-C ignored.
    begin = "import signal; signal.signal(signal.SIGINT, signal.default_int_handler)"
    command = [sys.executable, "-c", f"{begin}; from loopwright.cli import main; main()", "run", "loop.toml"]
    command += ["--out", "r"]
    process = subprocess.Popen([*command, *options], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith("update 3:"):
            break
    process.send_signal(number)
    rest = process.stderr.read()
    assert process.wait(20) == 128 + number
    assert "loopwright resume r" in rest
    assert "Traceback" not in rest
    time.sleep(0.2)
    mine = subprocess.run(["ps", "-eo", "ppid,args"], capture_output=True, text=True, check=True).stdout
    assert not [line for line in mine.splitlines() if line.split()[0] == str(process.pid)]
    assert "stopped before its end" in cli("show", "r").stdout
    cli("resume", "r", "--quiet")
    cli("run", "loop.toml", "--out", "undisturbed", "--quiet", *options)
    assert journal(world / "r") == journal(world / "undisturbed")


def test_a_full_disk_is_told_and_loses_nothing(world: Path, cli: Cli, monkeypatch: pytest.MonkeyPatch) -> None:
    cli("run", "loop.toml", "--out", "r", "--set", "budget.steps=2")
    shutil.copytree("r", "copy")
    before = journal(world / "copy")
    with sqlite3.connect(world / "r" / "journal.db") as database:
        pages = database.execute("PRAGMA page_count").fetchone()[0]
    connect = sqlite3.connect

    def full(*args: object, **options: object) -> sqlite3.Connection:
        database = connect(*args, **options)  # pyright: ignore
        database.execute(f"PRAGMA max_page_count = {pages}")
        return database

    monkeypatch.setattr(sqlite3, "connect", full)
    assert "full" in sentence(cli("resume", "r", "--set", "budget.steps=400", code=1))
    monkeypatch.undo()
    os.chdir(world)
    assert set(before) <= set(journal(world / "r"))
