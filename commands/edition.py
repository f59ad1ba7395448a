"""`make board`: the SEND board's edition of a month, in this terminal, as the DAG send_board makes it."""

import re
from dataclasses import replace
from datetime import date, timedelta

from commands import night, play_dag
from send_ready import runs
from send_ready.settings import Settings, SettingsError

INCOMPLETE = 1


def run(settings: Settings, month: str | None, today: date) -> int:
    """Make the edition of a month (YYYY-MM; without one, of the month before today's). Exit status 0, 130 or 1.

    Raises RunError, before any work, when that month has one.
    """
    night.stoppable()
    settings = replace(settings, as_at=as_at(month, today))
    folder = settings.home / "out" / "board" / f"{settings.as_at:%Y-%m}"
    if folder.exists():
        raise runs.RunError(f"The edition of {settings.as_at:%B %Y} is frozen. To make it anew, move {folder} away.")
    try:
        with night.alone(settings.home):
            print(f"The board's edition of {settings.as_at:%B %Y}, as at {settings.as_at}, LA {settings.la_code}")
            night.fill_inbox(settings)
            this = runs.begin(settings)
            played = play_dag.play(settings, this, "send_board", {"as_at": this.as_at.isoformat()})
            if played.state("board") != "success":
                return INCOMPLETE
            print(f"It lies in {folder}, its public edition in public/.")
            return 0
    except KeyboardInterrupt:
        print("\nStopped. Nothing half-made is left; the same command starts again.", flush=True)
        return night.STOPPED


def as_at(month: str | None, today: date) -> date:
    """The last day of a month, but never after today. Raises SettingsError for what is no month, or is to come."""
    if not month:
        return today.replace(day=1) - timedelta(days=1)
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", month) or month > f"{today:%Y-%m}":
        raise SettingsError(f"MONTH={month} is not a month up to this one. Write it as YYYY-MM, such as 2026-10.")
    following = date.fromisoformat(f"{month}-28") + timedelta(days=4)
    return min(following.replace(day=1) - timedelta(days=1), today)
