"""The test server itself: what it says it does."""

from __future__ import annotations

import json
import subprocess
import sys
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from loopwright.testing.model_server import ModelServer, main, reply


def post(url: str, text: str = "hi", **fields: object) -> dict:
    body = json.dumps({"model": "m", "messages": [{"role": "user", "content": text}], **fields}).encode()
    with urllib.request.urlopen(urllib.request.Request(f"{url}/chat/completions", body)) as answer:
        return json.load(answer)


def text_of(completion: dict) -> str:
    return completion["choices"][0]["message"]["content"]


def test_a_sequence_is_played_and_its_last_repeated() -> None:
    with ModelServer(["a", "b"]) as server:
        assert [text_of(post(server.url)) for _ in range(4)] == ["a", "b", "b", "b"]
        assert server.count == len(server.requests) == 4


def test_a_function_sees_the_request() -> None:
    with ModelServer(lambda request: request.prompt[::-1]) as server:
        assert text_of(post(server.url, "abc")) == "cba"


def test_a_text_may_be_a_function_too_and_n_gives_as_many() -> None:
    with ModelServer(reply(lambda request: f"{request.number}")) as server:
        post(server.url)
        assert len(post(server.url, n=3)["choices"]) == 3


def test_models_are_listed_and_other_paths_are_not_there() -> None:
    with ModelServer(name="tiny") as server:
        with urllib.request.urlopen(f"{server.url}/models") as answer:
            assert json.load(answer)["data"][0]["id"] == "tiny"
        with pytest.raises(urllib.error.HTTPError, match="404"):
            urllib.request.urlopen(f"{server.url}/nothing")
        assert server.count == 0


def test_closing_ends_its_thread_and_may_be_done_twice() -> None:
    server = ModelServer()
    server.start()
    server.close()
    server.close()
    with pytest.raises(urllib.error.URLError):
        post(server.url)


def test_the_command_serves_files_read_anew(tmp_path: Path) -> None:
    file = tmp_path / "reply.txt"
    file.write_text("one")
    command = [sys.executable, "-m", "loopwright.testing.model_server", "--port", "0", "--reply", str(file)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            model = process.stdout.readline().strip()
            url = model.partition("#")[0]
            assert text_of(post(url)) == "one"
            file.write_text("two")
            assert text_of(post(url)) == "two"
        finally:
            process.kill()


def test_a_port_in_use_is_one_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    with ModelServer() as server:
        port = server.url.rsplit(":", 1)[1].split("/")[0]
        assert main(["--port", port]) == 1
    assert "cannot listen" in capsys.readouterr().err
