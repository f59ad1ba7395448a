"""What the operations share: their records, and their lock."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from send_ready import files
from send_ready.home import Lock


@contextmanager
def alone(home: Path) -> Iterator[None]:
    """Backup, restore and purge take turns."""
    busy = "Another backup, restore or purge is at work: waiting for it to end."
    with files.locked(home / Lock.OPERATIONS, lambda: print(busy, flush=True)):
        yield


def below(folder: Path) -> list[Path]:
    """Regular files at any depth, in order. What is hidden is a lock or half of something; links are made again."""
    found: list[Path] = []
    for path in sorted(folder.iterdir()) if folder.is_dir() else ():
        if path.name.startswith(".") or path.is_symlink():
            continue
        if path.is_dir():
            found += below(path)
        elif path.is_file():
            found.append(path)
    return found
