"""`apply`: the best texts come into the user's files, and every other byte stays."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from console import Cli, sentence

from loopwright.record import record


def test_only_the_parameter_is_written(finished: Path, cli: Cli) -> None:
    agent = finished.parent / "agent.py"
    before = agent.read_bytes()
    agent.chmod(0o640)
    result = cli("apply", finished, "--yes")
    after = agent.read_bytes()
    best = record(finished).best
    assert after != before
    assert after == best.files()["agent.py"]
    head, tail = before[: before.index(b"def")], before[before.index(b"# the end") :]
    assert after.startswith(head)
    assert after.endswith(tail)
    assert agent.stat().st_mode & 0o777 == 0o640
    assert "+++ b/agent.py" in result.stdout
    assert "already" in cli("apply", finished, "--yes").stdout
    assert sorted(path.name for path in finished.parent.iterdir() if path.name.startswith(".")) == []


def test_what_the_user_changed_elsewhere_stays(finished: Path, cli: Cli) -> None:
    agent = finished.parent / "agent.py"
    agent.write_bytes(b"import os\n" + agent.read_bytes() + b"\nMINE = 1\n")
    result = cli("apply", finished, "--yes")
    assert agent.read_bytes().startswith(b"import os\n")
    assert agent.read_bytes().endswith(b"\nMINE = 1\n")
    assert "note:" not in result.stderr


def test_a_parameter_that_the_user_changed_is_noted(finished: Path, cli: Cli) -> None:
    agent = finished.parent / "agent.py"
    agent.write_bytes(agent.read_bytes().replace(b"3 * x", b"5 * x"))
    result = cli("apply", finished, "--yes")
    assert "not as it was when the run started" in result.stderr
    assert b"5 * x" not in agent.read_bytes()


def test_looking_and_refusing_write_nothing(finished: Path, cli: Cli) -> None:
    agent = finished.parent / "agent.py"
    before = agent.read_bytes()
    assert "+++ b/agent.py" in cli("apply", finished, "--dry-run").stdout
    assert "--yes" in sentence(cli("apply", finished, code=2))
    assert "no candidate" in sentence(cli("apply", finished, "--candidate", "x", code=2))
    assert "no folder" in sentence(cli("apply", finished, "--to", "nowhere", code=2))
    assert agent.read_bytes() == before


@pytest.mark.parametrize(
    ("change", "hint"), [("gone", "no longer there"), ("renamed", "guess"), ("broken", "agent.py")]
)
def test_files_that_no_longer_fit_are_refused(finished: Path, cli: Cli, change: str, hint: str) -> None:
    agent = finished.parent / "agent.py"
    texts = {"renamed": b"def guesses(x):\n    return 1\n", "broken": b"def guess(x:\n"}
    if change == "gone":
        agent.unlink()
    else:
        agent.write_bytes(texts[change])
    assert hint in sentence(cli("apply", finished, "--yes", code=2))
    assert change == "gone" or agent.read_bytes() == texts[change]


def test_another_folder_and_links_are_followed(finished: Path, cli: Cli, tmp_path: Path) -> None:
    other, real = tmp_path / "other", tmp_path / "real.py"
    other.mkdir()
    agent = finished.parent / "agent.py"
    real.write_bytes(agent.read_bytes())
    (other / "agent.py").symlink_to(real)
    before = agent.read_bytes()
    cli("apply", finished, "--yes", "--to", other)
    assert (other / "agent.py").is_symlink()
    assert real.read_bytes() == record(finished).best.files()["agent.py"]
    assert agent.read_bytes() == before


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write anywhere")
def test_a_folder_that_may_not_be_written_is_one_sentence(finished: Path, cli: Cli) -> None:
    finished.parent.chmod(0o500)
    try:
        sentence(cli("apply", finished, "--yes", code=2))
    finally:
        finished.parent.chmod(0o700)


def test_the_start_brings_nothing(finished: Path, cli: Cli) -> None:
    assert "it is the starting artifact" in cli("apply", finished, "--candidate", "start").stdout
