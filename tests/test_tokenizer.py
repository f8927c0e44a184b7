"""What counts the tokens of evidence: the estimate, a model's own tokenizer, a function of the user's, or nothing."""

from __future__ import annotations

from pathlib import Path

import pytest

import loopwright as lw
from loopwright.errors import SettingsError
from loopwright.evidence import Evidence
from loopwright.feedback import Feedback
from loopwright.tokenizer import counter
from loopwright.tokens import estimate
from loopwright.trace import Step, Trace
from loopwright.trial import Trial, TrialSpec


def none() -> None:
    return None


def test_without_a_setting_tokens_are_estimated() -> None:
    assert counter("", Path(), "m", none) is estimate


def test_a_function_of_the_user_counts_and_is_asked_once_a_text(tmp_path: Path) -> None:
    (tmp_path / "words_of_mine.py").write_text(
        "asked = []\ndef count(text):\n    asked.append(text)\n    return len(text.split())"
    )
    count = counter("words_of_mine.py:count", tmp_path, "m", none)
    import sys

    assert [count("a b c"), count("a b c")] == [3, 3]
    assert sys.modules["words_of_mine"].asked == ["a b c"]


def test_the_models_own_tokenizer_counts_where_it_is_at_hand() -> None:
    assert counter("model", Path(), "local/x", lambda: len)("four") == 4
    with pytest.raises(SettingsError, match="tokenizer of 'openai/x' is not at hand"):
        counter("model", Path(), "openai/x", none)


@pytest.mark.parametrize(
    ("name", "text", "said"),
    [
        ("bad_a.py:count", "def count(text): return 1.5", "must give a whole number of tokens, not 1.5"),
        ("bad_b.py:count", "def count(text): return text[99]", "raised IndexError for a text"),
        ("bad_c.py:count", "count = 3", "is no function but of type int"),
        ("bad_d.py:other", "", "cannot be loaded: AttributeError"),
        ("bad_e.py:count", "import nothing_like_that", "cannot be loaded: ModuleNotFoundError"),
        ("bad_f.py", "", "names no function; write 'file.py:count'"),
    ],
)
def test_what_cannot_count_is_one_sentence(tmp_path: Path, name: str, text: str, said: str) -> None:
    (tmp_path / name.partition(":")[0]).write_text(text)
    with pytest.raises(SettingsError, match=said):
        counter(name, tmp_path, "m", none)("x")


def test_evidence_keeps_its_limit_by_the_count_given() -> None:
    steps = [Step({"text": f"word {i} " * 5}, i, 0.0) for i in range(60)]
    trial = Trial(TrialSpec("c", "train", 0, 0), Feedback(0.0, "bad"), Trace(steps))
    shown = Evidence.of([trial], tokens=800, count=len)
    assert shown.tokens == len(shown.text) <= 800
    assert shown.cut
    assert shown.again(shown.experiences).text == shown.text, "the same counter, not the estimate"


def test_the_setting_decides_what_a_run_shows(tmp_path: Path) -> None:
    (tmp_path / "agent.py").write_text("PROMPT = 'a'\n\ndef f(x):\n    return [x] * 50\n")
    (tmp_path / "task.py").write_text(
        "import loopwright as lw\n@lw.task(train=[1], validation=[1], test=[1])\n"
        "def t(program, x, trial):\n    return 0.0, 'word ' * 400 + str(program.f(x))\n"
    )
    (tmp_path / "count_chars.py").write_text("def count(text): return len(text)")
    loop = {
        "task": "task.py:t",
        "artifact": {"path": "agent.py", "edit": ["PROMPT"]},
        "optimizer": {"model": "m", "repairs": 0},
        "evidence": {"tokens": 600},
        "execution": {"isolation": "inline"},
        "budget": {"steps": 1},
    }
    sizes: dict[str, int] = {}
    for name in ("", "count_chars.py:count"):
        settings = lw.Loop.of({**loop, "evidence": {"tokens": 600, "tokenizer": name}})
        folder = tmp_path / f"run{len(name)}"
        lw.run(settings, folder, root=tmp_path, models={"m": lambda prompt: "### parameter: PROMPT\n```\nb\n```\n"})
        from loopwright.record import record

        (update,) = record(folder).updates
        assert update.showed is not None
        sizes[name] = len(update.showed.text)
    assert sizes["count_chars.py:count"] <= 600 < sizes[""]
