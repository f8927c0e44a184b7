"""What `show` prints, as lines: pure functions of a run's record."""

from __future__ import annotations

from collections.abc import Sequence

import click

from loopwright.artifact import Candidate
from loopwright.cli.text import clean, curve, line, quoted, shortened, table
from loopwright.evidence import Evidence
from loopwright.llm.models import ASK
from loopwright.outcomes import compared_on
from loopwright.record import RunRecord, Update
from loopwright.store.events import Proposed
from loopwright.summary import proposals, test, validation
from loopwright.trial import Trial
from loopwright.wording import counted, duration, money, number, spent

_ID = 8  # letters of a candidate's id in the table; they are enough wherever one is asked for
_ROWS = 40  # updates in the table before some are left out


def summary(run: RunRecord, *, every: bool = False) -> list[str]:
    """The settings that matter, the learning curve as a table, and the results so far."""
    lines = [f"run {run.path}: {run.state()}", "", *settings(run), ""]
    lines += _table(run, every=every) if run.updates else ["no update yet", ""]
    rows = [("validation", validation(run)[0])]
    if run.ended is not None:
        rows.append(("test", test(run)))
    rows.append(("proposals", proposals(run)))
    rows.append(("spent", f"{counted(run.meter.trials, 'trial')}, {spent(run.meter.usage)}, {duration(run.seconds)}"))
    lines += [f"{name:<12}{value}" for name, value in rows]
    reasons = _reasons(run)
    if reasons:
        lines += ["", "the last refusals:", *reasons]
    return [*lines, *_what_next(run)]


def settings(run: RunRecord) -> list[str]:
    """The choices that make this loop what it is, a line each."""
    loop, card = run.loop, run.began.card
    sizes = ", ".join(f"{count} {split}" for split, count in card.sizes.items())
    names = ", ".join(parameter.name for parameter in run.artifact.parameters)
    horizon, batch, search = loop.evidence.horizon, loop.evidence.batch, loop.search
    steps = "the whole execution" if horizon.steps == "full" else f"{horizon.steps} of its steps ({horizon.where})"
    accept = "every valid child" if search.accept == "always" else f"{search.accept} on the {search.gate}"
    if search.accept == "confident":
        accept += f", error at most {search.error:g}, up to {search.cap} pairs"
    model = f" with {loop.optimizer.model}" if loop.optimizer.model else ""
    apart = ", each read by itself" if batch.combine == "separate" else ""
    rows = [
        ("task", f"{loop.task} ({sizes})"),
        ("artifact", f"{', '.join(loop.artifact.paths)}: {names}"),
        ("evidence", f"{steps}, feedback of the {horizon.feedback}; batch of {batch.size} by {batch.draw}{apart}"),
        ("optimizer", f"{loop.optimizer.kind}{model}, memory {loop.optimizer.memory}"),
        ("search", f"{search.kind}, accepts {accept}"),
        *([("agent", loop.agent.model)] if loop.agent.model else []),
        ("seed", str(loop.seed)),
    ]
    return [f"{name:<12}{value}" for name, value in rows]


def update(run: RunRecord, this: Update) -> list[str]:
    """Everything of one update."""
    lines = [f"update {this.step} of {run.path}: {this.verdict()}", ""]
    parent = this.parent()
    if parent:
        lines += [f"parent      {parent}, {number(run.population.mean(parent))} on validation"]
    lines += [
        f"batch       the parent's mean is {number(this.batch_score)} over {counted(len(this.batch), 'trial')}",
        "",
    ]
    lines += [f"  {each}" for each in _trials(this.batch)]
    if this.showed is not None:
        parts = ", ".join(f"{name} {count:,}" for name, count in this.showed.tokens.items())
        total = sum(this.showed.tokens.values())
        lines += ["", f"evidence    {this.showed.template}, {total:,} tokens: {parts}"]
        lines += [f"            loopwright show {quoted(run.path)} --step {this.step} --evidence"]
    for each in this.answered:
        reply = each.reply
        if each.ask.model == ASK:
            lines += ["", "answer      by hand"]
            continue
        cost = f", {money(reply.usage.usd)}" if reply.usage.usd else ""
        tokens = f"{reply.usage.input_tokens:,} tokens in, {reply.usage.output_tokens:,} out"
        lines += ["", f"model       {reply.model or each.ask.model}: {tokens}{cost}, {duration(reply.seconds)}"]
    for place, proposed in enumerate(this.proposed, 1):
        lines += ["", *_proposal(run, place, proposed)]
    lines += ["", *_verdict(run, this)]
    return lines


