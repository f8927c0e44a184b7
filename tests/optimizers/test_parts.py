"""How parameters work together, read off the trials: who uses whom, what an output needed, what one was given."""

from __future__ import annotations

from loopwright.artifact import Artifact
from loopwright.evidence import Evidence
from loopwright.feedback import Feedback
from loopwright.optimizers.parts import Use, about, levels, reached, uses
from loopwright.optimizers.prompt import messages
from loopwright.optimizers.protocol import View
from loopwright.trace import Call, Step, Trace
from loopwright.trial import Trial, TrialSpec

CODE = """\
PROMPT = "Say {x}."
TONE = "kind"


def aim(x):
    return x + 1


def shoot(at):
    return at * 2


def act(x):
    return [shoot(aim(x)), PROMPT]


def spare(x):
    return x


class Tools:
    def measure(self, x):
        return x
"""
PROGRAM = Artifact.from_texts({"a.py": CODE}, ["PROMPT", "TONE", "aim", "shoot", "act", "spare", "Tools"]).start
CALLS = [  # in the order in which they began, as a trace has them
    Call("Tools.measure", [("x", 3, -1)], 3),
    Call("act", [("x", 3, 0)], [8, "Say."]),
    Call("aim", [("x", 3, -1)], 4, 1),
    Call("shoot", [("at", 4, 2)], 8, 1),
    Call("spare", [("x", 5, -1)], 5),
]


def seen(action: object = None, calls: list[Call] = CALLS) -> Evidence:
    steps = [Step({"x": 3}, action or [8, "Say."], 0.5, calls)]
    return Evidence.of([Trial(TrialSpec("c", "train", 0, 0), Feedback(0.5, "half"), Trace(steps))])


def test_who_uses_whom_is_read_from_arguments_nesting_and_names() -> None:
    assert uses(PROGRAM, seen().experiences) == [
        Use("Tools", "act", "its result is the argument 'x'"),
        Use("aim", "act", "it is called there"),
        Use("aim", "shoot", "its result is the argument 'at'"),
        Use("shoot", "act", "it is called there"),
        Use("PROMPT", "act", "its text is read there"),
    ]


def test_a_function_that_no_output_needed_is_not_reached_and_a_text_may_always_be() -> None:
    assert reached(PROGRAM, seen().experiences) == ["PROMPT", "TONE", "aim", "shoot", "act", "Tools"]
    # An output that is none of the recorded ones may depend on every call.
    assert "spare" in reached(PROGRAM, seen(action="else").experiences)
    # Where nothing was recorded, nothing can be ruled out.
    assert reached(PROGRAM, seen(calls=[]).experiences) == list(PROGRAM.texts)


def test_levels_go_from_the_output_back_and_end_in_a_circle() -> None:
    names = reached(PROGRAM, seen().experiences)
    assert levels(names, uses(PROGRAM, seen().experiences)) == [
        ["TONE", "act"],
        ["PROMPT", "shoot", "Tools"],
        ["aim"],
    ]
    circle = [Use("a", "b", ""), Use("b", "a", ""), Use("c", "a", "")]
    assert levels(["c", "a", "b"], circle) == [["c", "a", "b"]]
    assert levels(["a", "b", "c"], [*circle, Use("c", "b", "")]) == [["a", "b"], ["c"]]


def test_one_part_sees_its_own_calls_with_their_values_and_the_whole_feedback() -> None:
    evidence = seen()
    used = uses(PROGRAM, evidence.experiences)
    text = about(PROGRAM, evidence, "shoot", used).text
    assert "half" in text
    assert "aim" not in text
    assert "call 1: shoot(at=4) -> 8" in text
    # A text sees the calls of those that read it; what nobody reads sees everything.
    prompt = about(PROGRAM, evidence, "PROMPT", used).text
    assert "act" in prompt
    assert "shoot" not in prompt
    assert about(PROGRAM, evidence, "TONE", used) == evidence


def test_the_prompt_of_optoprime_says_how_the_functions_work_together() -> None:
    _, user = messages(View(1, PROGRAM, seen()))
    assert "- aim -> shoot: its result is the argument 'at'" in user["content"]
    assert "- PROMPT -> act: its text is read there" in user["content"]
    alone = Artifact.from_texts({"a.py": CODE}, ["act"]).start
    assert "work together" not in messages(View(1, alone, seen()))[1]["content"]
