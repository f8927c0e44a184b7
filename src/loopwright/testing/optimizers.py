"""What every optimizer must hold to, ours or a user's, as tests that pytest runs. Needs no model, network or key.

    from loopwright.testing import OptimizerConformance

    class TestMine(OptimizerConformance):
        def make(self, **settings):
            return Mine(model="any", **settings)

Each law drives `propose` on made-up updates and answers its questions itself. How good the proposals are is not tested.
"""

from __future__ import annotations

import copy
import random
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import msgspec

from loopwright.artifact import Artifact, Candidate, EditError
from loopwright.evidence import Evidence
from loopwright.feedback import Feedback
from loopwright.llm.protocol import Ask, Reply
from loopwright.optimizers.prompt import block
from loopwright.optimizers.protocol import Check, Optimizer, Proposal, Rejected, Remembered, View
from loopwright.trace import Call, Failure, Step, Trace
from loopwright.trial import Trial, TrialSpec

Result = Proposal | Rejected
Answer = Callable[[Ask], Reply]

_AGENT = '''\
PROMPT = "Answer the question {question} in one word."


def extract(reply, sep=":"):
    """The answer in a reply."""
    return reply.split(sep)[-1].strip()


def solve(question, llm):
    return extract(llm(PROMPT.format(question=question)))
'''
_BAD: Mapping[str, Sequence[str]] = {
    "nothing": [],
    "empty": [""],
    "blank": [" \n\t\n"],
    "talk": ["I looked at it and think that it should be better."],
    "refusal": ["I'm sorry, but I can't help with that."],
    "no change": ["NO CHANGE"],
    "open block": ["### parameter: PROMPT\n```\nnever closed"],
    "unknown name": ["### parameter: no_such_part\n```\ntext\n```"],
    "bad code": ["### parameter: extract\n```python\ndef extract(reply, sep=':'):\n    return (\n```"],
    "other signature": ["### parameter: extract\n```python\ndef extract():\n    return 1\n```"],
    "json": ['{"PROMPT": "new"}'],
    "thoughts alone": ["<think>so many thoughts"],
    "odd characters": ["\x00\ud800 ``` \u2028 <<<<<<< SEARCH ======= >>>>>>> REPLACE"],
    "long": ["word " * 10_000],
    "too many": ["a", "b", "c", "d", "e", "f", "g"],
}


def candidate(edit: Sequence[str] = ("PROMPT", "extract", "solve")) -> Candidate:
    """A small program with some editable parts."""
    return Artifact.from_texts({"agent.py": _AGENT}, list(edit)).start


def check_of(parent: Candidate) -> Check:
    """Why an edit of `parent` would be refused by its artifact, as a loop tells it to an optimizer."""

    def check(texts: Mapping[str, str]) -> Rejected | None:
        try:
            parent.edit(texts)
        except EditError as error:
            return Rejected(error.kind, error.reason)
        return None

    return check


def views() -> dict[str, View]:
    """Made-up updates: one and many parameters, a good and a failing parent, with and without a past."""
    many, one, text = candidate(), candidate(["extract"]), candidate(["PROMPT"])
    better = many.edit({"PROMPT": "Reply to {question} with one word."})
    other = many.edit({"extract": "def extract(reply, sep=':'):\n    return reply.strip()"})
    past = remembered(4)
    ran = Evidence.of([_trial(0, 0.0), _trial(1, 1.0)])
    return {
        "many parameters": View(1, many, ran, "Answer well."),
        "a past": View(9, many, ran, "Answer well.", past, [(better, 0.75), (other, 0.5)], 0.5),
        "separate contexts": View(
            1, many, Evidence.of([_trial(0, 0.0), _trial(1, 1.0), _failed(2)], combine="separate"), "Answer well."
        ),
        "one function": View(2, one, Evidence.of([_trial(0, 0.0)])),
        "one text": View(3, text, Evidence.of([_trial(0, 0.0)]), "Answer well.", past),
        "every trial failed": View(4, many, Evidence.of([_failed(0), _failed(1)]), memory=past),
        "nothing recorded": View(5, many, Evidence.of([_trial(0, 0.5, trace=False)])),
        "no experience": View(6, many, Evidence.of([])),
    }


