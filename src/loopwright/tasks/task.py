"""What is to be solved and how it is scored: `@task`, the `Task` it gives, and the `trial` its function is
handed.

All of this lives in the evaluator: the candidate never sees an example, an answer or a scorer. Environments
have a protocol of their own on top of this (`loopwright.tasks.episode`); reading examples from files is in
`loopwright.tasks.examples`. Not here: processes, limits and the program proxy (`loopwright.execution`).
"""

from __future__ import annotations

import inspect
import random
import traceback
from collections.abc import Awaitable, Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast, get_args

import msgspec

from loopwright import seeding
from loopwright.errors import BudgetExhausted, ExecutionError, ModelError, TaskError
from loopwright.execution.protocol import Program, TaskCard
from loopwright.feedback import Feedback
from loopwright.llm.protocol import Ask, Message, Reply, conversation
from loopwright.trace import Call, Step
from loopwright.trace.record import plain
from loopwright.trial import Split, TrialSpec

Examples = Sequence[Any]
# A loader gives (train, validation, test) or a dict with those names; it is called once, when first needed.
Loader = Callable[[], "tuple[Examples, Examples, Examples] | Mapping[str, Examples]"]
TaskFunction = Callable[[Any, Any, "TrialHandle"], object]
Label = str | Callable[[Any], object]

SPLITS: tuple[Split, ...] = get_args(Split)
LABEL_FIELDS = ("label", "target", "answer")
LABEL_LENGTH = 40


class StepRecorder:
    """The steps of one trial while it runs.

    The program proxy tells every call from the task into the program (`called`). A task that has steps of its
    own, such as an environment, tells those (`step`); each then takes in the traced calls made since the step
    before it. Where the task tells none, every call into the program is a step.
    """

    def __init__(self) -> None:
        self._turns: list[Step] = []
        self._own: list[tuple[int, Any, Any, float | None]] = []
        self._stopped = False

    def stop(self) -> None:
        """Take nothing more: what the task does from here on is not part of the trace."""
        self._stopped = True

    def called(self, observation: Any, action: Any, calls: list[Call] | None = None) -> None:
        """One call into the program: its arguments, its result, and the traced calls inside it.

        `calls` may be filled later, until `steps` is read. The values must be plain and not change any more.
        """
        if not self._stopped:
            self._turns.append(Step(observation, action, None, [] if calls is None else calls))

    def step(self, observation: Any, action: Any, reward: float | None = None) -> None:
        """One step of the task's own. Values are copied, and described where they are no plain data."""
        if not self._stopped:
            self._own.append((len(self._turns), plain(observation), plain(action), reward))

    def steps(self) -> list[Step]:
        """All steps so far. Calls into the program after the task's last own step are steps themselves."""
        if not self._own:
            return list(self._turns)
        steps: list[Step] = []
        start = 0
        for end, observation, action, reward in self._own:
            calls = [call for turn in self._turns[start:end] for call in turn.calls]
            steps.append(Step(observation, action, reward, calls))
            start = end
        return [*steps, *self._turns[start:]]


