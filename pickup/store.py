"""Where files come from, whichever protocol it speaks: what is there, and the bytes of one of them."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol

CONNECT = 20.0  # seconds to get a connection
SILENCE = 60.0  # seconds without a byte
PIECE = 1 << 18  # bytes read at a time


@dataclass(frozen=True)
class RemoteFile:
    """A file that a source has. Nothing in it is trusted: the name is whatever the other side calls it."""

    name: str  # without folders
    size: int | None = None  # in bytes; None where the other side does not say
    version: str = ""  # changes when the file does: its time or its tag; empty where the other side says neither
    modified: float | None = None  # seconds since 1970
    place: str = ""  # what `read` finds it by, where that is more than its name
    sha256: str | None = None  # as the other side says it


class Store(Protocol):
    """An open connection to a source."""

    settles: bool  # whether a file may be seen there while it is still written

    def listing(self) -> list[RemoteFile]:
        """The files there, also those that nobody wants. Raises Trouble."""

    def read(self, file: RemoteFile) -> Iterator[bytes]:
        """The bytes of a file, piece by piece, all of one version. Raises Trouble."""


def moment(seconds: float) -> str:
    """A time of change as a version, to the second: protocols differ in what they keep beyond."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(seconds))
