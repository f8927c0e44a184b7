"""`rewrite`: the shortest question there is, for small models: one part, how it did, write it anew in one fence.

The other optimizers tell a model about named blocks and edits. A model of one or two billion parameters repeats
such instructions instead of following them; asked like this, it mostly gives a text that can be used. So most of what
happens is drawing several `samples` and letting the gate choose. Sibling: `reflect`, which says what to look for.
"""

from __future__ import annotations

import random

from loopwright.artifact import Parameter
from loopwright.llm.protocol import Message
from loopwright.optimizers.asking import Asking, Question, without_twins
from loopwright.optimizers.prompt import fence_for, is_python, past
from loopwright.optimizers.protocol import Check, Proposing, View

_PROMPT = """\
{what}

{fence}{language}
{text}
{fence}
{goal}{past}
This is how it did:

{evidence}

# Your answer

Write a better {name}, so that the scores go up. {wish} Give the whole new text between {fence} and {fence}{holes}."""


class Rewrite(Asking, frozen=True, forbid_unknown_fields=True):
    """One request an update, about one parameter, the next in turn. A small model does best with `memory = 0`."""

    def propose(self, view: View, rng: random.Random, check: Check) -> Proposing:
        parameters = view.parent.artifact.parameters
        parameter = parameters[(view.step - 1) % len(parameters)]
        question = Question(self._asked(view, parameter), self.samples, (parameter.name,))
        (results,) = yield from self.draw([question], view, rng, check)
        return without_twins(results)

    def _asked(self, view: View, parameter: Parameter) -> list[Message]:
        text = view.parent.texts[parameter.name]
        tried = past(view, self.memory, self.memory_tokens, [parameter.name])
        fields = " and ".join(parameter.placeholders)
        if parameter.kind == "string":
            what = f"A program gives this text to a language model{f', with {fields} filled in' if fields else ''}:"
            wish = (
                "It must say exactly what a reply looks like, name the replies that are possible, "
                "and give the rules that the feedback shows."
            )
        else:
            what = f"This is the {parameter.kind} `{parameter.name}` of a program:"
            wish = f"Keep `{parameter.signature}`." if parameter.signature else "Keep its form."
        content = _PROMPT.format(
            what=what,
            name=parameter.name,
            fence=fence_for(text),
            language="python" if is_python(view.parent, parameter) else "",
            text=text,
            goal=f"\nWhat is wanted: {view.goal.strip()}\n" if view.goal.strip() else "",
            past=f"\n{tried}\n" if tried else "",
            evidence=view.evidence.text,
            wish=wish,
            holes=f", with {fields} in it" if fields else "",
        )
        return [{"role": "user", "content": content}]
