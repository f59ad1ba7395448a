"""A SEN2 return as XML: the versions and spellings, and what must be refused."""

import codecs
import re
from pathlib import Path

import pytest

from extract.refusal import Refusal
from tests.extract.own.council import Council
from tests.extract.sen2.forms import OTHER_SPELLINGS, xml
from tests.extract.sen2.reads import read
from tests.extract.sen2.truth import PERSONS, tables

FEEDS = ("persons", "requests", "assessments", "named_plans", "plan_details", "active_plans", "placement_details",
         "sen_needs")  # fmt: skip


def written(folder: Path, text: str | bytes, name: str = "SEN2_2026_888_001.xml") -> Path:
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    "text",
    [
        xml(),
        xml(spelling=OTHER_SPELLINGS),
        xml(namespace="="),
        xml(namespace="s"),
        xml(children_first=True),
        xml(lines=""),
        xml(lines="\r\n"),
        "\n \n" + xml(),
        codecs.BOM_UTF8 + xml().encode(),
        xml(declaration='<?xml version="1.0" encoding="UTF-16"?>').encode("utf-16"),
        xml(declaration='<?xml version="1.0" encoding="ISO-8859-1"?>').encode("latin-1"),
        xml(version=2023),
        re.sub(r"<[/A-Za-z0-9]+>", lambda tag: tag[0].upper(), xml()),
    ],
    ids=["ours", "other spelling", "namespace", "prefix", "children first", "one line", "crlf", "blank lines", "bom",
         "utf-16", "latin-1", "2023", "capitals"],
)  # fmt: skip
def test_the_nine_tables_are_those_of_the_return(tmp_path: Path, text: str | bytes) -> None:
    found, told = read(written(tmp_path, text))
    assert found.pop("sen2") == [
        {"return_year": "2026", "reference_date": "2026-01-15", "lea": "999", "serial_no": "001"}
    ]
    assert found == tables()
    assert told == []


def test_bytes_that_are_no_utf8_are_read_as_windows_writes_them(tmp_path: Path) -> None:
    found, told = read(written(tmp_path, xml().encode("cp1252")))
    assert found["person"][1]["forename"] == "Zoë"
    assert told == []


BOMB = """<?xml version="1.0"?><!DOCTYPE lolz [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>
<Message><Persons><Person><Surname>&b;</Surname></Person></Persons></Message>"""
FOREIGN = '<?xml version="1.0"?><!DOCTYPE m SYSTEM "file:///etc/passwd"><Message/>'


@pytest.mark.parametrize(
    ("text", "code", "said"),
    [
        (BOMB, "F-61", "has a DTD (line 1)"),
        (FOREIGN, "F-61", "has a DTD"),
        ("", "F-01", "empty"),
        ("<Message></Message>", "F-02", "no Person"),
        ("<Children/>", "F-04", "no SEN2 return"),
        (xml(header={"Collection": "CIN"}), "F-04", "another collection"),
        (xml(header={"LEA": "330"}), "F-65", "of authority 330, and not of 999"),
        ("no xml", "F-08", "from line 1"),
        ("<a>" * 60 + "</a>" * 60, "F-04", "more than 40"),
        (xml().replace("<Forename>Li</Forename>", "<Forename>&undefined;</Forename>"), "F-08", "cannot be read on"),
    ],
)
def test_what_is_no_return_of_the_council_is_refused(tmp_path: Path, text: str, code: str, said: str) -> None:
    with pytest.raises(Refusal) as refused:
        read(written(tmp_path, text))
    assert refused.value.code == code
    assert said in refused.value.reason


@pytest.mark.parametrize("share", [0.2, 0.5, 0.9, 0.999])
def test_a_return_that_was_cut_off_is_refused_with_the_line(tmp_path: Path, share: float) -> None:
    whole = xml()
    with pytest.raises(Refusal) as refused:
        read(written(tmp_path, whole[: int(len(whole) * share)]))
    assert refused.value.code == "F-08"
    assert "cannot be read on from line " in refused.value.reason


def test_what_no_return_has_is_told_once_a_name_and_what_stands_in_it_is_read(tmp_path: Path) -> None:
    text = xml().replace("<PB>", "<Colour>x</Colour><PB>").replace("<ActivePlans>", "<Wrap kind='1'><ActivePlans>")
    text = text.replace("</ActivePlans>", "</ActivePlans></Wrap>")
    found, told = read(written(tmp_path, text))
    found.pop("sen2")
    assert found == tables()
    (one,) = told
    assert one.rule == "F-62"
    assert "Colour (1, first in line " in one.message and "Wrap (2" in one.message and "@kind (2" in one.message


