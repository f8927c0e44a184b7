"""Tasks: what a function returns becomes feedback, what fails is labelled, what is the user's mistake is told."""

from __future__ import annotations

import asyncio
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from loopwright.errors import BudgetExhausted, ExecutionError, ModelError, TaskError
from loopwright.execution.program import ProgramFailure
from loopwright.feedback import Feedback
from loopwright.llm.protocol import Ask, Reply
from loopwright.staged import Stage, Staged
from loopwright.tasks.episode import Episode, InvalidAction, episodes
from loopwright.tasks.task import StepRecorder, Task, TrialHandle, load_task, task
from loopwright.trace import Call, Failure, Step
from loopwright.trial import TrialSpec


def spec(index: int = 0, split: Any = "train", seed: int = 5) -> TrialSpec:
    return TrialSpec("candidate", split, index, seed)


def made(function: Any, **options: Any) -> Task:
    return task(**{"train": [1, 2, 3], **options})(function)


def ran(function: Any, *, handle: TrialHandle | None = None, program: Any = None, **options: Any) -> Feedback:
    return made(function, **options).run(program, spec(), handle or TrialHandle(spec()))


class TestRun:
    @pytest.mark.parametrize("value", [0.5, (0.5, "fine"), (0.5, {"text": "fine"}), Feedback(0.5, "fine")])
    def test_every_way_to_return_a_score_gives_it(self, value: Any) -> None:
        assert ran(lambda p, e, t: value).score == 0.5

    def test_the_function_is_given_program_example_and_trial(self) -> None:
        seen: list[Any] = []
        program = SimpleNamespace()
        made(lambda p, e, t: seen.append((p, e, t)) or 1.0, test=["x", "y"]).run(
            program, spec(1, "test"), handle := TrialHandle(spec(1, "test"))
        )
        assert seen == [(program, "y", handle)]
        assert (handle.index, handle.split, handle.seed) == (1, "test", 5)

    def test_async_functions_are_run_to_their_end(self) -> None:
        async def late(program: Any, example: Any, trial: Any) -> float:
            await asyncio.sleep(0)
            return 0.25

        assert ran(late).score == 0.25

    def test_a_trial_s_randomness_depends_on_its_seed_alone(self) -> None:
        draws = [TrialHandle(spec(seed=s)).rng.random() for s in (1, 1, 2)]
        assert draws[0] == draws[1] != draws[2]

    @pytest.mark.parametrize("value", [float("nan"), float("inf"), "0.5", None, (1, 2, 3)])
    def test_what_is_no_score_is_error_feedback_at_the_floor(self, value: Any) -> None:
        feedback = ran(lambda p, e, t: value, floor=-3)
        assert (feedback.error, feedback.score) == ("score", -3)

    @given(st.floats(-100, 100), st.floats(-100, 100))
    def test_a_score_under_the_floor_is_the_user_s_mistake(self, score: float, floor: float) -> None:
        if score >= floor:
            assert ran(lambda p, e, t: score, floor=floor).score == score
        elif score < floor - 1e-6:  # nearer than that may be rounding
            with pytest.raises(TaskError, match="floor="):
                ran(lambda p, e, t: score, floor=floor)

    def test_a_score_over_the_ceiling_is_the_user_s_mistake(self) -> None:
        assert ran(lambda p, e, t: 1.0, ceiling=1).score == 1
        assert ran(lambda p, e, t: 1 + 1e-12, ceiling=1).error is None
        with pytest.raises(TaskError, match="over its ceiling 1"):
            ran(lambda p, e, t: 1.5, ceiling=1)
        with pytest.raises(TaskError, match="ceiling 0 is not above its floor 0"):
            ran(lambda p, e, t: 0.0, ceiling=0)

    def test_error_feedback_of_the_task_s_own_has_the_floor(self) -> None:
        assert ran(lambda p, e, t: Feedback.failed("score", "bad"), floor=-21).score == -21

    def test_an_example_that_is_not_there_is_told(self) -> None:
        with pytest.raises(TaskError, match="no train example 9; it has 3"):
            made(lambda p, e, t: 1.0).run(SimpleNamespace(), spec(9), TrialHandle(spec(9)))


