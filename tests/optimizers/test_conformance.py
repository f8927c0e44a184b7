"""Every optimizer of ours holds to the public laws, and each of its settings changes what it does."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest

from loopwright.llm.protocol import Ask
from loopwright.optimizers import KINDS, make_optimizer
from loopwright.optimizers.asking import Asking
from loopwright.optimizers.protocol import Optimizer, View
from loopwright.testing import OptimizerConformance

# Two values of each setting that optimizers with a model share.
SHARED: dict[str, tuple[object, object]] = {
    "model": ("one", "other"),
    "samples": (1, 3),
    "memory": (0, 4),
    "memory_tokens": (0, 4_000),
    "temperature": (None, 0.5),
    "max_tokens": (100, 200),
    "repairs": (0, 2),
}
OF_A_PERSON = {name: SHARED[name] for name in ("memory", "memory_tokens", "repairs")}
OF_CHANCE: dict[str, tuple[object, object]] = {"samples": (1, 3), "edits": ((1, 1), (4, 4))}


class OfKind(OptimizerConformance):
    kind = ""

    def make(self, **settings: Any) -> Optimizer:
        shared = {} if self.kind in {"ask", "mutate"} else {"model": "any"}
        return make_optimizer(self.kind, {}, {**shared, **settings})

    def test_every_setting_is_among_those_that_matter(self) -> None:
        fields = {field.name for field in msgspec.structs.fields(type(self.make()))}
        assert fields == set(self.matters)

    def test_it_takes_the_settings_that_all_share(self) -> None:
        made = self.make()
        assert not isinstance(made, Asking) or set(SHARED) <= set(self.matters)


class TestOptoPrime(OfKind):
    kind = "optoprime"
    matters = SHARED


class TestOpro(OfKind):
    kind = "opro"
    matters = SHARED | {"history": (1, 20), "examples": (0, 2)}


class TestTextGrad(OfKind):
    kind = "textgrad"
    matters = SHARED | {"critic_tokens": (10, 20)}


class TestRewrite(OfKind):
    kind = "rewrite"
    matters = SHARED

    def reply(self, view: View, ask: Ask) -> str:
        """Only the block of the part that is asked about, as a fence without a name."""
        parameters = view.parent.artifact.parameters
        name = parameters[(view.step - 1) % len(parameters)].name
        head, *blocks = super().reply(view, ask).split("### parameter: ")
        return head + "".join(block.partition("\n")[2] for block in blocks if block.startswith(name))


class TestReflect(OfKind):
    kind = "reflect"
    matters = SHARED | {"parameters": ("one", "all")}


class TestEvolve(OfKind):
    kind = "evolve"
    matters = SHARED | {
        "weights": ({"diff": 1.0}, {"full": 1.0}),
        "inspirations": (0, 2),
        "inspiration_tokens": (0, 4_000),
        "novelty": (0.0, 0.99),
    }


class TestAsk(OfKind):
    kind = "ask"
    takes = frozenset({"memory"})
    matters = OF_A_PERSON


class TestMutate(OfKind):
    kind = "mutate"
    takes = frozenset({"samples"})
    matters = OF_CHANCE


def test_every_kind_is_tested() -> None:
    assert {each.kind for each in OfKind.__subclasses__()} == set(KINDS)


class Broken(OptimizerConformance):
    """Laws are tests: an optimizer that breaks one fails."""

    def make(self, **settings: Any) -> Optimizer:
        return Careless()


class Careless:
    def propose(self, view, rng, check):  # type: ignore[no-untyped-def]
        import random

        yield from ()
        view.parent.texts["PROMPT"] = "changed in place"
        return [random.choice(["no", "result"])]


@pytest.mark.parametrize(
    "law",
    [
        "test_it_makes_a_proposal_of_good_replies",
        "test_nothing_random_comes_from_elsewhere",
        "test_the_view_is_left_as_it_was",
        "test_no_reply_makes_it_raise_and_every_rejection_has_a_reason",
    ],
)
def test_a_broken_optimizer_is_found_out(law: str) -> None:
    with pytest.raises(AssertionError):
        getattr(Broken(), law)()
