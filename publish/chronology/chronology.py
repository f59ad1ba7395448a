"""What stands in chronology.xlsx (Annex A 7.2): a sheet a child with what happened in two years, to be edited."""

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Any

from duckdb import CatalogException, DuckDBPyConnection

from publish.chronology import events
from publish.chronology.events import Event, Period, Wording, literals
from publish.excel import workbook
from publish.excel.workbook import Block, Column, Page
from send_ready.layout import council_or_number
from send_ready.runs import Run
from send_ready.words import short_date
from warehouse import run_data
from warehouse.run_data import STATES, Feed

NAME = "chronology.xlsx"
CONTENTS = "Contents"
RESERVED = (CONTENTS.casefold(), "history")  # the second is Excel's own
LONGEST = 31  # characters of a sheet's name
WIDTHS, CONTENTS_WIDTHS = (13, 24, 60, 40, 10, 42), (44, 13, 78, 40, 33)
NOTES = (
    "Each sheet is for a practitioner to edit: check it with what the services know, and add what no system holds.",
    "An event stands on the day on which its source dates it. Of what Capita One and the EHC Hub both hold, Capita "
    "One’s record counts, and the hub fills what it lacks.",
    "Days late: days beyond the time limit, 0 when in time; blank when there is no limit or no day to count from.",
    "Absence that began before the period and goes on in it is shown whole.",
    "These sheets hold personal data about children. Share them only by the means agreed for it.",
)


@dataclass(frozen=True)
class Entry:
    """An ID that was asked for: whose it is, if anybody's, and what to know about it."""

    asked: str
    person_id: str | None
    note: str | None
    sheet: str | None


def chronology(run: Run, unique_ids: Sequence[str], notified_on: date, path: Path) -> list[str]:
    """What to know of the IDs asked for; writes their chronologies from a run that is built, in seconds. See `write`.

    Raises RunError when the run has no finished warehouse, and LockedError when another program is writing it.
    """
    if not run.warehouse.exists():
        raise run_data.unfinished(run)
    try:
        with run_data.opened(run) as con:
            return write(path, con, run, unique_ids, notified_on)
    except CatalogException as error:
        raise run_data.unfinished(run) from error


def write(path: Path, con: DuckDBPyConnection, run: Run, unique_ids: Sequence[str], notified_on: date) -> list[str]:
    """What to know of the IDs, each named by its place; writes a sheet of contents and a sheet a child.

    `con` has the run's warehouse attached as `built`. Shown are the two years before the notification, that is
    (notified_on - 2 years, notified_on], and nothing after the run's as-at date. An ID that nobody has, or that is
    on neither list, is told; the others are written all the same.
    """
    period = Period(events.years_before(notified_on), min(notified_on, run.as_at))
    wording = Wording(con, run.as_at)
    entries, messages = _entries(con, unique_ids, run.as_at)
    people = [entry.person_id for entry in entries if entry.person_id]
    found = {
        person: [wording.event(row) for row in rows] for person, rows in events.of_people(con, people, period).items()
    }
    about = _people(con, people)
    feeds = run_data.feeds(con)
    titles = {feed.name: feed.title for feed in feeds}
    support = _support_known(feeds)
    pages = [
        Page(
            entry.sheet,
            f"Chronology of {entry.person_id}",
            [
                Block(
                    f"As at {short_date(run.as_at)}", _about(about[entry.person_id], wording, support), has_header=False
                ),
                _events_block(found.get(entry.person_id, []), period, titles),
            ],
            WIDTHS,
        )
        for entry in entries
        if entry.person_id and entry.sheet
    ]
    counts = [len(found.get(entry.person_id, [])) if entry.person_id else None for entry in entries]
    contents = _contents(con, run, entries, counts, wording, period, notified_on)
    workbook.write(path, "Chronologies of significant events", [contents, *pages])
    return [*messages, *_wording(wording)]


def _entries(con: DuckDBPyConnection, unique_ids: Sequence[str], as_at: date) -> tuple[list[Entry], list[str]]:
    """Each child once, in the order asked; and what to know about the IDs."""
    asked = [unique_id.strip() for unique_id in unique_ids]
    known = _known(con, asked)
    entries: list[Entry] = []
    places: dict[str, int] = {}
    taken = set(RESERVED)
    messages = [] if asked else ["No Unique ID was given: the workbook holds no child."]
    for place, unique_id in enumerate(asked, 1):
        person_id, is_listed = known.get(unique_id, (None, False))
        key = person_id or unique_id
        if key in places:
            note: str | None = f"The same child as number {places[key]}: written once."
        else:
            note = _note(unique_id, person_id, is_listed, as_at)
            places[key] = place
            entries.append(Entry(unique_id, person_id, note, person_id and sheet_name(person_id, taken)))
        if note:
            messages.append(f"Unique ID {place} of {len(asked)}: {note}")
    return entries, messages