def candidate(run: RunRecord, this: Candidate) -> list[str]:
    """A candidate's descent, scores and texts."""
    population = run.population
    node = population.nodes.get(this.id)
    words = [word for word in ("start", "best", "current") if getattr(population, word) == this.id]
    lines = [f"candidate {this.id}" + (f" ({', '.join(words)})" if words else "")]
    if node is not None and node.parent:
        lines.append(f"made by update {node.step} from {node.parent}, {'accepted' if node.accepted else 'not kept'}")
    elif node is None:
        lines.append("made by an update that is not complete")
    scores = [(split, population.mean(this.id, split)) for split in ("validation", "test")]
    lines += [f"{split}: {number(mean)}" for split, mean in scores if mean is not None]
    for parameter in run.artifact.parameters:
        changed = "" if this.texts[parameter.name] == run.start.texts[parameter.name] else ", changed since the start"
        lines += ["", f"--- {parameter.what} of {parameter.file}{changed}", this.texts[parameter.name]]
    return lines


def trials(run: RunRecord, step: int | None) -> list[str]:
    """Trials as a table: of one update, or of the whole run."""
    if step is not None:
        return _trials(run.update(step).trials)
    updates = [run.opening, *run.updates]
    head = ["step", "role", "candidate", "example", "score", "seconds", "feedback"]
    rows = [_row(str(each.step), trial) for each in updates for trial in each.trials]
    rows += [_row("end", trial) for trial in run.tested]
    return table(head, rows, right=(0, 3, 4, 5))


def traces(run: RunRecord, found: Sequence[Trial]) -> list[str]:
    """Whole executions, rendered as evidence is."""
    if not found:
        return ["no trial of this update was recorded yet"]
    lines: list[str] = []
    for trial in found:
        spec = trial.spec
        lines += [f"=== {spec.candidate} on {spec.split} example {spec.index}, seed {spec.seed}", ""]
        lines += [Evidence.of([trial], tokens=10**9).text, ""]
        for name in ("stdout", "stderr"):
            printed = getattr(trial.trace, name)
            if printed:
                lines += [f"--- {name}", printed, ""]
    return lines


def coloured(diff: str) -> list[str]:
    """A unified diff with its lines in colours (click leaves them out where the output is no terminal)."""
    colours = {"+": "green", "-": "red", "@": "cyan"}
    return [
        click.style(text, bold=True) if text.startswith(("+++", "---")) else click.style(text, fg=colours.get(text[:1]))
        for text in map(clean, diff.splitlines())
    ]


