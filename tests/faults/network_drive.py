"""A network drive that does as it is told: a FUSE mount of a folder, slow, mute or broken where its orders say so.

usage: python -m tests.faults.network_drive FOLDER MOUNTPOINT ORDERS

ORDERS is a JSON file, read again at each call: a list of objects with `call` (getattr, readdir, open or read), `name`
(a part of the path), `after` (bytes of the file that come as they should), and what then happens: `seconds` to wait,
`errno` to fail with, `bytes` to give at most.
"""

import errno
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.waiting import HANG

PROJECT = Path(__file__).resolve().parents[2]
FOR_EVER = 3600
STAT = ("st_atime_ns", "st_ctime_ns", "st_mtime_ns", "st_mode", "st_nlink", "st_size", "st_uid", "st_gid")


@dataclass
class Drive:
    """A drive that is connected. The files of `folder` are what it holds."""

    folder: Path
    mount: Path
    orders: Path
    server: subprocess.Popen[bytes]

    def obey(self, *orders: dict[str, Any]) -> None:
        """From now on, do this and nothing else."""
        partial = self.orders.with_suffix(".partial")
        partial.write_text(json.dumps(orders))
        partial.replace(self.orders)

    def cut(self) -> None:
        """The server dies: whoever waits for it, or asks it, gets an error."""
        self.server.kill()
        self.server.wait()

    def disconnect(self) -> None:
        """The mount goes, also while it is in use; the mount point is left, empty."""
        subprocess.run(["fusermount3", "-u", "-z", str(self.mount)], check=True)


def can_mount() -> bool:
    """Whether this machine lets anybody mount a folder of a program's; Debian's part for it is another question."""
    return os.access("/dev/fuse", os.R_OK | os.W_OK)


@contextmanager
def connected(folder: Path) -> Iterator[Drive]:
    """A drive in a folder, with nothing amiss yet."""
    held, mount, orders = (folder / name for name in ("held by the drive", "drive", "orders.json"))
    held.mkdir()
    mount.mkdir()
    orders.write_text("[]")
    command = [sys.executable, "-m", "tests.faults.network_drive", str(held), str(mount), str(orders)]
    with open(folder / "drive.log", "wb") as log:
        drive = Drive(held, mount, orders, subprocess.Popen(command, cwd=PROJECT, stdout=log, stderr=log))
    give_up = time.monotonic() + HANG
    while not os.path.ismount(mount):
        assert drive.server.poll() is None and time.monotonic() < give_up, (folder / "drive.log").read_text()
        time.sleep(0.02)
    try:
        yield drive
    finally:
        drive.cut()
        subprocess.run(["fusermount3", "-u", "-z", str(mount)], capture_output=True)


def serve(folder: str, mount: str, orders: str) -> None:
    """Be the drive until it is killed."""
    import mfusepy

    def in_force() -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = json.loads(Path(orders).read_text())
        return found

    class Obedient(mfusepy.Operations):  # type: ignore[misc]
        use_ns = True

        def _limit(self, call: str, path: str, offset: int = 0) -> int | None:
            """Do what is ordered for a call; gives how many bytes to hand over at most."""
            for order in in_force():
                if order["call"] == call and order.get("name", "") in path and offset >= order.get("after", 0):
                    give_up = time.monotonic() + order.get("seconds", 0)
                    while time.monotonic() < give_up and order in in_force():
                        time.sleep(0.05)
                    if number := order.get("errno"):
                        raise mfusepy.FuseOSError(number)
                    return order.get("bytes")
            return None

        def getattr(self, path: str, fh: int | None = None) -> dict[str, int]:
            self._limit("getattr", path)
            try:
                found = os.lstat(folder + path)
            except OSError as error:
                raise mfusepy.FuseOSError(error.errno or errno.EIO) from error
            return {name.removesuffix("_ns"): getattr(found, name) for name in STAT}

        def readdir(self, path: str, fh: int) -> list[str]:
            self._limit("readdir", path)
            return [".", "..", *os.listdir(folder + path)]

        def open(self, path: str, flags: int) -> int:
            self._limit("open", path)
            return os.open(folder + path, os.O_RDONLY)

        def read(self, path: str, size: int, offset: int, fh: int) -> bytes:
            limit = self._limit("read", path, offset)
            return os.pread(fh, size if limit is None else min(size, limit), offset)

        def release(self, path: str, fh: int) -> int:
            os.close(fh)
            return 0

    # Every call comes here: nothing is kept by the kernel, as a drive does that others write to.
    mfusepy.FUSE(Obedient(), mount, foreground=True, direct_io=True, attr_timeout=0, entry_timeout=0)


if __name__ == "__main__":
    serve(*sys.argv[1:])