def remembered(number: int) -> list[Remembered]:
    """Past tries with marks that are found again in a prompt: "mark-0", "mark-1", ... in the texts and the reasons."""
    outcomes = ["accepted", "worse", "unparsable", "invalid"]
    return [
        Remembered(
            step=n,
            outcome=outcomes[n % 4],
            reason=f"mark-{n}",
            texts={"PROMPT": f"mark-{n} {{question}}"} if outcomes[n % 4] != "unparsable" else {},
            score=0.1 * n if n % 4 < 2 else None,
            parent_score=0.2 if n % 4 < 2 else None,
            candidate=f"c{n}" if n % 4 < 2 else "",
        )
        for n in range(number)
    ]


class OptimizerConformance:
    """The laws of `optimizers.protocol.Optimizer`. A subclass says how to `make` one, and may say the rest.

    `takes` are the shared settings that it knows, of "samples" and "memory". `matters` has for each setting two values
    between which what is asked or proposed must differ, in at least one made-up update.
    """

    takes: frozenset[str] = frozenset({"samples", "memory"})
    matters: Mapping[str, tuple[object, object]] = {}

    def make(self, **settings: Any) -> Optimizer:
        """The optimizer with these settings, all else as usual."""
        raise NotImplementedError("say how the optimizer is made: def make(self, **settings): return Mine(**settings)")

    def reply(self, view: View, ask: Ask) -> str:
        """A good answer to a question: new texts, in the form that the optimizer reads. By default loopwright's."""
        return _good(view, ask)

    # ---------------------------------------------------------------------------------------------------- the laws

    def test_it_makes_a_proposal_of_good_replies(self) -> None:
        for name, view in views().items():
            results, _ = self.drive(view, self.answering(view))
            assert any(isinstance(result, Proposal) for result in results), (name, results)

    def test_the_same_view_seed_and_replies_give_the_same(self) -> None:
        for name, view in views().items():
            first, again = (self.drive(view, self.answering(view), seed=7) for _ in range(2))
            assert first == again, name

    def test_nothing_random_comes_from_elsewhere(self) -> None:
        view = views()["a past"]
        found: list[object] = []
        for seed in (1, 2):
            random.seed(seed)
            state = random.getstate()
            found.append(self.drive(view, self.answering(view)))
            assert random.getstate() == state, "the global generator was used; take `rng`"
        assert found[0] == found[1]

    def test_the_view_is_left_as_it_was(self) -> None:
        for name, view in views().items():
            before = copy.deepcopy(_plain(view))
            self.drive(view, self.answering(view))
            assert _plain(view) == before, name

    def test_questions_end_with_a_user_and_want_a_reply(self) -> None:
        for name, view in views().items():
            _, rounds = self.drive(view, self.answering(view))
            for ask in (ask for asks in rounds for ask in asks):
                assert ask.messages, name
                assert ask.messages[-1]["role"] == "user", name
                assert all(message["content"] for message in ask.messages), name
                assert ask.n >= 1, name

    def test_no_reply_makes_it_raise_and_every_rejection_has_a_reason(self) -> None:
        for name, view in views().items():
            for how, texts in _BAD.items():
                results, _ = self.drive(view, lambda ask, texts=texts: Reply(list(texts)))
                self._sound(view, results, f"{name}, {how}")

    def test_a_reply_that_was_cut_is_borne(self) -> None:
        for name, view in views().items():
            good = self.answering(view)

            def cut(ask: Ask, good: Answer = good) -> Reply:
                return msgspec.structs.replace(good(ask), finish="length")

            self._sound(view, self.drive(view, cut)[0], name)

    def test_proposals_change_known_parameters_alone(self) -> None:
        for name, view in views().items():
            self._sound(view, self.drive(view, self.answering(view))[0], name)

    def test_at_most_as_many_results_as_samples(self) -> None:
        if "samples" not in self.takes:
            return
        for samples in (1, 2, 4):
            for name, view in views().items():
                results, _ = self.drive(view, self.answering(view), samples=samples)
                assert 1 <= len(results) <= samples, (name, samples, results)

    def test_the_same_texts_are_not_proposed_twice(self) -> None:
        if "samples" not in self.takes:
            return
        for name, view in views().items():

            def same(ask: Ask, view: View = view) -> Reply:
                return Reply([self.reply(view, ask)] * ask.n)

            results, _ = self.drive(view, same, samples=3)
            texts = [result.texts for result in results if isinstance(result, Proposal)]
            assert all(one not in texts[:at] for at, one in enumerate(texts)), (name, texts)

    def test_no_more_of_the_past_is_shown_than_memory_says(self) -> None:
        if "memory" not in self.takes:
            return
        view = msgspec.structs.replace(views()["a past"], memory=remembered(8), others=[])
        for memory in (0, 1, 3):
            _, rounds = self.drive(view, self.answering(view), memory=memory)
            told = " ".join(message["content"] for asks in rounds for ask in asks for message in ask.messages)
            shown = [n for n in range(8) if f"mark-{n}" in told]
            assert len(shown) <= memory, (memory, shown)

    def test_each_setting_matters(self) -> None:
        for name, (one, other) in self.matters.items():
            assert any(self._differs(view, name, one, other) for view in views().values()), (
                f"{name} = {one!r} and {other!r} make no difference"
            )

    def _differs(self, view: View, name: str, one: object, other: object) -> bool:
        answers: list[Answer] = [self.answering(view), lambda ask: Reply(["nothing"] * ask.n)]
        return any(
            self.drive(view, answer, seed=seed, **{name: one}) != self.drive(view, answer, seed=seed, **{name: other})
            for seed in range(3)
            for answer in answers
        )

    # -------------------------------------------------------------------------------------------------- the driving

    def drive(
        self, view: View, answer: Answer, *, seed: int = 0, **settings: Any
    ) -> tuple[list[Result], list[list[Ask]]]:
        """Run one update; gives its results, and what was asked, round by round."""
        rounds: list[list[Ask]] = []
        proposing = self.make(**settings).propose(view, random.Random(seed), check_of(view.parent))
        try:
            asks = next(proposing)
            while True:
                rounds.append(list(asks))
                assert len(rounds) < 100, "it asks without end"
                asks = proposing.send([answer(ask) for ask in asks])
        except StopIteration as stop:
            return stop.value, rounds

    def answering(self, view: View) -> Answer:
        """A model that gives good replies, different ones where several are wanted."""

        def answer(ask: Ask) -> Reply:
            asked = [msgspec.structs.replace(ask, seed=(ask.seed or 0) + number) for number in range(ask.n)]
            return Reply([self.reply(view, each) for each in asked])

        return answer

    def _sound(self, view: View, results: Sequence[Result], where: str) -> None:
        assert results, f"{where}: without a result nobody learns what went wrong"
        for result in results:
            assert isinstance(result, Proposal | Rejected), where
            if isinstance(result, Rejected):
                assert result.reason, where
                assert result.kind, where
            else:
                assert result.texts, where
                assert set(result.texts) <= set(view.parent.texts), where
                assert all(isinstance(text, str) for text in result.texts.values()), where