class TestFailures:
    def test_what_became_of_the_program_labels_the_feedback(self) -> None:
        def failing(program: Any, example: Any, trial: Any) -> float:
            raise ProgramFailure("timeout", Failure("Timeout", "60 s passed", "--> 3 | while True: pass"))

        feedback = ran(failing, floor=-1)
        assert (feedback.error, feedback.score) == ("timeout", -1)
        assert "--> 3 |" in feedback.text

    def test_the_task_s_own_exception_names_its_line(self) -> None:
        def broken(program: Any, example: Any, trial: Any) -> float:
            return {}["answer"]

        feedback = ran(broken)
        assert feedback.error == "task"
        assert "KeyError: 'answer'" in feedback.text
        assert "test_task.py, line" in feedback.text
        assert 'return {}["answer"]' in feedback.text

    def test_exit_in_a_task_is_feedback(self) -> None:
        def leaving(program: Any, example: Any, trial: Any) -> float:
            raise SystemExit(3)

        assert ran(leaving).error == "task"

    @pytest.mark.parametrize("error", [BudgetExhausted("usd"), ExecutionError("worker"), TaskError("bad")])
    def test_what_ends_the_run_passes_through(self, error: Exception) -> None:
        def raising(program: Any, example: Any, trial: Any) -> float:
            raise error

        with pytest.raises(type(error)):
            ran(raising)

    def test_an_exhausted_budget_passes_through_a_program_that_swallows_it(self) -> None:
        def ask(request: Ask) -> Reply:
            raise BudgetExhausted("calls")

        def swallowing(program: Any, example: Any, trial: Any) -> float:
            try:
                trial.llm("hi")
            except BudgetExhausted:
                return 1.0
            return 0.0

        with pytest.raises(BudgetExhausted):
            ran(swallowing, handle=TrialHandle(spec(), ask=ask))


class TestModels:
    def test_llm_asks_what_was_given_and_gives_the_text(self) -> None:
        asked: list[Ask] = []

        def ask(request: Ask) -> Reply:
            asked.append(request)
            return Reply(["blue"])

        handle = TrialHandle(spec(), ask=ask)
        assert handle.llm("colour?", system="short", temperature=0.0, max_tokens=5) == "blue"
        assert [m["role"] for m in asked[0].messages] == ["system", "user"]
        assert (asked[0].temperature, asked[0].max_tokens) == (0.0, 5)

    def test_allm_awaits_together(self) -> None:
        running = most = 0

        async def aask(request: Ask) -> Reply:
            nonlocal running, most
            running += 1
            most = max(most, running)
            await asyncio.sleep(0.01)
            running -= 1
            return Reply([str(request.messages[-1]["content"])])

        async def both(program: Any, example: Any, trial: Any) -> Any:
            replies = await asyncio.gather(trial.allm("a"), trial.allm("b"))
            return float(replies == ["a", "b"]), ""

        assert ran(both, handle=TrialHandle(spec(), aask=aask)).score == 1.0
        assert most == 2

    def test_a_model_error_is_model_feedback_also_through_the_program(self) -> None:
        def ask(request: Ask) -> Reply:
            raise ModelError("the endpoint is down")

        def direct(program: Any, example: Any, trial: Any) -> float:
            return float(trial.llm("hi"))

        def through(program: Any, example: Any, trial: Any) -> float:
            try:
                trial.llm("hi")
            except ModelError as error:
                raise ProgramFailure("exception", Failure("ModelError", str(error))) from None
            return 1.0

        for function in (direct, through):
            feedback = ran(function, handle=TrialHandle(spec(), ask=ask))
            assert feedback.error == "model"
            assert "the endpoint is down" in feedback.text

    def test_a_trial_without_a_model_says_how_to_give_one(self) -> None:
        assert "model" in ran(lambda p, e, t: t.llm("hi")).text


