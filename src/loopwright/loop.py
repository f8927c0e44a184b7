"""The heart: what a learning loop is. Read `LearningLoop._update`; the rest of the file lets it be driven.

A loop does no I/O and holds no process, file or model. It is asked what to do next and told how that went:

    while requests := loop.ask():
        for request in requests:                     # in any order, as many at a time as you like
            events = loop.tell(request, do(request)) # to be written down

Whoever drives it (the built-in runner, a person, a cluster) runs the trials and calls the models. The state is a fold
over the events: a run resumes by folding those of its complete updates and answering the open ones from the journal.
"""

from __future__ import annotations

import random
from collections.abc import Iterable, Mapping, Sequence
from typing import cast

import msgspec

from loopwright.artifact import Candidate, EditError
from loopwright.budget import Meter
from loopwright.evidence import Evidence
from loopwright.evidence.batch import draw
from loopwright.evidence.online import onward
from loopwright.execution.protocol import TaskCard
from loopwright.flow import Branch, Flow, Request, Result
from loopwright.gate import ExampleGate, lasting, run_all
from loopwright.optimizers.protocol import Check, Optimizer, Proposal, Rejected, Remembered, View
from loopwright.outcomes import NOT_KEPT
from loopwright.requirements import require
from loopwright.search.population import Population
from loopwright.search.protocol import Search, Verdict
from loopwright.seeding import derive, generator
from loopwright.settings import Loop
from loopwright.store.events import AnyEvent, Ended, Proposed, Showed, Updated
from loopwright.store.journal import Entry
from loopwright.tokens import Counter, estimate
from loopwright.trial import Split, Trial, TrialSpec


