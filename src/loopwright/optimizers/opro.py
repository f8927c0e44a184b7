"""`opro`: the model sees earlier versions with their scores, the best last, and writes one that scores higher.

After OPRO (Yang et al., arXiv 2309.03409). It sees no trace: the history of texts and scores is all, which is cheap and
short, and enough where the score says much and the text is small. `examples` adds the outcome of some of the update's
runs, without their steps. The sibling `optoprime` sees how each run went.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence

import msgspec

from loopwright.evidence import Evidence
from loopwright.evidence.tokens import estimate
from loopwright.optimizers.asking import Asking, Question, without_twins
from loopwright.optimizers.form import WHOLE
from loopwright.optimizers.memory import render_memory
from loopwright.optimizers.prompt import answer, block, conversation, goal, is_python, rules, texts
from loopwright.optimizers.protocol import Check, Proposing, Remembered, View
from loopwright.optimizers.replies import shortened

_ROLE = """\
You improve the text parts of a program, its parameters. You are shown earlier versions of them, each with its score: \
the higher the better, the best last. Write a version that scores higher than all of them. Learn from what the good \
ones have in common and the bad ones lack, and write something that differs from each."""

_REFUSALS = 3  # refused tries that are told, newest first


class Version(msgspec.Struct, frozen=True):
    """Texts that were scored: those that differ from the present ones."""

    score: float
    texts: dict[str, str]


class Opro(Asking, frozen=True, forbid_unknown_fields=True):
    """One request an update. At most `history` versions are shown, in `memory_tokens`, the best if not all fit.

    They are the candidates that the search kept, and the last `memory` tries. `examples` of the runs are told.
    """

    history: int = 20
    examples: int = 0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require(history=1, examples=0)

    def propose(self, view: View, rng: random.Random, check: Check) -> Proposing:
        asked = conversation(
            _ROLE,
            WHOLE,
            goal(view),
            rules(view.parent),
            self._outcomes(view.evidence),
            self._refused(view),
            texts(view.parent),
            self._versions(view),
            answer(view.parent),
        )
        (results,) = yield from self.draw([Question(asked, self.samples)], view, rng, check)
        return without_twins(results)

    def _versions(self, view: View) -> str:
        best = versions(view, self._remembered(view))[-self.history :]
        shown: list[str] = []
        left = self.memory_tokens
        for version in reversed(best):  # where the room ends, the best are kept
            text = _written(view, version)
            left -= estimate(text) + 2
            if left < 0:
                break
            shown.append(text)
        return "# Versions and their scores, the best last\n\n" + "\n\n".join(reversed(shown)) if shown else ""

    def _remembered(self, view: View) -> Sequence[Remembered]:
        return view.memory[max(0, len(view.memory) - self.memory) :] if self.memory else []

    def _refused(self, view: View) -> str:
        """What was not even scored, in a line each, so that it is not written again."""
        refused = [
            msgspec.structs.replace(each, texts={})
            for each in self._remembered(view)
            if each.score is None and each.outcome != "accepted"
        ]
        told = render_memory(refused, {}, entries=_REFUSALS, tokens=self.memory_tokens // 10)
        return f"# Refused without a score\n\n{told}" if told else ""

    def _outcomes(self, seen: Evidence) -> str:
        words = seen.show != "score"
        lines = [
            f"- score {each.score:.4g}: {_line(each.feedback.text) if words else '(no text)'}"
            for each in seen.experiences[: self.examples]
        ]
        return "# How some runs of the present version ended\n\n" + "\n".join(lines) if lines else ""


def _line(text: str) -> str:
    return " ".join(shortened(text, 400).split()) or "(no text)"


def versions(view: View, remembered: Sequence[Remembered]) -> list[Version]:
    """All that was scored, worst first, each texts once (with the score told last); the parent is among them."""
    now = view.parent.texts
    score = view.score if view.score is not None else view.evidence.score
    found: dict[tuple[tuple[str, str], ...], Version] = {}
    for past in remembered:
        if past.score is not None:
            _add(found, past.score, past.texts, now)
    for candidate, mean in reversed(view.others):
        _add(found, mean, candidate.texts, now)
    _add(found, score, {}, now)
    return sorted(found.values(), key=lambda version: version.score)


def _add(
    found: dict[tuple[tuple[str, str], ...], Version], score: float, given: Mapping[str, str], now: Mapping[str, str]
) -> None:
    differing = {name: text for name, text in given.items() if now.get(name) != text}
    key = tuple(sorted(differing.items()))
    found.pop(key, None)
    found[key] = Version(score, differing)


def _written(view: View, version: Version) -> str:
    head = f"## score {version.score:.4g}"
    if not version.texts:
        return f"{head}: the parameters as they are now"
    parameters = {parameter.name: parameter for parameter in view.parent.artifact.parameters}
    parts = [
        block(parameters[name], text, python=is_python(view.parent, parameters[name]))
        for name, text in version.texts.items()
        if name in parameters
    ]
    return "\n".join([head, *parts])
