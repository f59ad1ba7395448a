"""The board's own feeds: who does without sees nothing of them; of what is sent, each line counts or is told.

Both on the hand-made council of the KPIs, whose exports have no board feeds.
"""

import csv
import os
import shutil
import subprocess
import time
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import openpyxl
import pytest

from tests import nights
from tests.golden.pipeline import PROJECT, Pipeline
from tests.steps import SEND_READY

EXPORTS = PROJECT / "tests" / "golden" / "kpi_council" / "exports"
AS_AT = date(2026, 11, 16)
MEASURES = ["KPI ID", "Period Type", "Period End", "Breakdown Type", "Breakdown Value", "Numerator", "Denominator",
            "Source", "Supplied By", "Note"]  # fmt: skip
FIGURES = [  # each line, and whether its figure is used
    (["K25", "Month", "31/10/2026", "", "", "4", "", "Tribunal log", "SEND team", "as at 3 November"], True),
    (["K26", "Calendar year", "31/12/2025", "", "", "9", "300", "Tribunal log", "SEND team", ""], True),
    (["k56", "12 months", "30/09/2026", "", "", "57", "80", "GP registers", "ICB", ""], True),
    (["K58", "As at", "15/10/2026", "", "", "30", "90", "Waiting list", "ICB", ""], True),
    (["K58", "As at", "15/10/2026", "Therapy", "OT", "10", "30", "Waiting list", "ICB", ""], True),
    (["K58", "Month", "31/10/2026", "", "", "0", "0", "Waiting list", "ICB", ""], True),
    (["K99", "Month", "31/10/2026", "", "", "1", "2", "Log", "Team", ""], False),
    (["K01", "Month", "31/10/2026", "", "", "1", "2", "Log", "Team", ""], False),
    (["K62", "Month", "31/10/2026", "", "", "many", "20", "Log", "Team", ""], False),
    (["K62", "Month", "30/09/2026", "", "", "12", "", "Log", "Team", ""], False),
    (["K62", "Month", "31/08/2026", "", "", "21", "20", "Log", "Team", ""], False),
    (["K62", "Month", "31/07/2026", "", "", "-1", "20", "Log", "Team", ""], False),
    (["K62", "Month", "30/06/2026", "", "", "-3", "-2", "Log", "Team", ""], False),
    (["K62", "Month", "30/11/2026", "", "", "1", "20", "Log", "Team", ""], False),
    (["K62", "Month", "01/05/2026", "", "", "1", "20", "Log", "Team", ""], False),
    (["K62", "Month", "30/04/2026", "Kind", "", "1", "20", "Log", "Team", ""], False),
    (["K62", "Month", "31/03/2026", "", "Taxi", "1", "20", "Log", "Team", ""], False),
]
UNMAPPED = (["K62", "Fortnight", "28/02/2026", "", "", "1", "20", "Log", "Team", ""], False)
TWICE = [  # the later of two spellings of one figure is used
    (["K66", "Month", "31/10/2026", "", "", "5", "10", "Audits", "Team", ""], False),
    (["K66", "Monthly", "31/10/2026", "All", "all", "6", "10", "Audits", "Team", ""], True),
]
NO_KEY = ["", "Month", "31/10/2026", "", "", "1", "2", "Log", "Team", ""]
ACTIONS = [
    ["Action ID", "Area of Weakness", "Action", "Owner", "Start Date", "Due Date", "% Complete", "Status", "Evidence",
     "Impact Measure"],
    ["A1", "Advice", "Agree a form", "DCO", "01/03/2026", "31/10/2026", "60%", "In progress", "", "K25"],
    ["A2", "Advice", "Clinics", "DCO", "01/12/2026", "31/03/2027", "0", "Not started", "", "K56"],
    ["A3", "Reviews", "Calendar", "Manager", "01/03/2026", "31/05/2026", "100", "Done", "Calendar", "K16"],
]  # fmt: skip


