"""A model file on this machine is a model like any other: seeded, counted, constrained; no crash of it ends a run."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from loopwright.errors import ModelError, SettingsError
from loopwright.llm.gateway import Gateway
from loopwright.llm.local import runtime as runtime_module
from loopwright.llm.local.model import LocalModel, open_local
from loopwright.llm.local.runtime import Runtime, Runtimes
from loopwright.llm.local.settings import LocalSettings
from loopwright.llm.models import connect
from loopwright.llm.prices import FREE, Prices
from loopwright.llm.protocol import Ask, Reply
from loopwright.llm.retry import Backoff, RetryableError
from loopwright.settings import Loop

ONE = LocalSettings(threads=1, context=1024)
QUESTION = "Write a short story about a fox who finds a lantern in the snow."


def ask(model: str, text: str = QUESTION, **more: object) -> Ask:
    return Ask(model, [{"role": "user", "content": text}], **{"max_tokens": 12, **more})  # type: ignore[arg-type]


@asynccontextmanager
async def opened(name: str, settings: LocalSettings = ONE) -> AsyncIterator[LocalModel]:
    model = open_local(name, settings=settings)
    try:
        yield model
    finally:
        await model.close()


# ------------------------------------------------------------------------------------------- with the real runtime


@pytest.mark.local_model
def test_a_local_model_answers_seeded_counted_and_constrained(small: str) -> None:
    async def go() -> None:
        async with opened(small) as model:
            greedy = await model.ask(ask(small, temperature=0.0))
            assert greedy.finish == "length"
            assert greedy.model == small
            assert greedy.usage.output_tokens == 12  # exact, by its own tokenizer
            assert greedy.usage.input_tokens > model.runtime.count(QUESTION)
            assert model.runtime.count("") == 0
            assert greedy.seconds > 0

            drawn = [await model.ask(ask(small, temperature=1.5, seed=seed)) for seed in (1, 2, 1)]
            assert drawn[0].text == drawn[2].text
            assert drawn[0].text != drawn[1].text
            unseeded = [await model.ask(ask(small, temperature=1.5)) for _ in range(2)]
            assert unseeded[0].text == unseeded[1].text
            assert (await model.ask(ask(small, temperature=0.0))).text == greedy.text

            one_of = await model.ask(ask(small, grammar='root ::= "north" | "south"'))
            assert one_of.text in {"north", "south"}
            schema = {
                "type": "object",
                "properties": {"age": {"type": "integer", "maximum": 99}},
                "required": ["age"],
                "additionalProperties": False,
            }
            shaped = await model.ask(ask(small, schema=schema, max_tokens=40))
            assert isinstance(json.loads(shaped.text)["age"], int)

            with pytest.raises(ModelError, match="grammar"):
                await model.ask(ask(small, grammar="root ::= (("))
            with pytest.raises(ModelError, match=r"set local\.context to more"):
                await model.ask(ask(small, text="word " * 3000))
            long = "Read this with care. " * 20
            cold = [await model.ask(ask(small, text=long + word, temperature=0.0)) for word in ("hen", "owl")]
            # What was remembered of another prompt changes no word of a reply.
            again = [await model.ask(ask(small, text=long + word, temperature=0.0)) for word in ("hen", "owl", "hen")]
            assert [reply.text for reply in again] == [cold[0].text, cold[1].text, cold[0].text]

    asyncio.run(go())


@pytest.mark.local_model
def test_a_runtime_that_is_killed_is_started_again_and_costs_the_run_nothing(small: str) -> None:
    async def go() -> None:
        gateway = Gateway(
            models={small: open_local(small, settings=ONE)},
            backoff=Backoff(first=0.01),
        )
        model = gateway._model(small)
        assert isinstance(model, LocalModel)
        first = await gateway.ask(ask(small, temperature=0.0))
        pid = model.runtime.pid
        assert pid is not None
        folder = Path(model.runtime._address.socket).parent
        asked = asyncio.create_task(gateway.ask(ask(small, temperature=0.0, max_tokens=150), key="long"))
        await asyncio.sleep(0.3)
        os.kill(pid, signal.SIGKILL)
        second = await asked
        assert second.text.startswith(first.text[:20])
        assert model.runtime.pid not in {None, pid}
        assert not folder.exists()
        assert gateway.ledger.spent().usd == 0
        # The lost request counts as a call, and not at the most that it could have cost.
        assert gateway.ledger.spent().output_tokens == first.usage.output_tokens + second.usage.output_tokens
        await gateway.close()
        assert model.runtime.pid is None

    asyncio.run(go())


KILLED = """
import sys, time
from loopwright.llm.local.model import open_local
from loopwright.llm.local.settings import LocalSettings
model = open_local({name!r}, settings=LocalSettings(threads=1, context=256))
print(model.runtime.start().socket, model.runtime.pid, flush=True)
time.sleep(60)
"""


@pytest.mark.local_model
def test_the_runtime_knows_no_key_and_its_threads_do_not_spin_for_long(
    small: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", "sk-no")
    monkeypatch.delenv("GOMP_SPINCOUNT", raising=False)

    async def go() -> None:
        async with opened(small) as model:
            await model.ask(ask(small))
            environment = Path(f"/proc/{model.runtime.pid}/environ").read_bytes().split(b"\0")
        assert b"GOMP_SPINCOUNT=1000" in environment
        assert not any(b"API_KEY" in entry for entry in environment)

    asyncio.run(go())


@pytest.mark.local_model
def test_no_runtime_outlives_the_process_that_started_it(small: str) -> None:
    with subprocess.Popen([sys.executable, "-c", KILLED.format(name=small)], stdout=subprocess.PIPE, text=True) as main:
        assert main.stdout is not None
        socket, pid = main.stdout.readline().split()
        main.kill()
    until = time.monotonic() + 5
    while Path(f"/proc/{pid}").exists() and "Z" not in Path(f"/proc/{pid}/stat").read_text().split(")")[1][:3]:
        assert time.monotonic() < until, "the runtime is still there after 5 s"
        time.sleep(0.05)
    assert not Path(socket).parent.exists()


@pytest.mark.local_model
def test_a_cancelled_request_leaves_the_model_free_for_the_next(small: str) -> None:
    async def go() -> None:
        async with opened(small) as model:
            await model.ask(ask(small))
            task = asyncio.create_task(model.ask(ask(small, max_tokens=900)))
            await asyncio.sleep(0.2)
            task.cancel()
            began = time.monotonic()
            assert (await model.ask(ask(small, max_tokens=2))).text
            assert time.monotonic() - began < 8  # 900 tokens take longer than that

    asyncio.run(go())


# --------------------------------------------------------------------------------------------------- without a model


def test_a_damaged_file_is_told_in_one_sentence_with_what_the_runtime_said(tmp_path: Path) -> None:
    pytest.importorskip("xllamacpp", reason="needs loopwright[local]")
    (tmp_path / "bad.gguf").write_bytes(b"GGUF" + b"\0" * 100)
    model = open_local("local/bad.gguf", root=tmp_path, settings=ONE)
    with pytest.raises(ModelError, match=r"bad\.gguf cannot be loaded: .*gguf") as caught:
        asyncio.run(model.ask(ask("local/bad.gguf")))
    assert "\n" not in str(caught.value)
    asyncio.run(model.close())


def test_a_missing_extra_names_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "own.gguf").write_bytes(b"GGUF")
    monkeypatch.setattr(runtime_module, "find_spec", lambda _: None)
    with pytest.raises(ModelError, match=r"pip install 'loopwright\[local\]'"):
        open_local("local/own.gguf", root=tmp_path)


def test_local_models_are_free_and_share_one_process_where_runs_share_it(tmp_path: Path) -> None:
    pytest.importorskip("xllamacpp", reason="needs loopwright[local]")
    assert Prices().find("local/anything.gguf") == FREE
    (tmp_path / "own.gguf").write_bytes(b"GGUF")
    shared = Runtimes()
    one, two = (open_local("local/own.gguf", root=tmp_path, settings=ONE, shared=shared) for _ in range(2))
    other = open_local("local/own.gguf", root=tmp_path, settings=LocalSettings(threads=3), shared=shared)
    assert one.runtime is two.runtime
    assert other.runtime is not one.runtime
    asyncio.run(one.close())
    shared.close()


def test_connect_opens_a_local_model_by_name_and_says_what_is_missing() -> None:
    with pytest.raises(ModelError, match="loopwright models pull smollm2-135m"):
        connect("local/smollm2-135m")
    with pytest.raises(ModelError, match="did you mean 'smollm2-135m'"):
        connect("local/smollm2")


def test_wrong_settings_of_local_models_are_refused() -> None:
    loop = {"task": "task.py:t", "artifact": {"path": "a.py", "edit": ["f"]}}
    assert Loop.of({**loop, "local": {"threads": 1}}).local.threads == 1
    with pytest.raises(SettingsError, match=r"local\.threads is 0"):
        Loop.of({**loop, "local": {"threads": 0}})
    with pytest.raises(SettingsError, match="did you mean 'context'"):
        Loop.of({**loop, "local": {"contxt": 10}})


class Dying(Runtime):
    """A runtime whose process has died since it was asked."""

    def __init__(self, path: Path) -> None:
        super().__init__("local/x.gguf", path, ONE)

    async def running(self) -> runtime_module.Address:
        return runtime_module.Address("/nowhere/model.sock", "key", 1)

    def ended(self, number: int) -> str:
        return "its process was killed by signal 11"


def test_a_death_is_worth_another_try_and_is_not_charged(tmp_path: Path) -> None:
    pytest.importorskip("xllamacpp", reason="needs loopwright[local]")
    model = LocalModel("local/x.gguf", Dying(tmp_path))

    async def go() -> Reply:
        try:
            return await model.ask(ask("local/x.gguf"))
        finally:
            await model.close()

    with pytest.raises(RetryableError, match="killed by signal 11 while it was asked") as caught:
        asyncio.run(go())
    assert not caught.value.billed