class TrialHandle:
    """`trial` in a task function: the example's place, seeded randomness, models, and the recording of steps.

    `seed`, `index` and `split` say which trial this is. `rng` is a `random.Random` of this trial alone. `begun` are
    the actions taken already in the episode that this trial goes on with, where it goes on with one.
    """

    def __init__(
        self,
        spec: TrialSpec,
        *,
        ask: Callable[[Ask], Reply] | None = None,
        aask: Callable[[Ask], Awaitable[Reply]] | None = None,
        recorder: StepRecorder | None = None,
    ) -> None:
        self.seed: int = spec.seed
        self.index: int = spec.index
        self.split: Split = spec.split
        self.begun: tuple[Any, ...] = spec.begun
        self.recorder = recorder
        self.failures: list[ModelError] = []
        self.exhausted: BudgetExhausted | None = None
        self._ask = ask
        self._aask = aask
        self._rng: random.Random | None = None

    @property
    def rng(self) -> random.Random:
        if self._rng is None:
            self._rng = seeding.generator(self.seed, "task")
        return self._rng

    @property
    def recording(self) -> bool:
        """Whether steps of this trial are kept; a task may skip making costly observations where they are
        not.
        """
        return self.recorder is not None

    def stop_recording(self) -> None:
        """Leave all that follows out of the trace, such as further episodes that only make the score surer."""
        if self.recorder is not None:
            self.recorder.stop()

    def step(self, observation: Any, action: Any, reward: float | None = None) -> None:
        """Record one step by hand; does nothing where the trial is not recorded."""
        if self.recorder is not None:
            self.recorder.step(observation, action, reward)

    def llm(
        self,
        prompt: str | Sequence[Message],
        *,
        system: str = "",
        temperature: float | None = None,
        max_tokens: int | None = None,
        schema: dict[str, object] | None = None,
        grammar: str | None = None,
    ) -> str:
        """The reply of the run's agent model, metered in the main process. Raises `ModelError`,
        `BudgetExhausted`.

        `schema` (JSON) and `grammar` (GBNF, as llama.cpp has it) constrain the reply where the model can do that; a
        reply that `max_tokens` cuts off may still be incomplete.
        """
        return self.ask(_request(prompt, system, temperature, max_tokens, schema, grammar)).text

    def ask(self, ask: Ask) -> Reply:
        """`llm` for a whole request, for what stands on it (`loopwright.judging`); its model is "" or `JUDGE`."""
        if self._ask is None:
            raise self._failed(ModelError("this trial has no model: give the run one with [agent] model"))
        try:
            return self._ask(ask)
        except ModelError as error:
            raise self._failed(error) from None
        except BudgetExhausted as error:
            self.exhausted = error
            raise

    async def allm(
        self,
        prompt: str | Sequence[Message],
        *,
        system: str = "",
        temperature: float | None = None,
        max_tokens: int | None = None,
        schema: dict[str, object] | None = None,
        grammar: str | None = None,
    ) -> str:
        """`llm` for async tasks; several may be awaited at once."""
        return (await self.aask(_request(prompt, system, temperature, max_tokens, schema, grammar))).text

    async def aask(self, ask: Ask) -> Reply:
        """`ask` for async tasks."""
        if self._aask is None:
            import asyncio

            return await asyncio.to_thread(self.ask, ask)
        try:
            return await self._aask(ask)
        except ModelError as error:
            raise self._failed(error) from None
        except BudgetExhausted as error:
            self.exhausted = error
            raise

    def _failed(self, error: ModelError) -> ModelError:
        self.failures.append(error)
        return error


