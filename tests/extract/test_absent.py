"""Feeds that a council says it does not have."""

from pathlib import Path

import pytest

from extract import absent
from extract import contract as contracts
from extract.absent import Absence
from send_ready import settings
from send_ready.tables import TableError

HEADER = "feed,reason,said_by,said_on\n"


def read(folder: Path, text: str) -> dict[str, Absence]:
    path = folder / absent.NAME
    path.write_text(HEADER + text, encoding="utf-8")
    return absent.read(path, contracts.feeds())


def test_a_feed_is_absent_with_a_reason_and_perhaps_who_said_so(tmp_path: Path) -> None:
    rows = "ehc_hub.cases,We have no hub.,AB,16/11/2026\nehc_hub__advice,None,,\nehc_hub__advice,None,,\n"
    found = read(tmp_path, rows)
    assert {feed: str(each) for feed, each in found.items()} == {
        "ehc_hub.cases": "We have no hub (AB, 16/11/2026)",
        "ehc_hub.advice": "None",
    }


@pytest.mark.parametrize(
    ("row", "message"),
    [
        ("hub.cases,No hub,,", "line 2: there is no feed 'hub.cases'. Feeds: board.actions, "),
        ("ehc_hub.cases,,,", "line 2: say in reason, in 300 letters at most, why the council has no ehc_hub.cases"),
        (f"ehc_hub.cases,{'x' * 301},,", "line 2: say in reason"),
        ("ehc_hub.cases,No hub,,soon", "line 2: said_on is 'soon', and must be a date such as 16/11/2026"),
        ("ehc_hub.cases,No hub,,\nehc_hub.cases,None,,", "line 3: ehc_hub.cases stands in an earlier line already"),
    ],
)
def test_a_line_that_cannot_be_used_is_named_with_what_to_change(tmp_path: Path, row: str, message: str) -> None:
    with pytest.raises(TableError) as error:
        read(tmp_path, f"{row}\n")
    assert message in str(error.value) and absent.NAME in str(error.value)


def test_a_contract_says_that_the_council_has_none_of_it(tmp_path: Path) -> None:
    read(tmp_path, "capita_one.exclusions,Schools send none,,\n")
    given = settings.load({"SEND_CONFIG": str(tmp_path)})
    assert str(contracts.load("capita_one.exclusions", given).absence) == "Schools send none"
    assert contracts.load("capita_one.students", given).absence is None
    unchanged = contracts.load("capita_one.exclusions", settings.load({}))
    assert contracts.load("capita_one.exclusions", given).fingerprint == unchanged.fingerprint
