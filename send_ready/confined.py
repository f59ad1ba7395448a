"""Paths that records name, and removal: both stay below SEND_HOME and never follow a link.

A record can be damaged, come out of somebody's archive, or be written by whoever wants a file read, overwritten or
gone. So a path or a name out of a record is used only as `below` gives it. What removes opens folder by folder, each
of them without following a link, so that nothing that is swapped meanwhile leads it elsewhere.
"""

import errno
import os
import re
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path, PurePosixPath

from send_ready.errors import RunError

OWN_FOLDER = 0o700
MOST_PARTS, LONGEST_PART = 32, 255  # of a path: no record of ours comes near
MEND = "Put the record back as the last backup has it, or look into how it came about."
SHOWN = 120  # characters of a path that is not believed
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC


class NotRemovedError(OSError):
    """Something could not be removed, or the path to it has a link. The text names it."""


def below(home: Path, name: object, record: object, place: re.Pattern[str] | None = None) -> Path:
    """The path below SEND_HOME that a record names, which is relative and has no link in it.

    `place` is the pattern of all paths that such a record may hold. It need not be there. Raises RunError, which names
    record and path, and touches nothing.
    """
    if not is_plain(name) or (place and not place.fullmatch(str(name))):
        what = printable_name(name)
        raise RunError(f"{record} names a path that no such record holds, {what}. It is not used. {MEND}")
    if link := first_link(home, str(name)):
        raise RunError(
            f"{record} names {printable_name(name)}, and {link} is a link. Links below {home} are not followed, nor is "
            "what they lead to touched. Put the folder itself in its place; one on another disk is mounted there."
        )
    return home / str(name)


def is_plain(name: object) -> bool:
    """Whether this is a relative path in its shortest form, without `..` and without control characters."""
    if not isinstance(name, str) or not name or name != str(PurePosixPath(name)) or not name.isprintable():
        return False
    parts = PurePosixPath(name).parts
    is_short = len(parts) <= MOST_PARTS and all(len(os.fsencode(part)) <= LONGEST_PART for part in parts)
    return is_short and not name.startswith("/") and parts != () and not {"..", "."} & {*parts}


def is_name(name: object) -> bool:
    """Whether this is a name in a folder, and no path."""
    return is_plain(name) and "/" not in str(name)


def first_link(home: Path, name: str) -> Path | None:
    """The first link on the path from a folder to something below it, itself included; None without one."""
    path = home
    for part in PurePosixPath(name).parts:
        path /= part
        if path.is_symlink():
            return path
    return None


def printable_name(name: object) -> str:
    """A path from an untrusted record, safe to print."""
    text = ascii(name)
    return text if len(text) <= SHOWN else f"{text[:SHOWN]}…"


@contextmanager
def opened(home: Path, folders: Sequence[str]) -> Iterator[int]:
    """A descriptor of a folder below another, opened without following a link. Raises OSError (ELOOP …)."""
    descriptor = os.open(home, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for part in folders:
            inner = os.open(part, _FOLDER, dir_fd=descriptor)
            os.close(descriptor)
            descriptor = inner
        yield descriptor
    finally:
        os.close(descriptor)


def remove(home: Path, name: str | PurePosixPath) -> None:
    """Remove a file or a folder with its contents, if it exists. Of a link, the link is removed and not its target.

    Folders that were closed, as those of a release, are opened to their owner first. Raises NotRemovedError, also
    where a folder on the way is a link; then nothing is touched.
    """
    *folders, last = PurePosixPath(name).parts
    with suppress(FileNotFoundError), _explained(home, name), opened(home, folders) as folder:
        _remove(folder, last)


def remove_tree(path: Path) -> None:
    """Remove a file or folder that lies in a trusted folder."""
    remove(path.parent, path.name)


def rename(home: Path, name: str | PurePosixPath, new_name: str) -> None:
    """Rename something within its folder. Raises NotRemovedError when the path to it has a link."""
    *folders, last = PurePosixPath(name).parts
    with _explained(home, name), opened(home, folders) as folder:
        os.rename(last, new_name, src_dir_fd=folder, dst_dir_fd=folder)


@contextmanager
def _explained(home: Path, name: str | PurePosixPath) -> Iterator[None]:
    try:
        yield
    except FileNotFoundError:
        raise
    except OSError as error:
        why = error.strerror or str(error)
        raise NotRemovedError(error.errno, f"it was not removed, {why}", str(home / name)) from error


def _remove(folder: int, name: str) -> None:
    try:
        found = os.stat(name, dir_fd=folder, follow_symlinks=False)
    except FileNotFoundError:
        return
    if not stat.S_ISDIR(found.st_mode):
        os.unlink(name, dir_fd=folder)
        return
    inner = _opened_to_its_owner(folder, name)
    try:
        with os.scandir(inner) as entries:
            names = [entry.name for entry in entries]
        for each in names:
            _remove(inner, each)
    finally:
        os.close(inner)
    os.rmdir(name, dir_fd=folder)


def _opened_to_its_owner(folder: int, name: str) -> int:
    inner = os.open(name, _FOLDER, dir_fd=folder)
    try:
        if stat.S_IMODE(os.fstat(inner).st_mode) & OWN_FOLDER != OWN_FOLDER:
            os.fchmod(inner, OWN_FOLDER)
    except OSError as error:
        if error.errno not in (errno.EPERM, errno.EROFS, errno.EOPNOTSUPP):  # then removing says what is in the way
            os.close(inner)
            raise
    return inner
