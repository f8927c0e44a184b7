"""Every search holds to the public laws, and each chooses in its own way."""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Sequence

import msgspec
import pytest
from hypothesis import given
from hypothesis import settings as profile
from hypothesis import strategies as st

from loopwright.errors import SettingsError, TaskError
from loopwright.loop import LearningLoop
from loopwright.outcomes import MEANINGS
from loopwright.search import Beam, Search, Sequential, make_search
from loopwright.search.pareto import frontier
from loopwright.search.population import Population
from loopwright.search.protocol import Drawing, On, Scoring
from loopwright.settings import SearchSettings
from loopwright.testing import SearchConformance, world

KINDS = ("sequential", "best-of-n", "beam", "pareto")


class OfKind(SearchConformance):
    kind = ""

    def make(self, settings: SearchSettings) -> Search:
        return make_search(msgspec.structs.replace(settings, kind=self.kind))


class TestSequential(OfKind):
    kind = "sequential"


class TestBestOfN(OfKind):
    kind = "best-of-n"


class TestBeam(OfKind):
    kind = "beam"


class TestPareto(OfKind):
    kind = "pareto"


def test_a_search_that_breaks_a_law_is_found_out() -> None:
    class Careless(Sequential):
        def select(self, population: Population, rng: random.Random) -> str:
            return random.choice([*population.candidates])

    class Mine(SearchConformance):
        def make(self, settings: SearchSettings) -> Search:
            return Careless(settings)

    with pytest.raises(AssertionError, match="other candidates"):
        Mine().test_equal_populations_and_draws_give_equal_answers()


def ended(kind: str, steps: int = 40, seed: int = 0, **search: object) -> LearningLoop:
    loop = world.settings(seed=seed, search={"kind": kind, "accept": "improve", **search}, budget={"steps": steps})
    learning = LearningLoop(loop, world.start(), world.CARD, world.Turner(), make_search(loop.search))
    world.drive(learning)
    return learning


def parents(learning: LearningLoop) -> Counter[str]:
    return Counter(node.parent for node in learning.population.nodes.values() if node.parent)


def test_best_of_n_edits_the_start_alone() -> None:
    learning = ended("best-of-n")
    assert set(parents(learning)) == {learning.population.start}


class Watched(Beam):
    def __init__(self, settings: SearchSettings) -> None:
        super().__init__(settings)
        self.seen: list[tuple[str, list[str]]] = []

    def select(self, population: Population, rng: random.Random) -> str:
        chosen = super().select(population, rng)
        self.seen.append((chosen, [candidate.id for candidate, _ in population.kept()]))
        return chosen


def test_a_beam_edits_the_best_and_only_as_many_as_it_is_wide() -> None:
    for width in (1, 3):
        loop = world.settings(search={"kind": "beam", "accept": "improve", "width": width}, budget={"steps": 30})
        search = Watched(loop.search)
        world.drive(LearningLoop(loop, world.start(), world.CARD, world.Turner(), search))
        assert all(chosen in ranked[:width] for chosen, ranked in search.seen)
        places = Counter(ranked.index(chosen) for chosen, ranked in search.seen)
        assert len(places) == width


@pytest.mark.parametrize(
    ("accept", "after", "became"),
    [
        ("improve", 0.6, "accepted"),
        ("improve", 0.5, "no better"),
        ("improve", 0.4, "worse"),
        ("not-worse", 0.5, "accepted"),
        ("not-worse", 0.4, "worse"),
    ],
)
def test_a_child_that_is_equal_is_not_called_worse(accept: str, after: float, became: str) -> None:
    class Fixed:
        def __call__(self, candidates: Sequence[str], on: On) -> Scoring:
            yield from ()
            return {"parent": 0.5, "child": after}

        def fresh(self, candidates: Sequence[str], on: On, first: int, count: int) -> Drawing:
            raise AssertionError("nothing further is drawn")

    settings = msgspec.convert({"accept": accept}, SearchSettings)
    with pytest.raises(StopIteration) as stop:
        next(Sequential(settings).judge("parent", ["child"], Fixed()))
    (child,) = stop.value.value.children
    assert child.outcome == became
    assert became in MEANINGS


scores = st.dictionaries(
    st.sampled_from("abcdefgh"), st.lists(st.integers(0, 3), min_size=4, max_size=4).map(tuple), min_size=1
)


@given(scores)
@profile(max_examples=300, deadline=None)
def test_the_frontier_holds_the_best_of_every_example_and_nobody_who_adds_nothing(rows: dict) -> None:
    wins = frontier(rows)
    assert wins
    best = [max(column) for column in zip(*rows.values(), strict=True)]
    for i, score in enumerate(best):
        assert any(rows[id][i] == score for id in wins)
    for id, number in wins.items():
        mine = {i for i, score in enumerate(rows[id]) if score == best[i]}
        assert number == len(mine) > 0
        others = {i for other in wins if other != id for i, score in enumerate(rows[other]) if score == best[i]}
        assert not mine <= others


def test_the_frontier_keeps_a_specialist_that_the_mean_would_lose() -> None:
    rows = {"all-rounder": (2, 2, 2, 2), "specialist": (9, 0, 0, 0), "dominated": (1, 2, 1, 1)}
    assert frontier(rows) == {"all-rounder": 3, "specialist": 1}
    assert frontier({"old": (1, 1), "new": (1, 1)}) == {"new": 2}
    assert frontier({}) == {}


def test_pareto_edits_several_lines_of_descent() -> None:
    assert len(parents(ended("pareto", gate="batch"))) > 3


def test_settings_without_use_or_sense_are_refused() -> None:
    for kind in KINDS[1:]:
        with pytest.raises(SettingsError, match="belongs to the sequential search"):
            make_search(SearchSettings(kind=kind, revert=2))
    with pytest.raises(SettingsError, match="did you mean 'pareto'"):
        make_search(SearchSettings(kind="parreto"))
    for width in (0, 17):
        with pytest.raises(SettingsError, match=r"search\.width"):
            world.settings(search={"kind": "beam", "width": width})


def test_a_search_that_chooses_by_validation_needs_some() -> None:
    card = msgspec.structs.replace(world.CARD, sizes={"train": 5, "validation": 0, "test": 0})
    for kind in ("beam", "pareto"):
        loop = world.settings(search={"kind": kind, "gate": "batch"})
        with pytest.raises(TaskError, match="no validation examples"):
            LearningLoop(loop, world.start(), card, world.Turner(), make_search(loop.search))
