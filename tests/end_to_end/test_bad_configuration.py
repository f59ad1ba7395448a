"""Nights on which every kind of file in SEND_CONFIG is wrong: there is a pack, and each is named where people look."""

import json
import os
import time
from datetime import date
from typing import Any

import duckdb
import openpyxl
import pytest

from sample import council
from tests.golden.pipeline import Pipeline
from tests.steps import Step, shared
from tests.unit.test_configuration import DECISIONS, HEADERS, SEX, STUDENTS, SURVIVES, House, shipped

AS_AT = date(2026, 11, 16)
BAD = {
    STUDENTS: "key is [student_id, surname], and the warehouse is made by [student_id]",
    SEX: "its value stands in line 3 already",
    SURVIVES: "there is no column fact",
    "crosswalks/xwalk_sen_type.csv": "cannot be read",
    "targets/kpi_targets.csv": "target_value is 'all'",
    "expectations/lists/both.yml": "where a key should be, there is none. Known: about",
    "expectations/feeds/ehc_hub__cases.yml": "is a folder, and must be a file",
    "retention.yml": "unknown thing exports. Known: ",
}
# What is taken although it looks odd, and must not stop the build either.
ODD = {
    "crosswalks/xwalk_ethnicity.csv": 'NULL,\nN/A,\n0,\ntrue,WBRI\n=1+1,WBRI\n"two\nlines",WBRI\n1e5,\n',
    DECISIONS: 'record_1,record_2,decision\na:1,b:2,same\na:1,b:2,different\nb:2,a:1,x\n"x\n",,null\n=1,-2,same\n',
    HEADERS: 'surname,=Childs Name\nforename,"Given\nName"\n',
    "targets/kpi_comparators.csv": "K02,England,sex,null,1.5,2024,null,\n",
    "contracts/capita_one__enrolments.yml": "# nothing\n",
}


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> House:
    made = House(tmp_path_factory.mktemp("badly_configured"))
    made.change(STUDENTS, "key: [student_id]", "key: [student_id, surname]")
    made.write(SEX, shipped(SEX) + b"male,F\n")
    made.write(SURVIVES, shipped(SURVIVES).replace(b",", b";"))
    made.write("crosswalks/xwalk_sen_type.csv").unlink()
    (made.config / "crosswalks/xwalk_sen_type.csv").symlink_to("nowhere.csv")
    made.change("targets/kpi_targets.csv", "K01,100", "K01,all")
    made.write("expectations/lists/both.yml", "")
    (made.config / "expectations/feeds/ehc_hub__cases.yml").mkdir(parents=True)
    made.write("retention.yml", "exports: 5\n")
    for name, more in ODD.items():
        made.write(name, (b"" if name == DECISIONS else shipped(name)) + more.encode())
    return made


@pytest.fixture(scope="module")
def night(house: House) -> Pipeline:
    inbox = house.folder / "inbox"
    council.write(inbox, as_at=AS_AT, plans=60, sen_support=90, seed=5, faults=0.0, answer_key=house.folder / "key.csv")
    for path in inbox.iterdir():
        os.utime(path, (time.time() - 60, time.time() - 60))
    pipeline = Pipeline(house.folder / "home", inbox, AS_AT)
    pipeline.environment["SEND_CONFIG"] = str(house.config)
    pipeline.night()
    return pipeline


def said_by(pipeline: Pipeline, *arguments: str, **environment: str) -> tuple[int, str]:
    said = pipeline.home.with_name("said")
    said.unlink(missing_ok=True)
    step = Step(shared(), arguments=arguments, environment=pipeline.environment | environment, said=str(said))
    ended = step.wait()
    assert ended
    return ended.status, ended.said


def test_there_is_a_pack_with_every_child_on_it(night: Pipeline) -> None:
    lists = night.lists()
    assert (len(lists["List_1"]) - 1, len(lists["List_2"]) - 1) == (60, 90)
    needs = [row[lists["List_1"][0].index("SEN primary need")] for row in lists["List_1"][1:]]
    assert all(needs)  # by the shipped crosswalk