class TestSplits:
    def test_card_tells_sizes_goal_and_floor(self) -> None:
        @task(train=range(3), validation=[1], floor=-1, calls=["act"])
        def game(program: Any, example: Any, trial: Any) -> float:
            """Win."""
            return 0.0

        card = game.card()
        assert card.sizes == {"train": 3, "validation": 1, "test": 0}
        assert (card.name, card.goal, card.floor, card.calls) == ("game", "Win.", -1.0, ["act"])

    @pytest.mark.parametrize("shape", ["tuple", "dict"])
    def test_a_loader_is_called_once_and_late(self, shape: str) -> None:
        calls: list[int] = []

        def load() -> Any:
            calls.append(1)
            return ([1, 2], [3], [4]) if shape == "tuple" else {"train": [1, 2], "test": [4]}

        loaded = made(lambda p, e, t: 1.0, train=load)
        assert not calls
        assert loaded.card().sizes["train"] == 2
        assert loaded.examples("test")[0] == 4
        assert calls == [1]

    @pytest.mark.parametrize(
        ("train", "words"),
        [
            ([], "no training example"),
            ("rows", "must be a list or a range"),
            ({"a": 1}, "must be a list or a range"),
            (iter([1]), "must be a list or a range"),
            (lambda: ([1], [2]), "must give"),
            (lambda: {"trian": [1]}, "'trian'"),
            (lambda: 1 / 0, "ZeroDivisionError"),
            (SimpleNamespace(iloc=1), "to_dict"),
        ],
    )
    def test_splits_that_cannot_be_are_told(self, train: Any, words: str) -> None:
        with pytest.raises(TaskError, match=words):
            made(lambda p, e, t: 1.0, train=train).card()

    def test_strata_are_classes_and_never_free_answers(self) -> None:
        classes = [{"target": "yes" if i % 2 else "no", "q": i} for i in range(6)]
        answers = [{"answer": f"number {i}", "q": i} for i in range(6)]
        assert made(lambda p, e, t: 1.0, train=classes).card().strata == {"train": ["no", "yes"] * 3}
        assert made(lambda p, e, t: 1.0, train=answers).card().strata == {}
        card = made(lambda p, e, t: 1.0, train=answers, label=lambda row: "even" if row["q"] % 2 == 0 else "odd").card()
        assert card.strata["train"] == ["even", "odd"] * 3
        with pytest.raises(TaskError, match="label='kind' failed"):
            made(lambda p, e, t: 1.0, train=answers, label="kind").card()

    def test_a_task_can_be_called_like_its_function(self) -> None:
        assert made(lambda p, e, t: e * 2)(None, 4, None) == 8  # type: ignore[arg-type]


class TestSteps:
    def test_without_steps_of_its_own_each_call_is_one(self) -> None:
        recorder = StepRecorder()
        recorder.called(["a"], "b", [Call("f", [])])
        recorder.called(["c"], "d")
        assert recorder.steps() == [Step(["a"], "b", None, [Call("f", [])]), Step(["c"], "d", None, [])]

    def test_steps_of_the_task_take_in_the_calls_before_them(self) -> None:
        recorder = StepRecorder()
        first: list[Call] = []
        recorder.called(1, 1, first)
        recorder.called(2, 2, [Call("g", [])])
        recorder.step("obs", "act", 1.0)
        recorder.called(3, 3, [Call("h", [])])
        first.append(Call("f", []))  # calls may arrive later
        assert [[c.function for c in s.calls] for s in recorder.steps()] == [["f", "g"], ["h"]]
        assert recorder.steps()[0] == Step("obs", "act", 1.0, [Call("f", []), Call("g", [])])

    def test_a_recorded_observation_does_not_change_any_more(self) -> None:
        recorder = StepRecorder()
        observation = {"a": [1]}
        handle = TrialHandle(spec(), recorder=recorder)
        handle.step(observation, 0)
        observation["a"].append(2)
        assert recorder.steps()[0].observation == {"a": [1]}

    def test_nothing_is_recorded_where_nothing_is_wanted(self) -> None:
        handle = TrialHandle(spec())
        handle.step(1, 2)
        assert not handle.recording


class Counter:
    """Counts to its seed; action 1 counts, 0 waits, anything else is refused."""

    def __init__(self) -> None:
        self.closed = False

    def reset(self, seed: int) -> dict[str, int]:
        self.at, self.goal = 0, seed
        return {"at": 0}

    def step(self, action: Any) -> Any:
        if action not in {0, 1}:
            raise InvalidAction(f"{action!r} is neither 0 nor 1")
        self.at += action
        return {"at": self.at}, float(action), self.at >= self.goal

    def close(self) -> None:
        self.closed = True


