"""A small finished run, written with DuckDB and JSON as extract/ and dbt leave it, for the tests of publish/."""

import tempfile
from collections.abc import Iterable, Mapping, Sequence
from datetime import date, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from publish.excel import items_book
from send_ready import database, files, issues, layout
from send_ready.runs import Run
from send_ready.settings import Settings
from tests.unit import sen2_tables

AS_AT = date(2026, 11, 16)
# What leads from a record to its child, and from a value without a code to the children whose records hold it.
LOOKED_UP = """
    CREATE TABLE int.int_person_records__linked (record_id VARCHAR, source_system VARCHAR, source_id VARCHAR,
        person_id VARCHAR);
    CREATE TABLE int.int_plans__unioned (plan_id VARCHAR, person_id VARCHAR, initial_plan_date DATE,
        current_plan_date DATE, named_urn VARCHAR, is_open BOOLEAN, is_main_plan BOOLEAN);
    CREATE TABLE int.int_persons__merged (person_id VARCHAR, death_date DATE);
    CREATE TABLE int.int_annex_a__persons (unique_id VARCHAR, compared_upn VARCHAR, capita_primary_need_code VARCHAR,
        hub_primary_need_code VARCHAR, hub_final_plan_issued_date DATE, hub_named_placement_urn VARCHAR,
        is_on_list_1 BOOLEAN, is_on_list_2 BOOLEAN);
    CREATE TABLE quality.quality_perhaps_missing (missing_no INTEGER, list_name VARCHAR, unique_id VARCHAR,
        record_id VARCHAR, feed VARCHAR, file_name VARCHAR, line_no BIGINT, reason VARCHAR, fix VARCHAR, owner VARCHAR,
        la_code VARCHAR, run_id VARCHAR);
    CREATE TABLE int.int_requests__merged (case_id VARCHAR, person_id VARCHAR);
    CREATE TABLE int.int_reviews__unioned (review_id VARCHAR, person_id VARCHAR, source_system VARCHAR);
    CREATE TABLE int.int_unmapped_codes__located (feed VARCHAR, column_name VARCHAR, crosswalk VARCHAR,
        local_value VARCHAR, person_id VARCHAR, record_count BIGINT);
    CREATE TABLE core.fct_exclusion (exclusion_id VARCHAR, person_id VARCHAR, la_code VARCHAR, run_id VARCHAR);
"""
TYPES = {"date": "DATE", "count": "INTEGER", "percentage": "DECIMAL(5,1)", "hours": "DOUBLE", "text": "VARCHAR"}
CHILD: dict[str, Any] = {
    "upn": "A999000000001",
    "uln": "1234567890",
    "birth_date": date(2012, 2, 29),
    "gender": "Male",
    "ethnicity": "WBRI",
    "initial_plan_date": date(2020, 1, 5),
    "last_review_date": date(2026, 3, 2),
    "primary_need": "ASD",
    "main_urn": "012345",
    "main_phase": "Primary",
    "elective_home_education": "No",
    "suspension_count": 0,
    "permanent_exclusion_count": 2,
    "absence_pct": 12.3,
    "pupil_premium": "Yes",
    "known_to_social_care": "No",
    "disability": "Unknown",
}
# As the yml of the models has them; `?` marks what may be blank.
KEYS: dict[str, dict[str, Any]] = {
    "core.dim_person": {"primary_key": ["person_id"]},
    "core.fct_exclusion": {"primary_key": ["exclusion_id"], "references": {"person_id": "dim_person"}},
    "quality.quality_perhaps_missing": {"primary_key": ["missing_no"]},
    "quality.quality_feeds": {"primary_key": ["source", "feed?"]},
}
FEEDS = (
    ("capita_one", "students", "Students", "fresh", AS_AT),
    ("capita_one", "ehc_plans", "EHC plans", "stale", AS_AT - timedelta(days=4)),
    ("ehc_hub", "cases", "EHC Hub cases", "refused", AS_AT - timedelta(days=1)),
    ("gias", "establishments", "GIAS establishments", "missing", None),
)


def settings(home: Path, **changes: Any) -> Settings:
    """Settings as a fresh clone has them, but for the changes."""
    given: dict[str, Any] = {
        "home": home,
        "inbox": home / "inbox",
        "la_code": "999",
        "code_style": "lettered",
        "config": None,
        "as_at": AS_AT,
        "run_id": None,
    }
    return Settings(**{**given, **changes})


