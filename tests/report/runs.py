"""Runs for the tests of reports, written as events: nothing is executed for them."""

from __future__ import annotations

import contextlib
import random
from pathlib import Path

from loopwright import __version__
from loopwright.artifact import Artifact
from loopwright.execution.protocol import TaskCard
from loopwright.feedback import Feedback
from loopwright.llm.protocol import Ask, Reply
from loopwright.record import RunRecord, record
from loopwright.settings import Loop
from loopwright.store import Entry, RunFolder
from loopwright.store.events import Answered, AnyEvent, Began, Child, Ended, Proposed, Ran, Showed, Updated
from loopwright.trial import Role, Trial, TrialSpec, Usage

HOSTILE = (
    "</script><script>window.broken=1</script><img src=x onerror='window.broken=1'>"
    "<!-- ]]> &amp; \u2028\u2029 \ud800 {{ 7*7 }} {% raw %} ${1} `x` \\u003c \x00 </style></textarea>"
)
VALIDATION = 6


class Writer:
    """Builds the journal of a run whose candidates score a little more each time they are accepted."""

    def __init__(self, lines: int, spice: str) -> None:
        self.rng = random.Random(1)
        self.lines = lines
        self.spice = spice
        table = {"task": "task.py:t", "artifact": {"path": "policy.py", "edit": ["PROMPT", "act"]}}
        self.loop = Loop.of({**table, "search": {"accept": "improve"}, "optimizer": {"model": "some/model"}})
        self.artifact = Artifact.from_texts({"policy.py": self.program(0)}, ["PROMPT", "act"])
        self.card = TaskCard(
            f"a task {spice}",
            {"train": 9, "validation": VALIDATION, "test": 4},
            strata={"validation": ["a", spice] * 3},
        )

    def program(self, version: int) -> str:
        return f'PROMPT = "version {version}"\n\n\ndef act(x):\n' + self.body(version)

    def body(self, version: int) -> str:
        lines = [f"    y{n} = x * {n * 7919 % 1000} + {n}  # one of many lines\n" for n in range(self.lines)]
        if lines:
            lines[version % len(lines)] = f"    changed = {version}  # <b>here</b>\n"
        return "".join(lines) + f"    return {version}"

    def trial(self, candidate: str, role: Role, index: int, score: float) -> Ran:
        failed = self.rng.random() < 0.05
        split = "train" if role in {"train", "gate"} else role
        text = f"wanted {index}, got {score:.3f} {self.spice}"
        feedback = Feedback.failed("exception", text) if failed else Feedback(score, text, {"steps": 3.0})
        spec = TrialSpec(candidate, split, index, seed=index, role=role)  # type: ignore[arg-type]
        return Ran(Trial(spec, feedback, usage=Usage(1, 50, 7, 0.0001), seconds=0.2, cpu=0.1))

    def evidence(self, rows: int) -> str:
        x, y = 40, 60
        lines = [f"step|x|y|reward  {self.spice}"]
        for step in range(rows):
            x, y = x + self.rng.choice((-2, 0, 2)), y + self.rng.choice((-4, 4))
            lines.append(
                f"{step}|{x}|{y}|0.0|{self.rng.choice(['up', 'down', 'stay'])}|predict -> {y + self.rng.random():.4g}"
            )
        return "\n".join(lines)

    def events(self, updates: int, rows: int) -> list[Entry]:
        start = self.artifact.start
        began = Began(self.loop.data(), self.artifact.to_data(), self.card, __version__)
        entries = [Entry(-1, 0, began)]
        opening = [self.trial(start.id, "validation", index, 0.1) for index in range(VALIDATION)]
        entries += _placed(0, opening)
        current, score, last = start, 0.1, len(opening)
        for step in range(1, updates + 1):
            events: list[AnyEvent] = [self.trial(current.id, "train", (step + n) % 9, score) for n in range(3)]
            shown = self.evidence(rows)
            events.append(Showed(shown, {"summary": 40, "steps": rows * 9}, "batch"))
            asked = Ask(
                "some/model",
                [{"role": "system", "content": "Improve."}, {"role": "user", "content": f"Before\n{shown}\nafter"}],
            )
            reply = f"I change a line. {self.spice}\n\n### parameter: act\n```python\n{self.body(step)}\n```"
            events.append(Answered(asked, Reply([reply], Usage(1, 9000, 400, 0.01), seconds=2.0, model="some/model-1")))
            if step % 7 == 3:
                events.append(Proposed(current.id, refused="unparsable", reason=f"no block {self.spice}", reply=reply))
                accepted, children = "", []
            else:
                texts = {"act": "def act(x):\n" + self.body(step)}
                child = current.edit(texts)
                events.append(Proposed(current.id, child.id, texts, f"because {self.spice}"))
                better = step % 3 == 0
                fresh = score + 0.8 / updates if better else score - 0.02
                events += [self.trial(child.id, "validation", index, fresh) for index in range(VALIDATION)]
                outcome = "accepted" if better else "worse"
                children = [Child(child.id, outcome, fresh, score, f"{fresh:.3f} against {score:.3f}")]
                accepted = child.id if better else ""
            parent = current.id
            if accepted:
                current, score = child, fresh
            events.append(
                Updated(parent, {0: score}, failure="" if children else "proposal unparsable", children=children,
                        accepted=accepted, reason="judged", best=current.id, best_score=score)
            )  # fmt: skip
            last = len(events)
            entries += _placed(step, events)
        tests = [
            self.trial(id, "test", index, value)
            for id, value in ((start.id, 0.1), (current.id, score))
            for index in range(4)
        ]
        end = Ended(
            "all updates are done", current.id, score, [0.1, 0.1, 0.1, 0.1], [score, score, score, score - 0.01]
        )
        return [*entries, *(Entry(updates, last + n, event) for n, event in enumerate([*tests, end]))]


def _placed(step: int, events: list[AnyEvent] | list[Ran]) -> list[Entry]:
    return [Entry(step, number, event) for number, event in enumerate(events)]


def written(folder: Path, updates: int = 9, *, rows: int = 12, lines: int = 12, spice: str = "") -> RunRecord:
    """A run of `updates` updates: evidence of `rows` lines, a program of `lines` lines, `spice` in every free text."""
    writer = Writer(lines, spice)
    with RunFolder(folder) as place, contextlib.closing(place.journal()) as journal:
        journal.append(writer.events(updates, rows))
    return record(folder)
