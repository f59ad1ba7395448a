"""The exports are in the default layout: what the contracts, column maps and crosswalks of the pipeline say."""

import csv
import io
import re
from datetime import date, timedelta
from pathlib import Path

import pytest

from extract import contract, fit
from sample import council, layout, sen2
from send_ready import settings

AS_AT = date(2026, 11, 16)
PROJECT = Path(__file__).resolve().parents[2]
XWALKS = PROJECT / "dbt_project" / "seeds" / "xwalk"
CODED = {
    "capita_one.students": {"sex": "sex", "ethnicity": "ethnicity", "upn_unknown_reason": "upn_unknown_reason"},
    "capita_one.enrolments": {"enrolment_status": "enrolment_status"},
    "capita_one.sen_provision": {"sen_provision": "sen_provision"},
    "capita_one.sen_needs": {"sen_type": "sen_type"},
    "capita_one.ehcp_assessments": {
        "assessment_type": "assessment_type", "request_source": "request_source", "inactive_reason": "inactive_reason",
    },
    "capita_one.ehc_plans": {
        "setting_type": "setting_type", "residential": "residential", "cease_reason": "cease_reason",
        "work_based_learning": "work_based_learning", "direct_payment": "direct_payment",
    },
    "capita_one.annual_reviews": {"la_outcome": "review_outcome"},
    "capita_one.placements": {
        "setting_type": "setting_type", "residential": "residential", "work_based_learning": "work_based_learning",
    },
    "capita_one.exclusions": {"category": "exclusion_category", "reason": "exclusion_reason"},
    "ehc_hub.cases": {
        "gender": "sex", "primary_need": "sen_type", "requested_by": "request_source",
        "decision_to_assess": "hub_decision", "decision_to_issue": "hub_decision",
    },
    "ehc_hub.advice": {"advice_type": "advice_type"},
    "ehc_hub.reviews": {"outcome": "review_outcome"},
    "social_care.involvements": {"status": "social_care_status"},
    "board.measures": {"period_type": "period_type"},
    "board.actions": {"status": "action_status"},
}  # fmt: skip
DATE = {
    "capita_one": r"\d{2}/\d{2}/\d{4}",
    "ehc_hub": r"\d{4}-\d{2}-\d{2}( \d{2}:\d{2}:\d{2})?",
    "social_care": r"\d{2}/\d{2}/\d{4}",
    "board": r"\d{2}/\d{2}/\d{4}",
    "gias": r"\d{2}-\d{2}-\d{4}",
}


@pytest.fixture(scope="module")
def inbox(tmp_path_factory: pytest.TempPathFactory) -> Path:
    home = tmp_path_factory.mktemp("home")
    council.write(home / "inbox", as_at=AS_AT, plans=300, sen_support=400, faults=0.0)
    return home / "inbox"


def _path(inbox: Path, feed: str) -> Path:
    return inbox / layout.file_name(feed, AS_AT - timedelta(days=4) if feed.startswith("gias") else AS_AT)


def _rows(inbox: Path, feed: str) -> list[dict[str, str]]:
    data = _path(inbox, feed).read_bytes().decode(layout.dialect(feed).encoding)
    return list(csv.DictReader(io.StringIO(data, newline="")))


def test_one_file_a_feed_by_its_default_name(inbox: Path) -> None:
    assert tuple(feed for feed in contract.feeds() if feed.split(".")[0] in layout.DIALECTS) == layout.FEEDS
    needed = {each.id for each in contract.load_all(settings.load({})) if not each.is_optional}
    assert needed <= set(layout.FEEDS)  # the council has none of the others, which a council may do without
    assert {path.name for path in inbox.iterdir()} == {_path(inbox, feed).name for feed in layout.FEEDS}
    assert (inbox / "capita_one_students_20261116.csv").exists()
    assert (inbox / "edubasealldata20261112.csv").exists()


@pytest.mark.parametrize("feed", layout.FEEDS)
def test_headers_keys_and_types(feed: str, inbox: Path) -> None:
    expected = contract.load(feed, settings.load({}))
    besides = sen2.COLUMNS.get(feed, ())
    columns = [column for column in expected.columns if not column.is_quiet or column.name in besides]
    rows = _rows(inbox, feed)
    headers = {column.name: column.headers[0] for column in columns}
    assert list(rows[0]) == [*headers.values(), *layout.EXTRA_HEADERS.get(feed, {}).values()]
    fitted = fit.fit(expected, list(rows[0]))
    assert not (fitted.fills or fitted.generated or fitted.places)  # nothing stands in for what the file has
    seen = set()
    for row in rows:
        key = tuple(row[headers[name]] for name in expected.key if name in headers)
        assert key not in seen
        seen.add(key)
    for column in columns:
        values = {row[headers[column.name]] for row in rows} - {""}
        assert not column.is_required or all(row[headers[column.name]] for row in rows), column.name
        if column.type in ("date", "datetime"):
            assert all(re.fullmatch(DATE[expected.source], value) for value in values), column.name
        if column.type == "integer":
            assert all(value.isdecimal() for value in values), column.name
        if column.type == "boolean":
            assert values <= {"Y", "N"}, column.name


@pytest.mark.parametrize("feed", CODED)
def test_every_code_is_known(feed: str, inbox: Path) -> None:
    rows = _rows(inbox, feed)
    for column, crosswalk in CODED[feed].items():
        with (XWALKS / f"xwalk_{crosswalk}.csv").open(encoding="utf-8", newline="") as file:
            known = {row["local_value"].lower() for row in csv.DictReader(file)}
        values = {row[layout.headers(feed)[column]].lower() for row in rows} - {""}
        assert values and values <= known, column


@pytest.mark.parametrize("feed", layout.FEEDS)
def test_encoding_and_line_ends(feed: str, inbox: Path) -> None:
    data = _path(inbox, feed).read_bytes()
    source = feed.split(".")[0]
    assert data.startswith(b"\xef\xbb\xbf") == (source == "ehc_hub")
    assert (b"\r\n" in data) == (source in ("capita_one", "gias"))
    assert data.replace(b"\r\n", b"\n").count(b"\n") == len(_rows(inbox, feed)) + 1


def test_names_are_in_the_encoding_of_their_system(tmp_path: Path) -> None:
    council.write(tmp_path / "inbox", as_at=AS_AT, plans=2000, sen_support=500, faults=0.0)
    students = (tmp_path / "inbox" / "capita_one_students_20261116.csv").read_bytes()
    assert "Zoë".encode("cp1252") in students and "Zoë".encode() not in students
    cases = (tmp_path / "inbox" / "ehc_hub_cases_20261116.csv").read_text(encoding="utf-8-sig")
    assert "Nguyễn" in cases
