"""`reflect`: one parameter (or each of them) is rewritten from what it was given, gave back, and how that was judged.

After the reflective mutation of GEPA (Agrawal et al., arXiv 2507.19457): a minibatch of runs, seen from one component,
and a new text for it. With `parameters = "one"` each update takes the next one in turn, so that one can tell what
helped; with "all" each is rewritten at the same time, in a request of its own. GEPA's choice of a parent by a frontier
over examples is a search's business; here is only how the text is changed.
"""

from __future__ import annotations

import random
from typing import Literal

from loopwright.llm.protocol import Message
from loopwright.optimizers.asking import Asking, Question, woven
from loopwright.optimizers.form import FORMAT
from loopwright.optimizers.parts import about, uses
from loopwright.optimizers.prompt import answer, conversation, evidence, goal, past, rules, texts
from loopwright.optimizers.protocol import Check, Proposing, View

_ROLE = """\
You rewrite one part of a program after thinking about how it did. You are shown the part, some runs of the program, \
what the part was given and gave back in them, and the feedback on each run.

Read every run: what was asked, what was done, what the feedback says. Find what the failed runs have in common and \
what the good ones did right; collect facts about the task that the feedback reveals and the part does not know yet, \
and ways of working that helped. Then write the part anew so that it contains them. It will be used on other examples \
of the task: put in what holds in general, and no answer of a single example."""


class Reflect(Asking, frozen=True, forbid_unknown_fields=True):
    """`parameters` "one": the next one in turn, one request an update. "all": one request for each."""

    parameters: Literal["one", "all"] = "one"

    def propose(self, view: View, rng: random.Random, check: Check) -> Proposing:
        names = [parameter.name for parameter in view.parent.artifact.parameters]
        if self.parameters == "one":
            names = [names[(view.step - 1) % len(names)]]
        questions = [Question(self._asked(view, name), self.samples, (name,)) for name in names]
        drawn = yield from self.draw(questions, view, rng, check)
        return woven(dict(zip(names, drawn, strict=True)), self.samples, check)

    def _asked(self, view: View, name: str) -> list[Message]:
        used = uses(view.parent, view.evidence.experiences)
        return conversation(
            _ROLE,
            FORMAT,
            goal(view),
            rules(view.parent, [name]),
            texts(view.parent, [name]),
            past(view, self.memory, self.memory_tokens, [name]),
            evidence(about(view.parent, view.evidence, name, used)),
            answer(view.parent, [name]),
        )
