"""Waiting for what comes sooner or later: a limit that only something that hangs meets, and that costs nothing else."""

import time
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

T = TypeVar("T")
ASKED, LET_GO = "Pausing task as AWAITING_INPUT.", "TaskInstance Finished: "  # in the log of Airflow's scheduler
KILLED = "Everything was killed."  # what a test adds to that log when it was: nobody is at work any more
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


def until_let_go(log: Path, run_id: str) -> None:
    """Wait until Airflow's scheduler knows, by its log, that the task which put the run's question has ended.

    Airflow 3.3.2 takes an answer sooner than that, and may then take the end of the asking for that of the answering:
    the answer is lost, and the question comes again. For how long depends on how busy the machine is.
    """

    def has_let_go() -> bool:
        lines = log.read_text(errors="replace").splitlines()
        of_it = [line for line in lines if (run_id in line and "task_id=approve" in line) or KILLED in line]
        asked = [place for place, line in enumerate(of_it) if ASKED in line]
        let_go = [place for place, line in enumerate(of_it) if LET_GO in line or KILLED in line]
        return bool(asked and let_go and let_go[-1] > asked[-1])

    until(f"the scheduler knows that {run_id} has asked", has_let_go, log, pause=0.3)
