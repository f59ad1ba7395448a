"""The inbox, from a distance: it may lie on a network drive that is slow, hangs, or goes away while it is read.

Whoever waits for a drive that hangs cannot be ended, not even by kill -9. So a child process does the looking and the
reading, and hands over what it finds. When nothing comes from it for PATIENCE seconds it is left behind, with nothing
of ours open, and the step goes on without it.
"""

import errno
import os
import signal
import stat
from collections.abc import Iterator
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, TypeVar

PATIENCE = 60.0  # seconds without a sign of life
CHUNK = 1 << 20  # bytes read at a time; each is a sign of life
Found = TypeVar("Found")


class Unsettled(Exception):
    """The file is still being written, or was replaced while it was read: left for the next run."""


class Unreadable(Exception):
    """A file or folder of the inbox, or all of it, cannot be read. The text says which and why."""

    def __init__(self, path: Path, error: OSError):
        super().__init__(f"{path}: {error.strerror}")
        self.path = path
        self.reason = error.strerror
        self.is_gone = error.errno == errno.ENOENT
        self.is_no_file = error.errno == errno.ENOTSUP


def list_files(inbox: Path) -> tuple[list[tuple[Path, os.stat_result]], list[Unreadable]]:
    """Every file in the inbox and its folders; and what cannot be looked at: links, maybe the inbox itself."""
    found: list[tuple[Path, os.stat_result]] = []
    unreadable: list[Unreadable] = []
    try:
        for path, about in _in_child(_walk(inbox), inbox):
            if isinstance(about, OSError):
                unreadable.append(Unreadable(path, about))
            else:
                found.append((path, about))
    except Unreadable as error:
        unreadable.append(error)
    return found, unreadable


def read_pieces(path: Path) -> Iterator[Any]:
    """What the file is (os.stat_result), then its bytes, piece by piece: those of one version, from end to end.

    Raises Unreadable; and Unsettled when the file was replaced or written to in the meantime, whatever its size and
    time of change say now.
    """
    return _in_child(_read(path), path)


def _walk(inbox: Path) -> Iterator[tuple[Path, os.stat_result | OSError]]:
    closed: list[OSError] = []
    for folder, folders, names in os.walk(inbox, onerror=closed.append):
        for path in (Path(folder, name) for name in (*folders, *names)):
            try:
                about = path.lstat()
            except OSError as error:
                yield path, error
            else:
                if stat.S_ISREG(about.st_mode):
                    yield path, about
                elif not stat.S_ISDIR(about.st_mode):
                    yield path, OSError(errno.ENOTSUP, "It is a link, a pipe or the like")
    yield from ((Path(error.filename), error) for error in closed)


def _read(path: Path) -> Iterator[os.stat_result | bytes]:
    with open(os.open(path, os.O_RDONLY | os.O_NOFOLLOW), "rb") as file:
        before = os.fstat(file.fileno())
        yield before
        count = 0
        while piece := file.read(CHUNK):
            count += len(piece)
            if count > before.st_size:
                raise Unsettled  # it may grow as fast as it is read, and fill the disk
            yield piece
        versions = {_identity(about) for about in (before, os.fstat(file.fileno()), path.lstat())}
        if count != before.st_size or len(versions) > 1:
            raise Unsettled


def _identity(about: os.stat_result) -> tuple[int, ...]:
    """What cannot all stay the same when a file is replaced or written to: nobody can set `ctime`."""
    return about.st_ino, about.st_size, about.st_mtime_ns, about.st_ctime_ns


def _in_child(items: Iterator[Found], where: Path) -> Iterator[Found]:
    """What an iterator gives when a child process iterates over it. Raises Unreadable, and what the iterator raises."""
    ours, theirs = Pipe(duplex=False)
    child = os.fork()
    if not child:
        _send_items(items, theirs)
    theirs.close()
    has_ended = False
    try:
        while not has_ended:
            if not ours.poll(PATIENCE):
                raise OSError(errno.ETIMEDOUT, f"It has not answered for {PATIENCE:.0f} seconds")
            item, error, has_ended = ours.recv()
            if error:
                raise error
            if not has_ended:
                yield item
    except EOFError:
        raise Unreadable(where, OSError(errno.EIO, "The process that read it was ended")) from None
    except OSError as error:
        raise Unreadable(where, error) from error
    finally:
        ours.close()
        if not has_ended:
            os.kill(child, signal.SIGKILL)
        os.waitpid(child, 0 if has_ended else os.WNOHANG)


def _send_items(items: Iterator[Any], pipe: Connection) -> None:
    """The child's whole life. Nothing else stays open: a lock or a log held by one that hangs would hold up others."""
    try:
        nothing, mine = os.open(os.devnull, os.O_RDWR), pipe.fileno()
        for standard in (0, 1, 2):
            os.dup2(nothing, standard)
        os.closerange(3, mine)
        os.closerange(mine + 1, os.sysconf("SC_OPEN_MAX"))
        try:
            for item in items:
                pipe.send((item, None, False))
        except Exception as error:
            pipe.send((None, error, True))
        pipe.send((None, None, True))
    finally:
        os._exit(0)
