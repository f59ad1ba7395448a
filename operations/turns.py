"""Backup, restore and purge take turns."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from send_ready import files
from send_ready.home import Lock


@contextmanager
def one_at_a_time(home: Path) -> Iterator[None]:
    """Hold the lock of backup, restore and purge for a block, after waiting for another to end."""
    busy = "Another backup, restore or purge is at work: waiting for it to end."
    with files.locked(home / Lock.OPERATIONS, lambda: print(busy, flush=True)):
        yield
