"""Writing a candidate's texts into the user's own files as they are now. Nothing is written here: bytes and a diff."""

from __future__ import annotations

from collections.abc import Mapping

import msgspec

from loopwright.artifact.artifact import Artifact, ArtifactData
from loopwright.artifact.candidate import Candidate, diff
from loopwright.artifact.edit import EditError
from loopwright.errors import ArtifactError


class Applied(msgspec.Struct, frozen=True):
    """`files` are the files that change, with their new bytes; `diff` shows it. `notes` has one sentence for each
    parameter whose text is no longer the one that the run started from."""

    files: dict[str, bytes]
    diff: str
    notes: list[str] = []


def apply_texts(candidate: Candidate, current: Mapping[str, bytes]) -> Applied:
    """The user's files with the candidate's texts.

    `current` has, by the artifact's names, the bytes of its files as they are now. Only parameters that the run changed
    are written. Raises `ArtifactError` where a file or a parameter is gone, or the text no longer fits.
    """
    artifact = candidate.artifact
    start = artifact.start
    changed = {name: text for name, text in candidate.texts.items() if text != start.texts[name]}
    wanted = {parameter.file for parameter in artifact.parameters if parameter.name in changed}
    gone = sorted(wanted - set(current))
    if gone:
        raise ArtifactError(f"the file {gone[0]} is no longer there; restore it, or apply to the folder that has it")
    if not changed:
        return Applied({}, "")
    looked = [name for name in artifact.sources if name in current]
    now = Artifact.from_data(ArtifactData({name: current[name] for name in looked}, list(changed)))
    notes = [
        f"{parameter.what} in {parameter.file} is not as it was when the run started; its text is replaced all the same"
        for parameter in now.parameters
        if parameter.text not in {start.texts[parameter.name], changed[parameter.name]}
    ]
    different = {name: text for name, text in changed.items() if text != now.parameter(name).text}
    if not different:
        return Applied({}, "", notes)
    try:
        files = now.start.edit(different).files()
    except EditError as error:
        raise ArtifactError(f"the files have changed since the run started: {error.reason}") from None
    new = {name: content for name, content in files.items() if content != current[name]}
    return Applied(new, diff(current, {**current, **new}), notes)