def _good(view: View, ask: Ask) -> str:
    """New texts for all parameters that the question ends by naming, different for each seed of the question."""
    wanted = ask.messages[-1]["content"].rpartition("#")[2] if len(ask.messages) == 2 else ""
    parameters = view.parent.artifact.parameters
    named = [each for each in parameters if re.search(rf"\b{each.name}\b", wanted)] or list(parameters)
    number = (ask.seed or 0) % 1_000_003
    texts = {
        "PROMPT": f"In one word, no {number}: {{question}}",
        "extract": f"def extract(reply, sep=':'):\n    return reply.split(sep)[{number % 97}].strip()[:{number}]",
        "solve": f"def solve(question, llm):\n    return extract(llm(PROMPT)[:{number}])",
    }
    parts = [block(each, texts[each.name], python=each.kind != "string") for each in named]
    return "\n\n".join(["It was too long.", *parts])


def _trial(index: int, score: float, *, trace: bool = True) -> Trial:
    reply = "Answer: A"
    calls = [
        Call("solve", [("question", "Which letter?", -1)], "A"),
        Call("extract", [("reply", reply, -1)], "A", 0),
    ]
    step = Step({"question": "Which letter?"}, "A", None, calls)
    spec = TrialSpec("c", "train", index, index)
    return Trial(spec, Feedback(score, "expected 'B', got 'A'"), Trace([step]) if trace else None)


def _failed(index: int) -> Trial:
    failure = Failure("IndexError", "list index out of range", "--> 6 |     return reply.split(sep)[9]")
    calls = [Call("extract", [("reply", "x", -1)], None, -1, failure)]
    trace = Trace([Step({"question": "Which?"}, None, None, calls)], failure)
    feedback = Feedback.failed("exception", "the program raised IndexError")
    return Trial(TrialSpec("c", "train", index, index), feedback, trace)


def _plain(view: View) -> object:
    others = [(each.id, dict(each.texts), mean) for each, mean in view.others]
    past = msgspec.to_builtins(list(view.memory))
    return (view.step, view.parent.id, dict(view.parent.texts), view.evidence.text, past, others, view.goal)
