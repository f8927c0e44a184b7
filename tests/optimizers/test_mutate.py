"""Laws of `mutate`: valid edits that differ, the same again from the same draws, and a reachable improvement."""

from __future__ import annotations

import ast
import random
from collections.abc import Callable, Mapping

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from loopwright import seeding
from loopwright.artifact import Artifact, Candidate, check
from loopwright.errors import SettingsError
from loopwright.evidence import Evidence
from loopwright.optimizers.mutate import Mutate, mutate
from loopwright.optimizers.protocol import Proposal, Rejected, View

POLICY = '''"""A policy."""
import random


def predict(obs: dict) -> float | None:
    """Predict where the ball will be, from `dx` and `dy`."""
    if "Ball" in obs:
        return obs["Ball"]["y"]
    return None


def select(predicted_y: float | None, obs: dict) -> int:
    """2 goes up, 3 goes down."""
    if predicted_y is not None and "Player" in obs:
        return random.choice([2, 3])  # no plan yet
    return 0


def act(obs: dict) -> int:
    return select(predict(obs), obs)
'''

VARIED = '''
LIMIT = 3
PROMPT = """Think first.
Then answer {question}.
Be brief."""


class Pipeline:
    def run(self, rows: list[dict[str, float]], *, scale: float = 1.5) -> float:
        total = 0.0; count = 0
        for row in rows:
            if row.get("a", {}).get("b", 0) > 3 and not row["skip"]:
                total += row["a"]["b"] * scale - 1
            elif row["x"] == "odd":  # why
                continue
            count = count + 1
        note = f"{total:.2f}"
        return total / count if count else -1.0

    async def more(self, x): return [x, True, "short", None, -2]


# EVOLVE-BLOCK-START loose
    # not the usual indentation
y = 1
# EVOLVE-BLOCK-END
'''


def empty_evidence() -> Evidence:
    return None  # type: ignore[return-value]  # mutate reads none


def view(parent: Candidate, others: tuple[Candidate, ...] = ()) -> View:
    return View(0, parent, empty_evidence(), others=[(candidate, 1.0) for candidate in others])


def checking(parent: Candidate) -> Callable[[Mapping[str, str]], Rejected | None]:
    def reason(texts: Mapping[str, str]) -> Rejected | None:
        error = check(parent, texts)
        return Rejected(error.kind, error.reason) if error else None

    return reason


def propose(optimizer: Mutate, of: View, seed: int) -> list[Proposal | Rejected]:
    proposing = optimizer.propose(of, random.Random(seed), checking(of.parent))
    with pytest.raises(StopIteration) as stopped:
        next(proposing)
    return stopped.value.value


@pytest.fixture(scope="module")
def start() -> Candidate:
    return Artifact.from_texts({"policy.py": POLICY}, ["predict", "select"]).start


@pytest.fixture(scope="module")
def varied() -> Candidate:
    names = ["PROMPT", "Pipeline.run", "Pipeline.more", "loose", "notes.txt"]
    return Artifact.from_texts({"varied.py": VARIED, "notes.txt": "one line\ntwo words\n"}, names).start


@given(seed=st.integers(0, 10**6), samples=st.integers(1, 3), edits=st.sampled_from([(1, 1), (1, 3), (2, 6)]))
@settings(max_examples=150, deadline=None)
def test_proposals_are_valid_edits_that_differ(
    start: Candidate, varied: Candidate, seed: int, samples: int, edits: tuple[int, int]
) -> None:
    for parent in (start, varied):
        of = view(parent)
        proposals = propose(Mutate(samples, edits), of, seed)
        assert len(proposals) == samples
        ids: list[str] = []
        for proposal in proposals:
            assert isinstance(proposal, Proposal)
            assert proposal.rationale
            child = parent.edit(proposal.texts)
            assert child.id != parent.id
            ids.append(child.id)
        assert len(set(ids)) == samples
        assert propose(Mutate(samples, edits), of, seed) == proposals


@given(seed=st.integers(0, 10**6))
@settings(max_examples=150, deadline=None)
def test_a_drawn_edit_is_valid_nearly_always_and_keeps_comments(start: Candidate, seed: int) -> None:
    rng = random.Random(seed)
    parameter = start.artifact.parameter("select")
    change = mutate(parameter, start.texts, (), rng)
    if change is None:
        return
    text, words = change
    assert words
    ast.parse(text)
    assert '"""2 goes up, 3 goes down."""' in text
    assert "# no plan yet" in text or "deleted `if" in words


