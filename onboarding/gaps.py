"""What still stands between the files and right lists: which columns would be blank, for how many children, and why.

Counted in lists that were built of the draft in a trial; the reasons are told by the contract's columns that each
column of the lists is made of.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from duckdb import DuckDBPyConnection

from extract import contract as contracts
from extract.contract import Contract
from send_ready import database, runs
from send_ready.database import identifier, literal
from send_ready.runs import Run
from send_ready.settings import Settings
from warehouse import seeds

# Of each column of the lists, what it is made of: feed and column. Of several any one will do, unless all stand in one
# feed. tests/onboarding holds this to the columns of the lists and of the contracts.
BEHIND: Mapping[str, tuple[tuple[str, str], ...]] = {
    "unique_id": (("capita_one.students", "student_id"),),
    "upn": (("capita_one.students", "upn"),),
    "uln": (("capita_one.students", "uln"),),
    "birth_date": (("capita_one.students", "date_of_birth"),),
    "gender": (("capita_one.students", "sex"),),
    "ethnicity": (("capita_one.students", "ethnicity"),),
    "initial_plan_date": (("capita_one.ehc_plans", "initial_plan_date"),),
    "updated_plan_date": (("capita_one.ehc_plans", "current_plan_date"),),
    "last_review_date": (("capita_one.annual_reviews", "meeting_date"),),
    "primary_need": (("capita_one.sen_needs", "sen_type"), ("ehc_hub.cases", "primary_need")),
    "main_urn": (("capita_one.enrolments", "urn"), ("capita_one.ehc_plans", "named_urn")),
    "main_phase": (("capita_one.enrolments", "urn"), ("gias.establishments", "phase_code")),
    "subsidiary_phase": (("capita_one.enrolments", "enrolment_status"),),
    "elective_home_education": (("capita_one.home_education", "start_date"),),
    "suspension_count": (("capita_one.exclusions", "category"),),
    "permanent_exclusion_count": (("capita_one.exclusions", "category"),),
    "absence_pct": (("capita_one.attendance", "sessions_possible"),),
    "pupil_premium": (("capita_one.students", "pupil_premium"),),
    "known_to_social_care": (("social_care.involvements", "status"),),
    "social_care_team": (("social_care.involvements", "team"),),
    "disability": (("capita_one.students", "disability"),),
}
# Who stands on a list at all is told by these.
CHOSEN_BY = {
    "List 1": (("capita_one.ehc_plans", "initial_plan_date"), ("capita_one.students", "date_of_birth")),
    "List 2": (
        ("capita_one.sen_provision", "sen_provision"),
        ("capita_one.enrolments", "urn"),
        ("capita_one.enrolments", "enrolment_status"),
        ("gias.establishments", "la_code"),
    ),
}
# Blank for most children, as it should be.
RARELY = ("uln", "updated_plan_date", "subsidiary_phase", "social_care_team")


@dataclass(frozen=True)
class Gap:
    """One column of a list that is blank for some, or a list with nobody on it."""

    list_name: str
    header: str
    blank: int
    rows: int
    why: str


@dataclass(frozen=True)
class FeedFacts:
    """Of a feed in the trial: whether it was read, and by column how many of its rows have something there."""

    status: str
    reason: str
    rows: int
    missing: tuple[str, ...]
    filled: Mapping[str, int]
    unmapped: Mapping[str, int]  # by column, rows whose value no crosswalk has


def find_gaps(blanks: Sequence[tuple[str, str, str, int, int]], feeds: Mapping[str, FeedFacts]) -> list[Gap]:
    """The gaps of both lists, in their order. `blanks`: list, column name, header, blank rows, rows."""
    found = []
    empty = {name for name, *_, rows in blanks if not rows}
    for name in dict.fromkeys(each[0] for each in blanks):
        if name in empty:
            found.append(
                Gap(name, "(the whole list)", 0, 0, f"There is nobody on it: {_reasons(CHOSEN_BY[name], feeds)}")
            )
    for name, column, header, blank, rows in blanks:
        if name in empty or not blank:
            continue
        why = _reasons(BEHIND[column], feeds)
        if column in RARELY:
            why = f"for most children rightly blank; {why}"
        found.append(Gap(name, header, blank, rows, why))
    return found


def _reasons(behind: Sequence[tuple[str, str]], feeds: Mapping[str, FeedFacts]) -> str:
    return "; ".join(dict.fromkeys(_reason(feed, column, feeds) for feed, column in behind))


def _reason(feed: str, column: str, feeds: Mapping[str, FeedFacts]) -> str:
    facts = feeds.get(feed)
    if not facts or facts.status in ("missing", "unused", "absent"):
        return f"no file gives {feed}"
    if facts.status == "refused" or not facts.rows:
        return f"{feed} cannot be used: {facts.reason}" if facts.reason else f"{feed} cannot be used"
    if column in facts.missing:
        return f"{feed} has no column for {column}"
    filled = facts.filled.get(column, 0)
    said = f"{feed}, {column}: filled in {filled:,} of {facts.rows:,} rows"
    if unmapped := facts.unmapped.get(column, 0):
        said += f", of which {unmapped:,} hold a word that no crosswalk has"
    return said


def facts_of(run: Run, settings: Settings) -> dict[str, FeedFacts]:
    """What a trial's run says of each feed, by `source.feed`."""
    found = {}
    with database.scratch(threads=1) as con:
        for contract in contracts.load_all(settings):
            result = runs.feed_result(run, contract.id)
            if not result:
                found[contract.id] = FeedFacts("missing", "", 0, (), {}, {})
                continue
            reason = next((str(each["reason"]) for each in reversed(result["files"]) if each.get("reason")), "")
            filled: dict[str, int] = {}
            unmapped: dict[str, int] = {}
            if result["typed_path"]:
                filled, unmapped = _filled(con, run.home / result["typed_path"], contract, settings)
            found[contract.id] = FeedFacts(
                result["status"], reason, result["rows_accepted"], tuple(result["columns_missing"]), filled, unmapped
            )
    return found


def _filled(
    con: DuckDBPyConnection, path: Path, contract: Contract, settings: Settings
) -> tuple[dict[str, int], dict[str, int]]:
    """By column, the rows that have something there; and by coded column, those whose value no crosswalk has."""
    rows = f"read_parquet({literal(path)})"
    names = [column.name for column in contract.columns]
    counted = con.execute(f"SELECT {', '.join(f'count({identifier(name)})' for name in names)} FROM {rows}").fetchone()
    filled = dict(zip(names, counted or (), strict=True))
    unmapped = {}
    for column in contract.columns:
        if column.crosswalk:
            known = {row["local_value"].strip().lower() for row in seeds.rows(f"xwalk_{column.crosswalk}", settings)}
            values = con.execute(
                f"SELECT lower(trim({identifier(column.name)})), count(*) FROM {rows} "
                f"WHERE {identifier(column.name)} IS NOT NULL GROUP BY 1"
            ).fetchall()
            unmapped[column.name] = sum(count for value, count in values if value not in known)
    return filled, unmapped
