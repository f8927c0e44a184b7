"""What the report of one run holds, as plain data: a pure function of the run's record.

Columns rather than rows where there may be a thousand of them. Candidates are named by their place in `candidates`,
texts by their number in the pool, splits and roles as in the journal. What one update did in detail is a text of its
own, read when it is opened.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from statistics import fmean
from typing import Any

import msgspec

from loopwright.llm.models import ASK
from loopwright.outcomes import MEANINGS, compared_on
from loopwright.record import RunRecord, Update
from loopwright.report.gap import gap
from loopwright.report.spend import Spend
from loopwright.report.texts import LEFT_OUT, TextPool, shortened
from loopwright.store.events import Answered, Proposed
from loopwright.trial import Trial

_FEEDBACK = 6_000  # characters of one trial's feedback
_REPLY = 60_000  # characters of one reply
EVIDENCE = -2  # in the pieces of a prompt: here stands the evidence


def run_data(run: RunRecord, pool: TextPool) -> dict[str, Any]:
    """Everything the page of a run is made of, as JSON will hold it; long texts go into `pool`."""
    return _Builder(run, pool).build()


class _Builder:
    def __init__(self, run: RunRecord, pool: TextPool) -> None:
        self.run = run
        self.pool = pool
        known = {**run.population.candidates, **run.pending}
        self.ids = list(known)
        self.place = {id: place for place, id in enumerate(self.ids)}
        self.known = known

    def build(self) -> dict[str, Any]:
        run = self.run
        data: dict[str, Any] = {
            "kind": "run",
            "start": self.place[run.population.start],
            "best": self.place[run.population.best],
            "ended": run.ended is not None,
            "splits": run.began.card.sizes,
            "strata": run.began.card.strata,
            "gap": msgspec.to_builtins(gap(run)),
            "refused": dict(run.refused()),
            "accepted": run.accepted(),
            "meanings": MEANINGS,
            "compared_on": compared_on(run.loop.search),
            "parameters": [
                {"name": each.name, "what": each.what, "file": each.file, "line": each.line}
                for each in run.artifact.parameters
            ],
            "candidates": self._candidates(),
            "updates": self._updates(),
            "scores": self._scores(),
            "opening": self._detail(run.opening),
            "tested": self.pool.add(_json({"step": None, "trials": [self._trial(each) for each in run.tested]})),
        }
        # Last, so that where there is no room it is evidence that goes, the dearest and the least of all looked at.
        data["updates"]["evidence"], data["updates"]["prompts"] = self._seen()
        data["left_out"] = self.pool.left_out
        return data

    # ------------------------------------------------------------------------------------------------- candidates

    def _candidates(self) -> dict[str, list[Any]]:
        population, names = self.run.population, [each.name for each in self.run.artifact.parameters]
        columns: dict[str, list[Any]] = {
            name: [] for name in ("id", "parent", "step", "accepted", "validation", "validation_n", "test", "test_n")
        }
        columns["texts"] = []
        under_way = self._makers()
        for id in self.ids:
            node = population.nodes.get(id)
            parent, step = (node.parent, node.step) if node is not None else under_way.get(id, ("", 0))
            columns["id"].append(id)
            columns["parent"].append(self.place.get(parent, -1))
            columns["step"].append(step)
            columns["accepted"].append(bool(node and node.accepted))
            for split in ("validation", "test"):
                scores = population.scores(id, split)
                columns[split].append(fmean(scores) if scores else None)
                columns[f"{split}_n"].append(len(scores))
            columns["texts"].append([self.pool.add(self.known[id].texts[name]) for name in names])
        return columns

    def _makers(self) -> dict[str, tuple[str, int]]:
        """Parent and update of the candidates of updates that are under way."""
        return {
            proposed.candidate: (proposed.parent, update.step)
            for update in self.run.updates
            for proposed in update.proposed
            if proposed.candidate in self.run.pending
        }

    # ---------------------------------------------------------------------------------------------------- updates

    def _updates(self) -> dict[str, Any]:
        run, population = self.run, self.run.population
        rows: list[dict[str, Any]] = []
        spend = Spend()
        spend.add(run.opening)
        current = population.start
        for update in run.updates:
            updated, both = update.updated, run.compared(update)
            spend.add(update)
            if updated is not None and (updated.accepted or updated.reverted):
                current = updated.accepted or updated.parent
            rows.append(
                {
                    "step": update.step,
                    "parent": self.place.get(update.parent(), -1),
                    "batch": update.batch_score,
                    "batch_n": len(update.batch),
                    "verdict": update.verdict(),
                    "child": self.place.get(both.child, -1) if both is not None else -1,
                    "score": both.score if both is not None else None,
                    "parent_score": both.parent_score if both is not None else None,
                    "current": self.place[current],
                    "best": self.place[updated.best] if updated is not None and updated.best else -1,
                    "best_score": updated.best_score if updated is not None else None,
                    "detail": self._detail(update),
                }
            )
        spend.add_tests(run.tested)
        columns: dict[str, list[Any]] = {"step": []}
        if rows:
            columns = {name: [row[name] for row in rows] for name in rows[0]}
        return {**columns, "spend": spend.data()}

    def _detail(self, update: Update) -> int:
        updated = update.updated
        return self.pool.add(
            _json(
                {
                    "step": update.step,
                    "template": update.showed.template if update.showed else "",
                    "tokens": update.showed.tokens if update.showed else {},
                    "calls": [self._call(each) for each in update.answered],
                    "proposals": [self._proposal(each) for each in update.proposed],
                    "children": [
                        {**msgspec.to_builtins(child), "candidate": self.place.get(child.candidate, -1)}
                        for child in (updated.children if updated is not None else [])
                    ],
                    "verdict": update.verdict(),
                    "reason": updated.reason if updated is not None else "",
                    "reverted": bool(updated and updated.reverted),
                    "failure": updated.failure if updated is not None else "",
                    "trials": [self._trial(trial) for trial in update.trials],
                }
            )
        )

    def _call(self, answered: Answered) -> dict[str, Any]:
        reply = answered.reply
        return {
            "model": "answered by hand" if answered.ask.model == ASK else reply.model or answered.ask.model,
            "replies": [self.pool.add(shortened(text, _REPLY)) for text in reply.texts],
            "input": reply.usage.input_tokens,
            "output": reply.usage.output_tokens,
            "usd": reply.usage.usd,
            "seconds": reply.seconds,
            "finish": reply.finish,
            "cached": reply.cached,
        }

    def _proposal(self, proposed: Proposed) -> dict[str, Any]:
        texts = {name: self.pool.add(shortened(text, _REPLY)) for name, text in proposed.texts.items()}
        return {
            "candidate": self.place.get(proposed.candidate, -1),
            "parent": self.place.get(proposed.parent, -1),
            "refused": proposed.refused,
            "reason": proposed.reason,
            "rationale": proposed.rationale,
            "texts": texts,
            "reply": self.pool.add(shortened(proposed.reply, _REPLY)) if proposed.reply else None,
        }

    def _trial(self, trial: Trial) -> dict[str, Any]:
        spec, feedback = trial.spec, trial.feedback
        return {
            "candidate": self.place.get(spec.candidate, -1),
            "role": spec.role,
            "split": spec.split,
            "index": spec.index,
            "score": trial.score,
            "error": feedback.error,
            "text": self.pool.add(shortened(feedback.text, _FEEDBACK)) if feedback.text else None,
            "metrics": feedback.metrics,
            "seconds": trial.seconds,
            "calls": trial.usage.calls,
            "tokens": trial.usage.tokens,
            "usd": trial.usage.usd,
        }

    # --------------------------------------------------------------------------------- what the optimizer was shown

    def _seen(self) -> tuple[list[int | None], list[list[list[int]]]]:
        """The evidence of each update, and the prompts of its calls as pieces of text around it."""
        count = len(self.run.updates)
        evidence: list[int | None] = [None] * count
        prompts: list[list[list[int]]] = [[] for _ in range(count)]
        order = self._by_importance()
        for place in order:
            showed = self.run.updates[place].showed
            evidence[place] = self.pool.offer(showed.text) if showed is not None else None
        for place in order:
            update = self.run.updates[place]
            shown = update.showed.text if update.showed is not None else ""
            for answered in update.answered:
                asked = "\n\n".join(message["content"] for message in answered.ask.messages)
                prompts[place].append(self._pieces(asked, shown))
        return evidence, prompts

    def _pieces(self, asked: str, shown: str) -> list[int]:
        before, found, after = asked.partition(shown) if shown else (asked, "", "")
        pieces = [self.pool.offer(before)] if before else []
        if found:
            pieces += [EVIDENCE, *([self.pool.offer(after)] if after else [])]
        return [LEFT_OUT] if LEFT_OUT in pieces else pieces

    def _by_importance(self) -> list[int]:
        """Updates that were accepted first, then the latest: should there be no room for all, these stay."""
        updates = self.run.updates
        return sorted(
            range(len(updates)),
            key=lambda place: (not (updates[place].updated and _accepted(updates[place])), -place),
        )

    # ----------------------------------------------------------------------------------------------------- heat map

    def _scores(self) -> dict[str, int]:
        """Scores by split as [candidate, example, score, update, failed] columns, the last of equal places counting."""
        found: dict[str, dict[tuple[int, int], tuple[float, int | None, bool]]] = {}
        for step, trial in self._all_trials():
            spec = trial.spec
            place = (self.place.get(spec.candidate, -1), spec.index)
            found.setdefault(spec.split, {})[place] = (trial.score, step, trial.feedback.error is not None)
        return {split: self.pool.add(_json(_columns(scores))) for split, scores in found.items()}

    def _all_trials(self) -> Iterable[tuple[int | None, Trial]]:
        for update in (self.run.opening, *self.run.updates):
            for trial in update.trials:
                yield update.step, trial
        for trial in self.run.tested:
            yield None, trial


def _columns(scores: dict[tuple[int, int], tuple[float, int | None, bool]]) -> dict[str, list[Any]]:
    return {
        "candidate": [candidate for candidate, _ in scores],
        "index": [index for _, index in scores],
        "score": [score for score, _, _ in scores.values()],
        "step": [step for _, step, _ in scores.values()],
        "failed": [place for place, (_, _, failed) in enumerate(scores.values()) if failed],
    }


def _accepted(update: Update) -> bool:
    return bool(update.updated and update.updated.accepted)


def _json(value: object) -> str:
    try:
        return msgspec.json.encode(value).decode()
    except UnicodeEncodeError:  # a lone surrogate in a text by a model
        return msgspec.json.encode(sound(value)).decode()


def sound(value: object) -> object:
    """Plain data in which lone surrogates have become question marks, so that JSON can hold it."""
    if isinstance(value, str):
        return value.encode("utf-8", "replace").decode()
    if isinstance(value, dict):
        return {str(sound(key)): sound(item) for key, item in value.items()}  # pyright: ignore
    if isinstance(value, Sequence):
        return [sound(item) for item in value]  # pyright: ignore
    return value
