"""SEN2 returns in a night, beside a council's own sources; and what `make check` says of one."""

import os
import time
from pathlib import Path

import pytest

from commands.check import check
from operations.retention.person import find_person
from tests.extract.own.council import Council
from tests.extract.sen2.forms import blades, template, xml

OWN = """
title: Tracker
owner: SEND team
file_names: ["SEN2 tracker {date}*"]
stale_after_days: 8
"""


def test_a_councils_own_source_keeps_its_files_and_what_is_told_of_a_return_reaches_the_night(council: Council) -> None:
    council.configure("sources/tracker.yml", OWN)
    rows = "".join(f"A{number},Ann,01/09/2026\n" for number in range(1000, 1012))
    tracker = council.given.inbox / "SEN2 tracker 20261116.csv"
    tracker.write_text(f"UPN,Name,Requested\n{rows}")
    text = xml().replace("<PB>", "<Colour>x</Colour><PB>").replace("2025-03-20", "20 Marchember")
    (council.given.inbox / "SEN2_2026_999_001.xml").write_text(text)
    os.utime(tracker, (time.time() - 60, time.time() - 60))
    night = council.night("2026-11-16", "sen2.requests")
    assert night.set_aside() == {}
    sources = night.sources()
    assert sources["tracker"]["rows"] == 12 and night.told("F-47") == []
    assert [each["file_name"] for each in sources["sen2_returns"]["files"]] == ["SEN2_2026_999_001.xml"]
    assert night.told("F-62")[0].startswith("Elements that no SEN2 return of any year has: Colour (1, first in line ")
    (unread,) = night.told("F-31")
    assert unread.startswith("RequestOutcomeDate cannot be read")


def test_a_child_in_a_return_is_found_when_a_person_is_to_be_removed(council: Council) -> None:
    (council.given.inbox / "SEN2_2026_999_001.xml").write_text(xml(), encoding="utf-8")
    council.night("2026-11-16", "sen2.persons")
    found = find_person(council.given, ["P888100119001"], council.given.as_at)
    assert any("sen2_returns" in each for each in found.blockers)


def test_make_check_says_what_a_return_is(council: Council, capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    path = template(tmp_path / "sen2 template.xlsx", swapped=True)
    assert check(council.given, path, None) == 0
    said = capsys.readouterr().out
    assert "DfE template\nSEN2 return of 2026; data date 15 January 2026" in said
    assert "Rows: 3 Person, 4 Requests, 3 Assessment, 2 NamedPlan" in said and "F-66" in said
    requests = next(each for each in blades(tmp_path) if each.stem.endswith("requests"))
    assert check(council.given, requests, None) == 0
    assert "one of the blades of COLLECT" in capsys.readouterr().out
    cut = tmp_path / "sen2 cut.xml"
    cut.write_text(xml()[:2000])
    assert check(council.given, cut, None) == 1
    assert "Would be REFUSED (F-08)." in capsys.readouterr().out