def sheet(path: Path, rows: list[list[str]]) -> None:
    with open(path, "w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
    os.utime(path, (time.time() - 60, time.time() - 60))


def command(pipeline: Pipeline, *arguments: str) -> str:
    return subprocess.run(
        [SEND_READY, *arguments],
        cwd=PROJECT, env=pipeline.environment, capture_output=True, text=True, check=True,
    ).stdout  # fmt: skip


def ask(pipeline: Pipeline, query: str) -> list[tuple[Any, ...]]:
    with duckdb.connect(str(pipeline.home / "serving" / "warehouse.duckdb"), read_only=True) as con:
        return con.execute(query).fetchall()


@pytest.fixture(scope="module")
def without(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    return nights.of_kpis(tmp_path_factory)


@pytest.fixture(scope="module")
def sent(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    folder = tmp_path_factory.mktemp("council")
    shutil.copytree(EXPORTS, folder / "inbox")
    lines = [line for line, _ in [*FIGURES, UNMAPPED, *TWICE]]
    sheet(folder / "inbox" / "board_measures_20261110.csv", [MEASURES, *lines, NO_KEY])
    sheet(folder / "inbox" / "board_actions_20261110.csv", ACTIONS)
    pipeline = Pipeline(folder / "home", folder / "inbox", AS_AT)
    pipeline.night()
    return pipeline


def test_who_does_without_reads_nothing_of_them(without: Pipeline) -> None:
    texts = [command(without, "summary"), (without.out / "manifest.json").read_text().partition('"configuration"')[0]]
    texts += [(without.out / "manifest.json").read_text().partition('"inputs"')[2]]
    for path in without.out.glob("*.xlsx"):
        book = openpyxl.load_workbook(path, read_only=True)
        texts += [str(value) for page in book for row in page.iter_rows(values_only=True) for value in row if value]
        book.close()
    assert len(texts) > 1000
    assert [text for text in texts if "board" in text.lower() or "improvement plan" in text.lower()] == []
    assert ask(without, "FROM quality.feeds WHERE feed LIKE 'board%'") == []
    assert ask(without, "FROM quality.issues WHERE contains(concat_ws(' ', feed, message, fix), 'board')") == []
    assert ask(without, "SELECT count(*) FROM kpi.supplied UNION ALL SELECT count(*) FROM kpi.improvement_plan") == [
        (0,), (0,)
    ]  # fmt: skip


@pytest.mark.parametrize("feed", ["board.measures", "board.actions"])
def test_its_verdict_is_green_and_says_why(without: Pipeline, feed: str) -> None:
    assert command(without, "verdict", feed) == f"{feed}: not used. A council may do without it.\n"


def test_every_line_is_used_or_told_as_an_error(sent: Pipeline) -> None:
    lines = [*FIGURES, UNMAPPED, *TWICE]
    told = {
        line for (line,) in ask(
            sent,
            "SELECT line_no FROM quality.issues WHERE feed = 'board.measures' AND severity = 'error'"
            " AND rule LIKE 'S-MEA%' AND rule <> 'S-MEA-13'",
        )
    }  # fmt: skip
    assert told == {number for number, (_, is_used) in enumerate(FIGURES, start=2) if not is_used}
    mapping = ask(sent, "SELECT rule, severity, column_name, count FROM quality.issues WHERE category = 'Mapping'")
    assert ("M-01", "error", "period_type", 1) in mapping
    twice = ask(sent, "SELECT line_no FROM quality.issues WHERE rule = 'S-MEA-13' ORDER BY ALL")
    assert twice == [(len(FIGURES) + 3,), (len(FIGURES) + 4,)]
    (feed,) = ask(sent, "SELECT row_count, accepted_row_count, quarantined_row_count FROM quality.feeds"
                        " WHERE feed = 'board.measures'")  # fmt: skip
    assert feed == (len(lines) + 1, len(lines), 1)
    assert ask(sent, "SELECT count(*) FROM kpi.supplied") == [(sum(is_used for _, is_used in lines),)]


def test_a_figure_that_is_used_stands_among_the_others(sent: Pipeline) -> None:
    found = ask(
        sent,
        """
        SELECT kpi_id, period_type, period_end::VARCHAR, breakdown_type, breakdown_value, numerator, denominator,
            value, unit, comparator_value, data_date::VARCHAR, is_stale, is_part_period
        FROM kpi.values
        WHERE kpi_id IN (SELECT kpi_id FROM kpi.supplied)
        ORDER BY ALL
        """,
    )
    day = ("2026-11-10", False, False)
    assert found == [
        ("K25", "month", "2026-10-31", "all", "all", 4, None, 4, "count", None, *day),
        ("K26", "calendar_year", "2025-12-31", "all", "all", 9, 300, 3, "percent", 3.2, *day),
        ("K56", "rolling_12_months", "2026-09-30", "all", "all", 57, 80, 71.25, "percent", None, *day),
        ("K58", "month", "2026-10-31", "all", "all", 0, 0, None, "percent", None, *day),
        ("K58", "point", "2026-10-15", "all", "all", 30, 90, pytest.approx(100 / 3), "percent", None, *day),
        ("K58", "point", "2026-10-15", "therapy", "OT", 10, 30, pytest.approx(100 / 3), "percent", None, *day),
        ("K66", "month", "2026-10-31", "all", "all", 6, 10, 60, "percent", None, *day),
    ]
    assert ask(sent, "SELECT source, supplied_by, note FROM kpi.supplied WHERE kpi_id = 'K25'") == [
        ("Tribunal log", "SEND team", "as at 3 November")
    ]


def test_what_is_worked_out_is_the_same_with_and_without(without: Pipeline, sent: Pipeline) -> None:
    query = """
        SELECT * EXCLUDE (run_id) FROM kpi.values
        WHERE kpi_id NOT IN (SELECT kpi_id FROM kpi.supplied) ORDER BY ALL
    """
    own = ask(without, query)
    assert len(own) > 5_000
    assert own == ask(sent, query)


def test_the_plan_has_its_colours_and_what_is_different(sent: Pipeline) -> None:
    plan = ask(
        sent,
        "SELECT action_id, rag, rag_reason, days_overdue, complete_pct, impact_kpi_id, impact_value, impact_trend"
        " FROM kpi.improvement_plan ORDER BY action_id",
    )
    (plans_now,) = ask(sent, "SELECT value FROM kpi.values WHERE kpi_id = 'K16' AND breakdown_type = 'all'"
                             f" AND period_end = DATE '{AS_AT}'")  # fmt: skip
    assert plan == [
        ("A1", "red", "overdue", 16, 60, "K25", 4, None),
        ("A2", "green", "on_track", None, 0, "K56", 71.25, None),
        ("A3", "blue", "done", None, 100, "K16", *plans_now, None),
    ]
    areas = ask(
        sent,
        "SELECT area, action_count, blue_count, red_count, mean_complete_pct, impact_kpi_ids"
        " FROM kpi.improvement_areas ORDER BY area",
    )
    assert areas == [("Advice", 2, 0, 1, 30, "K25; K56"), ("Reviews", 1, 1, 0, 100, "K16")]
