"""`loopwright report`: a file where one wants it, tables beside it, and one sentence where that cannot be."""

from __future__ import annotations

from pathlib import Path

from console import Cli, sentence


def test_a_report_lies_in_the_run_or_where_it_is_told_to(cli: Cli, finished: Path) -> None:
    cli("report", finished)
    assert (finished / "report.html").read_text("utf-8").startswith("<!doctype html>")
    cli("report", finished, "--out", "elsewhere/mine.html", "--tables", "tables")
    assert (finished.parent / "elsewhere" / "mine.html").exists()
    assert {path.suffix for path in (finished.parent / "tables").iterdir()} == {".csv", ".md", ".tex"}


def test_a_run_goes_on_with_a_report_in_its_folder(cli: Cli, finished: Path) -> None:
    cli("report", finished)
    cli("resume", finished, "--set", "budget.steps=42", "--quiet")


def test_what_is_no_run_and_what_cannot_be_written_is_one_sentence(cli: Cli, finished: Path) -> None:
    assert "no run folder" in sentence(cli("report", "nowhere", code=2))
    (finished.parent / "file").write_text("")
    assert "cannot be written" in sentence(cli("report", finished, "--out", "file/report.html", code=1))
