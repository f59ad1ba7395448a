"""A run as warehouse.dbt leaves it for BI: the star, its keys, who is in it and who is not, and its catalogue."""

import csv
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any
from unittest.mock import patch

import pytest
from playwright.sync_api import sync_playwright

from send_ready import database, files
from send_ready.layout import COUNCILS
from send_ready.runs import Run, RunError
from send_ready.settings import load
from tests.dbt.harness import AS_AT, LA_CODE, PROJECT, Row, columns, contracts, read
from warehouse import catalogue, dbt
from warehouse.keys import Keys, keys_of
from warehouse.load import FEED_COLUMNS

PUBLISHED = ("core", "kpi", "quality", "annex_a", "person_identifiable")
CHROMIUM = shutil.which("chromium")
# A child of each system whose like nobody has, and a date far out on either side.
STUDENT = {"surname": "Quillfeather", "forename": "Zebedina", "postcode": "ZZ91 7QX", "date_of_birth": date(2011, 4, 5)}
HUB_CHILD = {"child_last_name": "Umberwick", "child_first_name": "Xanthippe", "child_dob": date(2012, 5, 6)}
CARE_CHILD = {"last_name": "Pellanthorpe", "first_name": "Yvonetta", "date_of_birth": date(2013, 6, 7)}
UPN, FORMER_UPN, ULN = "W999200012345", "K999200054321", "1234567899"
NUMBERS = {"upn": UPN, "former_upn": FORMER_UPN, "uln": ULN}
REASON = "Went to live with Mrs Pellanthorpe"
EARLY, LATE = date(1931, 3, 4), date(2063, 5, 6)
ROWS: dict[str, list[Row]] = {
    "capita_one.students": [
        {
            **STUDENT,
            "student_id": "S1",
            "upn": UPN,
            "former_upn": FORMER_UPN,
            "uln": ULN,
            "sex": "F",
            "ethnicity": "WBRI",
        },
        {"student_id": "S2", "date_of_birth": date(2014, 9, 1)},
    ],
    "capita_one.enrolments": [
        {"student_id": "S1", "urn": "100001", "enrolment_status": "C", "entry_date": date(2022, 9, 1), "nc_year": "11"},
        {"student_id": "S2", "urn": "999001", "enrolment_status": "C", "entry_date": EARLY},
    ],
    "capita_one.exclusions": [
        {"exclusion_id": "X1", "student_id": "S2", "category": "SUSP", "start_date": LATE, "urn": "999002"}
    ],
    "capita_one.sen_needs": [{"student_id": "S1", "sen_type": "ASD", "rank": 1, "start_date": date(2020, 1, 1)}],
    "capita_one.sen_provision": [{"student_id": "S1", "sen_provision": "K", "start_date": date(2021, 1, 1)}],
    "capita_one.ehc_plans": [
        {"plan_id": "P1", "student_id": "S1", "initial_plan_date": date(2023, 1, 2), "named_urn": "999003"}
    ],
    "ehc_hub.cases": [
        {
            **HUB_CHILD,
            "case_reference": "C1",
            "postcode": "ZZ92 8QX",
            "request_received": date(2024, 1, 1),
            "final_plan_issued": date(2024, 5, 1),
            "case_closed": date(2025, 6, 1),
            "close_reason": REASON,
        },
        {
            "case_reference": "C2",
            "child_dob": date(2016, 1, 1),
            "request_received": date(2025, 1, 1),
            "case_closed": date(2025, 2, 1),
            "close_reason": "Asked for by mistake",
        },
    ],
    "ehc_hub.advice": [
        {
            "case_reference": "C9",
            "advice_type": "Health",
            "requested_date": date(2025, 1, 1),
            "provider": "A trust",
        }
    ],
    "social_care.involvements": [
        {
            **CARE_CHILD,
            "person_id": "V1",
            "upn": "Z",
            "postcode": "ZZ93 9QX",
            "status": "Early help",
            "start_date": date(2025, 1, 1),
        }
    ],
    "gias.establishments": [
        {"urn": "100001", "la_code": LA_CODE, "type_code": "01", "phase_code": "4", "establishment_name": "Ash School"}
    ],
}


