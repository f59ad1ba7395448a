"""The message about a full disk, the same whether Python, DuckDB, dbt or Great Expectations reports it."""

import errno
import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

NUMBERS = (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
# As DuckDB and dbt pass the system's words on; DuckDB's own, when work that spills has no room; tempfile's.
WORDS = (*map(os.strerror, NUMBERS), "max_temp_directory_size", "No usable temporary directory")
MB = 1_000_000
LITTLE = 2 * MB  # what Airflow's log and database need for a single step


def full(error: BaseException, home: Path) -> str | None:
    """The message about the full disk or quota that caused an error; None for any other error.

    Names the free room of SEND_HOME's disk, and of the one for temporary files. The text of the error is left out.
    """
    return _sentence(home) if any(_is_full(each) for each in causes(error)) else None


def now(home: Path) -> str | None:
    """The message when the disk is full at this moment, for a process that could not even write its log."""
    room = os.statvfs(home)
    has_none = room.f_bavail * room.f_frsize < LITTLE or (room.f_files and not room.f_favail)
    return _sentence(home) if has_none else None


def free(folder: Path) -> int:
    """The free bytes on the disk of a folder, or of the nearest folder above it that exists."""
    room = os.statvfs(next(path for path in (folder, *folder.parents) if path.exists()))
    return room.f_bavail * room.f_frsize


def _sentence(home: Path) -> str:
    return (
        f"The disk is full: {_free(home)}, {_free(_temporary())}. What had landed and what is published stay as they "
        "were. Make room, and run this step again: it goes on from there."
    )


def causes(error: BaseException) -> Iterator[BaseException]:
    """An error and the errors that caused it."""
    behind: BaseException | None = error
    seen = set[int]()  # an error may be its own cause
    while behind and id(behind) not in seen:
        yield behind
        seen.add(id(behind))
        behind = behind.__cause__ or behind.__context__


def _is_full(error: BaseException) -> bool:
    by_number = isinstance(error, OSError) and error.errno in NUMBERS
    return by_number or any(words in str(error) for words in WORDS)


def _temporary() -> Path:
    """The folder for temporary files. tempfile would write to it to find it, which fails on a full disk."""
    return Path(tempfile.tempdir or "/tmp")  # noqa: S108


def _free(folder: Path) -> str:
    existing = next(path for path in (folder, *folder.parents) if path.exists())
    room = os.statvfs(existing)
    files = ", but no further file" if room.f_files and not room.f_favail else ""
    return f"{room.f_bavail * room.f_frsize / MB:,.1f} MB{files} are free for {folder}"
