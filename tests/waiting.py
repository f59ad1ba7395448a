"""Waiting for what comes sooner or later: a limit that only something that hangs meets, and that costs nothing else."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
HANG = 300.0  # seconds: on the busiest machine, whatever comes has come by then


def until(what: str, true: Callable[[], T], log: Path | None = None, pause: float = 0.05) -> T:
    """What `true` gives once that is something; a hang fails with the end of the log, less the requests answered."""
    give_up = time.monotonic() + HANG
    while not (found := true()):
        if time.monotonic() > give_up:
            lines = log.read_text(errors="replace").splitlines() if log else []
            said = "\n".join(line for line in lines if "[http.access]" not in line)[-8000:]
            raise AssertionError(f"{what}: not in {HANG:.0f} s. {said}")
        time.sleep(pause)
    return found
