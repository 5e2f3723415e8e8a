"""Files of named data sets: found on this machine, or fetched once from where they come from.

This is the only place that connects to anything, and only for a data set that was asked for.
"""

from __future__ import annotations

import hashlib
import http.client
import os
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from zoo.errors import InputError
from zoo.files import building, put
from zoo.progress import Progress

SYSTEM = Path("/usr/share/datasets")  # where Debian's packages put theirs
BLOCK = 1 << 20
TIMEOUT = 30  # seconds without a byte


@dataclass(frozen=True)
class Remote:
    """One file of a named data set.

    Attributes:
        url: where it comes from; it ends in the file's name.
        hashes: its sha256 or, where that is all that is published, md5 in hexadecimal, and those
            of other packings of the same content.
    """

    url: str
    hashes: tuple[str, ...]

    @property
    def name(self) -> str:
        """The file's name."""
        return self.url.rpartition("/")[2]


def home() -> Path:
    """Return the folder that zoo keeps files in: $ZOO_HOME, or ~/.zoo."""
    return Path(os.environ.get("ZOO_HOME") or Path.home() / ".zoo")


def obtain(dataset: str, remote: Remote) -> Path:
    """Return the path of a file of a data set: of a copy on this machine, or fetched now.

    Copies are looked for in $ZOO_MIRROR, the system's data sets and $ZOO_HOME, in this order, each
    time in a folder of the data set's name.

    Raises:
        InputError: it cannot be fetched, or its content is not what its hash says.
    """
    kept = home() / "datasets" / dataset / remote.name
    mirror = os.environ.get("ZOO_MIRROR")
    places = [Path(mirror) / dataset / remote.name] if mirror else []
    for path in (*places, SYSTEM / dataset / remote.name, kept):
        if path.exists():
            _refuse_other(path, remote, f"'{path}'")
            return path
    with building(kept) as new:
        _download(remote, dataset, new)
        _refuse_other(new, remote, f"What came from '{remote.url}'")
        put(new, kept)
    return kept


def _download(remote: Remote, dataset: str, path: Path) -> None:
    try:
        with (
            urllib.request.urlopen(remote.url, timeout=TIMEOUT) as answer,
            open(path, "wb") as file,
            Progress(f"Fetching {remote.url}", "MB") as progress,
        ):
            while block := answer.read(BLOCK):
                file.write(block)
                progress.advance(1)
    except (urllib.error.URLError, http.client.HTTPException, TimeoutError) as error:
        reason = getattr(error, "reason", error)
        raise InputError(
            f"The data set '{dataset}' is not on this machine, and {remote.url} could not be "
            f"fetched: {reason}. Expected a connection, or a copy. Try putting the file at "
            f"{home() / 'datasets' / dataset / remote.name}."
        ) from error


def _refuse_other(path: Path, remote: Remote, what: str) -> None:
    name = "sha256" if len(remote.hashes[0]) == 64 else "md5"
    digest = hashlib.new(name)
    with open(path, "rb") as file:
        while block := file.read(BLOCK):
            digest.update(block)
    if digest.hexdigest() not in remote.hashes:
        raise InputError(
            f"{what} has the {name} {digest.hexdigest()}; expected {remote.hashes[0]}, as it is "
            "published; try again, without that copy where there is one"
        )