def _known(con: DuckDBPyConnection, asked: Iterable[str]) -> dict[str, tuple[str, bool]]:
    """By Unique ID: whose it is, and whether on a list.

    Also by one given up when two records proved one child, and by the hub's own reference where it is no Unique ID.
    """
    rows = con.execute(
        f"""
        SELECT asked, arg_min(person_id, place), arg_min(is_on_list_1 OR is_on_list_2, place)
        FROM (
            SELECT person_id, person_id AS asked, 1 AS place FROM built.int.int_person_records__linked
            UNION ALL
            SELECT person_id, CASE source_system WHEN 'ehc_hub' THEN 'HUB-' WHEN 'social_care' THEN 'SC-'
                WHEN 'sen2' THEN 'SEN2-' ELSE '' END || source_id AS asked, 2 AS place
            FROM built.int.int_person_records__linked
            UNION ALL
            SELECT person_id, source_id AS asked, 3 AS place
            FROM built.int.int_person_records__linked WHERE source_system = 'ehc_hub'
        ) JOIN built.core.dim_person USING (person_id)
        WHERE asked IN ({literals(asked)})
        GROUP BY asked
        """
    ).fetchall()
    return {unique_id: (person_id, is_listed) for unique_id, person_id, is_listed in rows}


def _note(asked: str, person_id: str | None, is_listed: bool, as_at: date) -> str | None:
    if not asked:
        return "It is blank. Give the Unique ID of the child."
    if person_id is None:
        return "Nobody in the data has it. Check it against the first column of the lists, and ask again."
    notes = [] if person_id == asked else ["The child has another Unique ID; the first sheet shows it."]
    if not is_listed:
        notes.append(f"On neither list as at {short_date(as_at)}. Check that it is the child who was named.")
    return " ".join(notes) or None


def sheet_name(unique_id: str, taken: set[str]) -> str:
    """A name that Excel takes for a child's sheet, unlike those taken, to which it is added."""
    plain = re.sub(r"[\[\]:*?/\\\n\t]", "-", workbook.plain(unique_id) or "")[:LONGEST].strip("' ") or "Child"
    name, number = plain, 1
    while name.casefold() in taken:
        number += 1
        name = f"{plain[: LONGEST - len(str(number)) - 3]} ({number})"
    taken.add(name.casefold())
    return name


def _events_block(found: Sequence[Event], period: Period, titles: Mapping[str, str]) -> Block:
    heading = f"What happened {period}"
    if not found:
        nothing = [Column("", "text", ["No event of this child is recorded between these days."])]
        return Block(heading, nothing, has_header=False)
    table = [
        Column("Date", "date", [event.date for event in found]),
        Column("Event", "text", [event.kind.title for event in found]),
        Column("What happened", "text", [event.sentence for event in found]),
        Column("Source", "text", [f"{titles[event.source_feed]}, {event.source_record}" for event in found]),
        Column("Days late", "count", [event.days_late for event in found]),
        Column("Practitioner’s note", "text", [None] * len(found)),
    ]
    return Block(heading, table, is_edited=True)


def _people(con: DuckDBPyConnection, people: Iterable[str]) -> dict[str, dict[str, Any]]:
    """What a practitioner needs to know of each person as at D: neither name nor date of birth."""
    rows = run_data.rows(
        con,
        f"""
        SELECT person.person_id, person.age_years, person.death_date,
            coalesce(need.sen_type_code, need.sen_type_local, merged.hub_primary_need_code) AS need,
            plan.initial_plan_date, plan.updated_plan_date, plan.cease_date, plan.is_open AS has_plan,
            support.person_id IS NOT NULL AS has_support, home.person_id IS NOT NULL AS is_home_educated, schools
        FROM built.core.dim_person AS person
        JOIN built.int.int_persons__merged AS merged USING (person_id)
        LEFT JOIN (FROM built.core.fct_sen_need WHERE is_primary_need) AS need USING (person_id)
        LEFT JOIN (FROM built.core.fct_ehc_plan WHERE is_main_plan) AS plan USING (person_id)
        LEFT JOIN (
            SELECT DISTINCT person_id FROM built.core.fct_sen_provision WHERE is_open AND sen_provision_code = 'K'
        ) AS support USING (person_id)
        LEFT JOIN (SELECT DISTINCT person_id FROM built.core.fct_home_education WHERE is_open) AS home USING (person_id)
        LEFT JOIN (
            SELECT person_id, list(struct_pack(urn, establishment_name, annex_a_phase) ORDER BY is_main DESC) AS schools
            FROM built.core.fct_enrolment LEFT JOIN built.core.dim_establishment USING (urn)
            WHERE is_main OR is_subsidiary GROUP BY person_id
        ) AS schools USING (person_id)
        WHERE person.person_id IN ({literals(people)})
        """,
    )
    return {row["person_id"]: row for row in rows}