class LearningLoop:
    """One learning loop, from the starting artifact to the test scores, as ask and tell.

    Guarantees: equal settings and equal results give equal events, in whatever order and however late the results are
    told; every event is given exactly once, in order within its step.
    """

    def __init__(
        self,
        loop: Loop,
        start: Candidate,
        card: TaskCard,
        optimizer: Optimizer,
        search: Search,
        *,
        count: Counter = estimate,
    ) -> None:
        """`count` counts the tokens of evidence. Raises `TaskError` where the task lacks examples that are needed."""
        require(loop, card)
        self.count = count
        self.loop = loop
        self.card = card
        self.optimizer = optimizer
        self.search = search
        self.population = Population(start)
        self.meter = Meter()
        self.ending = ""  # why no further update will be started
        self.ended: Ended | None = None
        self._open: dict[int, Branch[Updated | None]] = {}  # by step; 0 is the opening
        self._end: Branch[None] | None = None
        self._young: dict[str, Candidate] = {}  # children of updates under way, not yet in the population
        self._next = 0  # the step to be concluded next
        self._opened = 0  # the last step opened
        self._numbers = 0  # events of the last concluded step
        self._recorded: dict[int, list[AnyEvent]] = {}  # by an earlier process, not yet taken in

    # -------------------------------------------------------------------------------------------- what the loop is

    def _update(self, step: int) -> Flow[Updated]:
        """One update: select, draw, run, cut to the horizon, ask the optimizer, apply its edit, judge the children."""
        loop, population = self.loop, self.population
        parent = population.candidates[self.search.select(population, self._rng("select", step))]
        reverted = parent.id != population.current
        remembered, earlier = _remembered(population.memory, loop)
        score = population.mean(parent.id)
        others = [(candidate, mean) for candidate, mean in population.kept() if candidate.id != parent.id]
        examples = draw(
            loop.evidence.batch,
            n=self.card.sizes["train"],
            step=step,
            seed=loop.seed,
            last=population.train,
            strata=self.card.strata.get("train", ()),
        )

        seeds = [derive(loop.seed, "trial", step, index) for index in examples]
        trials = yield from run_all(
            [
                TrialSpec(parent.id, "train", i, seed, record=True, begun=tuple(population.running.get(i, ())))
                for i, seed in zip(examples, seeds, strict=True)
            ]
        )

        evidence = Evidence.of(
            trials,
            loop.evidence.horizon,
            combine=loop.evidence.batch.combine,
            show=loop.evidence.feedback,
            staged=loop.evidence.staged,
            tokens=loop.evidence.tokens,
            seed=derive(loop.seed, "horizon", step),
            count=self.count,
            ceiling=self.card.ceiling,
        )
        yield Showed(evidence.text, _tokens(evidence), evidence.template)

        view = View(step, parent, evidence, self.card.goal, remembered, others, score, earlier)
        proposals = yield from self.optimizer.propose(view, self._rng("propose", step), self._check(parent, step))

        children: list[Candidate] = []
        refused = ""
        for proposal in proposals[: loop.optimizer.samples]:
            child, event = _child(parent, proposal, children)
            yield event
            if child is not None:
                children.append(child)
                self._young[child.id] = child
            refused = event.refused

        # To leave as it is what needs no mending is an answer, not a failure.
        well = refused == "unchanged" and evidence.perfect
        verdict = Verdict([], "", "nothing was to be changed" if well else "no proposal could be used")
        if children:
            gate = ExampleGate(loop, self.card, population, step, trials)
            verdict = yield from self.search.judge(parent.id, [child.id for child in children], gate)
            if verdict.accepted:
                yield from gate([verdict.accepted], "validation")
        return Updated(
            parent.id,
            {trial.spec.index: trial.score for trial in trials},
            reverted,
            failure=_failure(trials, "" if children or well else refused or "no proposal"),
            children=verdict.children,
            accepted=verdict.accepted,
            reason=verdict.reason,
            running=onward(loop.evidence.horizon, trials),
        )

    def _opening(self) -> Flow[None]:
        """Step 0: the starting artifact on the validation split, so that every later candidate has its measure."""
        yield from run_all(self._lasting(self.population.start, "validation"))

    def _closing(self) -> Flow[None]:
        """The end: the start and the best candidate on the test split, which nothing has used before."""
        last_two = dict.fromkeys([self.population.start, self.population.best])
        yield from run_all([spec for candidate in last_two for spec in self._lasting(candidate, "test")])

    def _conclude(self, branch: Branch[Updated | None]) -> list[Entry]:
        """Take a complete update into the population, in the order of the steps, and say which candidate is best."""
        population = self.population
        self._fold(branch.step, branch.events)
        self._numbers = branch.number
        if not self._open:
            self._young.clear()
        if branch.outcome is None:
            return []
        accepted, best = branch.outcome.accepted, population.best
        mean, before = population.mean(accepted), population.mean(best)
        if accepted and (mean is None or before is None or mean > before):
            best = accepted
        entry = branch.append(msgspec.structs.replace(branch.outcome, best=best, best_score=population.mean(best)))
        self._fold(branch.step, [entry.event])
        self._numbers = branch.number
        return [entry]

    # ------------------------------------------------------------------------------------------------ ask and tell

    def begin(self, recorded: Iterable[Entry] = ()) -> list[Entry]:
        """Open the first updates, or go on after the events of an earlier process. Call once, before `ask`.

        Raises `StoreError` (here or in a later `tell`) where the journal tells another course than this loop takes.
        """
        for entry in recorded:
            if entry.step >= 0:
                self._recorded.setdefault(entry.step, []).append(entry.event)
        opening = self._recorded.pop(0, [])
        self._fold(0, opening)
        branch = Branch(0, self._opening(), first=len(opening))
        self._open[0] = cast("Branch[Updated | None]", branch)
        return branch.start() + self._go_on()

    def ask(self) -> list[Request]:
        """Everything that can be done now and has no result yet, oldest first. Empty: the loop has ended."""
        branches = [*self._open.values(), *([self._end] if self._end else [])]
        return [request for branch in branches for request in branch.waiting()]

    def candidate(self, id: str) -> Candidate:
        """The candidate that a request names, be it in the population or just proposed."""
        return self._young.get(id) or self.population.candidates[id]

    def tell(self, request: Request, result: Result) -> list[Entry]:
        """Take the result of a request; gives the events to be written down, in order."""
        branch = self._open.get(request.step) or self._end
        entries = branch.tell(request, result) if branch else []
        return entries + self._go_on()

    def finish(self, reason: str, *, abandon: bool = False) -> list[Entry]:
        """Start no further update. Those under way are finished, or with `abandon` left for a later resume."""
        self.ending = self.ending or reason
        if abandon:
            self._open.clear()
        return self._go_on()

    def _go_on(self) -> list[Entry]:
        """Conclude what is complete in the order of the steps, open what may be opened, and come to the end."""
        entries: list[Entry] = []
        while True:
            branch = self._open.get(self._next)
            if branch is not None and branch.done:
                entries += self._conclude(self._open.pop(self._next))
            elif branch is None and _complete(self._recorded.get(self._next, ())):
                events = self._recorded.pop(self._next)
                self._fold(self._next, events)
                self._numbers = len(events)
            else:
                break
            self._next += 1
            entries += self._open_updates()
        if self.ending and not self._open and self.ended is None:
            entries += self._come_to_end()
        return entries

    def _open_updates(self) -> list[Entry]:
        """Open the updates that may be under way after the last concluded one. What they start from is fixed here."""
        entries: list[Entry] = []
        while not self.ending and self._opened < self._next - 1 + self.loop.search.branches:
            step = self._opened + 1
            recorded = self._recorded.get(step, [])
            if not _complete(recorded):
                self.ending = self._why_end(step)
                if self.ending:
                    break
                self.ended = None
                branch = Branch(step, self._update(step), recorded=self._recorded.pop(step, []))
                self._open[step] = cast("Branch[Updated | None]", branch)
                entries += branch.start()
            self._opened = step
        return entries

    def _why_end(self, step: int) -> str:
        """Why update `step` is not to be started; "" where it is."""
        search, population = self.loop.search, self.population
        best = population.mean(population.best)
        if step > self.loop.budget.steps:
            return f"all {self.loop.budget.steps} updates are done"
        if search.target is not None and best is not None and best >= search.target:
            return f"the validation score reached the target of {search.target:g}"
        if search.patience is not None and population.since_best >= search.patience:
            return f"no new best candidate in {search.patience} updates"
        return self.meter.shortage(self.loop, self.card, len(self._open) + 1)

    def _come_to_end(self) -> list[Entry]:
        """The test trials, and the last event."""
        entries: list[Entry] = []
        population = self.population
        if self._end is None:
            self._end = Branch(population.steps, self._closing(), first=self._numbers)
            entries += self._end.start()
        if self._end.done:
            self._fold(population.steps, self._end.events)
            start, best = (population.scores(id, "test") for id in (population.start, population.best))
            score = population.mean(population.best)
            entry = self._end.append(Ended(self.ending, population.best, score, start, best))
            self._fold(population.steps, [entry.event])
            self._end = None
            entries.append(entry)
        return entries

    def _fold(self, step: int, events: Sequence[AnyEvent]) -> None:
        """The only place where the state changes."""
        self.population.apply(step, events)
        self.meter.add_update(events)
        for event in events:
            self.meter.add(event)
            if isinstance(event, Ended):
                self.ended = event
            elif isinstance(event, Updated):
                self.ended = None  # a run that had ended went further

    # ------------------------------------------------------------------------------------------------- small parts

    def _rng(self, purpose: str, step: int) -> random.Random:
        return generator(self.loop.seed, purpose, step)

    def _lasting(self, candidate: str, split: Split) -> list[TrialSpec]:
        return lasting(self.loop, self.card, self.population, candidate, split)

    def _check(self, parent: Candidate, step: int) -> Check:
        """For an optimizer's repair turns and further draws: why an edit of the parent would be refused, or None."""

        def check(texts: Mapping[str, str]) -> Rejected | None:
            try:
                child = parent.edit(texts)
            except EditError as error:
                return Rejected(error.kind, error.reason)
            # Where every child is accepted, going back to an earlier text is a move like any other.
            node = self.population.nodes.get(child.id) if self.loop.search.accept != "always" else None
            if node is None or node.step > max(0, step - self.loop.search.branches):
                return None
            return Rejected("duplicate", f"the same texts were tried in update {node.step} already")

        return check


