"""Messages for faults of the machine: no disk space, no memory, no permission to read or write."""

import errno
import functools
import os
from collections.abc import Iterator
from pathlib import Path

from send_ready import disk, private, settings

NUMBERS = (errno.EACCES, errno.EPERM, errno.EROFS, errno.EIO, errno.ESTALE, errno.ENOTCONN, errno.ETIMEDOUT,
           errno.EHOSTDOWN, errno.ENOTDIR, errno.EISDIR, errno.EEXIST, errno.ELOOP, errno.ENAMETOOLONG)  # fmt: skip
WORDS = tuple(map(os.strerror, NUMBERS))
MEMORY = ("Out of Memory Error", os.strerror(errno.ENOMEM))  # as DuckDB and dbt say it, and the system
LEAST_MEMORY = 700 * disk.MB  # without a setting, however little is free
STAYS = "What had landed and what is published stay as they were."


def refused(error: BaseException, home: Path) -> str | None:
    """The message about the fault of the machine that caused an error, with what to do; None for any other error."""
    return disk.full(error, home) or _memory(error) or _file(error, home)


@functools.cache  # a step tells of the limit that it worked with
def memory_limit() -> str:
    """DuckDB's memory limit in this process: SEND_MEMORY, else half of the free memory, at least 700 MB."""
    return f"{(settings.memory() or max(free_memory() // 2, LEAST_MEMORY)) // disk.MB}MB"


def free_memory() -> int:
    """The free memory in bytes, within the limits of a container."""
    with open("/proc/meminfo", encoding="ascii") as file:
        available = next(line.split()[1] for line in file if line.startswith("MemAvailable:"))
    return min([int(available) * 1024, *_group_limits(Path("/proc/self/cgroup"), Path("/sys/fs/cgroup"))])


def _group_limits(own: Path, groups: Path) -> Iterator[int]:
    """The limits, in bytes, of the control groups that a process is in: version 2, or the memory of version 1."""
    for line in own.read_text(encoding="utf-8").splitlines():
        _, controllers, place = line.split(":", 2)
        if controllers in ("", "memory"):
            top, name = (groups, "memory.max") if not controllers else (groups / controllers, "memory.limit_in_bytes")
            folder = top / place.lstrip("/")
            for each in (folder, *folder.parents):
                if each.is_relative_to(top) and (each / name).is_file():
                    limit = (each / name).read_text(encoding="ascii").strip()
                    if limit.isdecimal():  # version 2 says max for none, version 1 a number beyond any machine
                        yield int(limit)


def _memory(error: BaseException) -> str | None:
    is_short = any(
        isinstance(each, MemoryError) or any(words in str(each) for words in MEMORY) for each in disk.causes(error)
    )
    return (
        f"There is not enough memory: DuckDB may hold {memory_limit()} in this step, {_reason()}. {STAYS} Close other "
        "programs, or set SEND_MEMORY to more, such as 4GB; then run this step again."
        if is_short
        else None
    )


def _reason() -> str:
    return "as SEND_MEMORY says" if settings.memory() else "half of what was free when it began"


def _file(error: BaseException, home: Path) -> str | None:
    said = next((words for each in disk.causes(error) if (words := _words(each))), None)
    return (
        f"{said}. {STAYS} Let user {os.geteuid()}, who runs this, read and write all of {home}, or have its disk seen "
        "to; then run this step again."
        if said
        else None
    )


def _words(error: BaseException) -> str | None:
    """The file and the reason; of a DuckDB error the kind and the path, without any value."""
    if isinstance(error, OSError):
        return f"{error.filename}: {error.strerror}" if error.filename and error.errno in NUMBERS else None
    is_of_files = "IO Error" in str(error) and any(words in str(error) for words in WORDS)
    return private.kinds(str(error)) if is_of_files else None