class Task:
    """Examples in three splits, and how to run and score a program on one. Made by `@task` or `episodes`.

    Calling the task calls the plain function, so it can be tested like any other.
    """

    def __init__(
        self,
        function: TaskFunction,
        *,
        train: Examples | Loader,
        validation: Examples = (),
        test: Examples = (),
        goal: str = "",
        floor: float = 0.0,
        ceiling: float | None = None,
        label: Label | None = None,
        name: str | None = None,
        calls: Sequence[str] = (),
        continues: bool = False,
    ) -> None:
        self.function = function
        self.name = name or getattr(function, "__name__", type(function).__name__)
        self.goal = goal or inspect.cleandoc(getattr(function, "__doc__", None) or "")
        self.floor = float(floor)
        self.ceiling = None if ceiling is None else float(ceiling)
        if self.ceiling is not None and self.ceiling <= self.floor:
            raise self._error(f"its ceiling {self.ceiling:g} is not above its floor {self.floor:g}")
        self.label = label
        self.calls = tuple(calls)
        self.continues = continues  # whether the function goes on after `trial.begun`
        self._splits: dict[Split, Examples] | None = None
        self._loader: Loader | None = None
        if callable(train) and not isinstance(train, Sequence):
            if len(validation) or len(test):
                raise self._error("a loader gives all three splits; drop validation and test")
            self._loader = train
        else:
            given: dict[Split, object] = {"train": train, "validation": validation, "test": test}
            self._splits = {split: self._checked(split, given[split]) for split in SPLITS}

    def __call__(self, program: Any, example: Any, trial: TrialHandle) -> object:
        return self.function(program, example, trial)

    def examples(self, split: Split) -> Examples:
        """The examples of one split; loads them where they come from a loader."""
        if self._splits is None:
            assert self._loader is not None
            self._splits = self._load(self._loader)
        return self._splits[split]

    def card(self) -> TaskCard:
        """What the main process may know: sizes, strata, goal, floor and ceiling; no example. Raises `TaskError`."""
        sizes: dict[Split, int] = {split: len(self.examples(split)) for split in SPLITS}
        if not sizes["train"]:
            raise TaskError(f"task '{self.name}' has no training example; give train=... at least one")
        return TaskCard(
            name=self.name,
            sizes=sizes,
            goal=self.goal,
            floor=self.floor,
            ceiling=self.ceiling,
            strata=self._strata(),
            calls=list(self.calls),
            continues=self.continues,
        )

    def run(self, program: Program, spec: TrialSpec, handle: TrialHandle) -> Feedback:
        """Score `program` on the example that `spec` names.

        Whatever the program does, the feedback says it. Raises `TaskError` for a score under the floor or
        over the ceiling, or an example that does not exist, and lets `BudgetExhausted` and `ExecutionError` pass.
        """
        from loopwright.execution.program import ProgramFailure

        example = self._example(spec)
        try:
            value = self.function(program, example, handle)
            if inspect.isawaitable(value):
                value = _finish(value)
        except ProgramFailure as error:
            feedback = self._program_failed(error.kind, error.failure.type, error.failure.text(), handle)
        except (BudgetExhausted, ExecutionError, TaskError):
            raise
        except ModelError as error:
            feedback = Feedback.failed("model", f"a model call failed: {error}", floor=self.floor)
        except (Exception, SystemExit) as error:  # noqa: BLE001 - becomes the trial's "task" feedback
            feedback = Feedback.failed("task", told(error), floor=self.floor)
        else:
            feedback = self._judged(value)
        if handle.exhausted is not None:  # also where the program swallowed it
            raise handle.exhausted
        return feedback

    def _error(self, what: str) -> TaskError:
        return TaskError(f"task '{self.name}': {what}")

    def _judged(self, value: object) -> Feedback:
        feedback = Feedback.of(value, floor=self.floor)
        if feedback.error is not None:
            return msgspec.structs.replace(feedback, score=self.floor)
        # The last digit of a sum of rewards is no news.
        if feedback.score < self.floor - 1e-9 * max(1.0, abs(self.floor)):
            raise self._error(
                f"it gave the score {feedback.score:g}, under its floor {self.floor:g}, so a crash would look "
                f"better than an honest score; declare the lowest score: floor={feedback.score:g}"
            )
        if self.ceiling is not None and feedback.score > self.ceiling + 1e-9 * max(1.0, abs(self.ceiling)):
            raise self._error(
                f"it gave the score {feedback.score:g}, over its ceiling {self.ceiling:g}, at which there is nothing "
                f"left to mend; declare the highest score there is, or leave ceiling out where there is none"
            )
        return feedback

    def _program_failed(self, kind: Any, type_: str, text: str, handle: TrialHandle) -> Feedback:
        if kind == "exception" and handle.failures and type_.rpartition(".")[2] == "ModelError":
            return Feedback.failed("model", f"a model call failed: {handle.failures[-1]}", floor=self.floor)
        return Feedback.failed(kind, text, floor=self.floor)

    def _example(self, spec: TrialSpec) -> Any:
        examples = self.examples(spec.split)
        if not 0 <= spec.index < len(examples):
            raise TaskError(
                f"task '{self.name}' has no {spec.split} example {spec.index}; it has {len(examples)} of them"
            )
        return examples[spec.index]

    def _load(self, loader: Loader) -> dict[Split, Examples]:
        try:
            loaded = loader()
        except TaskError:
            raise
        except Exception as error:  # the user's loader failed: told as a TaskError
            raise self._error(f"loading its examples failed: {told(error)}") from error
        given: Sequence[object]
        if isinstance(loaded, Mapping):
            unknown = sorted(set(loaded) - set(SPLITS))
            if unknown:
                raise self._error(f"its loader gave a split '{unknown[0]}'; known: {', '.join(SPLITS)}")
            given = [loaded.get(split, ()) for split in SPLITS]
        else:
            given = cast("Sequence[object]", loaded)
            if not isinstance(given, tuple | list) or len(given) != 3:
                raise self._error("its loader must give (train, validation, test) or a dict of them")
        return {split: self._checked(split, part) for split, part in zip(SPLITS, given, strict=True)}

    def _checked(self, split: Split, part: object) -> Examples:
        if hasattr(part, "iloc"):  # a data frame has a length and brackets, but not of rows
            raise self._error(f"{split}= is a table; give its rows: table.to_dict('records')")
        fits = hasattr(part, "__len__") and hasattr(part, "__getitem__")
        if not fits or isinstance(part, str | bytes | Mapping):
            kind = type(cast("object", part)).__name__
            raise self._error(f"{split}= must be a list or a range of examples, not {kind}")
        return cast("Examples", part)

    def _strata(self) -> dict[Split, list[str]]:
        label = self.label
        if label is not None:
            return {split: [self._stratum(e, label) for e in self.examples(split)] for split in SPLITS}
        field = next((field for field in LABEL_FIELDS if _has(self.examples("train"), field)), None)
        if field is None:
            return {}
        strata: dict[Split, list[str]] = {}
        for split in SPLITS:
            examples = self.examples(split)
            labels = [str(example[field]) for example in examples] if _has(examples, field) else []
            short = all(len(text) <= LABEL_LENGTH for text in labels)
            # Free answers are no classes, and are nobody's business outside the evaluator.
            if labels and short and 2 * len(set(labels)) <= len(labels):
                strata[split] = labels
        return strata

    def _stratum(self, example: Any, label: Label) -> str:
        try:
            value = example[label] if isinstance(label, str) else label(example)
        except Exception as error:  # the user's label failed: told as a TaskError
            raise self._error(f"label={label!r} failed on an example: {told(error)}") from error
        return str(value)[:LABEL_LENGTH]


