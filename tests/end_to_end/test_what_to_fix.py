"""Two nights: the order of work says which row to add, somebody adds it, and the next pack shows what that mended."""

import csv
import io
import os
import re
import time
from datetime import date, datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import openpyxl
import pytest

from publish import approver_brief
from sample import council
from send_ready import files
from send_ready.runs import Run
from send_ready.settings import PROJECT
from tests.golden.pipeline import Pipeline
from warehouse import run_data

SUNDAY, MONDAY = date(2026, 11, 15), date(2026, 11, 16)
DUE = datetime(2026, 11, 17, 11, tzinfo=ZoneInfo("Europe/London"))
CODE = {"xwalk_sex": "M", "xwalk_ethnicity": "WBRI", "xwalk_sen_type": "ASD", "xwalk_enrolment_status": "C"}
Row = dict[str, Any]


def sheets(out: Path) -> dict[str, list[Row]]:
    found = {}
    for sheet in openpyxl.load_workbook(out / "issues.xlsx"):
        header, *rows = sheet.iter_rows(values_only=True)
        found[sheet.title] = [dict(zip(header, row, strict=True)) for row in rows]
    return found


def wanted_row(step: Row) -> tuple[str, list[str], list[str]]:
    """The crosswalk, the row and the codes that a step names."""
    found = re.fullmatch(r"crosswalks/(\w+)\.csv, new row: (.*),\? where \? is one of (.*)", step["Where"])
    assert found, step["Where"]
    return found[1], next(csv.reader(io.StringIO(found[2]))), found[3].split(", ")


@pytest.fixture(scope="module")
def nights(tmp_path_factory: pytest.TempPathFactory) -> tuple[Pipeline, Pipeline]:
    """The second has the first's exports with rows moved, and a crosswalk with the rows that the first asked for."""
    folder = tmp_path_factory.mktemp("fix")
    inbox, config = folder / "inbox", folder / "config" / "crosswalks"
    config.mkdir(parents=True)
    council.write(inbox, as_at=SUNDAY, plans=150, sen_support=250, seed=5, faults=0.05, answer_key=folder / "key.csv")
    for path in list(inbox.glob("*_20261115.csv")):
        header, *rows = path.read_bytes().splitlines(keepends=True)
        (inbox / path.name.replace("15.csv", "16.csv")).write_bytes(b"".join([header, *rows[10:], *rows[:10]]))
    for path in inbox.iterdir():
        os.utime(path, (time.time() - 60, time.time() - 60))
    first, second = (Pipeline(folder / "home", inbox, day) for day in (SUNDAY, MONDAY))
    first.night()
    for step in sheets(first.out)["Order of work"]:
        if step["Rule"] == "M-01" and step["Column"] == "Ethnicity":
            crosswalk, row, codes = wanted_row(step)
            assert CODE[crosswalk] in codes
            own = config / f"{crosswalk}.csv"
            if not own.exists():
                own.write_bytes((PROJECT / "dbt_project" / "seeds" / "xwalk" / own.name).read_bytes())
            with own.open("a", encoding="utf-8", newline="") as file:
                csv.writer(file, lineterminator="\n").writerow([*row, CODE[crosswalk]])
    second.environment |= {"SEND_CONFIG": str(config.parent), "SEND_RUN_ID": "second"}
    second.night()
    return first, second


def test_rows_of_crosswalks_head_the_order_of_work_with_the_children_that_the_lists_show_wrong(
    nights: tuple[Pipeline, Pipeline],
) -> None:
    found = sheets(nights[0].out)
    ranks = [(row["Severity"], row["Rule"]) for row in found["Order of work"]]
    rows = [at for at, (_, rule) in enumerate(ranks) if rule == "M-01" and found["Order of work"][at]["Children"]]
    singly = [
        at for at, (severity, rule) in enumerate(ranks) if severity == "Error" and re.fullmatch(r"[12]\d\d\w?", rule)
    ]
    assert rows and singly and rows[0] < singly[0]
    on_lists = [row for row in found["Issue detail"] if row["Rule"] == "L-124" and row["Column"] == "Ethnicity"]
    steps = [row for row in found["Order of work"] if row["Rule"] == "M-01" and row["Column"] == "Ethnicity"]
    assert sum(row["Children"] for row in steps) == len({row["Unique ID"] for row in on_lists}) > 0
    assert not [row for row in found["Order of work"] if (row["Rule"], row["Column"]) == ("L-124", "Ethnicity")]


def test_every_step_of_an_owner_is_in_the_order_of_work(nights: tuple[Pipeline, Pipeline]) -> None:
    found = sheets(nights[0].out)
    work = {row["Step"]: row for row in found["Order of work"]}
    asked = [row for name, rows in found.items() if name.startswith("To ") for row in rows]
    assert {row["Step"] for row in asked} == set(work)
    assert len(asked) == sum(row["Severity"] != "Note" for row in found["Issue detail"])


def test_the_first_night_has_nothing_to_compare_with_and_the_second_has(nights: tuple[Pipeline, Pipeline]) -> None:
    first, second = (sheets(each.out) for each in nights)
    assert {row["Since last time"] for row in first["Issue detail"]} == {None}
    states = [row["Since last time"] for row in second["Issue detail"]]
    assert set(states) <= {"New", "Still open"}
    assert states.count("Still open") > 0.97 * len(states)  # wherever its row now stands; a day makes some reviews late


def test_what_the_rows_mended_is_fixed_and_no_longer_to_do(nights: tuple[Pipeline, Pipeline]) -> None:
    first, second = (sheets(each.out) for each in nights)
    mended = {
        row["Unique ID"] for row in first["Issue detail"] if (row["Rule"], row["Column"]) == ("L-124", "Ethnicity")
    }
    fixed = second["Fixed since last time"]
    assert mended <= {row["Unique ID"] for row in fixed if row["Rule"] == "L-124"}
    assert [row for row in fixed if row["Rule"] == "M-01" and row["Column"] == "ethnicity"]
    assert not [row for row in second["Order of work"] if row["Rule"] == "M-01" and row["Column"] == "Ethnicity"]
    rules = {row["Rule"]: row for row in second["Issues by rule"]}
    assert rules["M-01"]["Fixed"] > 0


def test_the_approver_reads_of_both_nights_and_of_no_child(nights: tuple[Pipeline, Pipeline], tmp_path: Path) -> None:
    first, second = nights
    run = Run(second.home, "second", MONDAY, "999")
    manifest = files.read_json(second.out / "manifest.json")
    manifest["request"] = {"notified_on": "2026-11-16", "kind": "full_inspection", "version": 1, "is_rehearsal": False}
    with run_data.opened(run) as con:
        approver_brief.write(tmp_path / "brief.md", con, run, manifest, first.out, [], "Full inspection", DUE)
    text = (tmp_path / "brief.md").read_text(encoding="utf-8")
    assert len(text) < 6_000
    assert "The pack of 15/11/2026" in text
    for name, rows in second.lists().items():
        header, *children = rows
        said = {header.index(column) for column in ("Unique ID", "UPN", "ULN")}
        assert f"{len(children):,}" in text, name
        words = set(re.findall(r"[\w/-]+", text))
        for child in children:
            assert not {child[at] for at in said} & words
        born = header.index("Date of birth")
        assert not {f"{child[born]:%d/%m/%Y}" for child in children if isinstance(child[born], date)} & words