class TestEpisodes:
    def run(self, act: Any, *, env: Any = None, example: int = 3, **options: Any) -> tuple[Feedback, list[Step]]:
        env = env or Counter()
        game = episodes(lambda: env, **{"act": "act", "train": [example], "max_steps": 10, **options})
        recorder = StepRecorder()
        handle = TrialHandle(spec(), recorder=recorder)
        return game.run(SimpleNamespace(act=act), spec(), handle), recorder.steps()  # type: ignore[arg-type]

    def test_rewards_are_the_score_and_steps_are_recorded(self) -> None:
        feedback, steps = self.run(lambda obs: 1)
        assert feedback.score == 3
        assert "ended after 3 steps with a total score of 3" in feedback.text
        assert steps == [Step({"at": n}, 1, 1.0, []) for n in range(3)]

    def test_what_was_won_and_what_was_lost_are_told_apart(self) -> None:
        class Toll(Counter):
            def step(self, action: Any) -> Any:
                observation, _, over = super().step(action)
                return observation, 1.0 if action else -0.5, over

        turns = iter([1, 0, 1, 0, 0, 1])
        feedback, _ = self.run(lambda obs: next(turns), env=Toll())
        assert feedback.score == 1.5
        assert "a total score of 1.5 (3 won, 1.5 lost)." in feedback.text
        assert "won" not in self.run(lambda obs: 1)[0].text

    def test_the_step_limit_stops_an_episode(self) -> None:
        feedback, steps = self.run(lambda obs: 0)
        assert (feedback.score, len(steps)) == (0, 10)
        assert "step limit" in feedback.text

    def test_truncation_is_told(self) -> None:
        class Cut(Counter):
            def step(self, action: Any) -> Any:
                return ({"at": 0}, 1.0, False, True)

        assert "cut off after 1 steps" in self.run(lambda obs: 1, env=Cut())[0].text

    def test_an_invalid_action_is_feedback_that_names_it(self) -> None:
        feedback, steps = self.run(lambda obs: 1 if obs["at"] < 1 else "left", floor=-5)
        assert (feedback.error, feedback.score) == ("output", -5)
        assert "act gave an invalid action at step 2: 'left' is neither 0 nor 1" in feedback.text
        assert steps[-1].action == "left"

    def test_a_failing_program_leaves_the_step_it_failed_in(self) -> None:
        def act(obs: Any) -> int:
            if obs["at"] == 2:
                raise ProgramFailure("exception", Failure("ValueError", "no"))
            return 1

        feedback, steps = self.run(act)
        assert feedback.error == "exception"
        assert steps[-1] == Step({"at": 2}, None, None, [])

    def test_a_failure_gives_the_next_trial_a_new_environment(self) -> None:
        class Broken(Counter):
            def step(self, action: Any) -> Any:
                raise RuntimeError("worn out")

        made: list[Counter] = []

        def make() -> Counter:
            made.append(Broken() if not made else Counter())
            return made[-1]

        game = episodes(make, act="act", train=[2])
        program = SimpleNamespace(act=lambda obs: 1)
        assert game.run(program, spec(), TrialHandle(spec())).error == "task"  # type: ignore[arg-type]
        assert game.run(program, spec(), TrialHandle(spec())).score == 2  # type: ignore[arg-type]
        assert made[0].closed

    @pytest.mark.parametrize("arguments", [lambda obs: (obs["at"], 7), lambda obs: {"at": obs["at"], "extra": 7}])
    def test_an_observation_can_become_several_arguments(self, arguments: Any) -> None:
        seen: list[Any] = []
        self.run(lambda at, extra: seen.append((at, extra)) or 1, arguments=arguments)
        assert seen == [(0, 7), (1, 7), (2, 7)]

    def test_a_feedback_function_has_the_last_word(self) -> None:
        def judged(episode: Episode) -> Any:
            return episode.score / 10, {"steps": episode.steps, "text": "well"}

        feedback, _ = self.run(lambda obs: 1, feedback=judged)
        assert (feedback.score, feedback.text, feedback.metrics) == (0.3, "well", {"steps": 3.0})

    def test_a_trial_of_several_episodes_scores_their_mean_and_records_the_first(self) -> None:
        feedback, steps = self.run(lambda obs: 1 if obs["at"] < 3 else 0, repeats=3)
        _, alone = self.run(lambda obs: 1 if obs["at"] < 3 else 0)
        assert steps == alone
        assert "Over 3 episodes the mean score is" in feedback.text
        told: list[Episode] = []
        self.run(lambda obs: 1, repeats=3, feedback=lambda episode: told.append(episode) or episode.score)
        assert len(told[0].scores) == 3
        assert told[0].score == sum(told[0].scores) / 3

    def test_a_failure_in_a_later_episode_fails_the_trial(self) -> None:
        resets: list[int] = []

        class Third(Counter):
            def reset(self, seed: int) -> Any:
                resets.append(seed)
                return super().reset(seed)

        def act(obs: Any) -> int:
            if len(resets) == 3:
                raise ValueError("not today")
            return 1

        game = episodes(Third, act="act", train=[2], repeats=3)
        feedback = game.run(SimpleNamespace(act=act), spec(), TrialHandle(spec()))  # type: ignore[arg-type]
        assert feedback.error is not None
        assert resets == [2, 3, 4]

    def test_the_card_names_the_function_that_acts(self) -> None:
        assert episodes(Counter, act="policy", train=[1]).card().calls == ["policy"]


