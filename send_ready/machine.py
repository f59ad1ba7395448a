"""What the machine refuses: room, memory, or leave to read and write. Told in one way, whoever met it."""

import errno
import os
from pathlib import Path

from send_ready import disk, private

NUMBERS = (errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO, errno.ESTALE, errno.ENOTCONN, errno.ETIMEDOUT,
           errno.EHOSTDOWN, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ELOOP, errno.ENAMETOOLONG)  # fmt: skip
WORDS = tuple(map(os.strerror, NUMBERS))
MEMORY = ("Out of Memory Error", os.strerror(errno.ENOMEM))  # as DuckDB and dbt say it, and the system
STAYS = "What had landed and what is published stay as they were."


def refused(error: BaseException, home: Path) -> str | None:
    """What to tell when the machine is behind an error, and what to do; None when it is something else."""
    return disk.full(error, home) or _memory(error) or _file(error, home)


def _memory(error: BaseException) -> str | None:
    is_short = any(
        isinstance(each, MemoryError) or any(words in str(each) for words in MEMORY) for each in disk.causes(error)
    )
    return (
        f"There is not enough memory. {STAYS} Close other programs, or raise the limit that this one was given; then "
        "run this step again."
        if is_short
        else None
    )


def _file(error: BaseException, home: Path) -> str | None:
    said = next((words for each in disk.causes(error) if (words := _words(each))), None)
    return (
        f"{said}. {STAYS} Let user {os.geteuid()}, who runs this, read and write all of {home}, or have its disk seen "
        "to; then run this step again."
        if said
        else None
    )


def _words(error: BaseException) -> str | None:
    """Which file, and why; of DuckDB's errors the kind and the path, and no value."""
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}" if error.filename and error.errno in NUMBERS else None
    is_of_files = "IO Error" in str(error) and any(words in str(error) for words in WORDS)
    return private.kinds(str(error)) if is_of_files else None
