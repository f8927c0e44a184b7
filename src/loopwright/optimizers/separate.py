"""`batch.combine = "separate"`: every experience is read by itself, and the proposals are merged by one more call.

It goes around any optimizer that reads evidence, so that one joint context can be compared with several single ones, at
the same trials. The single readings do not know of one another and are asked at the same time.
"""

from __future__ import annotations

import random
from collections.abc import Sequence

import msgspec

from loopwright.evidence.pieces import squeeze
from loopwright.llm.protocol import Message
from loopwright.optimizers.asking import Asking, Question, Result, together, without_twins
from loopwright.optimizers.form import FORMAT
from loopwright.optimizers.memory import compared
from loopwright.optimizers.prompt import answer, conversation, goal, rules, texts
from loopwright.optimizers.protocol import Check, Optimizer, Proposal, Proposing, View
from loopwright.tokens import estimate

_ROLE = """\
You merge proposals to change a program. Each was made by someone who saw one run of it and none of the others. Write \
one version from them: what several agree on, what is compatible, and of contradictory changes the one that holds in \
general. Leave out what helps only the very run it came from."""


class Separate:
    """`inner` proposes once for each experience; `merger` draws its `samples` from a request that shows all of these.

    Where only one proposal is left (the others were refused, or equal), it is the result, and nothing is merged. Where
    none is, their rejections are.
    """

    def __init__(self, inner: Optimizer, merger: Asking) -> None:
        self.inner = inner
        self.merger = merger

    def propose(self, view: View, rng: random.Random, check: Check) -> Proposing:
        views = [msgspec.structs.replace(view, evidence=context) for context in view.evidence.contexts()]
        seeds = [random.Random(rng.getrandbits(64)) for _ in views]
        found = yield from together(
            [self.inner.propose(each, seed, check) for each, seed in zip(views, seeds, strict=True)]
        )
        proposals: list[tuple[Proposal, float]] = []
        refused: list[Result] = []
        for each, results in zip(views, found, strict=True):
            for result in results:
                if not isinstance(result, Proposal):
                    refused.append(result)
                elif all(result.texts != other.texts for other, _ in proposals):
                    proposals.append((result, each.evidence.score))
        if not proposals:
            return refused[: self.merger.samples]
        if len(proposals) == 1:
            return [proposals[0][0]]
        question = Question(self._asked(view, proposals), self.merger.samples)
        (merged,) = yield from self.merger.draw([question], view, rng, check)
        return without_twins(merged)

    def _asked(self, view: View, proposals: Sequence[tuple[Proposal, float]]) -> list[Message]:
        share = view.evidence.limit // len(proposals)
        shown: list[str] = []
        for number, (proposal, mean) in enumerate(proposals, 1):
            score = "" if view.evidence.show == "text" else f", from a run with score {mean:.4g}"
            head = f"## Proposal {number} of {len(proposals)}{score}\n\n{proposal.rationale or '(no reason given)'}\n"
            whole = compared([(head, proposal.texts)], view.parent.texts, tokens=10**9)
            shown.append(squeeze(whole, share, estimate))
        return conversation(
            _ROLE,
            FORMAT,
            goal(view),
            rules(view.parent),
            texts(view.parent),
            "# The proposals\n\n" + "\n\n".join(shown),
            answer(view.parent),
        )