def _table(run: RunRecord, *, every: bool) -> list[str]:
    """The learning curve. Long runs show the updates that brought something, and the latest."""
    start, best = run.population.mean(run.population.start), None
    rows: list[list[str]] = []
    kept: list[bool] = []
    curves: list[float] = [] if start is None else [start]
    for each in run.updates:
        updated, both = each.updated, run.compared(each)
        scored = both is not None and both.score is not None
        against = f"{number(both.score)} vs {number(both.parent_score)}" if both is not None and scored else "-"
        news = updated is not None and updated.best != best and updated.best != run.population.start
        best = updated.best if updated is not None else best
        score = updated.best_score if updated is not None else None
        curves += [] if score is None else [score]
        rows.append(
            [
                str(each.step),
                each.parent()[:_ID],
                number(each.batch_score),
                both.child[:_ID] if both is not None else "-",
                against,
                f"{number(score)}{' *' if news else '  '}",
                each.verdict(),
            ]
        )
        kept.append(news)
    shown, note = rows, ""
    if len(rows) > _ROWS and not every:
        first = len(rows) - _ROWS // 2
        news = [place for place in range(first) if kept[place]][-_ROWS // 2 :]
        shown = [rows[place] for place in [*news, *range(first, len(rows))]]
        note = f"({len(rows) - len(shown)} of {len(rows)} updates left out; --all shows them)"
    head = ["step", "parent", "parent on batch", "child", "child vs parent", "best  ", "verdict"]
    lines = table(head, shown, right=(0, 2, 4, 5))
    lines += [note] if note else []
    lines += [
        "parent on batch: the edited candidate on the examples whose trials the optimizer was shown;",
        f"child vs parent: both on {compared_on(run.loop.search)}; best: on the validation split, * where it is new",
    ]
    if len(curves) > 1:
        lines += ["", f"best on validation, from {number(curves[0])} to {number(curves[-1])}:  {curve(curves)}"]
    return [*lines, ""]


def _what_next(run: RunRecord) -> list[str]:
    """How to continue a run that is neither ended nor under way."""
    if run.ended is not None or run.folder.owner() is not None:
        return []
    if run.folder.open_questions():
        return ["", f"  loopwright ask {quoted(run.path)}  print the question that it waits with"]
    return ["", f"  loopwright resume {quoted(run.path)}  go on where it stopped"]


def _reasons(run: RunRecord, most: int = 5) -> list[str]:
    """The latest refused proposals with their reasons. A gate's verdict is in the table already."""
    found = [(each.step, proposed) for each in run.updates for proposed in each.proposed if proposed.refused]
    return [f"  update {step}: {one.refused}: {shortened(line(one.reason), 200)}" for step, one in found[-most:]]


def _trials(found: Sequence[Trial]) -> list[str]:
    return table(_HEAD[1:], [_row("", trial)[1:] for trial in found], right=(2, 3, 4))


_HEAD = ["step", "role", "candidate", "example", "score", "seconds", "feedback"]


def _row(step: str, trial: Trial) -> list[str]:
    spec, feedback = trial.spec, trial.feedback
    text = f"{feedback.error}: {feedback.text}" if feedback.error else feedback.text
    seconds = f"{trial.seconds:.2f}"
    return [step, spec.role, spec.candidate, str(spec.index), number(trial.score), seconds, line(text)]


def _proposal(run: RunRecord, place: int, proposed: Proposed) -> list[str]:
    became = proposed.candidate or f"refused: {proposed.refused}: {line(proposed.reason)}"
    lines = [f"proposal {place}  {became}"]
    if proposed.rationale:
        lines += [f"  {text}" for text in proposed.rationale.strip().splitlines()]
    if proposed.candidate:
        parent, child = run.candidate(proposed.parent), run.candidate(proposed.candidate)
        lines += [f"  {text}" for text in parent.diff(child).splitlines()]
    elif proposed.texts:
        for name, text in proposed.texts.items():
            lines += [f"  the text refused for {name}:", *(f"    {each}" for each in text.splitlines())]
    elif proposed.reply:
        lines += ["  the reply:", *(f"    {each}" for each in proposed.reply.splitlines())]
    return lines


def _verdict(run: RunRecord, this: Update) -> list[str]:
    updated = this.updated
    if updated is None:
        why = "the run came to a stop within this update" if this.stopped else "the update is under way"
        return [f"verdict     none: {why}"]
    lines = [f"verdict     {this.verdict()}: {line(updated.reason)}"]
    leader = run.compared(this)
    for child in updated.children:
        # The leader's scores are known also where no gate had to judge it.
        both = leader if leader is not None and leader.child == child.candidate else child
        on = compared_on(run.loop.search)
        lines.append(
            f"  {child.candidate}  {child.outcome}"
            + (
                f", {number(both.score)} against the parent's {number(both.parent_score)} on {on}"
                if both.score is not None
                else ""
            )
            + (f": {line(child.reason)}" if child.reason else "")
        )
    if updated.best:
        lines.append(f"best        {updated.best}, {number(updated.best_score)} on validation")
    return lines
