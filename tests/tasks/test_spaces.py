"""Gymnasium's spaces: told in words, observations plain, actions checked with a sentence that says what is wrong."""

from __future__ import annotations

import math
from typing import Any

import pytest

pytest.importorskip("gymnasium")

import numpy as np
from gymnasium import spaces as gs
from gymnasium.utils.env_checker import data_equivalence

from loopwright.errors import TaskError
from loopwright.tasks.episode import InvalidAction
from loopwright.tasks.spaces import checked, described, plain

BOX = gs.Box(-2.0, 2.0, (3,), np.float32)
NESTED = gs.Dict({"move": gs.Discrete(4), "aim": gs.Tuple((gs.Box(0, 1, (2,), np.float64), gs.MultiBinary(2)))})


@pytest.mark.parametrize(
    ("space", "words"),
    [
        (gs.Discrete(4), "an int from 0 to 3"),
        (gs.Discrete(3, start=-1), "an int from -1 to 1"),
        (BOX, "a list of 3 floats, each from -2 to 2"),
        (gs.Box(-1, 1, (), np.float32), "a float, from -1 to 1"),
        (gs.Box(-np.inf, np.inf, (2,)), "a list of 2 floats, without bounds"),
        (
            gs.Box(np.array([-1, -np.inf]), np.array([1, np.inf]), dtype=np.float64),
            "a list of 2 floats, from -1 to 1, any",
        ),
        (gs.Box(0, 9, (2, 3), np.int64), "a list of 2, each a list of 3 ints, each from 0 to 9"),
        (gs.Box(0, 255, (64, 64, 3), np.uint8), "a numpy array of shape (64, 64, 3), uint8, each from 0 to 255"),
        (gs.MultiDiscrete([5, 2]), "a list of 2 ints, from 0 to 4, 0 to 1"),
        (gs.MultiDiscrete([3, 3], start=[1, 1]), "a list of 2 ints, each from 1 to 3"),
        (gs.MultiBinary(4), "a list of 4 ints, each 0 or 1"),
        (gs.Text(5), "a string of 1 to 5 characters"),
        (gs.Sequence(gs.Discrete(2)), "a list of any length, of each: an int from 0 to 1"),
    ],
)
def test_a_space_is_told_in_words(space: Any, words: str) -> None:
    assert described(space) == words


def test_parts_of_a_space_are_told_one_a_line() -> None:
    assert described(NESTED).splitlines() == [
        "a dict with",
        '  - "aim": a tuple of 2:',
        "    - [0]: a list of 2 floats, each from 0 to 1",
        "    - [1]: a list of 2 ints, each 0 or 1",
        '  - "move": an int from 0 to 3',
    ]


@pytest.mark.parametrize("space", [gs.Graph(gs.Discrete(2), None), gs.OneOf([gs.Discrete(2)])])
def test_a_space_without_a_plain_form_is_an_error_that_names_it(space: Any) -> None:
    with pytest.raises(TaskError, match=type(space).__name__):
        described(space)


SAMPLED = [
    gs.Discrete(4),
    gs.Discrete(3, start=-1),
    BOX,
    gs.Box(-1, 1, (), np.float32),
    gs.Box(0, 9, (2, 3), np.int64),
    gs.Box(0, 255, (64, 64, 3), np.uint8),
    gs.MultiDiscrete([5, 2]),
    gs.MultiBinary((2, 2)),
    gs.Text(5),
    NESTED,
]


@pytest.mark.parametrize("space", SAMPLED, ids=str)
def test_what_a_space_holds_is_made_plain_and_taken_back_as_it_was(space: Any) -> None:
    space.seed(0)
    for _ in range(20):
        value = space.sample()
        given = plain(space, value)
        back = checked(space, given)
        assert space.contains(back)
        assert data_equivalence(back, value)
        assert space.contains(checked(space, value))  # numpy's own values are taken, too


def test_plain_values_are_pythons_own() -> None:
    found = plain(NESTED, NESTED.sample())
    assert type(found["move"]) is int
    assert type(found["aim"]) is tuple
    assert [type(item) for item in found["aim"][0]] == [float, float]
    assert plain(BOX, np.array([0.1, -2.0, 1.5], np.float32)) == [0.1, -2.0, 1.5]  # not 0.10000000149011612
    assert isinstance(plain(gs.Box(0, 1, (300,)), np.zeros(300, np.float32)), np.ndarray)


@pytest.mark.parametrize(
    ("space", "value", "words"),
    [
        (gs.Discrete(2), 2, r"the action is 2; it must be an int from 0 to 1"),
        (gs.Discrete(2), 1.0, "is 1.0; it must be an int"),
        (gs.Discrete(2), None, "is None; it must be an int"),
        (gs.Discrete(2), "1", "is '1'; it must be an int"),
        (gs.Discrete(2), np.array([0, 1]), "it must be an int"),
        (BOX, [0.0, 0.0], r"is \[0.0, 0.0\]; it must be a list of 3 floats"),
        (BOX, 0.5, "it must be a list of 3 floats"),
        (BOX, [0.0, math.nan, 0.0], "not finite"),
        (BOX, [0.0, 2.5, 0.0], "out of bounds; it must be a list of 3 floats, each from -2 to 2"),
        (BOX, ["a", 1, 2], "it must be a list of 3 floats"),
        (BOX, [[1, 2], 3], "it must be a list of 3 floats"),
        (gs.Box(0, 9, (2,), np.int64), [0.5, 1], "it must be a list of 2 ints"),
        (gs.MultiDiscrete([5, 2]), [4, 2], "out of bounds"),
        (gs.MultiBinary(2), [0, 2], "out of bounds"),
        (gs.Text(5), "longer than five", "a string of 1 to 5"),
        (NESTED, {"move": 1}, "the action lacks 'aim'"),
        (NESTED, {"move": 1, "aim": ([0, 0], [0, 0]), "jump": 1}, "has 'jump'"),
        (NESTED, [1], "must be a dict with"),
        (NESTED, {"move": 7, "aim": ([0, 0], [0, 0])}, r"the action\['move'\] is 7"),
        (NESTED, {"move": 1, "aim": ([0, 0], [0, 3])}, r"the action\['aim'\]\[1\] is \[0, 3\]"),
        (NESTED, {"move": 1, "aim": ([0, 0],)}, r"the action\['aim'\] is .* a tuple of 2"),
    ],
)
def test_a_wrong_action_is_told_with_what_would_be_right(space: Any, value: Any, words: str) -> None:
    with pytest.raises(InvalidAction, match=words):
        checked(space, value)


@pytest.mark.parametrize(
    ("space", "value"),
    [
        (gs.Discrete(2), np.int64(1)),
        (gs.Discrete(2), np.array(1)),
        (gs.Discrete(2), np.array([1])),
        (gs.Discrete(2), True),
        (gs.Box(-2, 2, (1,), np.float32), 0.5),
        (BOX, (0, 1, 2)),
        (BOX, [0.1, 0.2, 2.0]),
        (gs.Tuple((gs.Discrete(2), gs.Discrete(2))), [1, 0]),
    ],
)
def test_what_can_only_mean_one_thing_is_taken(space: Any, value: Any) -> None:
    assert space.contains(checked(space, value))
