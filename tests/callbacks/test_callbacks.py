"""Callbacks hear everything once and in order, can stop a run, and can break nothing."""

from __future__ import annotations

import asyncio
import sys
import types
import warnings
from pathlib import Path
from typing import Any

import pytest

import loopwright as lw
from loopwright.callbacks import Callback, RunInfo, StopRun, make_callbacks
from loopwright.errors import SettingsError, TaskError
from loopwright.record import record
from loopwright.store import RunFolder
from loopwright.store.events import AnyEvent, Updated

AGENT = "def guess(x):\n    return 3 * x\n"
TASK = '''
import loopwright as lw

@lw.task(train=range(6), validation=range(6, 10), test=range(10, 15), floor=-1e9)
def times(program, x, trial):
    """Return four times x."""
    got = program.guess(x)
    return -abs(float(got) - 4 * x), f"wanted {4 * x}, got {got}"
'''


class Recorder(Callback):
    """Writes down every call."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.events: list[AnyEvent] = []
        self.steps: list[int] = []
        self.outcome: lw.Outcome | None = None
        self.info: RunInfo | None = None

    def on_begin(self, run: RunInfo) -> None:
        self.calls.append("begin")
        self.info = run

    def on_event(self, step: int, event: AnyEvent) -> None:
        self.calls.append("event")
        self.events.append(event)

    def on_update(self, step: int, updated: Updated, progress: Any) -> None:
        self.calls.append("update")
        self.steps.append(step)
        assert progress.step >= step

    def on_end(self, outcome: lw.Outcome | None) -> None:
        self.calls.append("end")
        self.outcome = outcome


class Stopper(Callback):
    """Has enough after three updates."""

    def on_update(self, step: int, updated: Updated, progress: Any) -> None:
        if step == 3:
            raise StopRun("three are enough")


class Broken(Callback):
    """Raises at the place it is told to."""

    def __init__(self, place: str) -> None:
        self.place = place
        self.calls = 0

    def _at(self, place: str) -> None:
        self.calls += 1
        if place == self.place:
            raise RuntimeError("my fault")

    def on_begin(self, run: RunInfo) -> None:
        self._at("begin")

    def on_event(self, step: int, event: AnyEvent) -> None:
        self._at("event")

    def on_update(self, step: int, updated: Updated, progress: Any) -> None:
        self._at("update")

    def on_end(self, outcome: lw.Outcome | None) -> None:
        self._at("end")


@pytest.fixture
def loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> lw.Loop:
    (tmp_path / "agent.py").write_text(AGENT)
    (tmp_path / "task.py").write_text(TASK)
    monkeypatch.chdir(tmp_path)
    return lw.Loop.of(
        {
            "task": "task.py:times",
            "artifact": {"path": "agent.py", "edit": ["guess"]},
            "evidence": {"batch": {"size": 2}},
            "optimizer": {"kind": "mutate"},
            "search": {"accept": "improve"},
            "budget": {"steps": 6, "failures": 50},
            "execution": {"isolation": "inline"},
        }
    )


def canonical(folder: str) -> list[tuple[int, int, str]]:
    journal = RunFolder(folder).journal(readonly=True)
    try:
        return journal.canonical()
    finally:
        journal.close()


def test_every_event_is_told_once_in_order_and_after_it_is_in_the_journal(loop: lw.Loop) -> None:
    class Reader(Recorder):
        def on_event(self, step: int, event: AnyEvent) -> None:
            super().on_event(step, event)
            kinds = [type(each).__name__ for each in self.events]
            assert len(canonical("run")) > len(kinds)  # the event itself, and the one that began the run

    told = Reader()
    outcome = lw.run(loop, "run", callbacks=[told])
    assert told.calls[0] == "begin"
    assert told.calls[-1] == "end"
    assert told.steps == [1, 2, 3, 4, 5, 6]
    assert len(told.events) == len(canonical("run")) - 1
    assert told.outcome == outcome
    assert told.info is not None
    assert (told.info.folder, told.info.loop, told.info.resumed) == (Path("run"), loop, False)
    assert told.info.card.sizes == {"train": 6, "validation": 4, "test": 5}


def test_a_run_that_goes_on_tells_only_what_is_new(loop: lw.Loop) -> None:
    lw.run(loop, "run", callbacks=[])
    told = Recorder()
    lw.resume("run", budget={"steps": 8}, callbacks=[told])
    assert told.steps == [7, 8]
    assert told.info is not None
    assert (told.info.step, told.info.resumed) == (6, True)


def test_a_callback_can_stop_a_run_which_then_ends_with_its_test(loop: lw.Loop) -> None:
    told = Recorder()
    outcome = lw.run(loop, "run", callbacks=[Stopper(), told])
    assert outcome.steps == 4  # the update after it had begun when it was told, and is finished
    assert "three are enough" in outcome.reason
    assert len(outcome.start_test) == 5
    assert told.outcome == outcome
    assert lw.resume("run").steps == 6


@pytest.mark.parametrize("place", ["begin", "event", "update", "end"])
def test_a_callback_that_raises_is_told_of_left_alone_and_costs_nothing(loop: lw.Loop, place: str) -> None:
    lw.run(loop, "plain")
    broken, told, notes = Broken(place), Recorder(), []
    with pytest.warns(RuntimeWarning, match="Broken failed and is not called again: RuntimeError: my fault"):
        lw.run(loop, "run", callbacks=[broken, told], listener=lambda _, progress: notes.append(progress.notes))
    assert canonical("run") == canonical("plain")
    assert told.calls.count("update") == 6
    assert told.calls[-1] == "end"
    if place in {"begin", "event"}:
        assert broken.calls <= 2
        assert any("my fault" in note for note in notes[-1])


def test_on_end_is_called_where_a_run_fails_too(loop: lw.Loop) -> None:
    told = Recorder()
    Path("task.py").write_text(TASK.replace("floor=-1e9", "floor=0"))  # the first score under it is an error
    with pytest.raises(TaskError):
        lw.run(loop, "run", callbacks=[told])
    assert told.calls[-1] == "end"
    assert told.outcome is None


def test_a_cancelled_run_tells_its_callbacks_and_can_go_on(loop: lw.Loop) -> None:
    told = Recorder()

    class Cancels(Callback):
        def on_update(self, step: int, updated: Updated, progress: Any) -> None:
            if step == 2:
                task = asyncio.current_task()
                assert task is not None
                task.cancel()

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(lw.run_async(loop, "run", callbacks=[Cancels(), told]))
    assert told.calls[-1] == "end"
    assert told.outcome is None
    assert lw.resume("run").steps == 6


# ------------------------------------------------------------------------------------------------------- by their name


def test_the_setting_log_names_writers_and_ones_own_classes(loop: lw.Loop, tmp_path: Path) -> None:
    (tmp_path / "mine.py").write_text(
        "from pathlib import Path\nfrom loopwright.callbacks import Callback\n\n\nclass Mine(Callback):\n"
        "    def on_update(self, step, updated, progress):\n        Path('seen').write_text(str(step))\n"
    )
    lw.run(lw.Loop.of({**loop.data(), "log": ["mine:Mine"]}), "run")
    assert Path("seen").read_text() == "6"
    lw.resume("run", budget={"steps": 7})
    assert Path("seen").read_text() == "7"


@pytest.mark.parametrize(
    ("name", "words"),
    [
        ("tensorbord", "did you mean 'tensorboard'"),
        ("nowhere:Thing", "cannot import"),
        ("pathlib:Path", "no class 'Path'"),
    ],
)
def test_a_wrong_name_is_one_sentence_before_anything_is_run(loop: lw.Loop, name: str, words: str) -> None:
    with pytest.raises(SettingsError, match=words):
        lw.run(lw.Loop.of({**loop.data(), "log": [name]}), "run")
    assert not Path("run/journal.db").exists() or canonical("run") == []


@pytest.mark.parametrize(
    ("name", "package"), [("tensorboard", "tensorboardX"), ("wandb", "wandb"), ("mlflow", "mlflow")]
)
def test_a_missing_package_names_what_to_install(monkeypatch: pytest.MonkeyPatch, name: str, package: str) -> None:
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(SettingsError, match=rf"pip install 'loopwright\[{name}\]'"):
        make_callbacks([name])


def test_tensorboard_files_hold_every_figure_of_every_update(loop: lw.Loop) -> None:
    pytest.importorskip("tensorboardX", reason="needs loopwright[tensorboard]")
    outcome = lw.run(loop, "run", callbacks=make_callbacks(["tensorboard"]))
    lw.resume("run", budget={"steps": 7}, callbacks=make_callbacks(["tensorboard"]))
    found = scalars(Path("run/tensorboard"))
    run = record("run")
    best = {step: value for name, step, value in found if name == "score/validation_best"}
    assert best == {each.step: pytest.approx(each.updated.best_score, rel=1e-6) for each in run.updates if each.updated}
    batch = {step: value for name, step, value in found if name == "score/batch"}
    assert batch == {each.step: pytest.approx(each.batch_score, rel=1e-6) for each in run.updates}
    test = [value for name, step, value in found if name == "score/test_best" and step == 6]
    assert test == [pytest.approx(sum(outcome.best_test) / 5, rel=1e-6)]


def scalars(folder: Path) -> list[tuple[str, int, float]]:
    """Every scalar in a folder of TensorBoard event files."""
    from tensorboardX.proto.event_pb2 import Event

    found: list[tuple[str, int, float]] = []
    for path in sorted(folder.iterdir()):
        data, at = path.read_bytes(), 0
        while at < len(data):
            length = int.from_bytes(data[at : at + 8], "little")  # then 4 bytes of checksum, the record, 4 more
            event = Event.FromString(data[at + 12 : at + 12 + length])
            at += 12 + length + 4
            found += [
                (value.tag, event.step, value.simple_value)
                for value in event.summary.value
                if value.WhichOneof("value") == "simple_value"
            ]
    return found


class FakeWandb(types.ModuleType):
    """As much of wandb as is used."""

    def __init__(self) -> None:
        super().__init__("wandb")
        self.begun: list[dict[str, Any]] = []
        self.logged: list[tuple[int, dict[str, float]]] = []
        self.summary: dict[str, Any] = {}
        self.finished: list[int] = []
        self.id = "abc123"

    def init(self, **options: Any) -> FakeWandb:
        self.begun.append(options)
        return self

    def log(self, figures: dict[str, float], step: int) -> None:
        self.logged.append((step, figures))

    def finish(self, exit_code: int) -> None:
        self.finished.append(exit_code)


def test_weights_and_biases_gets_one_run_that_goes_on(loop: lw.Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeWandb()
    monkeypatch.setitem(sys.modules, "wandb", fake)
    outcome = lw.run(loop, "run", callbacks=make_callbacks(["wandb"]))
    lw.resume("run", budget={"steps": 7}, callbacks=make_callbacks(["wandb"]))
    assert [each["id"] for each in fake.begun] == [None, "abc123"]
    assert fake.begun[0]["config"] == loop.data()
    assert [step for step, _ in fake.logged] == [1, 2, 3, 4, 5, 6, 7]
    assert all("score/validation_best" in figures for _, figures in fake.logged)
    assert fake.summary["best"] == outcome.best
    assert fake.finished == [0, 0]


class FakeMlflow(types.ModuleType):
    """As much of mlflow as is used."""

    def __init__(self) -> None:
        super().__init__("mlflow")
        self.params: dict[str, str] = {}
        self.metrics: list[tuple[str, str, int]] = []
        self.states: list[str] = []
        self.created = 0

    def MlflowClient(self) -> FakeMlflow:
        return self

    def get_experiment_by_name(self, name: str) -> None:
        return None

    def create_experiment(self, name: str) -> str:
        return "7"

    def create_run(self, experiment: str, run_name: str) -> Any:
        self.created += 1
        return types.SimpleNamespace(info=types.SimpleNamespace(run_id="run-1"))

    def log_param(self, run: str, name: str, value: str) -> None:
        assert name not in self.params, "mlflow refuses a parameter that changes"
        self.params[name] = value

    def log_metric(self, run: str, name: str, value: float, step: int) -> None:
        self.metrics.append((run, name, step))

    def update_run(self, run: str, status: str) -> None:
        self.states.append(status)

    set_terminated = update_run


def test_mlflow_gets_one_run_that_goes_on(loop: lw.Loop, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeMlflow()
    monkeypatch.setitem(sys.modules, "mlflow", fake)
    lw.run(loop, "run", callbacks=make_callbacks(["mlflow"]))
    lw.resume("run", budget={"steps": 7}, callbacks=make_callbacks(["mlflow"]))
    assert fake.created == 1
    assert fake.params["budget.steps"] == "6"
    assert [step for _, name, step in fake.metrics if name == "score/batch"] == [1, 2, 3, 4, 5, 6, 7]
    assert {run for run, _, _ in fake.metrics} == {"run-1"}
    assert fake.states == ["FINISHED", "RUNNING", "FINISHED"]


def test_without_callbacks_no_writer_is_imported() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        assert make_callbacks([]) == []
