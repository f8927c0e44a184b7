"""`init`: every template is complete, runs as it is where no model is needed, and overwrites nothing."""

from __future__ import annotations

import shutil
from importlib.util import find_spec
from pathlib import Path

import pytest
from console import Cli, sentence

from loopwright.artifact import Artifact
from loopwright.cli.init import TEMPLATES
from loopwright.record import record
from loopwright.settings import Loop
from loopwright.testing.model_server import ModelServer, Received, reply

SIEVE = b"""A sieve.

### parameter: EVOLVE-BLOCK-1
```c
long count_primes(long n)
{
    if (n < 3)
        return 0;
    long half = n / 2, count = half;
    unsigned char *composite = calloc((size_t)half, 1);
    for (long i = 1; 2 * i * (i + 1) < half; i++)
        if (!composite[i])
            for (long j = 2 * i * (i + 1); j < half; j += 2 * i + 1)
                count -= !composite[j], composite[j] = 1;
    free(composite);
    return count;
}
```
"""


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, cli: Cli, request: pytest.FixtureRequest) -> Path:
    """A fresh folder with the template that the test names, as working directory."""
    monkeypatch.chdir(tmp_path)
    told = cli("init", "--template", request.param).stdout
    assert "loopwright run loop.toml" in told
    return tmp_path


@pytest.mark.parametrize("made", TEMPLATES, indirect=True)
def test_a_template_is_complete_and_is_never_overwritten(made: Path, cli: Cli, request: pytest.FixtureRequest) -> None:
    loop = Loop.load("loop.toml")
    Artifact.load(
        [Path(path) for path in loop.artifact.paths], loop.artifact.edit, include=loop.artifact.include, root="."
    )
    before = {path.name: path.read_bytes() for path in made.iterdir()}
    name = request.node.callspec.params["made"]
    for missing in before:
        (made / missing).unlink()
        assert "not overwritten" in sentence(cli("init", "--template", name, code=2))
        assert not (made / missing).exists()
        (made / missing).write_bytes(before[missing])
    assert {path.name: path.read_bytes() for path in made.iterdir()} == before


@pytest.mark.parametrize("made", ["program"], indirect=True)
def test_program_gets_better_without_a_model(made: Path, cli: Cli) -> None:
    cli("run", "loop.toml", "--quiet", "--set", "budget.steps=18", "--set", "execution.isolation=inline")
    run = record("runs/loop-1")
    start, best = run.population.mean(run.population.start), run.population.mean(run.population.best)
    assert start is not None
    assert best is not None
    assert best > start


@pytest.mark.parametrize("made", ["qa"], indirect=True)
def test_qa_runs_against_a_model_server(made: Path, cli: Cli) -> None:
    def answer(received: Received) -> str:
        if "### parameter" in received.prompt or len(received.messages) > 1:
            return "Ask for care.\n\n### parameter: PROMPT\n```\nThink with care, then answer: {question}\n```\n"
        return "Answer: 2"

    with ModelServer(reply(answer)) as server:
        options = [f'--set={part}.model="{server.model}"' for part in ("agent", "optimizer")]
        # The server's name has no price: without a limit in money none is needed.
        table = (made / "loop.toml").read_text().replace("usd = 5.0\n", "")
        (made / "loop.toml").write_text(table)
        cli("run", "loop.toml", "--quiet", "--set", "budget.steps=2", "--set", "search.accept=always", *options)
    run = record("runs/loop-1")
    assert run.best is not None
    assert any("with care" in run.candidate(id).texts["PROMPT"] for id in run.population.candidates)
    assert run.meter.usage.calls > 10


@pytest.mark.parametrize("made", ["triage", "reasoning"], indirect=True)
def test_loops_for_a_model_on_this_machine_run_against_a_model_server(
    made: Path, cli: Cli, request: pytest.FixtureRequest
) -> None:
    if request.node.callspec.params["made"] == "reasoning":
        pytest.importorskip("reasoning_gym", reason="needs loopwright[reasoning-gym]")
    hole = "{message}" if "message" in (made / "agent.py").read_text() else "{question}"

    def answer(received: Received) -> str:
        if "# Your answer" in received.prompt:
            return f"Name the teams.\n\n### parameter: PROMPT\n```\nOne word, please: {hole}\n```\n"
        return "billing" if "One word, please" in received.prompt else "It should be the billing team"

    with ModelServer(reply(answer)) as server:
        options = [f'--set={part}.model="{server.model}"' for part in ("agent", "optimizer")]
        small = ["--set", "budget.steps=1", "--set", "optimizer.samples=1", "--set", "execution.isolation=inline"]
        cli("run", "loop.toml", "--quiet", "--set", "search.accept=not-worse", *small, *options)
    run = record("runs/loop-1")
    assert len(run.updates) == 1
    assert any("One word" in run.candidate(id).texts["PROMPT"] for id in run.population.candidates)


def test_init_says_that_weights_are_missing(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOOPWRIGHT_MODELS", str(tmp_path / "none"))
    told = cli("init", tmp_path / "new", "--template", "triage").stdout
    assert "first run: loopwright models pull qwen2.5-coder-1.5b" in told


@pytest.mark.skipif(shutil.which("cc") is None, reason="needs a C compiler")
@pytest.mark.parametrize("made", ["kernel"], indirect=True)
def test_a_kernel_answered_by_hand_gets_faster(made: Path, cli: Cli) -> None:
    options = ["--set", "optimizer.model=ask", "--set", "budget.steps=1"]
    cli("run", "loop.toml", "--quiet", *options, code=3)
    told = cli("tell", "runs/loop-1", "-", "--resume", "--quiet", stdin=SIEVE).stdout
    assert "1 proposal: 1 accepted" in told
    run = record("runs/loop-1")
    assert run.ended is not None
    assert min(run.ended.best_test) > max(run.ended.start_test)
    cli("apply", "runs/loop-1", "--yes")
    assert "composite" in (made / "primes.c").read_text()


@pytest.mark.skipif(find_spec("ale_py") is None, reason="needs ale-py")
@pytest.mark.parametrize("made", ["pong"], indirect=True)
def test_pong_plays(made: Path, cli: Cli) -> None:
    small = ["--set", "task_options.validation=1", "--set", "task_options.test=1", "--set", "task_options.max_steps=60"]
    cli("run", "loop.toml", "--quiet", "--set", "budget.steps=2", "--set", "execution.isolation=inline", *small)
    assert len(record("runs/loop-1").updates) == 2


def test_templates_are_named(cli: Cli, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert "did you mean 'pong'" in sentence(cli("init", "--template", "pnog", code=2))
    assert all(name in cli("init", "--list").stdout for name in TEMPLATES)
    assert not list(tmp_path.iterdir())
    cli("init", "new/folder")
    assert (tmp_path / "new" / "folder" / "loop.toml").exists()
    (tmp_path / "file").write_text("")
    sentence(cli("init", "file", code=2))