def _child(
    parent: Candidate, proposal: Proposal | Rejected, siblings: list[Candidate]
) -> tuple[Candidate | None, Proposed]:
    """The child that a proposal makes of its parent, or None; and the event that tells of it."""
    if isinstance(proposal, Rejected):
        return None, Proposed(parent.id, refused=proposal.kind, reason=proposal.reason, reply=proposal.text)
    texts = {name: text for name, text in proposal.texts.items() if parent.texts.get(name) != text}
    try:
        child = parent.edit(proposal.texts)
    except EditError as error:
        return None, Proposed(
            parent.id, texts=texts, rationale=proposal.rationale, refused=error.kind, reason=error.reason
        )
    if child.id in {sibling.id for sibling in siblings}:
        reason = "the same texts were proposed already in this update"
        return None, Proposed(parent.id, texts=texts, refused="duplicate", reason=reason)
    return child, Proposed(parent.id, child.id, texts, proposal.rationale)


def _remembered(memory: Sequence[Remembered], loop: Loop) -> tuple[list[Remembered], list[Remembered]]:
    """The last tries and those before; no scores, so none before, where the optimizer is to see words alone."""
    first = len(memory) - loop.optimizer.memory
    last, before = list(memory[max(0, first) :]), list(memory[: max(0, first)])
    if not loop.optimizer.memory:
        return [], []
    if loop.evidence.feedback != "text":
        return last, before
    ran = ("accepted", *NOT_KEPT)  # their reason is a comparison of scores
    return [
        msgspec.structs.replace(each, score=None, parent_score=None, reason="" if each.outcome in ran else each.reason)
        for each in last
    ], []


def _tokens(evidence: Evidence) -> dict[str, int]:
    """Tokens by section; the sections of several experiences have the same names and are added up."""
    sums: dict[str, int] = {}
    for part in evidence.sections:
        sums[part.name] = sums.get(part.name, 0) + part.tokens
    return sums


def _failure(trials: Sequence[Trial], refused: str) -> str:
    """The kind of failure that spoilt a whole update, if one did."""
    if refused:
        return f"proposal {refused}"
    kinds = {trial.feedback.error for trial in trials}
    return f"every trial failed: {kinds.pop()}" if len(kinds) == 1 and None not in kinds else ""


def _complete(events: Sequence[AnyEvent]) -> bool:
    return any(isinstance(event, Updated) for event in events)
