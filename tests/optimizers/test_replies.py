"""Reading replies: every case of the corpus has its one outcome, and no text whatever crashes or smuggles itself in."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loopwright.artifact import Artifact, Candidate
from loopwright.optimizers.form import EDITS, FORMAT, WHOLE
from loopwright.optimizers.prompt import block
from loopwright.optimizers.protocol import Proposal, Rejected
from loopwright.optimizers.replies import parse_reply

AGENT = """\
PROMPT = "Answer the question. End with 'Answer: <answer>'."


def predict(x):
    return x


def extract_answer(reply):
    return reply
"""
POLICY = """\
class Policy:
    def act(self, state):
        # shared
        return "down"

    def plan(self, state):
        a = 1
        b = 2
        return a + b

    def look(self, state):
        # shared
        return state
"""
TWINS = "class A:\n    def run(self):\n        return 1\n\n\nclass B:\n    def run(self):\n        return 1\n"
PARENTS: dict[str, Candidate] = {
    "one": Artifact.from_texts({"agent.py": AGENT}, ["predict"]).start,
    "prompt": Artifact.from_texts({"agent.py": AGENT}, ["PROMPT"]).start,
    "three": Artifact.from_texts({"agent.py": AGENT}, ["PROMPT", "predict", "extract_answer"]).start,
    "spaced": Artifact.from_texts({"agent.py": 'PROMPT = "\\nAnswer.\\nQuestion: "\n'}, ["PROMPT"]).start,
    "file": Artifact.from_texts({"rules.md": "Be kind.\nBe new.\nBe kind.\n"}).start,
    "methods": Artifact.from_texts({"policy.py": POLICY}, ["Policy.act", "Policy.plan", "Policy.look"]).start,
    "twins": Artifact.from_texts({"twins.py": TWINS}, ["A.run", "B.run"]).start,
    "files": Artifact.from_texts(
        {
            "prompts/system.txt": "You help.\n",
            "prompts/user.txt": "{question}\n",
            "a.py": "def solve(q):\n    return q\n",
        },
        ["prompts/system.txt", "prompts/user.txt", "solve"],
    ).start,
}
NEW = {
    "predict": "def predict(x):\n    return x + 1",
    "PROMPT": "Think step by step. End with 'Answer: <answer>'.",
    "extract_answer": 'def extract_answer(reply):\n    return reply.split("Answer:")[-1].strip()',
    "rules.md": "Be brief.\nBe right.",
    "Policy.act": 'def act(self, state):\n    return "up"',
    "prompts/user.txt": "Please: {question}",
    "solve": "def solve(q):\n    return q.upper()",
}


class Case:
    """One case of the corpus."""

    def __repr__(self) -> str:
        return f"<{self.name}>"

    def read(self, reply: str, *, cut: bool = False) -> Proposal | Rejected:
        return parse_reply(reply, self.parent, cut=cut, only=self.only)

    def __init__(self, name: str, parent: str, outcome: str, reply: str, only: str | None = None) -> None:
        self.name, self.parent, self.outcome, self.reply = name, PARENTS[parent], outcome, reply
        self.only = only.split(",") if only else None
        self.expected: dict[str, str] = {}
        self.kind = self.words = ""
        if outcome.startswith("!"):
            self.kind, _, self.words = outcome[1:].partition(" ")
        elif not outcome.endswith(" text"):
            self.expected = {name: NEW[name] for name in outcome.split()}


def corpus() -> list[Case]:
    cases: list[Case] = []
    for path in sorted((Path(__file__).parent / "replies").glob("*.txt")):
        parts = re.split(
            r"^--- (?=.* \[\w+(?: only [\w.,]+)?\] => |text )(.*)\n", path.read_text("utf-8"), flags=re.MULTILINE
        )
        assert not parts[0]
        for head, body in zip(parts[1::2], parts[2::2], strict=True):
            if head.startswith("text "):
                cases[-1].expected[head.removeprefix("text ")] = body.removesuffix("\n")
            else:
                found = re.fullmatch(r"(.*) \[(\w+)(?: only ([\w.,]+))?\] => (.*)", head)
                assert found, head
                cases.append(Case(f"{path.stem}: {found[1]}", found[2], found[4], body.removesuffix("\n"), found[3]))
    return cases


CORPUS = corpus()
GOOD = [case for case in CORPUS if case.expected]
by_name = pytest.mark.parametrize("case", CORPUS, ids=lambda case: case.name)


def test_the_corpus_is_large_and_its_names_differ() -> None:
    assert len(CORPUS) >= 150
    assert len({case.name for case in CORPUS}) == len(CORPUS)
    assert len(GOOD) >= 70
    assert len(CORPUS) - len(GOOD) >= 70


@by_name
def test_a_reply_has_its_one_outcome(case: Case) -> None:
    result = case.read(case.reply)
    if case.kind:
        assert isinstance(result, Rejected), result
        assert result.kind == case.kind, result
        assert case.words in result.reason, result
    else:
        assert isinstance(result, Proposal), result
        assert result.texts == case.expected


@pytest.mark.parametrize("case", GOOD, ids=lambda case: case.name)
def test_an_adopted_text_is_one_that_the_artifact_takes(case: Case) -> None:
    child = case.parent.edit(case.expected)
    for name, text in case.expected.items():
        assert child.texts[name] == text


@by_name
@pytest.mark.parametrize("shape", ["crlf", "cr", "thoughts", "blank lines around", "words around", "indented"])
def test_the_outcome_does_not_depend_on_what_is_around(case: Case, shape: str) -> None:
    reply = case.reply
    if shape in {"crlf", "cr"}:
        reply = reply.replace("\n", "\r\n" if shape == "crlf" else "\r")
    elif shape == "blank lines around":
        reply = f"\n\n  \n{reply}\n\n"
    elif case.words == "empty" and not case.reply.strip():
        return
    elif shape == "thoughts":
        reply = f"<think>\nFirst I thought of\n### parameter: predict\n```\nnothing\n</think>\n{reply}"
    elif shape == "indented":
        # A fence that is not closed, or a text whose lines count from its fence, is as good as before.
        reply = "\n".join("  " + line if line else line for line in reply.split("\n"))
    elif case.expected:
        reply = f"Here is my analysis.\n\n{reply}\n\nI hope that this helps."
    result = case.read(reply)
    if case.kind:
        assert isinstance(result, Rejected), result
        assert result.kind == case.kind, result
    else:
        assert isinstance(result, Proposal), result
        assert result.texts == case.expected


@by_name
def test_a_reply_known_to_be_cut_is_refused(case: Case) -> None:
    assert isinstance(case.read(case.reply, cut=True), Rejected)


# Cut at the wrong place these are whole replies by themselves: only the endpoint's word can tell (`cut`).
WHOLE_WHEN_CUT = {
    "edits: two hunks without a fence",
    "fences: three around three with a language",
    "thinking: the opening of the thoughts is missing",
    "thinking: the opening is missing and a fence in the thoughts is open",
}


@pytest.mark.parametrize("case", [case for case in GOOD if case.name not in WHOLE_WHEN_CUT], ids=lambda case: case.name)
def test_a_good_reply_cut_anywhere_is_refused_or_adopts_only_what_was_complete(case: Case) -> None:
    for end in range(len(case.reply)):
        result = case.read(case.reply[:end])
        if isinstance(result, Proposal):
            for name, text in result.texts.items():
                assert text == case.expected.get(name), case.reply[:end]


def test_the_example_of_the_format_is_never_adopted() -> None:
    for parent in PARENTS.values():
        for told in (FORMAT, WHOLE, EDITS):
            assert isinstance(parse_reply(told, parent), Rejected)


lines = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\r\x00"), max_size=200)
texts = st.lists(
    st.sampled_from(["```", "```json", "~~~", "### predict", "<think>", "</PROMPT>", "a", ""]) | lines
).map("\n".join)


@given(texts)
@settings(max_examples=300, deadline=None)
def test_a_text_shown_in_the_prompt_is_read_back_as_it_is(text: str) -> None:
    """What `block` writes, `parse_reply` reads: whatever fences, tags and headings the text holds."""
    parent = PARENTS["file"]
    (parameter,) = parent.artifact.parameters
    result = parse_reply(block(parameter, text, python=False), parent)
    if isinstance(result, Proposal):
        assert result.texts == {parameter.name: text.strip("\n")}
    else:
        assert result.kind != "unparsable" or any(
            words in result.reason
            for words in ("empty", "in place of a text", "leaves something out", "unified diff", "JSON")
        ), result


fragments = st.sampled_from(
    [line + "\n" for case in CORPUS for line in case.reply.split("\n")] + ["\n", "```\n", "````\n", "~~~\n"]
)


@given(st.sampled_from(sorted(PARENTS)), st.lists(fragments | lines, max_size=25))
@settings(max_examples=1_000, deadline=None)
def test_nothing_crashes_and_only_what_stands_in_the_reply_is_adopted(name: str, parts: list[str]) -> None:
    parent = PARENTS[name]
    reply = "".join(parts)
    result = parse_reply(reply, parent)
    assert isinstance(result, Proposal | Rejected)
    if isinstance(result, Rejected):
        assert result.reason
        assert result.kind in {"refusal", "unparsable", "unchanged"}
        return
    assert result.texts
    assert set(result.texts) <= set(parent.texts)
    known = {line.strip() for text in parent.texts.values() for line in text.split("\n")}
    for parameter, text in result.texts.items():
        assert text != parent.texts[parameter]
        for line in text.split("\n"):
            # Each line was in the reply (a string may come out of a Python literal) or in the parent.
            assert line.strip() in reply or line.strip() in known


@given(st.sampled_from(GOOD), st.sampled_from(GOOD))
@settings(max_examples=500, deadline=None)
def test_two_replies_one_after_the_other_never_mix_their_texts(first: Case, second: Case) -> None:
    # A block that nobody named stands back behind one that is named.
    if (
        first.parent != second.parent
        or first.only != second.only
        or ("parameter:" in first.reply) != ("parameter:" in second.reply)
    ):
        return
    result = first.read(f"{first.reply}\n\n{second.reply}")
    if isinstance(result, Proposal):
        for name, text in result.texts.items():
            assert text in {first.expected.get(name), second.expected.get(name)}
        both = set(first.expected) & set(second.expected)
        assert all(first.expected[name] == second.expected[name] for name in both)


@given(st.sampled_from(GOOD), st.data())
@settings(max_examples=500, deadline=None)
def test_a_reply_with_a_line_lost_or_doubled_is_refused_or_keeps_its_other_texts(
    case: Case, data: st.DataObject
) -> None:
    lines = case.reply.split("\n")
    at = data.draw(st.integers(0, len(lines) - 1))
    changed = [*lines[:at], *lines[at + data.draw(st.sampled_from([0, 1])) :]]
    if len(changed) == len(lines):
        changed.insert(at, lines[at])
    result = case.read("\n".join(changed))
    if isinstance(result, Proposal):
        for text in result.texts.values():
            # Never prose or the marks of the format.
            assert "parameter:" not in text
            assert "REPLACE" not in text


UNITS = ["```\n", "### predict\n", "<<<<<<< SEARCH\n", "<predict>\n", "a `` b ", "```x\n", "</think>\n", "=======\n"]
UNITS += ["<think></think>\n", "<<<<<<< SEARCH\na\n=======\nb\n>>>>>>> REPLACE\n", " ", "- ", "sorry "]


@pytest.mark.parametrize("unit", UNITS)
def test_a_huge_reply_is_refused_in_good_time(unit: str) -> None:
    # No benchmark: what is quadratic here takes minutes, and the time limit of the tests ends it.
    assert isinstance(parse_reply(unit * (400_000 // len(unit)), PARENTS["three"]), Rejected)
