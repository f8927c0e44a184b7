"""Checks of the starting artifact itself: does it run, in time, through the parts that may be edited, held safely?"""

from __future__ import annotations

import ast
from collections import Counter

from loopwright.artifact import Artifact, Parameter
from loopwright.artifact.source import parse
from loopwright.execution.protections import protections
from loopwright.preflight.finding import Finding
from loopwright.preflight.sample import Sample


def start(sample: Sample) -> Finding:
    """`start`: whether trials of the starting artifact fail."""
    trials = sample.trials
    failed = [trial for trial in trials if trial.feedback.error is not None]
    details = {"trials": len(trials), "failed": len(failed)}
    if not failed:
        return Finding("start", "ok", f"all {len(trials)} trials of the start came back with a score", details=details)
    kinds = Counter(trial.feedback.error for trial in failed).most_common()
    told = ", ".join(f"{count} by {kind}" for kind, count in kinds)
    first = " ".join(failed[0].feedback.text.split())[:200]
    return Finding(
        "start",
        "error" if len(failed) == len(trials) else "warning",
        f"{len(failed)} of {len(trials)} trials of the start failed ({told}); the first: {first}",
        "mend the starting artifact or the task: else the first updates are spent on it",
        details,
    )


def time_limit(sample: Sample) -> Finding:
    """`time-limit`: how near the slowest trial comes to the limit of a trial."""
    limit = sample.loop.execution.limits.seconds
    slowest = max((trial.seconds for trial in sample.trials), default=0.0)
    details = {"slowest": slowest, "limit": limit}
    text = f"the slowest trial took {slowest:.3g} s of the {limit:g} s allowed"
    if slowest > limit / 2:
        advice = "raise execution.limits.seconds: a child that is a little slower would fail for its time alone"
        return Finding("time-limit", "warning", text, advice, details)
    return Finding("time-limit", "ok", text, details=details)


def reach(sample: Sample) -> Finding:
    """`reach`: whether what is scored passes through the editable parts."""
    finished = [trial for trial in sample.train if trial.feedback.error is None]
    if not finished:
        return Finding("reach", "note", "cannot be told: no trial of the start came to its end")
    called = {call.function for trial in finished if trial.trace for step in trial.trace.steps for call in step.calls}
    verdicts = {each.name: _reached(sample.artifact, each, called) for each in sample.artifact.parameters}
    missed = [name for name, reached in verdicts.items() if reached is False]
    details = {"reached": [name for name, reached in verdicts.items() if reached], "missed": missed}
    if not missed:
        unknown = sum(reached is None for reached in verdicts.values())
        more = f" ({unknown} cannot be followed)" if unknown else ""
        text = f"every one of the {len(verdicts)} editable parts is on the way to the score{more}"
        return Finding("reach", "ok", text, details=details)
    every = len(missed) == len(verdicts)
    return Finding(
        "reach",
        "error" if every else "warning",
        f"{'nothing that may be edited' if every else ', '.join(missed)} was {'' if every else 'not '}"
        f"reached in {len(finished)} trials" + (": no edit can change the score" if every else ""),
        "call it from what the task scores, or take it out of artifact.edit: edits of it are spent for nothing",
        details,
    )


def _reached(artifact: Artifact, parameter: Parameter, called: set[str]) -> bool | None:
    """Whether a parameter took part; None where that cannot be told."""
    if parameter.kind in {"function", "method"}:
        return parameter.qualname in called
    if parameter.kind == "class":
        inside = [name for file, name in artifact.start.traced if file == parameter.file]
        mine = {name for name in inside if name.startswith(f"{parameter.qualname}.")}
        return bool(mine & called) if mine else None
    if parameter.kind == "string":
        return _is_read(artifact, parameter)
    if parameter.kind in {"file", "region"} and artifact.sources[parameter.file].python:
        inside = {name for file, name in artifact.start.traced if file == parameter.file}
        return bool(inside & called) if inside else None
    return None


def _is_read(artifact: Artifact, parameter: Parameter) -> bool:
    """Whether any code of the artifact reads the name of a string. The task may read it, too: `program.value`."""
    short = parameter.qualname.rpartition(".")[2] or parameter.name.rpartition(".")[2]
    for source in artifact.sources.values():
        if not source.python:
            continue
        for node in ast.walk(parse(source.text)):
            if isinstance(node, ast.Name) and node.id == short and isinstance(node.ctx, ast.Load):
                return True
            if isinstance(node, ast.Attribute) and node.attr == short and isinstance(node.ctx, ast.Load):
                return True
    return False


def protections_hold(sample: Sample) -> Finding:
    """`protections`: what holds a candidate's code on this machine."""
    execution = sample.loop.execution
    if execution.isolation == "inline":
        by_model = sample.loop.optimizer.kind != "mutate"
        return Finding(
            "protections",
            "warning" if by_model else "note",
            'execution.isolation = "inline": candidates run in this process and can do whatever you can',
            'use "process" for code that a model writes',
        )
    found = protections(execution.limits)
    missing = [each.name for each in found if not each.holds]
    details = {"missing": missing}
    if missing:
        text = f"not protected here: {', '.join(missing)}"
        advice = "'loopwright preflight' says more; installing bubblewrap (bwrap) usually mends it"
        return Finding("protections", "warning", text, advice, details)
    return Finding("protections", "ok", f"all {len(found)} protections hold", details=details)
