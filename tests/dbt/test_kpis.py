"""KPIs from raw rows to kpi_values: persons at a day, targets and colours, feeds that never came, a year's passing."""

import csv
import random
import shutil
from collections.abc import Mapping, Sequence
from datetime import date, timedelta
from pathlib import Path
from typing import Any
from unittest.mock import ANY

from tests.dbt.harness import AS_AT, PROJECT, Row, build, contracts, dbt, make_raw, read

BUILD = ("build", "--select", "+kpi_values", "every_kpi_is_complete", "--exclude-resource-type", "unit_test")
HALF = [  # of two plans one was issued in time
    {"involvement_id": "A", "student_id": "1", "received_date": date(2026, 6, 22), "final_issued_date": AS_AT},
    {
        "involvement_id": "B",
        "student_id": "2",
        "received_date": date(2026, 6, 22),
        "final_issued_date": date(2026, 11, 9),
    },
]


def built(folder: Path, rows: Mapping[str, Sequence[Row]], **options: Any) -> Path:
    folder.mkdir(exist_ok=True)
    raw = {name: options.pop(name) for name in ("never_received", "columns_missing") if name in options}
    return build(make_raw(folder / "warehouse.duckdb", rows, **raw), **options)


def figure(path: Path, kpi: str, columns: str = "numerator, denominator", where: str = "breakdown_type = 'all'") -> Any:
    """The one row of a KPI in its first window at D."""
    query = f"""
        SELECT {columns} FROM kpi.kpi_values
        WHERE kpi_id = '{kpi}' AND {where} AND period_end = (SELECT max(period_end) FROM kpi.kpi_values)
        ORDER BY period_type, breakdown_value LIMIT 1
    """
    (row,) = read(path, query)
    return tuple(row.values())


def rows_of(path: Path, kpi: str, breakdown: str, end: date) -> dict[str, float]:
    query = f"""
        SELECT breakdown_value, numerator FROM kpi.kpi_values
        WHERE kpi_id = '{kpi}' AND breakdown_type = '{breakdown}' AND period_end = '{end}' AND period_type = 'point'
    """
    return {row["breakdown_value"]: row["numerator"] for row in read(path, query)}


def test_persons_are_as_they_were_at_each_periods_end(tmp_path: Path) -> None:
    """A birthday on 29 February; a death; a move of school; needs that change and that the hub alone knows."""
    rows: dict[str, list[dict[str, Any]]] = {
        "capita_one.students": [
            {"student_id": "1", "date_of_birth": date(2016, 2, 29), "sex": "F", "ethnicity": "WENG"},
            {"student_id": "2", "date_of_birth": date(2015, 3, 1), "date_of_death": date(2027, 2, 1)},
            {"student_id": "3", "date_of_birth": date(2015, 1, 1), "ethnicity": "NOBT", "sex": "U"},
        ],
        "capita_one.ehc_plans": [
            {"plan_id": plan, "student_id": plan, "initial_plan_date": date(2025, 1, 1)} for plan in ("1", "2")
        ],
        "capita_one.enrolments": [
            {
                "student_id": "1",
                "urn": "100001",
                "enrolment_status": "C",
                "entry_date": date(2024, 9, 1),
                "leaving_date": date(2027, 2, 1),
            },
            {"student_id": "1", "urn": "100002", "enrolment_status": "C", "entry_date": date(2027, 2, 1)},
        ],
        "gias.establishments": [
            {"urn": "100001", "la_code": "999", "type_code": "01", "phase_code": "2"},
            {"urn": "100002", "la_code": "999", "type_code": "34", "phase_code": "4"},
        ],
        "capita_one.sen_needs": [
            {"student_id": "1", "sen_type": "MLD", "rank": 1, "end_date": date(2027, 2, 1)},
            {"student_id": "1", "sen_type": "ASD", "rank": 2},
        ],
        "ehc_hub.cases": [
            {
                "case_reference": "H",
                "child_dob": date(2015, 1, 1),
                "request_received": date(2026, 9, 1),
                "final_plan_issued": date(2027, 2, 28),
                "primary_need": "Hearing impairment",
                "migrated_student_id": "3",
            }
        ],
    }
    path = built(tmp_path / "one", rows, as_at=date(2027, 2, 28))

    january, february = date(2027, 1, 31), date(2027, 2, 28)
    assert rows_of(path, "K16", "all", january) == {"all": 2}
    assert rows_of(path, "K16", "all", february) == {"all": 2}  # one died, one has a new plan
    assert rows_of(path, "K16", "age_band", january) == {"5–10": 1, "11–15": 1}
    assert rows_of(path, "K16", "age_band", february) == {"11–15": 2}
    assert rows_of(path, "K16", "phase", january) == {"Primary": 1, "Unknown": 1}
    assert rows_of(path, "K16", "phase", february) == {"Secondary": 1, "Unknown": 1}
    assert rows_of(path, "K16", "primary_need", january) == {"MLD": 1, "Unknown": 1}
    assert rows_of(path, "K16", "primary_need", february) == {"ASD": 1, "HI": 1}
    assert rows_of(path, "K16", "ethnicity_group", february) == {"White": 1, "Unknown": 1}
    assert rows_of(path, "K16", "sex", february) == {"Female": 1, "Unknown": 1}
    ends = [row["period_end"] for row in read(path, "SELECT DISTINCT period_end FROM kpi.kpi_values ORDER BY 1 DESC")]
    assert (len(ends), ends[0], ends[-1]) == (36, february, date(2024, 3, 31))  # D is one of the month ends
    assert read(path, "FROM kpi.kpi_values WHERE is_part_period") == []


