"""`textgrad`: first a criticism of each parameter, from the scored output back along the graph, then an edit of each.

After TextGrad (Yuksekgonul et al., arXiv 2406.07496): a criticism in words takes the place of a gradient, and what is
criticised in a parameter's users is passed on to it. Parameters that do not wait for one another are criticised at the
same time, and all edits are written at the same time; a part that no output needed, or that is fine, costs no edit.
The sibling `reflect` asks for the edit at once, from the runs, without a criticism that travels.
"""

from __future__ import annotations

import random
import re
from collections.abc import Mapping

from loopwright.llm.protocol import Ask, Message, Reply
from loopwright.optimizers.asking import Asking, Question, woven
from loopwright.optimizers.form import FORMAT
from loopwright.optimizers.parts import Use, about, known, levels, reached, uses
from loopwright.optimizers.prompt import answer, conversation, evidence, goal, past, rules, texts
from loopwright.optimizers.protocol import Check, Proposing, Rejected, View
from loopwright.optimizers.replies import is_refusal, shortened, without_thoughts

_CRITIC = """\
You criticise one part of a program so that it can be improved. You are shown the part, what it was given and gave \
back when the program was run, and how those runs were judged.

Say in one to five sentences what in this part made the runs worse, and what should be different in it. Name causes \
that hold beyond these runs. Blame only this part: where it did well and another failed, say what it could do to help. \
Do not write the new text. If it should stay as it is, answer with the words NO CHANGE."""

_EDITOR = """\
You improve a part of a program by following a criticism of it. Mend what is criticised, keep what works, and change \
nothing else. The new text is used on tasks that nobody has seen yet: a remedy must hold in general."""

_FINE = re.compile(r"\W*no changes?\b(?! to be)", re.IGNORECASE)
_LONGEST = 4_000  # characters of a criticism that are passed on


class TextGrad(Asking, frozen=True, forbid_unknown_fields=True):
    """One request a parameter for its criticism, `critic_tokens` long at most, and one for its edit."""

    critic_tokens: int = 800

    def __post_init__(self) -> None:
        super().__post_init__()
        self.require(critic_tokens=1)

    def propose(self, view: View, rng: random.Random, check: Check) -> Proposing:
        used = uses(view.parent, view.evidence.experiences)
        criticisms: dict[str, str] = {}
        problems: list[Rejected] = []
        for level in levels(reached(view.parent, view.evidence.experiences), used):
            asks = [self._critic(view, name, used, criticisms, rng) for name in level]
            replies = yield asks
            for name, reply in zip(level, replies, strict=True):
                found = _criticism(name, reply)
                if isinstance(found, Rejected):
                    problems.append(found)
                else:
                    criticisms[name] = found
        if not criticisms:
            return [*problems[:1]]
        names = [parameter.name for parameter in view.parent.artifact.parameters if parameter.name in criticisms]
        questions = [Question(self._editor(view, name, criticisms[name]), self.samples, (name,)) for name in names]
        drawn = yield from self.draw(questions, view, rng, check)
        return woven(dict(zip(names, drawn, strict=True)), self.samples, check)

    def _critic(self, view: View, name: str, used: list[Use], criticisms: Mapping[str, str], rng: random.Random) -> Ask:
        after = known(criticisms, used, name)
        joined = "\n\n".join(after)
        messages = conversation(
            _CRITIC,
            "",
            goal(view),
            texts(view.parent, [name]),
            f"# What is criticised in the parts that use it\n\n{joined}" if after else "",
            evidence(about(view.parent, view.evidence, name, used)),
            f"# Your answer\n\nCriticise {name}.",
        )
        return Ask(
            self.model, messages, self.temperature, min(self.critic_tokens, self.max_tokens), rng.getrandbits(31)
        )

    def _editor(self, view: View, name: str, criticism: str) -> list[Message]:
        return conversation(
            _EDITOR,
            FORMAT,
            goal(view),
            rules(view.parent, [name]),
            texts(view.parent, [name]),
            past(view, self.memory, self.memory_tokens, [name]),
            f"# The criticism\n\n{criticism}",
            answer(view.parent, [name]),
        )


def _criticism(name: str, reply: Reply) -> str | Rejected:
    """What a reply criticises, or why it cannot be followed. One that was cut is still a criticism."""
    said = without_thoughts(reply.text).strip()
    if not said:
        return Rejected("unparsable", f"the model gave no criticism of '{name}'", shortened(reply.text))
    if _FINE.match(said):
        return Rejected("unchanged", f"the model would leave '{name}' as it is", shortened(reply.text))
    if is_refusal(said):
        return Rejected("refusal", f"the model declined to criticise '{name}'", shortened(reply.text))
    return shortened(said, _LONGEST)
