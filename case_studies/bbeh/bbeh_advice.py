"""An optimizer for small models that cannot rewrite a text: it is asked for one sentence, which is added to the prompt.

A model of 1.5 billion parameters that is shown five questions of a hundred words each, and asked for the whole prompt
anew, copies the prompt or the questions. One sentence it can give. Use it as `kind = "bbeh_advice:Advice"`, with this
folder on PYTHONPATH. It only ever adds; what makes a prompt worse is for the gate to refuse.
"""

from __future__ import annotations

import random

from loopwright.optimizers.asking import Asking, without_twins
from loopwright.optimizers.protocol import Check, Proposal, Proposing, Rejected, View

_PROMPT = """\
A small language model is given an instruction and then a question. This is the instruction:

{text}

This is how the model did with it:

{evidence}

What is wanted: {goal}

Write one more sentence for the instruction. It speaks to the model and begins with the word "Reply". It says exactly \
what a reply looks like and names the replies that are possible, as the feedback shows them. Give that one sentence, \
of at most 25 words, and nothing else."""


class Advice(Asking, frozen=True, forbid_unknown_fields=True):
    """One request an update, about the only editable text; each of the `samples` is a sentence more at its end."""

    def propose(self, view: View, rng: random.Random, check: Check) -> Proposing:
        (name,) = (parameter.name for parameter in view.parent.artifact.parameters)
        text = view.parent.texts[name]
        content = _PROMPT.format(text=text, evidence=view.evidence.text, goal=view.goal)
        (reply,) = yield [self.request([{"role": "user", "content": content}], rng, self.samples)]
        return without_twins(_with(name, text, said, check) for said in reply.texts[: self.samples])


def _with(name: str, text: str, said: str, check: Check) -> Proposal | Rejected:
    """The text with the first line of what was said, or why not."""
    sentence = next((line.strip(" `") for line in said.splitlines() if line.strip(" `")), "")
    if not sentence:
        return Rejected("unparsable", "the model said nothing", said)
    texts = {name: f"{text}\n{sentence}"}
    return check(texts) or Proposal(texts, sentence)
