"""The return against a schema that a council put there: each finding at its line and person, and without a value."""

from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import duckdb
import pytest

from publish.sen2 import document, xsd
from send_ready import settings
from tests.unit import sen2_tables
from tests.unit.test_configuration import House
from tests.unit.test_sen2_document import RUN, written

SCHEMA = Path(__file__).with_name("SEN2_2027.xsd")
GIVEN = settings.load({"SEND_HOME": "home"})
WELL = {"surname": "Example", "forename": "Ada", "person_birth_date": date(2016, 5, 3), "sex": "F"}


def found(con: duckdb.DuckDBPyConnection, schema: Path = SCHEMA) -> list[xsd.Finding]:
    return list(xsd.findings(con, document.made(con, RUN), GIVEN, schema))


def returned(*persons: dict[str, Any]) -> duckdb.DuckDBPyConnection:
    """A return of persons, each with one request of which too little is known."""
    requests = [
        {"requests_table_id": at, "person_table_id": at, "order_seq": 1, "rya": False, "request_outcome": "A"}
        for at in range(1, len(persons) + 1)
    ]
    return sen2_tables.warehouse({"person": sen2_tables.persons(*persons), "requests": requests})


def test_a_return_that_the_schema_allows_has_no_finding() -> None:
    assert found(returned(WELL, WELL | {"upn": "H999200006001"})) == []
    assert found(sen2_tables.warehouse({})) == []


WRONG: list[tuple[dict[str, Any], str, str]] = [
    ({"sex": "Xylo"}, "Sex", "The value is not an element of the set {'F', 'M'}."),
    ({"sex": "is not an element of the set {'F"}, "Sex", "The value is not an element of the set {'F', 'M'}."),
    ({"ethnicity": "Xylo"}, "Ethnicity", "The value is not accepted by the pattern '[A-Z]{4}'."),
    (
        {"surname": "Xylo" * 9},
        "Surname",
        "The value has a length of '36'; this exceeds the allowed maximum length of '35'.",
    ),
    ({"forename": None}, "PersonBirthDate", "This element is not expected. Expected is ( Forename )."),
]


@pytest.mark.parametrize(("values", "tag", "said"), WRONG)
def test_a_finding_names_line_element_and_person_and_no_value(values: dict[str, Any], tag: str, said: str) -> None:
    con = returned(WELL, WELL | values, WELL)
    (finding,) = found(con)
    assert (finding.tag, finding.unique_id, finding.said) == (tag, "A2", said)
    assert f"<{tag}>" in written(con).splitlines()[finding.line - 1]


def test_lines_are_those_of_the_file_also_beyond_the_first_persons(monkeypatch: pytest.MonkeyPatch) -> None:
    con = returned(*[WELL | {"sex": "Xylo" if at % 3 == 0 else "M"} for at in range(10)])
    con.execute("UPDATE built.sen2.sen2_header SET lea = '99', dmo = 'Yes'")
    whole = found(con)
    for at_once in (1, 3, 4):
        monkeypatch.setattr(xsd, "PERSONS_AT_ONCE", at_once)
        assert found(con) == whole
    lines = written(con).splitlines()
    assert [(finding.tag, finding.unique_id) for finding in whole] == [
        ("LEA", None), ("Sex", "A1"), ("Sex", "A4"), ("Sex", "A7"), ("Sex", "A10"),
    ]  # fmt: skip
    assert all(f"<{finding.tag}>" in lines[finding.line - 1] for finding in whole)


def test_what_holds_of_all_persons_together_is_asked_of_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(xsd, "PERSONS_AT_ONCE", 1)
    own = '<xs:unique name="once"><xs:selector xpath="Person"/><xs:field xpath="UPN"/></xs:unique></xs:element>'
    text = SCHEMA.read_text(encoding="utf-8")
    end = "</xs:sequence></xs:complexType></xs:element>\n    </xs:sequence></xs:complexType>\n  </xs:element>"
    assert text.count(end) == 1
    schema = tmp_path / "SEN2_2027.xsd"
    schema.write_text(text.replace(end, end.replace("</xs:element>", own, 1)), encoding="utf-8")
    upn = {"upn": "H999200006001"}
    (finding,) = found(returned(WELL | upn, WELL, WELL | upn), schema)
    assert finding.unique_id == "A3" and finding.said == (
        "The same stands elsewhere, or what it leads to does not ('once')."
    )
    monkeypatch.setattr(xsd, "LAST_LINE", 20)  # as in a return of many persons
    (finding,) = found(returned(WELL | upn, WELL, WELL | upn), schema)
    assert finding.unique_id == "A3"


BAD = [
    ("<xs:schema", "<xs:schem", "is no XML that can be read"),
    ('type="upn"', 'type="upnn"', "is no XML schema that can be used"),
    ('name="Message"', 'name="Nachricht"', "declares no element Message"),
    (
        "<xs:simpleType",
        '<xs:import namespace="a" schemaLocation="/etc/passwd"/><xs:simpleType',
        "takes in another file",
    ),
    (
        "<xs:simpleType",
        '<xs:include schemaLocation="http://127.0.0.1:9/a.xsd"/><xs:simpleType',
        "takes in another file",
    ),
    ("<xs:schema", '<!DOCTYPE a [<!ENTITY b SYSTEM "file:///etc/passwd">]><xs:schema', "has a DOCTYPE"),
]


@pytest.mark.parametrize(("old", "new", "said"), BAD)
def test_a_schema_that_cannot_be_used_is_set_aside_and_told(tmp_path: Path, old: str, new: str, said: str) -> None:
    house, text = House(tmp_path), SCHEMA.read_text(encoding="utf-8")
    assert old in text
    house.write("sen2/SEN2_2027.xsd", text.replace(old, new, 1))
    _, in_force, held = house.settle()
    assert said in str(held["sen2/SEN2_2027.xsd"].reason)
    assert xsd.path_of(2027, in_force) is None


def test_a_schema_is_in_force_for_its_year_alone(tmp_path: Path) -> None:
    house = House(tmp_path)
    house.write("sen2/SEN2_2027.xsd", SCHEMA.read_bytes())
    house.write("sen2/SEN2_next.xsd", SCHEMA.read_bytes())
    run, in_force, held = house.settle()
    assert held.keys() == {"sen2/SEN2_2027.xsd"} and xsd.path_of(2026, in_force) is None
    path = xsd.path_of(2027, in_force)
    assert path == run.folder / "config" / "sen2" / "SEN2_2027.xsd"
    assert xsd.path_of(2027, replace(in_force, config=None)) is None