def test_only_the_month_of_d_is_a_part(tmp_path: Path) -> None:
    path = built(tmp_path / "one", {"capita_one.ehcp_assessments": HALF})
    parts = read(path, "SELECT DISTINCT period_type, period_end FROM kpi.kpi_values WHERE is_part_period")
    assert parts == [{"period_type": "month", "period_end": AS_AT}]
    ends = read(path, "SELECT count(DISTINCT period_end) AS ends, min(period_end) AS first FROM kpi.kpi_values")
    assert ends == [{"ends": 37, "first": date(2023, 11, 30)}]


SUPPLIED = {
    "period_type": "Rolling 12 months", "period_end": date(2026, 9, 30), "numerator": 50, "denominator": 100,
    "source": "Registers", "supplied_by": "ICB",
}  # fmt: skip


def test_a_councils_targets_colour_its_figures(tmp_path: Path) -> None:
    """Each is 50 %: of KPIs of which more is better, and of others."""
    targets = {
        "K01": ("50", "0", "green"), "K28": ("50.1", "0", "red"), "K43": ("60", "10", "amber"),
        "K52": ("60.1", "10", "red"), "K56": (None, None, None),
        "K27": ("50", "0", "green"), "K31": ("49", "1", "amber"), "K58": ("48", "1", "red"), "K59": (None, None, None),
    }  # fmt: skip
    seeds = tmp_path / "seeds"
    shutil.copytree(PROJECT / "seeds", seeds)
    with open(seeds / "kpi" / "kpi_targets.csv", "w", encoding="utf-8", newline="") as file:
        rows = [[kpi, target, margin, "SEND board"] for kpi, (target, margin, _) in targets.items() if target]
        csv.writer(file).writerows([["kpi_id", "target_value", "amber_margin", "basis"], *rows])
    given = [SUPPLIED | {"kpi_id": kpi} for kpi in targets if kpi != "K01"]
    raw = {"capita_one.ehcp_assessments": HALF, "board.measures": given}
    path = built(tmp_path / "one", raw, seeds=seeds)
    assert figure(path, "K01", "value, target_value, rag") == (50.0, 50.0, "green")
    query = "SELECT kpi_id, value, target_value, rag FROM kpi.kpi_values WHERE period_end = '2026-09-30' AND kpi_id IN "
    found = [tuple(row.values()) for row in read(path, f"{query} {tuple(each['kpi_id'] for each in given)} ORDER BY 1")]
    assert found == [
        (kpi, 50.0, float(target) if target else None, colour)
        for kpi, (target, _, colour) in sorted(targets.items())
        if kpi != "K01"
    ]


