"""What `show --json` prints: the same facts as `views`, as plain data for programs."""

from __future__ import annotations

from typing import Any

import msgspec

from loopwright.artifact import Candidate
from loopwright.paired import paired
from loopwright.record import RunRecord, Update
from loopwright.trial import Trial


def encoded(data: object) -> str:
    """Indented JSON. Bytes become base64, lone surrogates question marks."""
    plain = msgspec.to_builtins(data, str_keys=True)
    try:
        return msgspec.json.format(msgspec.json.encode(plain)).decode()
    except UnicodeEncodeError:
        from loopwright.cli.watch import sound

        return msgspec.json.format(msgspec.json.encode(sound(plain))).decode()


def summary(run: RunRecord) -> dict[str, Any]:
    population, ended = run.population, run.ended
    test = paired(ended.start_test, ended.best_test, run.began.card.span) if ended is not None else None
    return {
        "folder": str(run.path),
        "state": run.state(),
        "ended": ended.reason if ended is not None else None,
        "root": run.root,
        "version": run.began.version,
        "settings": run.began.settings,
        "task": run.began.card,
        "start": population.start,
        "current": population.current,
        "best": population.best,
        "validation": {"start": population.mean(population.start), "best": population.mean(population.best)},
        "test": test,
        "accepted": run.accepted(),
        "refused": dict(run.refused()),
        "trials": run.meter.trials,
        "usage": run.meter.usage,
        "seconds": run.seconds,
        "updates": [_brief(each) for each in run.updates],
    }


def update(this: Update) -> dict[str, Any]:
    return {
        **_brief(this),
        "trials": [trial_row(trial) for trial in this.trials],
        "evidence": this.showed,
        "calls": this.answered,
        "proposals": this.proposed,
        "update": this.updated,
    }


def candidate(run: RunRecord, this: Candidate) -> dict[str, Any]:
    population = run.population
    node = population.nodes.get(this.id)
    return {
        "id": this.id,
        "parent": node.parent if node else "",
        "step": node.step if node else None,
        "accepted": bool(node and node.accepted),
        "validation": population.scores(this.id, "validation"),
        "test": population.scores(this.id, "test"),
        "texts": this.texts,
    }


def trials(run: RunRecord, step: int | None) -> list[dict[str, Any]]:
    updates = [run.update(step)] if step is not None else [run.opening, *run.updates]
    rows = [{"step": each.step, **trial_row(trial)} for each in updates for trial in each.trials]
    return rows + ([{"step": None, **trial_row(trial)} for trial in run.tested] if step is None else [])


def trial_row(trial: Trial) -> dict[str, Any]:
    """A trial in one level, without its trace."""
    spec = msgspec.to_builtins(trial.spec)
    feedback = msgspec.to_builtins(trial.feedback)
    return {**spec, **feedback, "usage": trial.usage, "seconds": trial.seconds, "cpu": trial.cpu}


def _brief(this: Update) -> dict[str, Any]:
    updated = this.updated
    return {
        "step": this.step,
        "parent": this.parent(),
        "batch_score": this.batch_score,  # the parent's
        "verdict": this.verdict(),
        "children": updated.children if updated is not None else [],
        "accepted": updated.accepted if updated is not None else "",
        "best": updated.best if updated is not None else "",
        "best_score": updated.best_score if updated is not None else None,
    }
