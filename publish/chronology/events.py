"""The events of named people (core.fct_event) in words, as dbt_project/seeds/spec/event_types.csv has them."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from duckdb import DuckDBPyConnection

from send_ready.database import literal
from send_ready.words import counted, short_date
from warehouse import run_data

YEARS = 2
OPTIONAL, VALUE = re.compile(r"\[([^\[\]]*)\]"), re.compile(r"\{(\w+)\}")
DATES = ("event_date", "end_date", "counted_from_date")
# What a sentence may name.
NAMES = {*DATES, "as_at_date", "code", "detail", "place", "session_count", "days", "week_count", "missed_pct"}
NAMES |= {"need_rank", "possible_count"}


@dataclass(frozen=True)
class Period:
    """The days whose events are shown: after `since`, up to and with `until`."""

    since: date
    until: date

    def __str__(self) -> str:
        return f"after {short_date(self.since)}, up to {short_date(self.until)}"


@dataclass(frozen=True)
class Kind:
    """One event type: what it is called, its wording, its limit in days and the feeds that hold it."""

    name: str
    title: str
    sentence: str
    code_set: str | None = None
    detail_set: str | None = None
    days_allowed: str | None = None
    source_feeds: str = ""
    definition: str | None = None

    @property
    def unknown_names(self) -> list[str]:
        """Names in the sentence that no event has a value for."""
        return sorted(set(VALUE.findall(self.sentence)) - NAMES)


@dataclass(frozen=True)
class Event:
    """One event of one person, in words."""

    date: date
    kind: Kind
    sentence: str
    source_feed: str
    source_record: str
    days_late: int | None


class Wording:
    """The wording in force, from a run's warehouse attached as `built`."""

    def __init__(self, con: DuckDBPyConnection, as_at: date) -> None:
        self.as_at = as_at
        kinds = con.execute(
            """
            SELECT event_type, kind.title, sentence, code_set, detail_set, days, source_feeds, definition
            FROM built.seeds.event_types AS kind LEFT JOIN built.seeds.statutory_limits USING (limit_name)
            ORDER BY sort_order::INTEGER
            """
        ).fetchall()
        self.kinds = {row[0]: Kind(*row) for row in kinds}
        names = con.execute("SELECT code_set, code, name FROM built.seeds.code_names").fetchall()
        self._names = {(code_set, code): name for code_set, code, name in names}

    def name(self, code_set: str | None, code: str | None) -> str | None:
        """A code in words; the code itself where no word is known."""
        return self._names.get((code_set or "", code or ""), code)

    def kind(self, event_type: str) -> Kind:
        """An event type; where a council's own event_types.csv has not got it, with the little that its name says."""
        title = event_type.replace("_", " ").capitalize()
        return self.kinds.get(event_type) or Kind(event_type, title, f"{title}.")

    def event(self, row: Mapping[str, Any]) -> Event:
        """An event of `of_people` in words."""
        kind = self.kind(row["event_type"])
        said = sentence(kind.sentence, self._values(kind, row))
        return Event(row["event_date"], kind, said, row["source_feed"], row["source_record"], row["days_late"])

    def _values(self, kind: Kind, row: Mapping[str, Any]) -> dict[str, str | None]:
        """The values of NAMES, as text."""
        sessions, possible, weeks, rank, missed = (
            row[name] for name in ("session_count", "sessions_possible_count", "week_count", "need_rank", "missed_pct")
        )
        return {name: row[name] and short_date(row[name]) for name in DATES} | {
            "as_at_date": short_date(self.as_at),
            "code": self.name(kind.code_set, row["code"]),
            "detail": self.name(kind.detail_set, row["detail"]),
            "place": establishment(row),
            "session_count": sessions and counted(sessions, "session"),
            "possible_count": possible and f"{possible:,} possible",
            "days": sessions and school_days(sessions),
            "week_count": weeks and counted(weeks, "week"),
            "missed_pct": missed and f"{missed.normalize():f}%",
            "need_rank": rank and str(rank),
        }


def of_people(con: DuckDBPyConnection, people: Iterable[str], period: Period) -> dict[str, list[dict[str, Any]]]:
    """Each person's events of a period, in order; a spell that goes on into the period counts."""
    found: dict[str, list[dict[str, Any]]] = {}
    for row in run_data.rows(
        con,
        f"""
        SELECT event.* REPLACE (coalesce(event.detail, closing.closing_reason) AS detail),
            school.establishment_name, school.annex_a_phase
        FROM built.core.fct_event AS event
        LEFT JOIN built.person_identifiable.closing_reasons AS closing USING (event_id)
        LEFT JOIN built.seeds.event_types AS kind USING (event_type)
        LEFT JOIN built.core.dim_establishment AS school USING (urn)
        WHERE event.person_id IN ({literals(people)})
            AND event.event_date <= {literal(period.until)}::DATE
            AND coalesce(event.end_date, event.event_date) > {literal(period.since)}::DATE
        ORDER BY event.event_date, kind.sort_order::INTEGER, event.event_id
        """,
    ):
        found.setdefault(row["person_id"], []).append(row)
    return found


def years_before(of: date) -> date:
    """The same day two years (YEARS) ago; of 29 February, 28 February."""
    is_leap_day = (of.month, of.day) == (2, 29)
    return of.replace(year=of.year - YEARS, day=28 if is_leap_day else of.day)


def sentence(template: str, values: Mapping[str, str | None]) -> str:
    """A wording with its values: a part in square brackets goes when a value in it is blank.

    A name without any value stands as it is, in its braces.
    """

    def part(match: re.Match[str]) -> str:
        return match[1] if all(values.get(name) for name in VALUE.findall(match[1])) else ""

    def value(match: re.Match[str]) -> str:
        return (values[match[1]] or "not recorded") if match[1] in values else match[0]

    return VALUE.sub(value, OPTIONAL.sub(part, template))


def establishment(school: Mapping[str, Any]) -> str | None:
    """An establishment by name and phase, or by its URN when GIAS does not hold it; None without a URN."""
    if not school["establishment_name"]:
        return school["urn"] and f"the establishment with URN {school['urn']}"
    phase = school["annex_a_phase"]
    return str(school["establishment_name"]) + (f" ({phase})" if phase else "")


def school_days(sessions: int) -> str:
    """Sessions as school days, two a day."""
    whole, half = divmod(sessions, 2)
    if not half:
        return counted(whole, "day")
    return f"{whole}½ days" if whole else "½ day"


def literals(texts: Iterable[str]) -> str:
    """Texts as the inside of an SQL list."""
    return ", ".join(map(literal, texts)) or "NULL"