class TestStaged:
    STAGED = Staged("low {score}", (Stage(0, "middle", above=True), Stage(19, "high, {missing} left")), goal=21)

    @pytest.mark.parametrize(
        ("score", "text"),
        [(-5, "low -5"), (0, "low 0"), (0.5, "middle"), (18.9, "middle"), (19, "high, 2 left"), (22, "high, 0 left")],
    )
    def test_the_stage_a_score_has_reached_speaks(self, score: float, text: str) -> None:
        assert self.STAGED.text(score) == text


class TestLoad:
    def write(self, folder: Path, text: str, name: str = "task.py") -> Path:
        (folder / name).write_text(text, encoding="utf-8")
        return folder

    GOOD = (
        "import math\nfrom loopwright.tasks.task import Task, task\n"
        "@task(train=[1])\ndef qa(program, row, trial):\n    return 1.0\n"
    )

    def test_a_file_and_a_name(self, tmp_path: Path) -> None:
        assert load_task("task.py:qa", self.write(tmp_path, self.GOOD)).name == "qa"
        assert load_task("task.py", tmp_path).name == "qa"

    def test_a_file_finds_its_neighbours(self, tmp_path: Path) -> None:
        self.write(tmp_path, "N = 7\n", "near_by.py")
        self.write(tmp_path, self.GOOD.replace("1.0", "float(near_by.N)") + "import near_by\n")
        assert load_task("task.py:qa", tmp_path)(None, 1, None) == 7.0  # type: ignore[arg-type]

    def test_a_factory_takes_the_options(self, tmp_path: Path) -> None:
        text = self.GOOD + "def many(count=1):\n    return Task(lambda p, e, h: 1.0, train=range(count), name='m')\n"
        self.write(tmp_path, text)
        assert load_task("task.py:many", tmp_path, {"count": 4}).card().sizes["train"] == 4
        with pytest.raises(TaskError, match="count"):
            load_task("task.py:many", tmp_path, {"cuont": 4})
        with pytest.raises(TaskError, match="takes no options"):
            load_task("task.py:qa", tmp_path, {"count": 4})

    @pytest.mark.parametrize(
        ("text", "name", "words"),
        [
            (GOOD, "tsk.py:qa", "does not exist.*did you mean 'task.py'"),
            (GOOD, "task.py:qaa", "no 'qaa'.*did you mean 'qa'"),
            (GOOD, "task.py:math", "is module, not a task"),
            (GOOD, "no_such_package.tasks:qa", "no module 'no_such_package'"),
            ("x = lode()\n", "task.py:qa", "raised at import: NameError.*line 1"),
            ("def f(:\n", "task.py:qa", "raised at import: SyntaxError.*line 1"),
            ("import sys\nsys.exit(3)\n", "task.py:qa", "raised at import: SystemExit"),
            ("def qa(program, row, trial): return 1.0\n", "task.py:qa", "decorate it with @task"),
            ("def qa(): return 5\n", "task.py:qa", "gave int, not a task"),
            ("def qa(): raise ValueError('bad')\n", "task.py:qa", "ValueError: bad"),
            ("x = 1\n", "task.py", "holds 0 tasks"),
        ],
    )
    def test_what_cannot_be_loaded_is_told_in_a_sentence(
        self, text: str, name: str, words: str, tmp_path: Path
    ) -> None:
        self.write(tmp_path, text)
        with pytest.raises(TaskError, match=words) as caught:
            load_task(name, tmp_path)
        assert "\n" not in str(caught.value)
