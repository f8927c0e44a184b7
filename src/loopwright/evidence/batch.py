"""Experience batching: how many executions make one update, and which. Only the setting and its draws are here.

With one execution an update, the optimizer sees one case sharply and may forget the last; with many, it sees what they
have in common, at a higher price in tokens and trials. The paper (arXiv 2603.23994, section 6 and appendix D.6)
compares sizes 1, 3 and 5, drawn in shuffled epochs: `Batch(3, "shuffle")`. It names active and contrastive selection
as open questions: here they are draws.

A draw is a pure function of its arguments. Nothing is remembered between updates, so a run that is resumed from its
journal draws what it would have drawn.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from math import gcd
from typing import Any, Literal, cast

import msgspec

from loopwright.errors import SettingsError, nearest
from loopwright.evidence.records import Combine
from loopwright.seeding import generator

Draw = Literal["order", "shuffle", "failures", "contrast", "stratified"]
_DRAWS = ("order", "shuffle", "failures", "contrast", "stratified")


class Batch(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """How many train examples make one update, and how they are drawn: `batch = { size = 3, draw = "contrast" }`.

    - "order": one after the other as the data has them, starting again at the end.
    - "shuffle": epochs without replacement, each in a fresh seeded order (the paper's).
    - "failures": those that scored lowest when last seen.
    - "contrast": half of those that scored lowest and half of those that scored highest, so that the optimizer sees
    what
      tells them apart; every other update looks at examples not yet seen, while there are any.
    - "stratified": the labels of the task's strata in equal share.

    `combine` is how they are shown: "concat" in one context, for one proposal; "separate" each in a context of its own,
    for a proposal each, which a further call then merges. So the size of a batch can be told from the joint reading.

    Raises `SettingsError` for values outside these.
    """

    size: int = 1
    draw: Draw = "shuffle"
    combine: Combine = "concat"

    def __post_init__(self) -> None:
        size = cast("Any", self.size)
        if not isinstance(size, int) or isinstance(size, bool) or size < 1:
            raise SettingsError(f"batch: size is {size!r}; it must be a whole number of at least 1")
        if self.draw not in _DRAWS:
            hint = nearest(str(self.draw), _DRAWS)
            hint = hint if "did you mean" in hint else ""
            raise SettingsError(f"batch: draw is {self.draw!r}; it must be one of {', '.join(_DRAWS)}{hint}")
        if self.combine not in ("concat", "separate"):
            raise SettingsError(f"batch: combine is {self.combine!r}; it must be concat or separate")


class Drawing(msgspec.Struct, frozen=True):
    """What a draw may know: `n` examples, `size` wanted (1 <= size <= n), the 1-based update `step`, and the rest of
    `draw`'s arguments.
    """

    n: int
    size: int
    step: int
    seed: int
    last: Mapping[int, float]
    solved: float | None
    strata: Sequence[str]

    def rng(self, *purpose: str | int) -> random.Random:
        return generator(self.seed, "draw", *purpose)


def draw(
    batch: Batch,
    *,
    n: int,
    step: int,
    seed: int,
    last: Mapping[int, float] | None = None,
    solved: float | None = None,
    strata: Sequence[str] = (),
) -> list[int]:
    """The examples of update `step` (1-based): `batch.size` distinct indices below `n`, in the order to be shown.

    `last` has the last train score of every example seen so far. `solved` is the score from which "failures" counts an
    example as done; without one it is the highest in `last`. `strata` has one label an example, for "stratified".
    Everything random derives from `seed`.

    Raises `SettingsError` where the batch is larger than the examples (showing fewer than asked would change the
    setting silently), and for "stratified" without one label an example.
    """
    if batch.size > n:
        raise SettingsError(
            f"batch: size is {batch.size}, but there are {n} train examples; give the task more or lower the size"
        )
    if step < 1:
        raise ValueError(f"step is {step}; the first update is 1")
    seen = {index: score for index, score in (last or {}).items() if 0 <= index < n}
    return _DRAW[batch.draw](Drawing(n, batch.size, step, seed, seen, solved, strata))


def in_order(given: Drawing) -> list[int]:
    """Consecutive windows that start again at the first example after the last."""
    first = (given.step - 1) * given.size
    return [(first + place) % given.n for place in range(given.size)]


def shuffled(given: Drawing) -> list[int]:
    """Epochs without replacement: every run of n draws that begins an epoch has each example once.

    Where n is no multiple of the size, a batch may span two epochs; the second is then arranged so that the batch has
    nothing twice. That arrangement depends on the epoch before, back to the last one that began with a batch, which is
    less than `size` epochs ago; so the cost does not grow with `step`.
    """
    n, size = given.n, given.size
    epochs_a_cycle = size // gcd(n, size)
    first = (given.step - 1) * size
    cycle = first // (n * epochs_a_cycle)
    origin = cycle * epochs_a_cycle
    drawn: list[int] = []
    for epoch in range(origin, origin + epochs_a_cycle):
        order = list(range(n))
        given.rng("epoch", epoch).shuffle(order)
        open_batch = drawn[len(drawn) - len(drawn) % size :]
        if open_batch:
            taken = set(open_batch)
            head = [index for index in order if index not in taken][: size - len(open_batch)]
            heads = set(head)
            order = head + [index for index in order if index not in heads]
        drawn += order
        if (begin := first - origin * n) + size <= len(drawn):
            return drawn[begin : begin + size]
    raise AssertionError("a cycle of epochs holds whole batches")


def failures(given: Drawing) -> list[int]:
    """Lowest last scores first; then those never seen; those solved last. Ties are broken by the seed, anew each time.

    An example that cannot be solved is drawn again and again: that is what this draw means. Without `solved`, only
    scores below the highest seen count as failures, so that a set where all scored alike is explored first.
    """
    done = given.solved if given.solved is not None else max(given.last.values(), default=0.0)

    def rank(index: int) -> tuple[int, float]:
        score = given.last.get(index)
        if score is None:
            return 1, 0.0
        return (0, score) if score < done else (2, score)

    order = list(range(given.n))
    given.rng("failures", given.step).shuffle(order)
    return sorted(order, key=rank)[: given.size]


def contrast(given: Drawing) -> list[int]:
    """Half of the lowest and half of the highest last scores (the odd place goes to the lowest), lowest first.

    Scores must have been seen to be compared: odd updates take unseen examples first, while there are any, and even
    ones contrast, filled up with unseen ones where too few were seen. Ties are broken by the seed.
    """
    rng = given.rng("contrast", given.step)
    order = list(range(given.n))
    rng.shuffle(order)
    unseen = [index for index in order if index not in given.last]
    ranked = sorted((index for index in order if index in given.last), key=given.last.__getitem__)
    explore = unseen[: given.size] if given.step % 2 else []
    wanted = given.size - len(explore)
    if wanted >= len(ranked):
        chosen = ranked + explore
        return chosen + [index for index in unseen if index not in set(explore)][: given.size - len(chosen)]
    high = wanted // 2
    return ranked[: wanted - high] + ranked[len(ranked) - high :] + explore


def stratified(given: Drawing) -> list[int]:
    """Labels in equal share as far as their examples reach; each label goes round its own seeded order.

    Shares differ by one at most where the size is no multiple of the labels, and which labels have one more rotates.
    A label with fewer examples than its share gives all it has, and the others fill up.
    """
    if len(given.strata) != given.n:
        have = f"{len(given.strata)} labels for {given.n} examples" if given.strata else "no labels"
        raise SettingsError(f'batch: draw = "stratified" needs one stratum an example; the task gives {have}')
    members: dict[str, list[int]] = {}
    for index, label in enumerate(given.strata):
        members.setdefault(label, []).append(index)
    labels = sorted(members)
    given.rng("strata").shuffle(labels)
    for label in labels:
        given.rng("stratum", label).shuffle(members[label])

    # Water-filling: labels too small for an equal share give all; the rest share alike, with a rotating remainder.
    whole: list[str] = []
    sharing, places = list(labels), given.size
    while small := [label for label in sharing if len(members[label]) * len(sharing) <= places]:
        whole += small
        sharing = [label for label in sharing if label not in set(small)]
        places = given.size - sum(len(members[label]) for label in whole)
    chosen = {label: members[label] for label in whole}
    if sharing:
        share, remainder = divmod(places, len(sharing))
        before = (given.step - 1) * remainder
        for place, label in enumerate(sharing):
            extras_before = (before - place + len(sharing) - 1) // len(sharing)
            extra = (place - before) % len(sharing) < remainder
            begin = (given.step - 1) * share + extras_before
            own = members[label]
            chosen[label] = [own[(begin + turn) % len(own)] for turn in range(share + extra)]
    return [index for label in labels for index in chosen.get(label, ())]


_DRAW: dict[Draw, Callable[[Drawing], list[int]]] = {
    "order": in_order,
    "shuffle": shuffled,
    "failures": failures,
    "contrast": contrast,
    "stratified": stratified,
}
