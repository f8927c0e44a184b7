"""What the settings of a loop need of its task, checked before anything is run."""

from __future__ import annotations

from loopwright.errors import TaskError
from loopwright.execution.protocol import TaskCard
from loopwright.search.confident import least_pairs, pairs_at_most
from loopwright.settings import Loop


def require(loop: Loop, card: TaskCard) -> None:
    """Raises `TaskError`, in one sentence, where the task cannot give what the settings need."""
    if not card.sizes["train"]:
        raise TaskError(f"the task '{card.name}' has no training examples; give it some with train=...")
    if loop.evidence.horizon.where == "online" and not card.continues:
        raise TaskError(
            f"the task '{card.name}' has no episodes to go on with, which horizon.where = \"online\" needs; "
            "make it with lw.episodes, or choose another place"
        )
    size = loop.evidence.batch.size
    if size > card.sizes["train"]:
        raise TaskError(
            f"evidence.batch.size = {size}, but the task '{card.name}' has {card.sizes['train']} training examples; "
            "make the batch smaller or give the task more"
        )
    if loop.search.kind in {"beam", "pareto"} and not card.sizes["validation"]:
        raise TaskError(
            f"the task '{card.name}' has no validation examples, but search.kind = \"{loop.search.kind}\" chooses by "
            'them; give it some, or set search.kind = "sequential"'
        )
    if loop.search.gate == "validation" and loop.search.accept != "always" and not card.sizes["validation"]:
        raise TaskError(
            f"the task '{card.name}' has no validation examples, but search.gate = \"validation\"; "
            'give it some, or set search.gate = "batch"'
        )
    pairs, least = pairs_at_most(loop.search, card, size), least_pairs(loop.search.error)
    if loop.search.accept == "confident" and pairs < least:
        raise TaskError(
            f'search.accept = "confident" needs at least {least} pairs at search.error = {loop.search.error:g}, but '
            f"search.cap and the examples of the gate ({loop.search.gate}) allow {max(0, pairs)}; raise the cap, give "
            "the task more examples, or set search.redraw = true where trials depend on their seed"
        )
