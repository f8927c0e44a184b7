"""What the main process and its evaluator say to each other: tagged records, length-prefixed, typed on both sides."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from typing import Any, Generic, TypeVar

import msgspec

from loopwright.execution.protocol import Limits, Source, TaskCard
from loopwright.execution.sandbox import Walls
from loopwright.llm.protocol import Ask, Reply
from loopwright.trial import Trial, TrialSpec

T = TypeVar("T")

_LENGTH = struct.Struct("<I")


class Setup(msgspec.Struct, frozen=True, tag=True):
    """Main to the evaluator zygote: load this task. Answered by `Loaded` or `Failed`."""

    task: str
    root: str
    options: dict[str, object]
    limits: Limits
    visible: list[str]
    walls: Walls


class Fork(msgspec.Struct, frozen=True, tag=True):
    """Main to the zygote, with a socket and a tray: fork the worker of a slot, after ending the one it may have had.

    `sandbox` is the machine-wide number of the slot's sandbox. Answered by `Forked`.
    """

    slot: int
    sandbox: int


class End(msgspec.Struct, frozen=True, tag=True):
    """Main to the zygote: kill the worker of a slot, which does not answer or is at something nobody waits for."""

    slot: int


class Loaded(msgspec.Struct, frozen=True, tag=True):
    card: TaskCard


class Forked(msgspec.Struct, frozen=True, tag=True):
    """`ended` is the exit status (as `os.wait` gives it) of the slot's worker before this one, None where none died."""

    pid: int
    ended: int | None = None


class Failed(msgspec.Struct, frozen=True, tag=True):
    """`kind` is the class in `loopwright.errors` to raise, or "Exhausted" for the error which main itself gave."""

    kind: str
    message: str


class Run(msgspec.Struct, frozen=True, tag=True):
    """Main to a worker: a trial to run once its number is in the slot's tray (`worker`), or else to forget.

    Answered by `Began`, any number of `Asked`, and `Done` or `Failed`.
    """

    number: int
    source: Source
    spec: TrialSpec


class Began(msgspec.Struct, frozen=True, tag=True):
    """The sandbox is ready; the trial's clock starts now. Comes again where the trial has to start anew."""


class Asked(msgspec.Struct, frozen=True, tag=True):
    number: int
    ask: Ask


class Answered(msgspec.Struct, frozen=True, tag=True):
    number: int
    reply: Reply


class Refused(msgspec.Struct, frozen=True, tag=True):
    """A model call failed: "ModelError", or "BudgetExhausted", which ends the trial."""

    number: int
    kind: str
    message: str


class Done(msgspec.Struct, frozen=True, tag=True):
    trial: Trial


ToZygote = Setup | Fork | End
FromZygote = Loaded | Forked | Failed
ToWorker = Run | Answered | Refused
FromWorker = Began | Asked | Done | Failed


def packed(message: ToZygote | FromZygote | ToWorker | FromWorker) -> bytes:
    """A message as bytes for a stream."""
    body = msgspec.msgpack.encode(message)
    return _LENGTH.pack(len(body)) + body


class Unpacker(Generic[T]):
    """Collects bytes of a stream and gives the complete messages in them."""

    def __init__(self, kind: Any) -> None:
        self._decoder: msgspec.msgpack.Decoder[T] = msgspec.msgpack.Decoder(kind)
        self._data = bytearray()

    def feed(self, data: bytes) -> Iterator[T]:
        if not self._data and len(data) >= 4 and len(data) == 4 + _LENGTH.unpack_from(data)[0]:  # nearly always
            yield self._decoder.decode(memoryview(data)[4:])
            return
        self._data += data
        while len(self._data) >= 4:
            end = 4 + _LENGTH.unpack_from(self._data)[0]
            if len(self._data) < end:
                return
            body = bytes(self._data[4:end])
            del self._data[:end]
            yield self._decoder.decode(body)