def child(unique_id: str, **changes: Any) -> dict[str, Any]:
    """A row of a list: a complete child, but for the changes."""
    return {**CHILD, "unique_id": unique_id, **changes}


def issue(rule: str = "101a", severity: str = "error", **changes: Any) -> issues.Issue:
    """An issue of a list row, but for the changes."""
    given: dict[str, Any] = {
        "category": "List",
        "rule": rule,
        "severity": severity,
        "message": "Date of birth is blank.",
        "fix": "Capita One, Student details",
        "owner": "SEND team",
        "list_name": "List 1",
        "unique_id": "S1",
        "column_name": "Date of birth",
    }
    return issues.Issue(**{**given, **changes})


def finished_run(
    home: Path,
    run_id: str = "2026-11-16_a",
    list_1: Sequence[dict[str, Any]] = (),
    list_2: Sequence[dict[str, Any]] = (),
    found: Iterable[issues.Issue] = (),
    as_at: date = AS_AT,
    items: Mapping[str, Sequence[dict[str, Any]]] | None = None,
) -> Run:
    """A run folder with everything that publish/ reads. `items` are rows of the further items, by model."""
    run = Run(home, run_id, as_at, "999")
    for source, feed, _, status, day in FEEDS:
        _feed(run, source, feed, status, day)
    issues.write(run.issues("lists"), found)
    files.write_json(run.folder / "dbt" / "manifest.json", {"nodes": {name: _node(name) for name in KEYS}})
    run.warehouse.unlink(missing_ok=True)
    with database.writer(run.warehouse) as con:
        con.execute("BEGIN")  # one write to the disk, not one a statement
        for schema in ("raw", "seeds", "int", "core", "annex_a", "quality", "person_identifiable", "sen2"):
            con.execute(f"CREATE SCHEMA {schema}")
        con.execute(LOOKED_UP)
        returned = sen2_tables.persons({"surname": "Example", "upn": "A999000000001"})
        sen2_tables.create(con, {"person": returned}, run_id=run_id)
        con.execute(
            """
            CREATE TABLE raw.feeds (source VARCHAR, feed VARCHAR, status VARCHAR, is_stale BOOLEAN,
                was_ever_received BOOLEAN, data_date DATE, file_name VARCHAR, sha256 VARCHAR, rows_in_file BIGINT,
                rows_accepted BIGINT, rows_quarantined BIGINT, rows_duplicate BIGINT, stale_after_days BIGINT,
                owner VARCHAR, title VARCHAR, columns_missing VARCHAR, columns_besides VARCHAR,
                absent_reason VARCHAR)
            """
        )
        for source, feed, title, status, day in FEEDS:
            row = [source, feed, status, status != "fresh", day is not None, day, day and f"{source}_{feed}.csv", None]
            row += [10, 8, 1, 1] if day else [None] * 4
            con.execute(
                f"INSERT INTO raw.feeds VALUES ({', '.join('?' * 18)})",
                [*row, 1, "Capita One team", title, None, None, None],
            )
        con.execute(
            f"CREATE TABLE quality.quality_feeds AS SELECT *, '999' AS la_code, '{run_id}' AS run_id FROM raw.feeds"
        )
        columns = ", ".join(f"{name} {kind}" for name, kind in issues.COLUMNS.items())
        con.execute(f"CREATE TABLE quality.quality_issues ({columns}, la_code VARCHAR, run_id VARCHAR)")
        con.execute(
            "INSERT INTO quality.quality_issues BY NAME SELECT 'Mapping' AS category, 'M-01' AS rule, "
            "'error' AS severity, 'XX has no code.' AS message, 'xwalk_sex.csv' AS fix, 'Data team' AS owner, "
            "'capita_one.students' AS feed, 5 AS count, '999' AS la_code, ? AS run_id",
            [run_id],
        )
        con.execute("CREATE TABLE core.dim_person AS SELECT 'S1' AS person_id, '999' AS la_code, ? AS run_id", [run_id])
        con.execute("COMMENT ON TABLE core.dim_person IS 'One row a person'")
        con.execute("COMMENT ON COLUMN core.dim_person.person_id IS 'The person''s id'")
        for each, rows in zip(layout.lists(), (list_1, list_2), strict=True):
            _list(con, each, rows, run_id)
        for model, shown in items_book.item_columns().items():
            _item(con, model, shown, (items or {}).get(model, ()), run_id)
        con.execute("COMMIT")
    return run