def test_an_element_without_one_above_is_kept_and_told(tmp_path: Path) -> None:
    text = xml().replace(
        "</Persons>", "<Person><Surname>New</Surname><SENneed><SENtype>ASD</SENtype></SENneed></Person></Persons>"
    )
    found, told = read(written(tmp_path, text))
    assert found["sen_need"][-1]["active_plans_table_id"] is None and found["sen_need"][-1]["sen_type"] == "ASD"
    assert [(each.rule, each.count) for each in told] == [("F-63", 1)]


def test_two_values_of_one_element_are_told_and_the_first_counts(tmp_path: Path) -> None:
    found, told = read(written(tmp_path, xml().replace("<Sex>F</Sex>", "<Sex>F</Sex><Sex>M</Sex>", 1)))
    assert found["person"][0]["sex"] == "F"
    assert [each.rule for each in told] == ["F-64"]


def test_of_a_header_without_a_year_name_or_dates_say_it(tmp_path: Path) -> None:
    text = xml(header={"Year": "", "ReferenceDate": ""})
    found, _ = read(written(tmp_path, text, "sen2 return.xml"))
    assert found["sen2"][0]["return_year"] == "2026" and found["sen2"][0]["reference_date"] == "2026-01-15"
    found, _ = read(written(tmp_path, text, "sen2 2025 return.xml"))
    assert found["sen2"][0]["return_year"] == "2025"


def test_a_night_lands_it_and_each_table_is_a_feed_under_the_survey_year(council: Council) -> None:
    written(council.given.inbox, xml())
    written(
        council.given.inbox, xml(PERSONS[:1], {"Year": "2025", "ReferenceDate": "2025-01-16"}), "sen2 last year.xml"
    )
    night = council.night("2026-11-16", "sen2.persons")
    assert night.rows("return_year, person_table_id, surname") == [
        (2025, "1", "Example"), (2026, "1", "Example"), (2026, "2", "O'Brien & <Sons>"), (2026, "3", "Last"),
    ]  # fmt: skip
    assert night.result["status"] == "fresh" and night.result["data_date"] == "2026-01-15"
    night = council.night("2026-11-16", "sen2.placement_details")
    assert night.rows("return_year, placement_detail_table_id, active_plans_table_id, urn, entry_date::VARCHAR") == [
        (2025, "1", "1", "100000", "2023-09-01"), (2025, "2", "1", None, "2025-09-01"),
        (2026, "1", "1", "100000", "2023-09-01"), (2026, "2", "1", None, "2025-09-01"),
        (2026, "3", "2", None, "2022-09-05"),
    ]  # fmt: skip
    assert [message for rule, message, *_ in night.issues() if rule not in ("F-20", "F-16")] == []


def test_of_two_returns_of_a_year_the_higher_serial_stands_and_the_other_is_told(council: Council) -> None:
    written(council.given.inbox, xml(header={"SerialNo": "002"}), "sen2 second.xml")
    written(council.given.inbox, xml(PERSONS[:1], {"SerialNo": "001"}), "sen2 third.xml")
    night = council.night("2026-11-16", "sen2.persons")
    assert len(night.rows("surname")) == 3
    (message,) = night.told("F-69")
    assert message.startswith(
        "There are two returns for 2026. sen2 second.xml stands, since its serial number is higher"
    )
    written(council.given.inbox, xml(PERSONS[:2], {"SerialNo": "003"}), "sen2 fourth draft.xml")
    assert len(council.night("2026-11-17", "sen2.persons").rows("surname")) == 3


def test_a_return_of_another_council_is_refused_and_the_one_before_stays(council: Council) -> None:
    written(council.given.inbox, xml())
    assert council.night("2026-11-16", "sen2.persons").result["rows_accepted"] == 3
    written(council.given.inbox, xml(header={"LEA": "330", "SerialNo": "009"}), "sen2 theirs.xml")
    night = council.night("2026-11-17", "sen2.persons")
    assert night.result["rows_accepted"] == 3
    assert [message[:40] for message in night.told("F-65")] == ["Refused: The return is of authority 330,"]