def test_each_file_is_named_in_the_manifest_with_its_reason(night: Pipeline) -> None:
    found: dict[str, Any] = json.loads((night.out / "manifest.json").read_text())["configuration"]
    aside = {each["file_name"]: each for each in found["set_aside"]}
    assert aside.keys() == BAD.keys()
    for name, reason in BAD.items():
        assert reason in aside[name]["reason"] and aside[name]["in_force"] == "the shipped one"
    assert set(found["own_files"]) == ODD.keys()


def test_each_file_is_named_to_people(night: Pipeline) -> None:
    sheet = openpyxl.load_workbook(night.out / "issues.xlsx")["Issue detail"]
    cells = {str(cell) for row in sheet.iter_rows(values_only=True) for cell in row}
    _, status = said_by(night, "status")
    _, summary = said_by(night, "summary")
    _, checked = said_by(night, "check")
    for name in BAD:
        assert name in cells and name in status and f"Configuration set aside: {name}: " in summary and name in checked
    readiness = (night.out / "readiness.html").read_text()
    assert "8 files of the council’s own configuration cannot be used" in readiness


def test_a_contradiction_between_decisions_is_told(night: Pipeline) -> None:
    with duckdb.connect(str(night.home / "serving" / "warehouse.duckdb"), read_only=True) as con:
        told = con.execute("SELECT count(*) FROM quality.issues WHERE rule = 'P-04'").fetchall()
    assert told[0][0] >= 2


def test_the_next_night_has_what_was_in_force_when_a_good_file_goes_bad(house: House, night: Pipeline) -> None:
    own = house.config / "crosswalks/xwalk_ethnicity.csv"
    before = own.read_bytes()
    own.write_bytes(b"\x00" * 50)
    try:
        status, said = said_by(night, "begin", SEND_RUN_ID="second")
        assert status == 0 and "In force instead: the one of the last good run." in said
        kept = night.home / "runs" / "second" / "config" / "crosswalks" / "xwalk_ethnicity.csv"
        assert kept.read_bytes() == before
    finally:
        own.write_bytes(before)


def test_the_catalogue_is_of_the_last_whole_run_while_another_is_built(night: Pipeline) -> None:
    """Nobody waits: neither for a warehouse that is not there yet, nor for one that somebody writes."""
    status, said = said_by(night, "begin", SEND_RUN_ID="third")
    assert status == 0, said
    without = {name: value for name, value in night.environment.items() if name != "SEND_RUN_ID"}
    third = night.home / "runs" / "third"
    for state in ("no warehouse yet", "half a warehouse"):
        if state == "half a warehouse":
            (third / "unfinished").touch()
            (third / "warehouse.duckdb").write_bytes(b"half")
        step = Step(shared(), arguments=("catalogue",), environment=without, said=str(night.home.with_name("asked")))
        ended = step.wait()
        assert ended and ended.status == 0, (state, ended)
        assert (night.home / "catalogue" / "index.html").read_text().count("fct_ehc_plan") > 3
        assert [path.name for path in (night.home / "catalogue").iterdir()] == ["index.html"]


def test_a_build_and_the_catalogue_at_once_do_not_meet(night: Pipeline) -> None:
    run = {name: value for name, value in night.environment.items() if name != "SEND_RUN_ID"}
    said = night.home.with_name("built")
    building = Step(shared(), arguments=("build",), environment=night.environment, said=str(said))
    asked = [
        Step(shared(), arguments=("catalogue",), environment=run, said=str(night.home.with_name(f"asked{number}")))
        for number in range(2)
    ]
    ended = [step.wait() for step in (building, *asked)]
    built, *described = ended
    assert built and built.status == 0, built
    for each in described:  # the one run there is, is being built: then that is said
        assert each and (each.status == 0 or "no run with a whole warehouse" in each.said), each
