"""How the parameters of a program work together, read off the trials: which uses which, and what one alone was given.

The graph of calls is `trace.graph`'s; here its nodes are parameters. Texts (prompts, settings) make no calls: which
function reads one is looked up in the code.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence

import msgspec

from loopwright.artifact import Candidate
from loopwright.evidence import Evidence, Experience
from loopwright.trace import Call, Step, Trace
from loopwright.trace.graph import graph


class Use(msgspec.Struct, frozen=True):
    """Parameter `source` is used by parameter `target`; `how` says it in words."""

    source: str
    target: str
    how: str


def owners(candidate: Candidate) -> dict[str, str]:
    """By the name of a function, as a trace has it, the parameter that holds it."""
    return {
        function: parameter.name
        for parameter in candidate.artifact.parameters
        for function in candidate.functions(parameter)
    }


def uses(candidate: Candidate, experiences: Sequence[Experience]) -> list[Use]:
    """Who uses whom, each pair once, in the order in which it was seen; first the calls, then the texts."""
    found: dict[tuple[str, str], Use] = {}
    owner = owners(candidate)
    for experience in experiences:
        seen = graph(Trace(experience.steps), first_call=experience.first_call)
        for edge in seen.edges:
            source = owner.get(seen.calls[edge.source].function)
            target = owner.get(seen.calls[edge.target].function)
            if source and target and source != target and (source, target) not in found:
                how = f"its result is the argument '{edge.name}'" if edge.name else "it is called there"
                found[source, target] = Use(source, target, how)
    for parameter in candidate.artifact.parameters:
        if parameter.kind != "string":
            continue
        word = re.compile(rf"\b{re.escape(parameter.qualname.rpartition('.')[2])}\b")
        for reader in candidate.artifact.parameters:
            if reader.kind != "string" and reader.file == parameter.file and word.search(candidate.texts[reader.name]):
                found[parameter.name, reader.name] = Use(parameter.name, reader.name, "its text is read there")
    return list(found.values())


def reached(candidate: Candidate, experiences: Sequence[Experience]) -> list[str]:
    """The parameters that the scored outputs depended on, or may have: all but functions that no output needed.

    Where a step's output is not one of the recorded calls', every call of that step counts.
    """
    owner = owners(candidate)
    called: set[str] = set()
    for experience in experiences:
        seen = graph(Trace(experience.steps), first_call=experience.first_call)
        lost = {step for step, output in enumerate(seen.outputs) if output < 0}
        waiting = [output for output in seen.outputs if output >= 0]
        waiting += [i for i, step in enumerate(seen.steps) if step in lost]
        needed: list[list[int]] = [[] for _ in seen.calls]
        for edge in seen.edges:
            needed[edge.target].append(edge.source)
        kept = set(waiting)
        while waiting:
            for source in needed[waiting.pop()]:
                if source not in kept:
                    kept.add(source)
                    waiting.append(source)
        called |= {owner[name] for i in kept if (name := seen.calls[i].function) in owner}
    functions = set(owner.values())
    names = [parameter.name for parameter in candidate.artifact.parameters]
    # Nothing recorded (a failure at import, a horizon before the first call): nothing can be ruled out.
    return [name for name in names if name in called or name not in functions] if called else names


def levels(names: Sequence[str], used: Sequence[Use]) -> list[list[str]]:
    """The parameters from the output back: each after all that use it. Those of one level do not wait for one another.

    Where parameters use each other in a circle, those with the fewest users left go first.
    """
    left = list(names)
    found: list[list[str]] = []
    while left:
        users = {name: {use.target for use in used if use.source == name} & set(left) - {name} for name in left}
        fewest = min(len(each) for each in users.values())
        level = [name for name in left if len(users[name]) == fewest]
        found.append(level)
        left = [name for name in left if name not in level]
    return found


def about(candidate: Candidate, seen: Evidence, name: str, used: Sequence[Use]) -> Evidence:
    """The evidence as one parameter sees it: only the calls of its functions, or of those that read its text.

    The steps, their rewards and the feedback stay. All of it, where none of those calls is there.
    """
    wanted = {function for function, owner in owners(candidate).items() if owner == name}
    if not wanted:
        readers = {use.target for use in used if use.source == name}
        wanted = {function for function, owner in owners(candidate).items() if owner in readers}
    experiences = [_narrowed(experience, wanted) for experience in seen.experiences]
    if not any(step.calls for experience in experiences for step in experience.steps):
        return seen
    return seen.again(experiences)


def _narrowed(experience: Experience, wanted: set[str]) -> Experience:
    steps = [
        Step(
            step.observation, step.action, step.reward, [_alone(call) for call in step.calls if call.function in wanted]
        )
        for step in experience.steps
    ]
    return msgspec.structs.replace(experience, steps=steps, first_call=0)


def _alone(call: Call) -> Call:
    """A call that shows its inputs themselves: the calls they came from are not there."""
    inputs = [(name, value, -1) for name, value, _ in call.inputs]
    return Call(call.function, inputs, call.output, -1, call.failure)


def known(texts: Mapping[str, str], used: Sequence[Use], name: str) -> list[str]:
    """Those of `texts` (by parameter) that belong to a user of `name`, in order."""
    users = [use.target for use in used if use.source == name]
    return [texts[user] for user in users if user in texts]
