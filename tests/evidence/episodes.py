"""Made-up trials for the tests of evidence: a game like Pong, and a question with an answer."""

from __future__ import annotations

import random
from typing import Any

from loopwright.feedback import Feedback
from loopwright.trace import Call, Failure, Step, Trace
from loopwright.trial import Trial, TrialSpec


def pong(steps: int = 400, seed: int = 0, *, index: int = 0) -> Trial:
    """Player, enemy and a ball that is often absent; two traced calls a step, the second uses the first."""
    rng = random.Random(seed)
    player, enemy, x, y, dx, dy, gone = 100, 90, 80, 100, -4, 3, 0
    made: list[Step] = []
    for i in range(steps):
        up, shift = rng.choice([-8, 0, 8]), rng.choice([-4, 0, 4])
        player, enemy = min(190, max(34, player + up)), min(190, max(34, enemy + shift))
        reward = 0.0
        seen: dict[str, Any] = {
            "Player": {"x": 140, "y": player, "w": 4, "h": 15, "dx": 0, "dy": up},
            "Enemy": {"x": 16, "y": enemy, "w": 4, "h": min(15, 205 - enemy), "dx": 0, "dy": shift},
        }
        if gone:
            gone -= 1
        else:
            x, y = x + dx, y + dy
            dy = dy if 34 < y < 190 else -dy
            if not 2 <= x <= 157:
                reward, gone, x, y, dx = (1.0 if x < 2 else -1.0), 20, 80, rng.randint(40, 180), -dx
            seen["Ball"] = {"x": x, "y": y, "w": 2, "h": 4, "dx": dx, "dy": dy}
        aim = y + dy * (140 - x) / 7 if "Ball" in seen else None
        action = rng.choice([0, 2, 3])
        calls = [
            Call("predict_ball_trajectory", [("obs", seen, -1)], aim),
            Call("select_action", [("obs", seen, -1), ("aim", aim, 2 * i)], action),
        ]
        made.append(Step(seen, action, reward, calls))
    feedback = Feedback(-3.0, f"The episode ended after {steps} steps with total score -3.", {"hits": 4.0})
    return Trial(TrialSpec("c", "train", index, seed), feedback, Trace(made))


def question(index: int = 4, *, text: str = "Which letter comes first?", score: float = 0.0) -> Trial:
    """One step, two calls: a model's reply and what was extracted from it."""
    reply = "The first letter is A.\nAnswer: A"
    calls = [Call("llm", [("prompt", f"Answer this.\n{text}", -1)], reply), Call("extract", [("reply", reply, 0)], "A")]
    feedback = Feedback(score, "correct" if score else "expected 'B', got 'A'")
    return Trial(TrialSpec("c", "train", index, 1), feedback, Trace([Step({"question": text}, "A", None, calls)]))


def crash() -> Trial:
    """A trial that failed in its last step."""
    failure = Failure("ZeroDivisionError", "division by zero", " --> 13 |     return 1 / ball['dx']")
    steps = [Step({"t": i}, i % 2, 0.0) for i in range(9)]
    steps.append(Step({"t": 9}, None, None, [Call("aim", [("t", 9, -1)], None, -1, failure)]))
    trace = Trace(steps, failure, stdout="debug\n" * 3)
    return Trial(TrialSpec("c", "train", 2, 5), Feedback.failed("exception", "the program raised"), trace)