def task(
    *,
    train: Examples | Loader,
    validation: Examples = (),
    test: Examples = (),
    goal: str = "",
    floor: float = 0.0,
    ceiling: float | None = None,
    label: Label | None = None,
    name: str | None = None,
    calls: Sequence[str] = (),
) -> Callable[[TaskFunction], Task]:
    """Make a task of `fn(program, example, trial)`, plain or async.

    The function returns a `Feedback`, a float, or `(score, text or dict)`; higher is better. `train`,
    `validation` and `test` are sequences of any examples; or `train` is a function without arguments that
    gives all three, called when first needed. `goal` tells the optimizer what is wanted (the docstring unless
    given). `floor` is the lowest score there is, given to trials that fail; `ceiling` the highest, where there
    is one (1.0 for answers that are right or wrong): trials that have it need no mending, so their evidence is
    short. `label` (a field's name, or a function of an example) gives strata for stratified draws; by default
    the field label, target or answer where it holds classes. `calls` names the functions that a program must
    have.
    """

    def decorate(function: TaskFunction) -> Task:
        return Task(
            function,
            train=train,
            validation=validation,
            test=test,
            goal=goal,
            floor=floor,
            ceiling=ceiling,
            label=label,
            name=name,
            calls=calls,
        )

    return decorate


def told(error: BaseException) -> str:
    """An exception of the user's own code in one sentence: what, and the last line of theirs that it came
    from.
    """
    what = f"{type(error).__name__}: {error}" if str(error) else type(error).__name__
    if isinstance(error, SyntaxError):
        return f"{type(error).__name__}: {error.msg} ({Path(error.filename or '?').name}, line {error.lineno})"
    ours = str(Path(__file__).parent)
    frames = [f for f in traceback.extract_tb(error.__traceback__) if not f.filename.startswith((ours, "<frozen"))]
    if not frames:
        return what
    last = frames[-1]
    source = f": `{last.line}`" if last.line else ""
    return f"{what} ({Path(last.filename).name}, line {last.lineno}{source})"


def load_task(spec: str, root: Path, options: Mapping[str, Any] | None = None) -> Task:
    """The task that `spec` names: "task.py:qa" (a file under `root`) or "package.module:name". Raises
    `TaskError`.

    The name may also be a function or class that gives a `Task`; `options` are then its keyword arguments.
    """
    from loopwright.tasks.load import load

    return load(spec, root, options or {})


def _request(
    prompt: str | Sequence[Message],
    system: str,
    temperature: float | None,
    max_tokens: int | None,
    schema: dict[str, object] | None,
    grammar: str | None,
) -> Ask:
    # No model is named: the gateway puts in the run's agent model.
    messages = conversation(prompt, system)
    return Ask("", messages, temperature=temperature, max_tokens=max_tokens, schema=schema, grammar=grammar)


def _finish(value: Awaitable[object]) -> object:
    """Run an async task's awaitable to its end, on an event loop of its own."""
    import asyncio

    async def wait() -> object:
        return await value

    return asyncio.run(wait())


def _has(examples: Examples, field: str) -> bool:
    return len(examples) > 0 and all(isinstance(e, Mapping) and field in e for e in examples)