def test_many_draws_give_many_different_edits(start: Candidate) -> None:
    found = [propose(Mutate(), view(start), seed)[0] for seed in range(300)]
    assert all(isinstance(proposal, Proposal) for proposal in found)
    assert len({msgspec.json.encode(proposal) for proposal in found}) > 200


def test_a_policy_that_follows_the_ball_is_found_in_a_few_hundred_draws(start: Candidate) -> None:
    """By climbing from the start on agreement with the right move, knowing only scores."""
    rng = random.Random(1)
    games = [
        {
            "Player": {"y": rng.randrange(34, 180), "dx": 0},
            "Ball": {"y": rng.randrange(34, 190), "dx": rng.choice((-4, 4))},
        }
        for _ in range(60)
    ]

    def score(candidate: Candidate) -> float:
        space: dict[str, object] = {}
        random.seed(0)
        try:
            exec(candidate.files()["policy.py"], space)
            act: Callable[[dict[str, dict[str, int]]], int] = space["act"]  # type: ignore[assignment]
            moves = [act(game) for game in games]
        except Exception:  # noqa: BLE001 - a broken child scores nothing
            return 0.0
        right = [3 if game["Ball"]["y"] > game["Player"]["y"] else 2 for game in games]
        return sum(a == b for a, b in zip(moves, right, strict=True)) / len(games)

    reached: list[int] = []
    for seed in range(3):
        best, best_score = start, score(start)
        for step in range(600):
            found = Mutate().propose(view(best), seeding.generator(seed, "mutate", step), checking(best))
            with pytest.raises(StopIteration) as stopped:
                next(found)
            child = best.edit(stopped.value.value[0].texts)
            child_score = score(child)
            if child_score > best_score:
                best, best_score = child, child_score
            if best_score > 0.95:
                reached.append(step)
                break
    assert len(reached) >= 2, reached


def test_what_is_written_can_mostly_be_evaluated(start: Candidate) -> None:
    empty, full = {}, {"Player": {"y": 5}, "Ball": {"y": 9}}
    failed = 0
    for seed in range(300):
        (proposal,) = propose(Mutate(edits=(1, 1)), view(start), seed)
        assert isinstance(proposal, Proposal)
        space: dict[str, object] = {}
        exec(start.edit(proposal.texts).files()["policy.py"], space)
        try:
            for game in (empty, full, {"Player": full["Player"]}):
                space["act"](game)  # type: ignore[operator]
        except (KeyError, TypeError, NameError, ZeroDivisionError):
            failed += 1
    assert failed <= 15


def test_crossover_uses_other_candidates(start: Candidate) -> None:
    marked = start.edit({"predict": start.texts["predict"].replace("return None", "return 77777")})
    found = [propose(Mutate(), view(start, (marked,)), seed)[0] for seed in range(60)]
    taken = [p for p in found if isinstance(p, Proposal) and any("77777" in text for text in p.texts.values())]
    assert len(taken) > 3
    assert any("another candidate" in proposal.rationale for proposal in taken)
    alone = [propose(Mutate(), view(start), seed)[0] for seed in range(60)]
    assert "77777" not in str(alone)


def test_words_with_placeholders_survive_in_prompts() -> None:
    parent = Artifact.from_texts("Solve {question} with care.\nThink {first} about it.\nEnd with the answer.").start
    for seed in range(100):
        (proposal,) = propose(Mutate(), view(parent), seed)
        assert isinstance(proposal, Proposal)
        assert "{question}" in proposal.texts["text"]
        assert "{first}" in proposal.texts["text"]


def test_nothing_to_change_is_a_rejection() -> None:
    for parent in (
        Artifact.from_texts("word").start,
        Artifact.from_texts({"a.py": "def f(): pass\n"}, ["f"]).start,
    ):
        (rejected,) = propose(Mutate(), view(parent), 0)
        assert isinstance(rejected, Rejected)
        assert rejected.kind == "unchanged"


def test_a_check_that_refuses_all_is_told() -> None:
    parent = Artifact.from_texts({"a.py": "def f(): return 1\n"}, ["f"]).start
    proposing = Mutate().propose(view(parent), random.Random(0), lambda texts: Rejected("invalid", "never"))
    with pytest.raises(StopIteration) as stopped:
        next(proposing)
    assert stopped.value.value == [Rejected("invalid", "never")]


@pytest.mark.parametrize(("samples", "edits"), [(0, (1, 3)), (1, (0, 3)), (1, (3, 1))])
def test_impossible_settings_are_refused(samples: int, edits: tuple[int, int]) -> None:
    with pytest.raises(SettingsError):
        Mutate(samples, edits)
