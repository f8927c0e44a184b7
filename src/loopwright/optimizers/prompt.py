"""The conversation in which a model is asked for a proposal, and the turn that asks it to mend a refused one.

What stays the same from update to update stands first, so that a provider's prefix cache can serve it; the evidence of
this update stands last. What the evidence looks like is not decided here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from loopwright.artifact import Candidate, Parameter
from loopwright.llm.protocol import Message
from loopwright.optimizers.memory import render_memory
from loopwright.optimizers.protocol import Rejected, View
from loopwright.optimizers.replies import FORMAT, shortened, without_thoughts

_ROLE = """\
You improve a program step by step. Some parts of it, its parameters, are text that you may rewrite: code, prompts, \
settings. In each update you are shown the parameters as they are now, how the program did when it was run with them, \
and what became of your earlier changes. You then propose new texts. The program is run again with them on the same \
kind of tasks, including ones you have not seen; the best version is what counts in the end.

Find out from the evidence why scores are low, and mend the cause. Make changes that help in general: an answer copied \
from an example helps only there. Do not propose again what was tried and scored worse."""

_MEND = """\
Your answer was refused: {reason}.

Answer again, complete and in the same form: a line `### parameter: NAME` and a fence with the whole new text for each \
parameter you change."""


def messages(view: View, *, memory: int = 5, memory_tokens: int = 4_000) -> list[Message]:
    """The conversation for one update. Pure: equal views give equal bytes.

    `memory` is the largest number of earlier tries shown, in at most `memory_tokens`.
    """
    parts = [_goal(view), _constraints(view.parent)]
    past = render_memory(view.memory, view.parent.texts, entries=memory, tokens=memory_tokens)
    parts.append(_parameters(view.parent))
    if past:
        parts.append(f"# Your earlier changes, newest first\n\n{past}")
    parts.append(f"# How the program did with these parameters\n\n{view.evidence.text}")
    names = ", ".join(parameter.name for parameter in view.parent.artifact.parameters)
    parts.append(
        "# Your answer\n\nSay what you change and why, then give a named block for each parameter you change "
        f"(they are: {names})."
    )
    return [
        {"role": "system", "content": f"{_ROLE}\n\n# How to answer\n\n{FORMAT}"},
        {"role": "user", "content": "\n\n".join(part for part in parts if part)},
    ]


def mending(asked: Sequence[Message], reply: str, rejected: Rejected) -> list[Message]:
    """The conversation that goes on after a refused reply, with the reason for refusing it."""
    # An empty turn of the assistant is an error for some endpoints.
    said = shortened(without_thoughts(reply).strip(), 12_000) or "(no answer)"
    reason = rejected.reason.rstrip(".")
    return [
        *asked,
        {"role": "assistant", "content": said},
        {"role": "user", "content": _MEND.format(reason=reason)},
    ]


def fence_for(text: str) -> str:
    """A fence longer than any in `text`, and than the usual one where the text speaks of this format itself."""
    longest = max((len(run) for run in re.findall(r"`{3,}", text)), default=2)
    longest = max(longest, 3) if re.search(r"(?im)^\s*#+\s*parameter:", text) else longest
    return "`" * max(3, longest + 1)


def block(parameter: Parameter, text: str, *, python: bool) -> str:
    """A parameter's text as the reply format writes it; `parse_reply` reads the same text from it."""
    fence = fence_for(text)
    return f"### parameter: {parameter.name}\n{fence}{'python' if python else ''}\n{text}\n{fence}"


def _goal(view: View) -> str:
    return f"# The goal\n\n{view.goal.strip()}" if view.goal.strip() else ""


def _constraints(parent: Candidate) -> str:
    """What an edit of each parameter must keep, one line each."""
    lines = [f"- {parameter.name}: {_must(parameter)}" for parameter in parent.artifact.parameters]
    if parent.artifact.max_chars is not None:
        lines.append(f"- Each text may have at most {parent.artifact.max_chars:,} characters.")
    return "# What you may change\n\n" + "\n".join(lines)


def _must(parameter: Parameter) -> str:
    if parameter.kind in {"function", "method"}:
        kept = f"keep `{parameter.signature}`; imports and helpers go inside it"
        return f"a {parameter.kind}, given from `def` on, without decorators; {kept}"
    if parameter.kind == "class":
        return f"a class; keep `{parameter.signature}`"
    if parameter.kind == "string":
        fields = ", ".join(parameter.placeholders)
        holes = f"; keep the placeholders {fields}, which the program fills in" if fields else ""
        return f"a text that the program uses, given plain{holes}"
    if parameter.kind == "region":
        return f"some lines of {parameter.file}, given with their indentation; the lines around them stay"
    return "a whole file"


def _parameters(parent: Candidate) -> str:
    parts = [
        block(parameter, parent.texts[parameter.name], python=_is_python(parent, parameter))
        for parameter in parent.artifact.parameters
    ]
    return "# The parameters as they are now\n\n" + "\n\n".join(parts)


def _is_python(parent: Candidate, parameter: Parameter) -> bool:
    return parameter.kind != "string" and parent.artifact.sources[parameter.file].python
