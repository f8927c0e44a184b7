"""`loopwright preflight LOOP.toml`: findings for people and machines, and an exit code that scripts can use."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from console import Cli, sentence

from loopwright.preflight.run import CHECKS


def test_every_check_has_its_line_and_a_loop_without_errors_exits_with_0(cli: Cli, world: Path) -> None:
    lines = cli("preflight", "loop.toml").output.splitlines()
    told = {
        line.split()[1] for line in lines if line.split()[:1] and line.split()[0] in {"ok", "note", "warning", "error"}
    }
    assert told == {"begin", *CHECKS}


def test_an_error_exits_with_1_and_json_says_the_same(cli: Cli, world: Path) -> None:
    change = "search.target=-1e8"
    cli("preflight", "loop.toml", "--set", change, code=1)
    found = json.loads(cli("preflight", "loop.toml", "--set", change, "--json", code=1).stdout)
    levels = {each["code"]: each["level"] for each in found["findings"]}
    assert levels["target"] == "error"
    assert found["trials"] > 0


def test_a_loop_that_cannot_begin_is_a_finding_not_a_failure_of_the_command(cli: Cli, world: Path) -> None:
    result = cli("preflight", "loop.toml", "--set", 'artifact.edit=["gues"]', code=1)
    assert "gues" in result.stdout
    assert "error" in result.stdout


@pytest.mark.parametrize(
    ("args", "words"), [(["nowhere.toml"], "nowhere.toml"), (["loop.toml", "--examples", "0"], "at least 1")]
)
def test_wrong_usage_is_one_sentence(cli: Cli, world: Path, args: list[str], words: str) -> None:
    assert words in sentence(cli("preflight", *args, code=2))


def test_without_a_loop_it_says_which_protections_hold(cli: Cli) -> None:
    assert "environment" in cli("preflight").output
