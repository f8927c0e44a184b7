"""What every search must hold to, ours or a user's, as tests that pytest runs.

    from loopwright.testing import SearchConformance

    class TestMine(SearchConformance):
        def make(self, settings):
            return Mine(settings)

Whole loops are run in a small world (`testing.world`), at several settings. How good the search is, is not tested
beyond getting somewhere.
"""

from __future__ import annotations

import random
from collections.abc import Sequence
from itertools import product

from loopwright.loop import LearningLoop
from loopwright.search.population import Population
from loopwright.search.protocol import Gate, Judging, Search, Verdict
from loopwright.settings import Loop, SearchSettings
from loopwright.store.events import Updated
from loopwright.testing import world


class SearchConformance:
    """The laws of `search.protocol.Search`. A subclass says how to `make` one from `[search]`."""

    def make(self, settings: SearchSettings) -> Search:
        raise NotImplementedError("say how the search is made: def make(self, settings): return Mine(settings)")

    # ---------------------------------------------------------------------------------------------------- the laws

    def test_what_it_selects_is_in_the_population_and_what_it_keeps_is_a_child(self) -> None:
        for loop in _varieties():
            watched = _Watched(self.make(loop.search))
            world.drive(self._loop(loop, watched))
            assert watched.updates > 0

    def test_equal_populations_and_draws_give_equal_answers(self) -> None:
        for loop in _varieties():
            watched = _Watched(self.make(loop.search), twin=self.make(loop.search))
            world.drive(self._loop(loop, watched))

    def test_a_search_made_anew_goes_on_as_the_old_one_would(self) -> None:
        for loop in _varieties():
            whole = world.drive(self._loop(loop))
            for cut in (1, len(whole) // 3, 2 * len(whole) // 3):
                before = world.drive(self._loop(loop), stop_after=cut)
                after = world.drive(self._loop(loop), recorded=world.in_order(before))
                assert world.in_order(before + after) == world.in_order(whole)

    def test_the_order_in_which_results_come_changes_nothing(self) -> None:
        for loop in _varieties():
            straight = world.drive(self._loop(loop))
            shuffled = world.drive(self._loop(loop), rng=random.Random(5))
            assert world.in_order(shuffled) == world.in_order(straight)

    def test_nothing_random_comes_from_elsewhere(self) -> None:
        loop = _varieties()[0]
        random.seed(1)
        first = world.drive(self._loop(loop))
        random.seed(2)
        assert world.drive(self._loop(loop)) == first

    def test_a_child_that_is_kept_is_as_good_as_the_setting_says(self) -> None:
        for loop in _varieties():
            for entry in world.drive(self._loop(loop)):
                if not isinstance(entry.event, Updated) or not entry.event.accepted:
                    continue
                (kept,) = [child for child in entry.event.children if child.candidate == entry.event.accepted]
                if kept.score is None or kept.parent_score is None:
                    assert loop.search.accept == "always"
                elif loop.search.accept == "improve":
                    assert kept.score > kept.parent_score
                elif loop.search.accept == "not-worse":
                    assert kept.score >= kept.parent_score

    def test_it_gets_somewhere(self) -> None:
        loop = world.settings(search={"accept": "improve"}, budget={"steps": 60}, evidence={"batch": {"size": 2}})
        learning = self._loop(loop)
        world.drive(learning)
        population = learning.population
        best, begin = population.mean(population.best), population.mean(population.start)
        assert best is not None
        assert begin is not None
        assert best > begin

    def _loop(self, loop: Loop, search: Search | None = None) -> LearningLoop:
        optimizer = world.Turner(loop.optimizer.samples)
        return LearningLoop(loop, world.start(), world.CARD, optimizer, search or self.make(loop.search))


def _varieties() -> list[Loop]:
    """Settings that a search must bear, few enough to be quick."""
    accepts, gates, branches = ("always", "not-worse", "improve"), ("validation", "batch"), (1, 3)
    return [
        world.settings(
            seed=number,
            search={"accept": accept, "gate": gate, "branches": several},
            optimizer={"kind": "mutate", "samples": 1 + number % 3},
            budget={"steps": 8},
        )
        for number, (accept, gate, several) in enumerate(product(accepts, gates, branches))
    ]


class _Watched:
    """A search whose every answer is looked at; with a `twin`, another one is asked the same and must agree."""

    def __init__(self, search: Search, twin: Search | None = None) -> None:
        self.search = search
        self.twin = twin
        self.updates = 0

    def select(self, population: Population, rng: random.Random) -> str:
        state = rng.getstate()
        selected = self.search.select(population, rng)
        assert selected in population.candidates, f"it selected {selected!r}, which is not in the population"
        if self.twin is not None:
            again = random.Random()
            again.setstate(state)
            assert self.twin.select(population, again) == selected, "equal populations and draws gave other candidates"
        return selected

    def judge(self, parent: str, children: Sequence[str], gate: Gate) -> Judging:
        verdict: Verdict = yield from self.search.judge(parent, children, gate)
        self.updates += 1
        told = [child.candidate for child in verdict.children]
        assert sorted(told) == sorted(children), f"children {list(children)} have the outcomes of {told}"
        assert verdict.accepted in ("", *children), f"{verdict.accepted!r} is kept, and is no child of this update"
        kept = [child.candidate for child in verdict.children if child.outcome == "accepted"]
        assert kept == ([verdict.accepted] if verdict.accepted else []), "the outcomes do not say which child is kept"
        return verdict