def _support_known(feeds: Sequence[Feed]) -> str:
    """What to say of a child without plan and SEN support: that there is neither, or that nobody can know."""
    plans = ("capita_one.ehc_plans", "ehc_hub.cases")
    missing = [] if any(run_data.feed_has_columns(feeds, name) for name in plans) else list(plans)
    if not run_data.feed_has_columns(feeds, "capita_one.sen_provision"):
        missing.append("capita_one.sen_provision")
    return (
        run_data.reason_not_known(feeds, [(name, None) for name in missing])
        if missing
        else "Neither EHC plan nor SEN support"
    )


def _about(person: Mapping[str, Any], wording: Wording, support: str) -> list[Column]:
    """The head of a child's sheet: labels and values."""
    age = "Not recorded" if person["age_years"] is None else str(person["age_years"])
    about = {
        "Unique ID": person["person_id"],
        "Age": f"{age}, died {short_date(person['death_date'])}" if person["death_date"] else age,
        "Primary need": wording.name("sen_type", person["need"]) or "Not recorded",
        "Plan": _plan(person) or support,
        "School": _schools(person),
    }
    return [Column("", "text", list(about)), Column("", "text", list(about.values()))]


def _plan(person: Mapping[str, Any]) -> str:
    parts = []
    if person["has_plan"]:
        parts.append(f"EHC plan issued {short_date(person['initial_plan_date'])}")
        if person["updated_plan_date"]:
            parts.append(f"amended {short_date(person['updated_plan_date'])}")
    elif person["cease_date"]:
        parts.append(f"EHC plan ceased {short_date(person['cease_date'])}")
    if person["has_support"]:
        parts.append("SEN support")
    return ", ".join(parts)


def _schools(person: Mapping[str, Any]) -> str:
    parts = [str(events.establishment(school)) for school in person["schools"] or ()]
    if person["is_home_educated"]:
        parts.append("home educated")
    return "; ".join(parts) or "None recorded"


def _contents(
    con: DuckDBPyConnection,
    run: Run,
    entries: Sequence[Entry],
    counts: Sequence[int | None],
    wording: Wording,
    period: Period,
    notified_on: date,
) -> Page:
    kinds = wording.kinds.values()
    behind = {feed for kind in kinds for feed in kind.source_feeds.split()} | {"gias.establishments"}
    feeds = [feed for feed in run_data.feeds(con) if feed.name in behind]
    states = [f"{STATES[feed.status]}. {feed.note}." if feed.note else STATES[feed.status] for feed in feeds]
    blocks = [
        Block(
            f"Events {period}: the two years before the notification of {short_date(notified_on)}",
            [
                Column("Asked for", "text", [entry.asked or None for entry in entries]),
                Column("Events", "count", counts),
                Column("What to know", "text", [entry.note for entry in entries]),
                Column("Unique ID", "text", [entry.person_id for entry in entries]),
                Column("Sheet", "text", [entry.sheet for entry in entries]),
            ],
        ),
        Block(
            f"The sources, as at {short_date(run.as_at)}",
            [
                Column("Feed", "text", [feed.title for feed in feeds]),
                Column("Data date", "date", [feed.data_date for feed in feeds]),
                Column("State", "text", states),
                Column("File", "text", [feed.file_name for feed in feeds]),
            ],
        ),
        Block(
            "How to read it",
            [Column("", "text", [*map(run_data.systems(con).said, NOTES), *_gaps(con, period, feeds)])],
            has_header=False,
        ),
        Block(
            "What counts as an event",
            [
                Column("Event", "text", [kind.title for kind in kinds]),
                Column("Days allowed", "count", [kind.days_allowed and int(kind.days_allowed) for kind in kinds]),
                Column("What its date is", "text", [kind.definition for kind in kinds]),
            ],
        ),
    ]
    place = council_or_number(run.la_code)
    return Page(CONTENTS, f"Chronologies of significant events, {place}", blocks, CONTENTS_WIDTHS)


def _gaps(con: DuckDBPyConnection, period: Period, feeds: Sequence[Feed]) -> Iterator[str]:
    """What is not known: feeds that never came, and what of the period the attendance export does not reach back to."""
    for feed in feeds:
        if not feed.was_ever_received:
            yield f"No export of {feed.title} has ever been received: what it would tell is not known."
    if not run_data.feed_has_columns(feeds, "ehc_hub.advice", "received_date") and run_data.feed_has_columns(
        feeds, "ehc_hub.advice"
    ):
        yield "The export of advice does not say what was received: what is still awaited is not known."
    [(first,)] = con.execute("SELECT min(week_commencing_date) FROM built.core.fct_attendance_week").fetchall()
    if first is None:
        yield "There is no attendance, so no absence is shown."
    elif first > period.since:
        yield f"Attendance begins with the week of {short_date(first)}: absence before it is not known."


def _wording(wording: Wording) -> Iterator[str]:
    for kind in wording.kinds.values():
        for name in kind.unknown_names:
            yield (
                f"event_types.csv: the sentence of {kind.name} names {{{name}}}, which no event has, so it stands as "
                f"it is. It may name {', '.join(sorted(events.NAMES))}."
            )
