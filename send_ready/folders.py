"""Folders that are replaced in one move, so that a reader gets the whole old or the whole new one."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from send_ready import confined, files


@contextmanager
def replaced(target: Path) -> Iterator[Path]:
    """A new folder to fill, which replaces the target when the block ends without an error.

    Until then, and when the block fails or is cut off, the target stays as it was. Of a link in the target's place
    nothing is kept but what it leads to, which nobody touches. Where the file system cannot swap
    them in one move it takes two, and a replacement cut off between those is put right by the next one.
    """
    partial, previous = (target.with_name(f".{target.name}.{state}") for state in ("partial", "previous"))
    if previous.exists() and not (target.exists() or target.is_symlink()):
        previous.replace(target)
    for left_over in (partial, previous):
        confined.remove_tree(left_over)
    partial.mkdir(parents=True)
    yield partial
    files.flush(partial)
    if not (target.exists() or target.is_symlink()):
        partial.replace(target)
    elif not files.exchange(partial, target):
        target.replace(previous)
        partial.replace(target)
    for left_over in (partial, previous):
        confined.remove_tree(left_over)


def point(link: Path, target: Path) -> None:
    """Make a relative symbolic link, or turn it in one move, after the target was flushed to the disk.

    A folder in the link's place, as a copy leaves it that follows links, is kept beside it as `<name>.copy`.
    """
    files.flush(target)
    if link.is_dir() and not link.is_symlink():
        copy = link.with_name(f"{link.name}.copy")
        confined.remove_tree(copy)
        link.replace(copy)
    partial = link.with_name(f".{link.name}.partial")
    partial.unlink(missing_ok=True)
    partial.symlink_to(os.path.relpath(target, link.parent))
    partial.replace(link)
