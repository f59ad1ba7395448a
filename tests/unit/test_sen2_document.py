"""The SEN2 return as XML: well formed whatever a record holds, read back the same, and the same bytes each time."""

import csv
import re
from collections import defaultdict
from dataclasses import replace
from datetime import date, datetime
from pathlib import Path
from typing import Any

import duckdb
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from publish.sen2 import blades, document
from publish.sen2.document import Made
from send_ready import sen2
from send_ready.runs import Run, RunError
from tests.unit import sen2_tables
from tests.unit.test_sen2_shape import own

RUN = Run(Path("home"), "a-run", date(2026, 11, 16), "999")
REQUEST: dict[str, Any] = {"requests_table_id": 1, "person_table_id": 1, "order_seq": 1}


def written(con: duckdb.DuckDBPyConnection, at_once: int = document.PERSONS_AT_ONCE, **how: Any) -> str:
    """The whole text of the return."""
    return "".join(document.document(con, document.made(con, RUN, **how), None, at_once).parts())


def read(text: str, year: int) -> dict[str, list[dict[str, str]]]:
    """By module the values of each row in the order of the document: a reader that knows no more than the seed."""
    modules, found = sen2.modules(year), defaultdict[str, list[dict[str, str]]](list)

    def row(element: Any, module: sen2.Module) -> None:
        held: dict[str, str] = {}
        found[module.name].append(held)
        inside(element, module, held, ())

    def inside(element: Any, module: sen2.Module, held: dict[str, str], path: tuple[str, ...]) -> None:
        names = {each.tag: each for each in module.elements if each.path == path}
        for child in element:
            if child.tag not in names:
                inside(child, module, held, (*path, child.tag))
            elif (name := names[child.tag]).is_module:
                row(child, modules[name.column_name])
            else:
                assert not len(child) and name.column_name not in held
                held[name.column_name] = child.text

    row(etree.fromstring(text.encode()), modules[sen2.ROOT])
    return found


def test_a_return_as_it_stands_in_the_file() -> None:
    con = sen2_tables.warehouse(
        {
            "person": sen2_tables.persons({"surname": "O'Neil & <Son>", "person_birth_date": date(2016, 5, 3)}, {}),
            "requests": [
                REQUEST | {"received_date": date(2026, 2, 10), "rya": False, "request_outcome": "Y"},
                REQUEST | {"requests_table_id": 2, "order_seq": 2, "rya": True},
            ],
            "active_plans": [{"active_plans_table_id": 1, "requests_table_id": 1, "order_seq": 1}],
            "sen_need": [
                {"sen_need_table_id": at, "active_plans_table_id": 1, "order_seq": at, "sen_type_rank": str(at)}
                for at in (1, 2)
            ],
            "assessment": [{"assessment_table_id": 1, "requests_table_id": 1, "order_seq": 1, "week20": True}],
        }
    )
    text = written(con)
    assert text.startswith('<?xml version="1.0" encoding="UTF-8"?>\n<Message>\n <Header>\n  <CollectionDetails>\n')
    assert text[text.index(" </Header>") :] == (
        " </Header>\n <Persons>\n  <Person>\n   <Surname>O'Neil &amp; &lt;Son&gt;</Surname>\n"
        "   <PersonBirthDate>2016-05-03</PersonBirthDate>\n   <Requests>\n    <ReceivedDate>2026-02-10</ReceivedDate>\n"
        "    <RYA>0</RYA>\n    <RequestOutcome>Y</RequestOutcome>\n    <Assessment>\n     <Week20>1</Week20>\n"
        "    </Assessment>\n    <ActivePlans>\n     <SENneed>\n      <SENtypeRank>1</SENtypeRank>\n     </SENneed>\n"
        "     <SENneed>\n      <SENtypeRank>2</SENtypeRank>\n     </SENneed>\n    </ActivePlans>\n   </Requests>\n"
        "   <Requests>\n    <RYA>1</RYA>\n   </Requests>\n  </Person>\n  <Person>\n  </Person>\n"
        " </Persons>\n</Message>\n"
    )


TEXT = st.none() | st.text(max_size=8) | st.sampled_from(["\x00", "a\x0bb", "￾", "]]>", "a\r\nb", " x ", "\ud7ff"])


@st.composite
def returns(draw: st.DrawFn) -> tuple[int, dict[str, list[dict[str, Any]]]]:
    """A year, and the rows of a return in its shape: numbers in the order of the document, values of any kind."""
    year = draw(st.sampled_from([2023, 2025, 2027]))
    modules, rows = sen2.modules(year), defaultdict[str, list[dict[str, Any]]](list)
    kinds = {"date": st.none() | st.dates(), "flag": st.none() | st.booleans()}

    def add(module: sen2.Module, parent: int | None, seq: int) -> None:
        own = len(rows[module.name]) + 1
        row: dict[str, Any] = {module.key: own, "order_seq": seq, "unique_id": "A1"}
        row |= {module.parent_key: parent} if module.parent_key else {}
        held = draw(st.sets(st.sampled_from(module.columns), max_size=4))
        rows[module.name].append(row | {each.column_name: draw(kinds.get(each.data_type, TEXT)) for each in held})
        for child in module.children:
            for at in range(draw(st.integers(0, 2))):
                add(modules[child], own, at + 1)

    for at in range(draw(st.integers(0, 4))):
        add(modules["person"], None, at + 1)
    return year, rows


