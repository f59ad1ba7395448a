"""The SEND board's edition of a month: its steps, and `make board`, which is all of them through Airflow."""

import re
from argparse import Namespace
from dataclasses import replace
from datetime import date, timedelta

from commands.steps import AMBER, run_in_force
from send_ready import runs
from send_ready.home import BOARD
from send_ready.settings import Settings, SettingsError, now
from send_ready.words import weekday_date

INCOMPLETE = 1


def chosen_day(given: Settings, options: Namespace) -> int:
    """Exit status 0 on the month's chosen working day, and when no day is given; else 99."""
    from inspection.clock import add_working_days

    if not options.day:
        return 0
    day = date.fromisoformat(options.day)
    chosen = add_working_days(day.replace(day=1) - timedelta(days=1), given.board_working_day)
    print(f"The board's edition is made on {weekday_date(chosen)}.")
    return 0 if day == chosen else AMBER


def board(given: Settings, options: Namespace) -> None:
    from publish import board

    run, in_force = run_in_force(given)
    for path in board.publish(options.public, run, in_force) if options.public else [board.freeze(run, in_force)]:
        print(path)


def edition(given: Settings, options: Namespace) -> int:
    """The exit status after the edition was made through Airflow: 0, 130 when it was stopped, else 1.

    Raises RunError, before any work, when that month has one.
    """
    from commands import night, play_dag

    night.stoppable()
    settings = replace(given, as_at=end_of_month(options.month, now().date()))
    folder = settings.home / BOARD / f"{settings.as_at:%Y-%m}"
    if folder.exists():
        raise runs.RunError(f"The edition of {settings.as_at:%B %Y} is frozen. To make it anew, move {folder} away.")
    try:
        with night.one_at_a_time(settings.home):
            print(f"The board's edition of {settings.as_at:%B %Y}, as at {settings.as_at}, LA {settings.la_code}")
            night.fill_inbox(settings)
            this = runs.begin(settings)
            played = play_dag.play(settings, this, "send_board", {"as_at": this.as_at.isoformat()}, ["chosen-day", ""])
            if played.state("board") != "success":
                return INCOMPLETE
            print(f"It lies in {folder}, its public edition in public/.")
            return 0
    except KeyboardInterrupt:
        print("\nStopped. Nothing half-made is left; the same command starts again.", flush=True)
        return night.STOPPED


def end_of_month(month: str | None, today: date) -> date:
    """The last day of a month, but never after today. Raises SettingsError for what is no month, or is to come."""
    if not month:
        return today.replace(day=1) - timedelta(days=1)
    if not re.fullmatch(r"\d{4}-(0[1-9]|1[0-2])", month) or month > f"{today:%Y-%m}":
        raise SettingsError(f"MONTH={month} is not a month up to this one. Write it as YYYY-MM, such as 2026-10.")
    following = date.fromisoformat(f"{month}-28") + timedelta(days=4)
    return min(following.replace(day=1) - timedelta(days=1), today)
