"""What the operations share: their records, their lock, and how a folder goes."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from send_ready import files

RECORDS = "records"  # under SEND_HOME: what was backed up, and what was removed
BACKUPS, PURGES = "backups.jsonl", "purges.jsonl"
OWN_FOLDER = 0o700


@contextmanager
def alone(home: Path) -> Iterator[None]:
    """Backup, restore and purge take turns."""
    busy = "Another backup, restore or purge is at work: waiting for it to end."
    with files.locked(home / "locks" / "operations", lambda: print(busy, flush=True)):
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


def remove_tree(folder: Path) -> None:
    """Remove a folder and what is below, also where released folders are closed."""
    for path in [folder, *(path for path in folder.rglob("*") if path.is_dir() and not path.is_symlink())]:
        path.chmod(OWN_FOLDER)
    shutil.rmtree(folder)