def test_lower_is_better_the_other_way_round(tmp_path: Path) -> None:
    seeds = tmp_path / "seeds"
    shutil.copytree(PROJECT / "seeds", seeds)
    targets = "kpi_id,target_value,amber_margin,basis\nK06,24,1,SEND board\n"
    (seeds / "kpi" / "kpi_targets.csv").write_text(targets, encoding="utf-8")
    late = [HALF[0] | {"received_date": AS_AT - timedelta(7 * 25)}]
    path = built(tmp_path / "one", {"capita_one.ehcp_assessments": late}, seeds=seeds)
    assert figure(path, "K06", "value, unit, rag") == (25.0, "weeks", "amber")


def test_the_shipped_margins_make_england_amber() -> None:
    def rows(name: str) -> list[dict[str, str]]:
        with open(PROJECT / "seeds" / "kpi" / f"{name}.csv", encoding="utf-8", newline="") as file:
            return list(csv.DictReader(file))

    direction = {row["kpi_id"]: row["direction"] for row in rows("kpi_catalogue")}
    england = {row["kpi_id"]: float(row["value"]) for row in rows("kpi_comparators") if row["breakdown_type"] == "all"}
    held = 0
    for row in rows("kpi_targets"):
        kpi, target, margin = row["kpi_id"], float(row["target_value"]), float(row["amber_margin"])
        if kpi in england:
            short = target - england[kpi] if direction[kpi] == "higher" else england[kpi] - target
            assert 0 < short <= margin, kpi
            held += 1
    assert held == 7


def test_the_catalogue_has_every_kpi_and_says_why_one_is_supplied(tmp_path: Path) -> None:
    with open(PROJECT / "seeds" / "kpi" / "kpi_catalogue.csv", encoding="utf-8", newline="") as file:
        rows = {row["kpi_id"]: row for row in csv.DictReader(file)}
    assert list(rows) == [f"K{number:02}" for number in range(1, 68)]
    not_built = {kpi for kpi, row in rows.items() if row["is_built"] == "supplied"}
    assert len(not_built) == 24
    assert all(
        "feed" in rows[kpi]["not_built_because"] or "export" in rows[kpi]["not_built_because"] for kpi in not_built
    )
    path = built(tmp_path / "one", {})
    found = {row["kpi_id"] for row in read(path, "SELECT DISTINCT kpi_id FROM kpi.kpi_values")}
    assert found == rows.keys() - not_built
    needs = read(path, "SELECT DISTINCT kpi_id, feed, column_name FROM int.int_kpi__needs")
    assert {need["kpi_id"] for need in needs} == found
    columns = {feed: set(contract["columns"]) for feed, contract in contracts().items()}
    assert [need for need in needs if {need["column_name"]} - {None} - columns[need["feed"]]] == []
    assert read(path, "FROM kpi.kpi_not_known") == []