@settings(deadline=None, max_examples=25)
@given(returns())
def test_whatever_the_tables_hold_is_well_formed_and_reads_back(given: tuple[int, Any]) -> None:
    year, rows = given
    con = sen2_tables.warehouse(rows, year)
    text = written(con)
    found, modules = read(text, year), sen2.modules(year)
    assert text == written(con, at_once=1)
    unwritable = re.compile("[\x00-\x08\x0b\x0c\x0e-\x1f￾￿]")
    kept = {
        module.name: [
            {name: kept for name, value in row.items() if (kept := unwritable.sub("", value))}
            for row in sen2_tables.texts(con, module)
        ]
        for module in modules.values()
    }
    assert {name: found[name] for name in modules} == kept
    told = sum(
        bool(unwritable.search(value))
        for module in modules.values()
        for row in sen2_tables.texts(con, module)
        for value in row.values()
    )
    assert len(document.left_out(con, modules)) == told


@pytest.mark.parametrize("year", [2023, 2024, 2026])
def test_the_elements_of_a_year_stand_in_the_order_of_the_seed(year: int) -> None:
    text = written(sen2_tables.many(3)).encode()  # of 2027
    con = sen2_tables.many(3)
    con.execute(f"UPDATE built.int.int_sen2__return SET survey_year = {year}")
    found = etree.fromstring(written(con).encode())
    for module in list(sen2.modules(year).values())[1:]:
        for element in found.iter(module.tag):
            tags = list(dict.fromkeys(child.tag for child in element))
            assert tags == [each.tag for each in module.elements]
    assert etree.fromstring(text).find(".//RequestSource") is not None
    assert (found.find(".//RequestSource") is None) == (year < 2026)


def test_the_councils_own_seed_says_where_an_element_stands(tmp_path: Path) -> None:
    seed = (sen2.SEEDS / "sen2_elements.csv").read_text(encoding="utf-8")
    seed = seed.replace("SENneed,sen_need", "SENNeed,sen_need").replace("sen2,13,2023,,Persons,", "sen2,13,2023,,A/B,")
    con = sen2_tables.many(1)
    ours = own(tmp_path, "sen2_elements", seed)
    text = "".join(document.document(con, document.made(con, RUN), ours).parts())
    assert " <A>\n  <B>\n   <Person>\n    <Surname>" in text and text.count("<SENNeed>") == 2
    assert text.endswith("   </Person>\n  </B>\n </A>\n</Message>\n")


def test_a_row_below_none_stops_the_return_and_is_not_lost() -> None:
    con = sen2_tables.warehouse({"person": sen2_tables.persons({}), "requests": [REQUEST | {"person_table_id": 9}]})
    with pytest.raises(RunError, match="1 rows of sen2_requests should each hang below one of person, and 0 do"):
        written(con)


def test_what_the_file_is_called_and_what_its_header_says() -> None:
    con = sen2_tables.warehouse({})
    what = document.made(con, RUN)
    assert what == Made(sen2.survey(2027), "999", RUN.as_at, True, 1, datetime(2026, 11, 16))
    assert what.file_name == "SEN2_2027_999_001_DRAFT.xml"
    assert replace(what, is_draft=False, serial=12).file_name == "SEN2_2027_999_012.xml"
    released = read(written(con, serial=2, made_at=datetime(2027, 2, 1, 9, 30, 5)), 2027)["sen2"]
    assert [released[0][name] for name in ("serial_no", "date_time")] == ["002", "2027-02-01T09:30:05"]
    assert read(written(con), 2027)["sen2"][0]["date_time"] == "2026-11-16T00:00:00"
    assert " <Persons>\n </Persons>\n" in written(con)


def test_blades_have_the_shape_of_collects(tmp_path: Path) -> None:
    con = sen2_tables.many(2)
    con.execute("UPDATE built.sen2.sen2_person SET surname = 'Ng, \"Jo\"\n', forename = '' WHERE person_table_id = 2")
    paths = blades.write(tmp_path / "sen2_modules", con, document.made(con, RUN))
    rows = {}
    for path in paths:
        with path.open(encoding="utf-8", newline="") as file:
            rows[path.name.removeprefix("Blade-Export_16-11-2026_")] = list(csv.DictReader(file))
    assert {name: len(held) for name, held in rows.items()} == {
        "sen2.csv": 1, "person.csv": 2, "requests.csv": 2, "assessment.csv": 2, "namedplan.csv": 2,
        "plandetail.csv": 2, "activeplans.csv": 2, "placementdetail.csv": 4, "senneed.csv": 4,
    }  # fmt: skip
    assert list(rows["activeplans.csv"][0])[:7] == [
        "activeplanstableid", "NativeId", "activeplansorderseqcolumn", "sourceid", "requeststableid", "transferla",
        "reviewmeeting",
    ]  # fmt: skip
    assert rows["senneed.csv"][1] == {
        "senneedtableid": "2", "NativeId": "999", "senneedorderseqcolumn": "2", "sourceid": "U0",
        "activeplanstableid": "1", "sentype": "B", "sentyperank": "B",
    }  # fmt: skip
    person = rows["person.csv"][1]
    assert [person[name] for name in ("sen2tableid", "surname", "forename", "personbirthdate")] == [
        "1", 'Ng, "Jo"\n', "", "2010-Jan-02 00:00:00",
    ]  # fmt: skip
    assert [row["rya"] for row in rows["requests.csv"]] == ["true", "false"]
    assert rows["sen2.csv"][0]["datetime"] == "2026-Nov-16 00:00:00" and rows["sen2.csv"][0]["lea"] == "999"
