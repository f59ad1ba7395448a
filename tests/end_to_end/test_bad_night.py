"""A night on which almost every export is bad in another way: there is a pack, and every file is accounted for."""

import io
import json
import os
import time
import zipfile
from collections.abc import Callable
from datetime import date
from typing import Any

import duckdb
import openpyxl
import pytest

from sample import council
from tests.golden.pipeline import Pipeline

GOOD, BAD = date(2026, 11, 15), date(2026, 11, 16)


def _without_a_required_column(data: bytes) -> bytes:
    return data.replace(b"Student ID", b"Pupil", 1)


def _fewer_rows(data: bytes) -> bytes:
    lines = data.splitlines(keepends=True)
    return b"".join(lines[: len(lines) * 7 // 10])


def _cut_off(data: bytes) -> bytes:
    return data.rstrip()[:-25]


def _recoded(data: bytes) -> bytes:
    return data.decode("utf-8-sig").replace(",", ";").replace("\r\n", "\n").encode("utf-16")


def _formulas(data: bytes) -> bytes:
    header, rest = data.split(b"\r\n", 1)
    first, others = rest.split(b"\r\n", 1)
    cells = first.split(b",")
    return b"\r\n".join([header + b",Notes", b",".join([*cells, b"=1+1"]), others.replace(b"\r\n", b",@x\r\n")])


def _bomb(_: bytes) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("xl/workbook.xml", b" " * (64 << 20))
    return data.getvalue()


# What happens to tonight's file of a feed, the suffix it comes with, and what has to become of it.
DAMAGE: dict[str, tuple[Callable[[bytes], bytes], str, str, str]] = {
    "capita_one_students": (_formulas, ".csv", "accepted", ""),
    "capita_one_enrolments": (lambda _: b"<html><body>Log in</body></html>", ".csv", "refused", "F-04"),
    "capita_one_sen_provision": (_without_a_required_column, ".csv", "refused", "F-03"),
    "capita_one_sen_needs": (_fewer_rows, ".csv", "refused", "F-09"),
    "capita_one_ehc_plans": (_cut_off, ".csv", "accepted", ""),
    "capita_one_ehcp_assessments": (lambda _: b"", ".csv", "refused", "F-01"),
    "capita_one_annual_reviews": (lambda data: data.split(b"\r\n")[0] + b"\r\n", ".csv", "refused", "F-02"),
    "capita_one_attendance": (lambda _: b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1" + bytes(512), ".csv", "refused", "F-05"),
    "capita_one_exclusions": (_bomb, ".xlsx", "refused", "F-07"),
    "ehc_hub_cases": (_recoded, ".csv", "accepted", ""),
    "ehc_hub_reviews": (lambda data: data.replace(b",", b",\x00", 3), ".csv", "accepted", ""),
}


@pytest.fixture(scope="module")
def night(tmp_path_factory: pytest.TempPathFactory) -> Pipeline:
    folder = tmp_path_factory.mktemp("bad")
    inbox = folder / "inbox"
    for day in (GOOD, BAD):
        council.write(inbox, as_at=day, plans=60, sen_support=90, seed=5, faults=0.0, answer_key=folder / "key.csv")
    for name, (damage, suffix, _, _) in DAMAGE.items():
        path = inbox / f"{name}_20261116.csv"
        data = damage(path.read_bytes())
        path.unlink()
        path.with_suffix(suffix).write_bytes(data)
    (inbox / "minutes of the meeting.docx").write_bytes(b"PK")
    for path in inbox.iterdir():
        os.utime(path, (time.time() - 60, time.time() - 60))
    pipeline = Pipeline(folder / "home", inbox, BAD)
    pipeline.night()
    return pipeline


@pytest.fixture(scope="module")
def files(night: Pipeline) -> dict[str, dict[str, Any]]:
    manifest = json.loads((night.out / "manifest.json").read_text())
    return {file["file_name"]: file for feed in manifest["inputs"] for file in feed["files"]}


@pytest.mark.parametrize("name", DAMAGE)
def test_each_file_gets_the_verdict_it_should(files: dict[str, dict[str, Any]], name: str) -> None:
    _, suffix, status, code = DAMAGE[name]
    file = files[f"{name}_20261116{suffix}"]
    assert file["status"] == status
    assert (file["reason"] or "").startswith(code)
    assert file["is_in_use"] == (status == "accepted")
    assert files[f"{name}_20261115.csv"]["is_in_use"] == (status == "refused")


def test_every_row_of_every_file_is_accounted_for(files: dict[str, dict[str, Any]]) -> None:
    for file in files.values():
        assert file["rows_in_file"] == file["rows_accepted"] + file["rows_quarantined"] + file["rows_duplicate"]
        if file["status"] == "accepted":
            lines = file["lines"]
            assert 2 * lines["total"] == sum(lines.values()) >= 2 * file["rows_in_file"]
    assert files["capita_one_ehc_plans_20261116.csv"]["rows_quarantined"] == 1
    assert files["capita_one_sen_provision_20261116.csv"]["rows_in_file"] > 0


def test_the_lists_hold_the_children(night: Pipeline) -> None:
    lists = night.lists()
    assert 58 <= len(lists["List_1"]) - 1 <= 60  # the plan on the line that was cut off is in quarantine
    assert len(lists["List_2"]) - 1 == 90


def test_people_are_told_file_line_and_what_to_do(night: Pipeline) -> None:
    with duckdb.connect(str(night.home / "serving" / "warehouse.duckdb"), read_only=True) as con:
        issues = con.execute("SELECT rule, file_name, line_no, message, fix FROM quality.issues").fetchall()
    told = {(rule, file_name) for rule, file_name, *_ in issues}
    for name, (_, suffix, status, code) in DAMAGE.items():
        if status == "refused":
            assert (code, f"{name}_20261116{suffix}") in told
    assert ("F-17", "(named in issues.xlsx)") in told  # its name may be anybody's, and every analyst reads this table
    sheet = openpyxl.load_workbook(night.out / "issues.xlsx")["Issue detail"]
    assert "minutes of the meeting.docx" in {cell for row in sheet.iter_rows(values_only=True) for cell in row}
    cut = [issue for issue in issues if issue[0] == "F-30" and issue[1] == "capita_one_ehc_plans_20261116.csv"]
    assert len(cut) == 1 and cut[0][2] > 1 and "cut off" in cut[0][3]
    assert all(message and fix for _, _, _, message, fix in issues)


def test_no_cell_of_the_pack_is_a_formula(night: Pipeline) -> None:
    for path in night.out.glob("*.xlsx"):
        for sheet in openpyxl.load_workbook(path):
            assert not [cell.coordinate for row in sheet.iter_rows() for cell in row if cell.data_type == "f"]


def test_the_same_night_again_gives_the_same_bytes_and_lands_nothing(night: Pipeline) -> None:
    def landed() -> dict[str, int]:
        return {str(path): path.stat().st_mtime_ns for path in (night.home / "landing").rglob("*") if path.is_file()}

    before = {path.name: path.read_bytes() for path in night.out.glob("*.xlsx")}
    there = landed()
    night.night()
    assert {path.name: path.read_bytes() for path in night.out.glob("*.xlsx")} == before
    assert landed() == there