def test_kpis_without_a_complete_row_stop_the_build(tmp_path: Path) -> None:
    wrong = [("definition", ""), ("unit", "per cent"), ("not_built_because", "x"), ("feeds", "")]
    seeds = tmp_path / "seeds"
    shutil.copytree(PROJECT / "seeds", seeds)
    with open(seeds / "kpi" / "kpi_catalogue.csv", encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    for row, (column, value) in zip(rows, wrong, strict=False):
        row[column] = value
    with open(seeds / "kpi" / "kpi_catalogue.csv", "w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)
    path = make_raw(tmp_path / "warehouse.duckdb")
    troubles = dbt(path, *BUILD, seeds=str(seeds)).troubles
    assert troubles == {"test.send_ready.every_kpi_is_complete": ("fail", ANY)}
    # One more than rows: without feeds there is no figure either.
    assert f"Got {len(wrong) + 1} results" in troubles["test.send_ready.every_kpi_is_complete"][1]


def test_what_was_never_received_is_not_nought(tmp_path: Path) -> None:
    plans = [{"plan_id": "P", "student_id": "1", "initial_plan_date": date(2024, 1, 1)}]
    missing = ["capita_one.exclusions", "capita_one.home_education", "ehc_hub.cases"]
    path = built(tmp_path / "one", {"capita_one.ehc_plans": plans}, never_received=missing)
    # Without exclusions nothing is known of them, nor without home education of who is educated otherwise.
    assert figure(path, "K45", "numerator, denominator, value, is_stale") == (None, None, None, True)
    assert figure(path, "K40", "numerator, denominator, value, is_stale") == (None, None, None, True)
    # Of two systems one is enough.
    assert figure(path, "K16", "numerator, value, is_stale, data_date") == (1, 1, False, AS_AT)
    assert figure(path, "K01", "numerator, denominator, value") == (0, 0, None)
    why = read(path, "SELECT kpi_id, feed, column_name FROM kpi.kpi_not_known WHERE kpi_id IN ('K35', 'K40', 'K45')")
    assert sorted(tuple(row.values()) for row in why) == [
        ("K35", "capita_one.home_education", None),
        ("K40", "capita_one.home_education", None),
        ("K45", "capita_one.exclusions", None),
        ("K45", "census.exclusions", None),
    ]


REVIEWED = {  # an old review of a plan, with a decision to amend it
    "capita_one.ehc_plans": [
        {"plan_id": "P", "student_id": "1", "initial_plan_date": date(2024, 1, 1), "residential": "A"}
    ],
    "capita_one.annual_reviews": [
        {
            "review_id": "R",
            "plan_id": "P",
            "meeting_date": date(2026, 7, 1),
            "la_outcome": "A",
            "decision_date": date(2026, 7, 20),
        }
    ],
}


def test_a_column_that_never_came_is_not_known_and_one_that_is_blank_is(tmp_path: Path) -> None:
    """A review that was to be amended: outstanding when the date is blank, not known when there is no such column."""
    blank = built(tmp_path / "blank", REVIEWED)
    assert figure(blank, "K22", "numerator, denominator, value", "period_type = 'rolling_12_months'") == (0, 1, 0)
    assert figure(blank, "K23", "numerator") == (1,)
    assert figure(blank, "K39", "numerator, denominator") == (1, 1)

    missing = {
        "capita_one.annual_reviews": ["due_date", "final_amended_plan_date"],
        "capita_one.ehc_plans": ["residential", "personal_budget"],
    }
    path = built(tmp_path / "missing", REVIEWED, columns_missing=missing)
    for kpi in ("K22", "K23", "K39"):
        assert figure(path, kpi, "numerator, denominator, value, rag") == (None, None, None, None), kpi
    assert read(path, "SELECT DISTINCT kpi_id FROM kpi.kpi_values WHERE numerator IS NULL ORDER BY 1") == [
        {"kpi_id": kpi} for kpi in ("K22", "K23", "K39")
    ]
    assert read(path, "SELECT kpi_id, feed, column_name FROM kpi.kpi_not_known ORDER BY 1") == [
        {"kpi_id": "K22", "feed": "capita_one.annual_reviews", "column_name": "final_amended_plan_date"},
        {"kpi_id": "K23", "feed": "capita_one.annual_reviews", "column_name": "final_amended_plan_date"},
        {"kpi_id": "K39", "feed": "capita_one.ehc_plans", "column_name": "residential"},
    ]
    # The figures that need neither stand.
    assert figure(path, "K20", "numerator, denominator", "period_type = 'rolling_12_months'") == (1, 1)
    assert figure(path, "K16", "numerator") == (1,)


def test_nobody_stands_behind_a_figure_that_is_not_known_nor_in_the_worklist(tmp_path: Path) -> None:
    def behind(name: str, **options: Any) -> tuple[set[str], set[str]]:
        path = built(tmp_path / name, REVIEWED, **options)
        cases = {row["kpi_id"] for row in read(path, "SELECT kpi_id FROM kpi.kpi_cases")}
        return cases, {row["item_type"] for row in read(path, "SELECT item_type FROM kpi.kpi_worklist")}

    cases, items = behind("blank")
    assert {"K22", "K23", "K39", "K16"} <= cases
    assert "amendment_overdue" in items
    missing = {"capita_one.annual_reviews": ["final_amended_plan_date"], "capita_one.ehc_plans": ["residential"]}
    cases, items = behind("column", columns_missing=missing)
    assert not {"K22", "K23", "K39"} & cases and "K16" in cases
    assert "amendment_overdue" not in items
    # Without any reviews none is overdue: nobody knows.
    _, items = behind("feed", never_received=["capita_one.annual_reviews", "ehc_hub.reviews"])
    assert not {item for item in items if "review" in item or "amendment" in item}


def test_without_any_optional_column_only_what_needs_none_has_a_figure(tmp_path: Path) -> None:
    """Every column that a council may leave out is left out at once: no figure may take that for a no."""
    optional = {
        feed: [name for name, column in contract["columns"].items() if not column.get("required")]
        for feed, contract in contracts().items()
    }
    path = built(tmp_path / "one", REVIEWED, columns_missing=optional)
    known = read(path, "SELECT DISTINCT kpi_id FROM kpi.kpi_values WHERE numerator IS NOT NULL ORDER BY 1")
    # Requests by the day they came, and new plans by theirs: these days are in every export.
    assert [row["kpi_id"] for row in known] == ["K08", "K17"]


def test_a_case_in_both_systems_is_one_and_nothing_after_a_periods_end_is_seen(tmp_path: Path) -> None:
    """Asked for on 1 April; the hub decided, One issued in November: at the end of October it was open 213 days."""
    rows: dict[str, list[dict[str, Any]]] = {
        "capita_one.ehcp_assessments": [
            {
                "involvement_id": "I",
                "student_id": "1",
                "received_date": date(2026, 4, 1),
                "final_issued_date": date(2026, 11, 2),
            }
        ],
        "ehc_hub.cases": [
            {
                "case_reference": "H",
                "child_dob": date(2018, 1, 1),
                "migrated_student_id": "1",
                "request_received": date(2026, 4, 1),
                "decision_to_assess": "Agreed",
                "decision_to_assess_date": date(2026, 5, 13),
                "final_plan_issued": date(2026, 10, 30),
            }
        ],
    }
    path = built(tmp_path / "one", rows)
    open_cases = {end: rows_of(path, "K05", "all", end)["all"] for end in (date(2026, 10, 31), AS_AT)}
    assert open_cases == {date(2026, 10, 31): 1, AS_AT: 0}
    windows = "SELECT period_end, numerator FROM kpi.kpi_values WHERE kpi_id = '{}' AND period_type = 'month' AND {}"
    requests = read(path, windows.format("K08", "numerator > 0 AND breakdown_type = 'all'"))
    assert [tuple(row.values()) for row in requests] == [(date(2026, 4, 30), 1)]
    decisions = read(path, windows.format("K07", "numerator > 0 AND breakdown_type = 'all'"))
    assert [tuple(row.values()) for row in decisions] == [(date(2026, 5, 31), 1)]
    issued = read(path, windows.format("K02", "denominator > 0 AND breakdown_type = 'all'"))
    assert [tuple(row.values()) for row in issued] == [(AS_AT, 0)]


def test_a_year_later_everything_is_a_year_later(tmp_path: Path) -> None:
    """Neither March 2024 to February 2027 nor the same a year on holds a 29 February, so days between dates stay."""
    first = council(random.Random(2026))  # noqa: S311
    later = {
        feed: [{name: _year_later(value) for name, value in row.items()} for row in rows]
        for feed, rows in first.items()
    }
    query = """
        SELECT kpi_id, period_type, year(period_end) * 12 + month(period_end) AS month, breakdown_type, breakdown_value,
            numerator, denominator, value
        FROM kpi.kpi_values WHERE period_end >= '{}' ORDER BY ALL
    """
    now = read(built(tmp_path / "now", first), query.format("2025-03-31"))
    then = read(built(tmp_path / "then", later, as_at=date(2027, 11, 16)), query.format("2026-03-31"))
    assert len(now) > 5_000
    assert sum(row["numerator"] or 0 for row in now) > 10_000
    assert now == [row | {"month": row["month"] - 12} for row in then]


def _year_later(value: Any) -> Any:
    return value.replace(year=value.year + 1) if isinstance(value, date) else value


def council(chance: random.Random, children: int = 150) -> dict[str, list[dict[str, Any]]]:
    """Invented children; every date but those of birth lies between March 2024 and February 2027."""

    def some_day(since: date = date(2024, 3, 1), until: date = AS_AT) -> date:
        return since + timedelta(chance.randrange((until - since).days + 1))

    def perhaps(value: Any, share: float = 0.7) -> Any:
        return value if chance.random() < share else None

    rows: dict[str, list[dict[str, Any]]] = {feed: [] for feed in contracts()}
    for number in range(4):
        rows["gias.establishments"].append(
            {"urn": f"10000{number}", "la_code": "999", "type_code": ["1", "7", "14", "34"][number], "phase_code": "2"}
        )
    for number in range(children):
        who = str(number)
        born = date(2006 + number % 14, 1 + number % 12, 1 + number % 28)
        rows["capita_one.students"].append(
            {
                "student_id": who,
                "date_of_birth": born,
                "sex": chance.choice("MFU"),
                "ethnicity": chance.choice(["WBRI", "AIND", "REFU"]),
                "date_of_death": perhaps(some_day(), 0.02),
            }
        )
        rows["capita_one.enrolments"].append(
            {
                "student_id": who,
                "urn": f"10000{number % 4}",
                "enrolment_status": chance.choice("CMSFO"),
                "entry_date": some_day(until=date(2025, 3, 1)),
                "leaving_date": perhaps(some_day(date(2025, 6, 1)), 0.2),
                "part_time_timetable": number % 9 == 0,
            }
        )
        rows["capita_one.sen_needs"].append(
            {"student_id": who, "sen_type": chance.choice(["ASD", "MLD"]), "rank": 1, "start_date": some_day()}
        )
        received = some_day()
        issued = perhaps(received + timedelta(chance.randrange(60, 400)))
        rows["capita_one.ehcp_assessments"].append(
            {
                "involvement_id": who,
                "student_id": who,
                "received_date": received,
                "request_source": chance.choice("123"),
                "decision_to_assess": perhaps(chance.random() < 0.8),
                "decision_notified_date": received + timedelta(chance.randrange(30, 60)),
                "final_issued_date": issued,
                "no_plan_notified_date": None if issued else perhaps(received + timedelta(110)),
                "twenty_week_exception": chance.random() < 0.1,
            }
        )
        if issued or number % 2:
            start = issued or some_day()
            rows["capita_one.ehc_plans"].append(
                {
                    "plan_id": who,
                    "student_id": who,
                    "initial_plan_date": start,
                    "cease_date": perhaps(some_day(start, start + timedelta(500)), 0.15),
                    "cease_reason": chance.choice("1259"),
                    "setting_type": perhaps(chance.choice(["OLA", "NEET", "NIEO"]), 0.2),
                    "phase_transfer_due_date": perhaps(date(2026, 2, 15), 0.3),
                    "phase_transfer_final_date": perhaps(some_day(date(2026, 1, 1), date(2026, 4, 1)), 0.3),
                }
            )
            for review in range(2):
                meeting = start + timedelta(200 * (review + 1))
                rows["capita_one.annual_reviews"].append(
                    {
                        "review_id": f"{who}-{review}",
                        "plan_id": who,
                        "meeting_date": meeting,
                        "la_outcome": chance.choice("AM"),
                        "decision_date": perhaps(meeting + timedelta(chance.randrange(20, 40))),
                        "final_amended_plan_date": perhaps(meeting + timedelta(chance.randrange(70, 100))),
                    }
                )
        else:
            rows["capita_one.sen_provision"].append({"student_id": who, "sen_provision": "K", "start_date": some_day()})
        rows["capita_one.exclusions"].append(
            {
                "exclusion_id": who,
                "student_id": who,
                "category": chance.choice(["SUSP", "PERM"]),
                "start_date": some_day(),
            }
        )
        for week in range(10):
            rows["capita_one.attendance"].append(
                {
                    "student_id": who,
                    "urn": f"10000{number % 4}",
                    "week_commencing": date(2025, 9, 1) + timedelta(43 * week),
                    "sessions_possible": 10,
                    "authorised_absence": chance.randrange(4),
                    "unauthorised_absence": chance.randrange(3),
                }
            )
        rows["ehc_hub.cases"].append(
            {
                "case_reference": who,
                "child_dob": born,
                "migrated_student_id": who,
                "request_received": received,
                "primary_need": "",
            }
        )
        rows["ehc_hub.advice"].append(
            {
                "case_reference": who,
                "advice_type": chance.choice(["Health", "Educational Psychology", "Social Care"]),
                "provider": chance.choice(["A", "B"]),
                "requested_date": received,
                "received_date": perhaps(received + timedelta(chance.randrange(35, 50))),
            }
        )
        rows["social_care.involvements"].append(
            {
                "person_id": who,
                "date_of_birth": born,
                "status": chance.choice(["Child in need", "Early help"]),
                "start_date": some_day(),
            }
        )
    end = date(2027, 2, 28)
    for each in [row for feed in rows.values() for row in feed]:
        each.update({name: None for name, value in each.items() if isinstance(value, date) and value > end})
    return rows


def test_the_worklist_has_what_is_late_or_falls_due(tmp_path: Path) -> None:
    """Day 42 is not late and day 43 is; advice counts while its case is open, whichever system numbers the case."""

    def day(days_ago: int) -> date:
        return AS_AT - timedelta(days_ago)

    rows: dict[str, list[dict[str, Any]]] = {
        "capita_one.ehcp_assessments": [
            {"involvement_id": "day 42", "student_id": "1", "received_date": day(42)},
            {"involvement_id": "day 43", "student_id": "2", "received_date": day(43)},
            {"involvement_id": "withdrawn", "student_id": "3", "received_date": day(43), "inactive_date": day(1)},
            {
                "involvement_id": "another authority's",
                "student_id": "4",
                "received_date": day(300),
                "assessment_type": "AOL",
            },
            {
                "involvement_id": "day 141",
                "student_id": "5",
                "received_date": day(141),
                "decision_to_assess": True,
                "decision_notified_date": day(100),
            },
            {
                "involvement_id": "day 211",
                "student_id": "6",
                "received_date": day(211),
                "decision_to_assess": True,
                "decision_notified_date": day(180),
            },
        ],
        "capita_one.ehc_plans": [
            {"plan_id": plan, "student_id": plan, "initial_plan_date": day(300), **more}
            for plan, more in {
                "15 February": {"phase_transfer_due_date": date(2027, 2, 15)},
                "31 March": {"phase_transfer_due_date": date(2027, 3, 31)},
                "next year": {"phase_transfer_due_date": date(2027, 4, 1)},
                "never finalised": {"phase_transfer_due_date": date(2026, 2, 15)},
                "finalised": {"phase_transfer_due_date": date(2027, 2, 15), "phase_transfer_final_date": AS_AT},
                "ended": {"phase_transfer_due_date": date(2027, 2, 15), "cease_date": AS_AT},
            }.items()
        ],
        "ehc_hub.cases": [
            {
                "case_reference": "H5",
                "child_dob": date(2018, 1, 1),
                "request_received": day(141),
                "migrated_student_id": "5",
            },
            {"case_reference": "H7", "child_dob": date(2018, 1, 1), "request_received": day(5)},
            {
                "case_reference": "H8",
                "child_dob": date(2019, 1, 1),
                "request_received": day(200),
                "final_plan_issued": day(1),
            },
        ],
        "ehc_hub.advice": [
            {"case_reference": "H5", "advice_type": "Health", "provider": "Trust", "requested_date": day(43)},
            {"case_reference": "H5", "advice_type": "Education", "requested_date": day(43), "received_date": AS_AT},
            {"case_reference": "H7", "advice_type": "Parent", "requested_date": AS_AT},
            {"case_reference": "H8", "advice_type": "Health", "requested_date": day(43)},
        ],
    }
    path = built(tmp_path / "one", rows)
    query = "SELECT item_type, kpi_id, reference, provider, days_late FROM kpi.kpi_worklist ORDER BY 1, days_late, 3"
    requested = day(43).isoformat()
    assert [tuple(row.values()) for row in read(path, query)] == [
        ("advice_outstanding", None, f"HUB-H7, Parent, {AS_AT}", None, -42),
        ("advice_outstanding", "K13", f"day 141, Health, {requested}", "Trust", 1),
        ("assessment_beyond_20_weeks", "K01", "day 141", None, 1),
        ("assessment_beyond_30_weeks", "K05", "day 211", None, 71),
        ("decision_to_assess_overdue", "K07", "day 43", None, 1),
        ("phase_transfer_to_finalise", "K24", "31 March", None, -135),
        ("phase_transfer_to_finalise", "K24", "15 February", None, -91),
        ("phase_transfer_to_finalise", "K24", "never finalised", None, 274),
    ]
