"""The sections of a conversation in which a model is asked for a proposal, and the turn that asks it to mend one.

Each optimizer puts together those it needs, under its own words. What stays the same from update to update stands
first, so that a provider's prefix cache can serve it; the evidence of this update stands last. What the evidence looks
like is not decided here.
"""

from __future__ import annotations

import re
from collections.abc import Sequence

from loopwright.artifact import Candidate, Parameter
from loopwright.evidence import Evidence
from loopwright.evidence.tokens import estimate
from loopwright.llm.protocol import Message
from loopwright.optimizers.form import FORMAT
from loopwright.optimizers.memory import render_memory, render_scores
from loopwright.optimizers.parts import uses
from loopwright.optimizers.protocol import Rejected, View
from loopwright.optimizers.replies import shortened, without_thoughts

ROLE = """\
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
    """The conversation for one update in which any parameter may change. Pure: equal views give equal bytes.

    `memory` is the largest number of earlier tries shown, in at most `memory_tokens`.
    """
    parent = view.parent
    return conversation(
        ROLE,
        FORMAT,
        goal(view),
        rules(parent),
        texts(parent),
        connections(view),
        history(view, memory, memory_tokens),
        evidence(view.evidence),
        answer(parent),
    )


def conversation(role: str, form: str, *sections: str) -> list[Message]:
    """A system message that is the same in every update, and the sections of this one; empty ones are left out."""
    told = f"{role}\n\n# How to answer\n\n{form}" if form else role
    return [
        {"role": "system", "content": told},
        {"role": "user", "content": "\n\n".join(section for section in sections if section)},
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


def goal(view: View) -> str:
    return f"# The goal\n\n{view.goal.strip()}" if view.goal.strip() else ""


def rules(parent: Candidate, only: Sequence[str] | None = None) -> str:
    """What an edit of each parameter (or of `only` some) must keep, one line each."""
    lines: list[str] = []
    for parameter in _chosen(parent, only):
        demands = [words for rule in parent.artifact.rules.get(parameter.name, ()) for words in rule.words()]
        lines.append(f"- {parameter.name}: {'; '.join([_must(parameter), *demands])}")
    if parent.artifact.max_chars is not None:
        lines.append(f"- Each text may have at most {parent.artifact.max_chars:,} characters.")
    return "# What you may change\n\n" + "\n".join(lines)


def texts(parent: Candidate, only: Sequence[str] | None = None) -> str:
    """The parameters (or `only` some) as they are, in the form of the reply format."""
    parts = [
        block(parameter, parent.texts[parameter.name], python=is_python(parent, parameter))
        for parameter in _chosen(parent, only)
    ]
    return "# The parameters as they are now\n\n" + "\n\n".join(parts)


def connections(view: View) -> str:
    """How the parameters work together, as seen in the trials; "" where nothing joins them."""
    if len(view.parent.artifact.parameters) < 2:
        return ""
    lines = [f"- {use.source} -> {use.target}: {use.how}" for use in uses(view.parent, view.evidence.experiences)]
    return "# How they work together\n\n" + "\n".join(lines) if lines else ""


def history(view: View, memory: int, tokens: int) -> str:
    """The last `memory` tries, and of those before their scores alone, in at most `tokens` together."""
    scores = render_scores(view.earlier, tokens=tokens // 4) if memory else ""
    tries = past(view, memory, tokens - estimate(scores))
    return f"{tries}\n\n{scores}" if tries and scores else tries


def past(view: View, memory: int, tokens: int, only: Sequence[str] | None = None) -> str:
    """The last `memory` tries (of `only` some parameters) in at most `tokens`; "" where there are none."""
    tries = view.memory[len(view.memory) - memory :] if 0 < memory < len(view.memory) else view.memory
    tries = [each for each in tries if only is None or not each.texts or any(name in only for name in each.texts)]
    shown = render_memory(tries, view.parent.texts, entries=memory, tokens=tokens)
    return f"# Your earlier changes, newest first\n\n{_elsewhere(view)}{shown}" if shown else ""


def _elsewhere(view: View) -> str:
    """That the parent is not what the last accepted change made: a search may go back, or follow several lines."""
    newest = next((each for each in reversed(view.memory) if each.outcome == "accepted"), None)
    if newest is None or newest.candidate in {"", view.parent.id}:
        return ""
    return (
        f"The parameters above are another version than the one that update {newest.step} made: the search goes on "
        "from this one.\n\n"
    )


def evidence(seen: Evidence) -> str:
    return f"# How the program did with these parameters\n\n{seen.text}"


def answer(parent: Candidate, only: Sequence[str] | None = None) -> str:
    names = ", ".join(parameter.name for parameter in _chosen(parent, only))
    if only is not None and len(only) == 1:
        return f"# Your answer\n\nSay what you change and why, then give the block for {names}."
    return (
        "# Your answer\n\nSay what you change and why, then give a named block for each parameter you change "
        f"(they are: {names})."
    )


def _chosen(parent: Candidate, only: Sequence[str] | None) -> list[Parameter]:
    return [each for each in parent.artifact.parameters if only is None or each.name in only]


def is_python(parent: Candidate, parameter: Parameter) -> bool:
    """Whether a parameter's text is Python code: a string within a Python file is not."""
    return parameter.kind != "string" and parent.artifact.sources[parameter.file].python


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
