"""One year's SEN2 return as something that is approved and released, as the lists of a call are.

out/sen2/<survey year>/        one return
    request.json               when it was first asked for, its survey day, its versions and the run of each
    v1/, v2/ …                 frozen versions, as their approvers saw them
    released/v1/ …             what was approved, to be uploaded to COLLECT
out/sen2/release_log.jsonl     every decision about every return
out/rehearsals/                the same for rehearsals: nothing there counts as released
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import Path
from typing import Any

from inspection import release_log
from inspection.notification import Releasable
from send_ready import sen2
from send_ready.home import SEN2
from send_ready.runs import RunError
from send_ready.settings import FIRST_SEN2, LAST_SEN2, LONDON, Settings
from send_ready.words import long_date, short_date

KIND = "sen2_return"
END_OF_DAY = time(23, 59)  # DfE names a day


@dataclass(frozen=True)
class Return(Releasable):
    """The return of one survey year, with its days as they are on record."""

    DAG = "sen2_return"
    ROOT = SEN2
    THESE = "this return"
    WERE_DUE = "the return was due"
    AGAIN = "trigger sen2_return for the same year."

    home: Path
    year: int
    survey_day: date
    due_day: date
    is_rehearsal: bool = False

    @property
    def key(self) -> str:
        return str(self.year)

    @property
    def due(self) -> datetime:
        return datetime.combine(self.due_day, END_OF_DAY, LONDON)

    @property
    def title(self) -> str:
        return f"SEN2 {self.year}, due on {short_date(self.due_day)}"

    @property
    def sentence(self) -> str:
        return f"SEN2 {self.year}, survey day {long_date(self.survey_day)}."

    def facts(self) -> dict[str, Any]:
        """The year, and its days."""
        days = {"survey_day": self.survey_day.isoformat(), "due_day": self.due_day.isoformat()}
        return {"kind": KIND, "survey_year": self.year, **days}

    def is_draft(self, as_at: date) -> bool:
        """Whether what is made as at a day is a draft: the survey day has not come by then."""
        return as_at < self.survey_day

    @property
    def serial(self) -> int:
        """The number of the next release of the year: one more than the release log has, removed ones included."""
        return next_serial(self.log, self.key)


@dataclass(frozen=True)
class ReturnParameters:
    """The parameters of a return, from Airflow's form, its API or the command line. No year: that of the as-at date."""

    year: int | None = None
    is_rehearsal: bool = False

    def of(self, settings: Settings, as_at: date) -> Return:
        """The return that the parameters are about, made as at a day.

        Raises RunError for a year that has no such return.
        """
        if self.year and not FIRST_SEN2 <= self.year <= LAST_SEN2:
            raise RunError(f"No SEN2 return of {self.year} is made here. Give a year from {FIRST_SEN2} to {LAST_SEN2}.")
        found = sen2.survey(self.year, settings) if self.year else _survey_at(as_at, settings)
        return Return(settings.home, found.year, found.survey_day, found.due_day, self.is_rehearsal)


def _survey_at(as_at: date, settings: Settings) -> sen2.Survey:
    """The survey whose due day is the first on or after a day."""
    coming = (sen2.survey(year, settings) for year in (as_at.year, as_at.year + 1))
    return next(each for each in coming if each.due_day >= as_at)


def parameters_from_json(text: str) -> ReturnParameters:
    """The parameters of a return, read from the DAG's parameters as JSON. Raises RunError when they are not usable."""
    try:
        given = json.loads(text)
        year = given.get("year")
        return ReturnParameters(int(year) if year else None, bool(given.get("rehearsal")))
    except (ValueError, TypeError, AttributeError):
        raise RunError(
            'SEND_REQUEST is not what a return needs. It is JSON, such as {"year": 2027}; on the command line say '
            "--year 2027 instead."
        ) from None


def from_record(home: Path, found: dict[str, Any]) -> Return:
    """The return that a record or manifest is about. Raises LookupError, TypeError or ValueError when it is of none."""
    if type(found["survey_year"]) is not int:
        raise TypeError
    days = date.fromisoformat(found["survey_day"]), date.fromisoformat(found["due_day"])
    return Return(home, found["survey_year"], *days, bool(found["is_rehearsal"]))


def next_serial(log: Path, key: str) -> int:
    """The serial number of the next release of a return: releases are counted, whatever became of them since."""
    of_key = (entry for entry in release_log.decisions(log) if entry["notification"] == key)
    return 1 + sum(bool(entry["decision"]["option"] == release_log.APPROVE) for entry in of_key)


def next_serial_of(home: Path) -> Callable[[int], int]:
    """What gives the serial number of the next release of a survey year's return."""
    return lambda year: next_serial(home / SEN2 / release_log.NAME, str(year))


def serial_in_words(number: int) -> str:
    """A serial number as the return has it, such as 001."""
    return f"{number:03}"
