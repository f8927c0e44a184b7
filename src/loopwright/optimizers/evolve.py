"""`evolve`: a parent, inspirations from other good candidates, and one of four ways of changing: the operator.

In the manner of evolutionary program search (AlphaEvolve, and its open relatives OpenEvolve and ShinkaEvolve): "diff"
makes small edits, "full" writes a different program, "crossover" joins the parent with another candidate, and "fix"
mends a parent that fails. What was seen before, but for comments or layout, is refused (`novelty`). Which candidates
there are to be inspired by is the search's doing: a wide one (`search.kind = "pareto"` or "beam") gives this its due.
"""

from __future__ import annotations

import random
from collections.abc import Mapping, Sequence
from typing import Literal

import msgspec

from loopwright.artifact import Candidate
from loopwright.errors import SettingsError
from loopwright.llm.protocol import Message
from loopwright.optimizers.asking import MENDABLE, Asking, Question, Result, without_twins
from loopwright.optimizers.form import EDITS, FORMAT, WHOLE
from loopwright.optimizers.memory import compared
from loopwright.optimizers.novelty import novel
from loopwright.optimizers.prompt import answer, connections, conversation, evidence, goal, past, rules, texts
from loopwright.optimizers.protocol import Check, Proposing, View

Operator = Literal["diff", "full", "crossover"]
WEIGHTS: Mapping[Operator, float] = {"diff": 0.5, "full": 0.3, "crossover": 0.2}

_ROLE = """\
You evolve a program: many versions of it are written, run and scored, and the best are written on. You see one \
version, how it did, and some other good ones. {task} What scores higher on tasks that nobody has seen yet is kept."""

_TASKS = {
    "diff": "Make a few small, well-aimed changes to it that raise its score.",
    "full": "Write a version that works in a clearly different way: another algorithm, structure or wording.",
    "crossover": "Write a version that joins what is good in it with what is good in the other one shown.",
    "fix": "It fails: find the cause in what was printed and raised, and mend that with as few changes as possible.",
}
_FORMS = {"diff": EDITS, "full": WHOLE, "crossover": WHOLE, "fix": FORMAT}


class Evolve(Asking, frozen=True, forbid_unknown_fields=True):
    """One request for each operator that was drawn: each of the `samples` proposals draws one by `weights`.

    `inspirations` other candidates are shown, in at most `inspiration_tokens`: the best one and others at random. "fix"
    is drawn for all where at least half of the parent's trials failed. A proposal nearer than `novelty` (0 to 1) to a
    known version is refused; 0 refuses what is equal but for comments and layout.
    """

    weights: dict[Operator, float] = msgspec.field(default_factory=lambda: dict(WEIGHTS))
    inspirations: int = 2
    inspiration_tokens: int = 4_000
    novelty: float = 0.0

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require(inspirations=0, inspiration_tokens=0, novelty=0)
        if self.novelty >= 1:
            raise SettingsError(f"optimizer.novelty is {self.novelty:g}; it must be below 1")
        if any(weight < 0 for weight in self.weights.values()) or not sum(self.weights.values()) > 0:
            raise SettingsError("optimizer.weights must not be negative, and one of them must be more than 0")

    def propose(self, view: View, rng: random.Random, check: Check) -> Proposing:
        drawn = [self.operator(view, rng) for _ in range(self.samples)]
        operators = list(dict.fromkeys(drawn))
        questions = [Question(self._asked(view, each, rng), drawn.count(each)) for each in operators]
        checked = novel(view, check, self.novelty)
        results = yield from self.draw(questions, view, rng, checked, mendable=MENDABLE | {"duplicate"})
        every: list[Result] = [result for group in results for result in group]
        return without_twins(every)

    def operator(self, view: View, rng: random.Random) -> str:
        """The operator for one proposal. Crossover needs another candidate: without one its weight is nobody's."""
        seen = view.evidence.experiences
        if seen and 2 * sum(each.feedback.error is not None for each in seen) >= len(seen):
            return "fix"
        weights = {name: weight for name, weight in self.weights.items() if name != "crossover" or view.others}
        if not sum(weights.values()) > 0:
            return "full"
        return rng.choices([*weights], [*weights.values()])[0]

    def _asked(self, view: View, operator: str, rng: random.Random) -> list[Message]:
        chosen = self._chosen(view, operator, rng)
        return conversation(
            _ROLE.format(task=_TASKS[operator]),
            _FORMS[operator],
            goal(view),
            rules(view.parent),
            texts(view.parent),
            connections(view),
            self._others(view, chosen, operator),
            past(view, self.memory, self.memory_tokens),
            evidence(view.evidence),
            answer(view.parent),
        )

    def _chosen(self, view: View, operator: str, rng: random.Random) -> list[tuple[Candidate, float]]:
        """Other candidates to show, best first: for a crossover one, at random; to mend a failure none is needed."""
        if operator == "fix":
            return []
        if operator == "crossover":
            return [rng.choice(list(view.others))] if view.others else []
        best, rest = list(view.others[:1]), list(view.others[1:])
        wanted = min(max(0, self.inspirations - len(best)), len(rest))
        places = sorted(rng.sample(range(len(rest)), wanted))
        return [*best, *(rest[place] for place in places)][: self.inspirations]

    def _others(self, view: View, chosen: Sequence[tuple[Candidate, float]], operator: str) -> str:
        told = view.evidence.show != "text"  # else scores are not for the model's eyes
        entries = [(f"Score {mean:.4g}:" if told else "Another:", candidate.texts) for candidate, mean in chosen]
        shown = compared(entries, view.parent.texts, tokens=self.inspiration_tokens)
        head = "The other version to join it with" if operator == "crossover" else "Other good versions"
        return f"# {head}\n\n{shown}" if shown else ""
