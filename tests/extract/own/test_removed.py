"""A person's removal, and periods, know a council's own files as they know exports."""

from dataclasses import replace
from datetime import date, datetime, timedelta

import pytest

from extract import landing
from extract.inbox import survey
from extract.inbox.survey import late_files
from extract.own import source
from operations.retention import overdue
from operations.retention.person import find_person
from operations.retention.purge import purge
from send_ready.runs import RunError
from send_ready.settings import LONDON
from tests.extract.own.council import SOURCE, Council

BEFORE = [("SX1", "Ann", "01/09/2026", ""), ("SX2", "Bob", "02/09/2026", ""), ("SX3", "Cyd", "02/09/2026", "")]
AFTER = [*BEFORE[1:], ("SX4", "Dee", "01/10/2026", "")]
NOW = datetime(2026, 11, 16, 9, 0, tzinfo=LONDON)


@pytest.fixture
def two_nights(council: Council) -> Council:
    council.register()
    council.drop("EHE register South 20261110.xlsx", [("SX9", "Eve", "01/09/2026", "")])
    council.drop("EHE register North 20261110.xlsx", BEFORE)
    council.night("2026-11-10")
    return council


def landed(council: Council) -> list[str]:
    return [each.file_name for each in landing.history(council.given.home, source.load("register", council.given))]


def test_a_person_whom_a_file_in_use_holds_is_not_removed(two_nights: Council) -> None:
    found = find_person(two_nights.given, ["SX1"], NOW.date())
    assert len(found.blockers) == 1 and "EHE register North 20261110.xlsx, which is in use" in found.blockers[0]


def test_a_person_goes_with_the_files_and_what_was_made_of_them(two_nights: Council) -> None:
    two_nights.drop("EHE register North 20261116.xlsx", AFTER)
    night = two_nights.night()
    assert night.students() == {"SX2", "SX3", "SX4", "SX9"}
    found = find_person(two_nights.given, ["SX1"], NOW.date())
    assert not found.blockers
    kinds = [item.kind for item in found.items]
    assert kinds.count("landing") == 1 and kinds.count("typed") == 1 and kinds.count("runs") == 1
    assert purge(two_nights.given, NOW, by="A", why="B", do=True, person=["SX1"])
    assert landed(two_nights) == ["EHE register South 20261110.xlsx", "EHE register North 20261116.xlsx"]
    assert not find_person(two_nights.given, ["SX1"], NOW.date()).items
    assert two_nights.night().students() == {"SX2", "SX3", "SX4", "SX9"}  # and it does not land again
    assert landed(two_nights) == ["EHE register South 20261110.xlsx", "EHE register North 20261116.xlsx"]
    with pytest.raises(RunError, match=r"2026-11-10 cannot be built again: EHE register North 20261110\.xlsx"):
        survey.removed.check_day(two_nights.given, date(2026, 11, 10))
    survey.removed.check_day(two_nights.given, date(2026, 11, 16))


def test_a_part_in_use_stays_beyond_its_period_and_what_took_its_place_lets_the_other_go(two_nights: Council) -> None:
    two_nights.drop("EHE register North 20261116.xlsx", AFTER)
    two_nights.night()
    today = date(2026, 11, 17) + timedelta(days=400)
    items = overdue.due(two_nights.given, {"landing": 400}, today)
    assert [item.landed.landed.file_name for item in items if item.landed] == ["EHE register North 20261110.xlsx"]


def test_all_files_of_a_source_stay(council: Council) -> None:
    council.register(source=f"{SOURCE}together: all\n")
    council.drop("EHE register North 20261110.xlsx", BEFORE)
    council.drop("EHE register North 20261116.xlsx", AFTER)
    council.night()
    assert not overdue.due(council.given, {"landing": 400}, date(2029, 1, 1))


def test_a_file_that_comes_after_the_pack_is_late(two_nights: Council) -> None:
    history = landing.history(two_nights.given.home, source.load("register", two_nights.given))
    used = {each.sha256 for each in history}
    day = date(2026, 11, 10)
    assert late_files(two_nights.given, NOW, used, day) == []
    two_nights.drop("EHE register North 20261109.xlsx", AFTER)
    assert late_files(two_nights.given, NOW, used, day) == ["EHE register North 20261109.xlsx"]
    assert late_files(replace(two_nights.given, config=None), NOW, used, day) == []