@pytest.fixture(scope="module")
def run(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """Built from typed rows, as `send-ready extract` leaves them."""
    run = Run(tmp_path_factory.mktemp("home"), "star", AS_AT, LA_CODE)
    for feed, contract in contracts().items():
        _extracted(run, feed, columns(contract), ROWS.get(feed, []))
    with patch.dict(os.environ):
        dbt.build(run, load({"SEND_HOME": str(run.home)}))
    files.write_json(run.record, {"run_id": run.run_id, "as_at": str(run.as_at), "la_code": run.la_code})
    return run


def test_another_year_s_return_is_built_beside_it_in_the_same_process(run: Run) -> None:
    """dbt notes in the project that it was handed what it compiled: handed once more, it would leave parts out."""
    with TemporaryDirectory() as home, patch.dict(os.environ):
        into = Run(Path(home), "sen2", AS_AT, LA_CODE)
        dbt.build_return(run, load({"SEND_HOME": str(run.home)}), 2025, into)
        with database.reader(into.warehouse) as con:
            assert con.execute("SELECT year FROM sen2.sen2_header").fetchall() == [("2025",)]
            assert con.execute("SELECT count(*) > 0 FROM core.dim_person").fetchall() == [(True,)]


def _extracted(run: Run, feed: str, types: dict[str, str], rows: list[Row]) -> None:
    path = run.home / "typed" / f"{feed}.parquet"
    path.parent.mkdir(exist_ok=True)
    with database.scratch() as con:
        con.execute(f"CREATE TABLE typed ({', '.join(f'{name} {kind}' for name, kind in types.items())})")
        for number, row in enumerate(rows, 2):
            given = {**row, "_line_no": number}
            places = ", ".join("?" * len(given))
            con.execute(f"INSERT INTO typed ({', '.join(given)}) VALUES ({places})", [*given.values()])
        con.execute(f"COPY typed TO {database.literal(path)} (FORMAT parquet)")
    source, name = feed.split(".")
    result: dict[str, Any] = dict.fromkeys(FEED_COLUMNS) | {
        "source": source,
        "feed": name,
        "status": "fresh",
        "is_stale": False,
        "data_date": str(AS_AT),
        "rows_accepted": len(rows),
        "columns_missing": [],
        "columns_besides": [],
        "quarantine_path": None,
        "typed_path": str(path.relative_to(run.home)),
    }
    files.write_json(run.feed_result(feed), result)


def values(run: Run, query: str) -> list[tuple[Any, ...]]:
    return [tuple(row.values()) for row in read(run.warehouse, query)]


def published(run: Run) -> list[str]:
    schemas = ", ".join(map(database.literal, PUBLISHED))
    query = f"SELECT schema_name, table_name FROM duckdb_tables() WHERE schema_name IN ({schemas})"
    return [f"{schema}.{table}" for schema, table in values(run, query)]


def everything(run: Run, tables: list[str]) -> Iterator[str]:
    for table in tables:
        for row in values(run, f"SELECT * FROM {table}"):
            yield from (str(value) for value in row)


IDENTITIES = {
    *("Quillfeather", "Zebedina", "Umberwick", "Xanthippe", "Pellanthorpe", "Yvonetta", "ZZ91", "ZZ92", "ZZ93"),
    *(UPN, FORMER_UPN, ULN),
}
BIRTHS = {"2011-04-05", "2012-05-06", "2013-06-07"}


def test_who_somebody_is_stands_in_person_identifiable_alone(run: Run) -> None:
    tables = [table for table in published(run) if table != "core.dim_date"]
    open_to_all = [table for table in tables if table.split(".")[0] in ("core", "kpi", "quality")]
    assert len(open_to_all) > 20
    held = everything(run, open_to_all)
    assert not [value for value in held if value in BIRTHS or any(identity in value for identity in IDENTITIES)]
    names = IDENTITIES - {UPN, FORMER_UPN, ULN}
    lists = [table for table in tables if table.startswith("annex_a.")]
    assert not [value for value in everything(run, lists) if any(name in value for name in names)]

    closed = [table for table in tables if table.startswith("person_identifiable.")]
    found = set(everything(run, closed))
    assert found >= BIRTHS
    assert all(any(identity in value for value in found) for identity in IDENTITIES)


def test_every_person_of_core_is_told_in_person_identifiable(run: Run) -> None:
    assert values(run, "SELECT person_id FROM core.dim_person ORDER BY 1") == values(
        run, "SELECT person_id FROM person_identifiable.persons ORDER BY 1"
    )
    reasons = values(run, "SELECT event_id, closing_reason FROM person_identifiable.closing_reasons ORDER BY 1")
    assert reasons == [
        ("plan_ceased; case_reference=C1", REASON),
        ("request_closed; case_reference=C2", "Asked for by mistake"),
    ]


def test_a_person_is_described_by_the_rules_of_the_lists(run: Run) -> None:
    chosen = "age_years, age_band, birth_academic_year, sex_code, ethnicity_group, primary_need_code, nc_year, main_urn"
    query = f"SELECT {chosen}, main_phase, is_on_list_1 FROM core.dim_person WHERE person_id = "
    told = (15, "11–15", "2010/11", "F", "White", "ASD", "11", "100001", "Secondary", True)
    assert values(run, f"{query} 'S1'") == [told]
    assert values(run, f"{query} 'S2'")[0][:3] == (12, "11–15", "2014/15")


def test_each_day_is_in_dim_date_once_as_the_calendar_has_it(run: Run) -> None:
    days = read(run.warehouse, "SELECT * FROM core.dim_date ORDER BY calendar_date")
    first, last = date(EARLY.year, 1, 1), date(LATE.year + 1, 12, 31)
    assert [row["calendar_date"] for row in days] == [first + timedelta(n) for n in range((last - first).days + 1)]
    for row in days:
        day = row["calendar_date"]
        since_september, since_april = (day.month - 9) % 12, (day.month - 4) % 12
        academic = day.year if day >= date(day.year, 9, 1) else day.year - 1
        financial = day.year if day >= date(day.year, 4, 1) else day.year - 1
        term = ["Autumn"] * 4 + ["Spring"] * 3 + ["Summer"] * 5
        iso = day.isocalendar()
        assert row == row | {
            "calendar_year": day.year,
            "calendar_quarter": (day.month + 2) // 3,
            "month_number": day.month,
            "month_name": f"{day:%B}",
            "month_start_date": day.replace(day=1),
            "week_start_date": day - timedelta(day.weekday()),
            "iso_year": iso.year,
            "iso_week": iso.week,
            "weekday_number": iso.weekday,
            "weekday_name": f"{day:%A}",
            "academic_year": f"{academic}/{(academic + 1) % 100:02}",
            "academic_year_first": academic,
            "academic_term": term[since_september],
            "academic_term_number": ["Autumn", "Spring", "Summer"].index(term[since_september]) + 1,
            "academic_month_number": since_september + 1,
            "financial_year": f"{financial}/{(financial + 1) % 100:02}",
            "financial_year_first": financial,
            "financial_quarter": since_april // 3 + 1,
            "is_working_day": day.weekday() < 5 and row["bank_holiday_name"] is None,
            "is_month_end": (day + timedelta(1)).day == 1,
            "is_as_at": day == AS_AT,
        }


def test_bank_holidays_are_those_of_england_and_wales(run: Run) -> None:
    """Of 2022, with the Queen's jubilee and funeral, and of 2026, from gov.uk/bank-holidays."""
    query = "SELECT calendar_date FROM core.dim_date WHERE bank_holiday_name IS NOT NULL AND weekday_number < 6"
    found = {str(day) for (day,) in values(run, query) if day.year in (2022, 2026)}
    of_2022 = "01-03 04-15 04-18 05-02 06-02 06-03 08-29 09-19 12-26 12-27"
    of_2026 = "01-01 04-03 04-06 05-04 05-25 08-31 12-25 12-28"
    assert found == {f"2022-{day}" for day in of_2022.split()} | {f"2026-{day}" for day in of_2026.split()}


def test_what_facts_name_and_gias_lacks_is_an_establishment_all_the_same(run: Run) -> None:
    query = "SELECT urn, establishment_name, is_in_gias, is_own_la FROM core.dim_establishment ORDER BY urn"
    assert values(run, query) == [
        ("100001", "Ash School", True, True),
        ("999001", None, False, None),
        ("999002", None, False, None),
        ("999003", None, False, None),
    ]


def test_every_standard_code_has_its_name(run: Run) -> None:
    names = {
        (code_set, code): name for code_set, code, name in values(run, "SELECT code_set, code, name FROM core.dim_code")
    }
    assert all(names.values())
    for path in (PROJECT / "seeds" / "xwalk").glob("*.csv"):
        code_set = path.stem.removeprefix("xwalk_")
        if any(each == code_set for each, _ in names):
            codes = {row["code"] for row in csv.DictReader(path.open(encoding="utf-8"))} - {""}
            assert {(code_set, code) for code in codes} <= set(names), code_set
    councils = {("council", row["la_code"]): row["la_name"] for row in csv.DictReader(COUNCILS.open(encoding="utf-8"))}
    assert councils == {key: name for key, name in names.items() if key[0] == "council"}


def test_the_catalogue_of_kpis_is_complete_and_has_targets_and_england(run: Run) -> None:
    rows = read(run.warehouse, "SELECT * FROM kpi.kpi_catalogue ORDER BY kpi_id")
    assert [row["kpi_id"] for row in rows] == [f"K{number:02}" for number in range(1, 68)]
    first = rows[0]
    assert (first["target_value"], first["comparator_value"], first["is_headline"]) == (100.0, 46.4, True)
    assert {row["is_supplied"] for row in rows} == {True, False}


def test_every_published_table_and_column_is_described_where_bi_tools_look(run: Run) -> None:
    for kind in ("tables", "columns"):
        what = "column_name" if kind == "columns" else "table_name"
        bare = f"SELECT schema_name, table_name, {what} FROM duckdb_{kind}() WHERE coalesce(comment, '') = ''"
        assert [row for row in values(run, bare) if row[0] in PUBLISHED] == []


def test_keys_are_told_of_every_published_table_and_hold(run: Run) -> None:
    keys = keys_of(run)
    assert set(published(run)) <= set(keys)
    assert keys["core.fct_attendance_week"] == Keys(
        ("student_id", "urn", "week_commencing_date"),
        frozenset({"urn"}),
        {
            "urn": ("core.dim_establishment", "urn"),
            "week_commencing_date": ("core.dim_date", "calendar_date"),
            "person_id": ("core.dim_person", "person_id"),
        },
    )
    assert keys["kpi.kpi_values"].references["kpi_id"] == ("kpi.kpi_catalogue", "kpi_id")
    for table in published(run):
        found = keys[table]
        blank = " OR ".join(f"{name} IS NULL" for name in found.primary_key if name not in found.blank) or "false"
        doubled = f"(SELECT count(*) - count(DISTINCT ({', '.join(found.primary_key)})) FROM {table})"
        assert values(run, f"SELECT {doubled}, (SELECT count(*) FROM {table} WHERE {blank})") == [(0, 0)], table
        for column, (other, key) in found.references.items():
            lost = f"SELECT t.{column} FROM {table} AS t ANTI JOIN {other} AS o ON t.{column} = o.{key}"
            assert values(run, f"FROM ({lost}) WHERE {column} IS NOT NULL") == [], f"{table}.{column}"


def test_a_run_that_was_never_built_has_neither_keys_nor_catalogue(tmp_path: Path) -> None:
    never = Run(tmp_path, "never", AS_AT, LA_CODE)
    with pytest.raises(RunError, match="Build the run"):
        keys_of(never)
    with pytest.raises(RunError, match="no run with a whole warehouse to describe"):
        catalogue.write_docs(load({"SEND_HOME": str(tmp_path)}))


@contextmanager
def somebody_reading(run: Run) -> Iterator[None]:
    reading = "import sys; from send_ready import database; from pathlib import Path\n"
    reading += "with database.reader(Path(sys.argv[1])): print('open', flush=True); sys.stdin.read()"
    command = [sys.executable, "-c", reading, str(run.warehouse)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as other:
        assert other.stdout and other.stdout.readline() == "open\n"
        yield
        other.communicate()
        assert other.returncode == 0


@pytest.mark.debian("browser")
def test_the_catalogue_is_one_page_without_values_that_asks_nothing_of_a_network(run: Run) -> None:
    before = files.sha256(run.warehouse)
    with patch.dict(os.environ), somebody_reading(run):
        page = catalogue.write_docs(load({"SEND_HOME": str(run.home)}))
    assert page == run.home / "catalogue" / "index.html"
    assert [each.name for each in page.parent.iterdir()] == ["index.html"]
    assert files.sha256(run.warehouse) == before
    text = page.read_text(encoding="utf-8")
    assert not [identity for identity in {*IDENTITIES, *BIRTHS} - {ULN} if identity in text]

    asked: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        for place, text in {
            "overview": "What each published table and column means",
            "model/model.send_ready.fct_event?g_v=1&g_i=%2Bfct_event%2B": "Update Graph",
            "exposure/exposure.send_ready.chronology": "what happened to named children in two years",
        }.items():
            shown = browser.new_page()
            shown.on("request", lambda request: asked.append(request.url))
            shown.on("console", lambda message: asked.append(message.text))
            shown.goto(f"{page.as_uri()}#!/{place}")
            shown.get_by_text(text).first.wait_for()
        browser.close()
    assert {url.split("#")[0] for url in asked} == {page.as_uri()}