def _node(name: str) -> dict[str, Any]:
    schema, model = name.split(".")
    return {
        "resource_type": "model",
        "name": model,
        "schema": schema,
        "alias": model,
        "config": {"meta": KEYS[name]},
    }


def _list(con: Any, each: layout.ListLayout, rows: Sequence[dict[str, Any]], run_id: str) -> None:
    columns = ", ".join(f"{column.column_name} {TYPES[column.kind]}" for column in each.columns)
    con.execute(f"CREATE TABLE {each.table} ({columns}, la_code VARCHAR, run_id VARCHAR)")
    values = [[*(row.get(column.column_name) for column in each.columns), "999", run_id] for row in rows]
    if values:
        written = ", ".join("(" + ", ".join(map(database.literal, row)) + ")" for row in values)
        con.execute(f"INSERT INTO {each.table} VALUES {written}")
    # What the rules look at, and issues.xlsx for the values of an issue.
    con.execute(f"""
        CREATE TABLE int.int_annex_a__{each.key}_frame AS
        SELECT * EXCLUDE (la_code, run_id), NULL::INTEGER AS age_years, NULL::VARCHAR AS upn_unknown_reason,
            NULL::VARCHAR AS setting_type
        FROM {each.table}""")


def _item(
    con: Any, model: str, shown: Sequence[items_book.ItemColumn], rows: Sequence[dict[str, Any]], run_id: str
) -> None:
    types = {column.column_name: TYPES.get(column.data_type, "VARCHAR") for column in shown}
    types |= dict.fromkeys(("phase_order", "cohort_order", "period_order", "group_order"), "INTEGER")
    columns = ", ".join(f"{name} {kind}" for name, kind in types.items())
    con.execute(f"CREATE TABLE annex_a.{model} ({columns}, la_code VARCHAR, run_id VARCHAR)")
    for row in rows:
        values = ", ".join(database.literal(value) for value in (*row.values(), "999", run_id))
        con.execute(f"INSERT INTO annex_a.{model} ({', '.join(row)}, la_code, run_id) VALUES ({values})")


@cache
def _quarantined(name: str) -> bytes:
    """The Parquet of one row of a file that was set aside."""
    with tempfile.NamedTemporaryFile(suffix=".parquet") as file, database.scratch() as con:
        con.execute(
            f"COPY (SELECT '{name}' AS file_name, 7::BIGINT AS line_no, 'key' AS kind, 'Date of Birth' AS column_name, "
            f"'is not a date' AS reason, 'SECRET' AS record) TO {database.literal(file.name)} (FORMAT parquet)"
        )
        return Path(file.name).read_bytes()


def _feed(run: Run, source: str, feed: str, status: str, day: date | None) -> None:
    quarantine = run.home / "typed" / run.run_id / f"{source}__{feed}.parquet"
    quarantine.parent.mkdir(parents=True, exist_ok=True)
    name = f"{source}_{feed}.csv"
    quarantine.write_bytes(_quarantined(name))
    counts = {"rows_in_file": 10, "rows_accepted": 8, "rows_quarantined": 1, "rows_duplicate": 1}
    used = {"file_name": name, "data_date": day and day.isoformat(), "sha256": "ab" * 32} if day else {}
    files.write_json(
        run.feed_result(f"{source}.{feed}"),
        {
            "source": source,
            "feed": feed,
            "status": status,
            "title": feed,
            "owner": "Capita One team",
            "stale_after_days": 1,
            "is_stale": status != "fresh",
            **dict.fromkeys(("data_date", "file_name", "sha256", "quarantine_path")),
            **dict.fromkeys(counts, 0),
            **used,
            **(counts | {"quarantine_path": str(quarantine.relative_to(run.home))} if day else {}),
            "columns_missing": [],
            "columns_extra": [],
            "files": [{**used, "status": "accepted", "reason": None, "is_in_use": True, **counts}] if day else [],
        },
    )
