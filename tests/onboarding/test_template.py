"""Ofsted's template, invented with changes: what is read of it, what differs, and lists that come out in its layout."""

import csv
import zipfile
from pathlib import Path

import openpyxl
import pytest
import xlsxwriter

from commands.draft_layout import draft_layout
from expectations import lists as list_rules
from extract.refusal import Refusal
from onboarding import template
from operations import settle
from publish.excel import lists_book
from send_ready import layout, settings
from send_ready.layout import OWN, OWN_COLUMNS
from send_ready.tables import TableError
from tests.unit.publish_run import finished_run
from warehouse import run_data

SHIPPED = layout.in_force(None)
LIST_1, LIST_2 = ([column.header for column in listed.columns] for listed in SHIPPED.lists)
# Gone: Pupil Premium. Renamed: the review. New: a team. Moved: ULN.
NEW_1 = [h for h in LIST_1 if h not in ("Pupil Premium", "ULN")]
NEW_1[NEW_1.index("Date EHC plan last reviewed")] = "Date on which the EHC plan was last reviewed"
NEW_1 += ["Name of keyworker", "ULN"]
GENDERS = ["a) Male", "b) Female", "c) Not known", "e) Prefers to self-describe"]

MANIFEST = (
    "<?xml version='1.0'?><manifest:manifest xmlns:manifest='urn:oasis:names:tc:opendocument:xmlns:manifest:1.0'>"
    "<manifest:file-entry manifest:full-path='/' manifest:media-type='application/vnd.oasis.opendocument.spreadsheet'/>"
    "</manifest:manifest>"
)


def write(path: Path, *, at: int = 2) -> Path:
    """A template with guidance above and below its headers, and drop-downs of both makes."""
    with xlsxwriter.Workbook(path) as book:
        about = book.add_worksheet("Guidance")
        about.write(0, 0, "Person-level data")
        codes = book.add_worksheet("Codes")
        for row, (_, lettered) in enumerate(SHIPPED.letters["ethnicity"].items()):
            codes.write(row, 1, lettered)
        for tab, headers in (("List_1", NEW_1), ("List_2", LIST_2)):
            sheet = book.add_worksheet(tab)
            sheet.write(0, 0, "Area SEND inspection")
            sheet.write_row(at, 0, headers)
            sheet.write(at + 1, headers.index("Date of birth"), "DD/MM/YYYY")
            sheet.data_validation(at + 1, headers.index("Gender"), 500, headers.index("Gender"), {
                "validate": "list", "source": GENDERS})  # fmt: skip
            sheet.data_validation(at + 1, headers.index("Ethnicity"), 500, headers.index("Ethnicity"), {
                "validate": "list", "source": "=Codes!$B$1:$B$21"})  # fmt: skip
    return path


def write_ods(path: Path) -> Path:
    """List 1 alone, as LibreOffice would write it."""
    names = "".join(
        f"<table:table-cell office:value-type='string'><text:p>{h}</text:p></table:table-cell>" for h in NEW_1
    )
    gender = NEW_1.index("Gender")
    allowed = ";".join(f"&quot;{value}&quot;" for value in GENDERS)
    spaces = " ".join(
        f'xmlns:{name}="urn:oasis:names:tc:opendocument:xmlns:{name}:1.0"' for name in ("office", "table", "text")
    )
    validation = (
        f"<table:content-validation table:name='val1' table:condition='of:cell-content-is-in-list({allowed})'/>"
    )
    second = (
        f"<table:table-cell table:number-columns-repeated='{gender}'/>"
        "<table:table-cell table:content-validation-name='val1'/>"
    )
    content = (
        f"<?xml version='1.0' encoding='UTF-8'?><office:document-content office:version='1.2' {spaces}>"
        f"<office:body><office:spreadsheet><table:content-validations>{validation}</table:content-validations>"
        f"<table:table table:name='List 1'><table:table-row>{names}</table:table-row>"
        f"<table:table-row>{second}</table:table-row></table:table>"
        "</office:spreadsheet></office:body></office:document-content>"
    )
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet")
        archive.writestr("content.xml", content)
        archive.writestr("META-INF/manifest.xml", MANIFEST)
    return path


def changes(path: Path, tmp_path: Path) -> list[tuple[str, str, str]]:
    found = template.changes(template.read(path, SHIPPED, tmp_path / f"sheets of {path.name}"), SHIPPED)
    return [(each.list_name, each.what, each.header) for each in found]


def test_a_template_is_compared_column_by_column_and_code_by_code(tmp_path: Path) -> None:
    assert changes(write(tmp_path / "template.xlsx"), tmp_path) == [
        ("List 1", "new value", "Gender"),
        ("List 1", "value gone", "Gender"),
        ("List 1", "renamed", "Date on which the EHC plan was last reviewed"),
        ("List 1", "new", "Name of keyworker"),
        ("List 1", "moved", "ULN"),
        ("List 1", "gone", "Pupil Premium"),
        ("List 2", "new value", "Gender"),
        ("List 2", "value gone", "Gender"),
    ]


def test_an_ods_says_the_same(tmp_path: Path) -> None:
    found = changes(write_ods(tmp_path / "template.ods"), tmp_path)
    assert [each for each in found if each[0] == "List 1"] == changes(write(tmp_path / "template.xlsx"), tmp_path)[:6]
    assert found[-1] == ("List 2", "gone", "")


def test_guidance_is_kept_with_its_column(tmp_path: Path) -> None:
    (first, _) = template.read(write(tmp_path / "template.xlsx"), SHIPPED, tmp_path / "sheets")
    assert next(each.guidance for each in first.columns if each.header == "Date of birth") == "DD/MM/YYYY"


def test_the_layout_that_ships_differs_in_nothing(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(tmp_path / "same.xlsx") as book:
        for listed in SHIPPED.lists:
            book.add_worksheet(listed.sheet).write_row(0, 0, [column.header for column in listed.columns])
    assert changes(tmp_path / "same.xlsx", tmp_path) == []


def test_another_workbook_is_no_template(tmp_path: Path) -> None:
    with xlsxwriter.Workbook(tmp_path / "other.xlsx") as book:
        book.add_worksheet("Budget").write_row(0, 0, ["UPN", "Amount"])
    with pytest.raises(Refusal, match="No sheet of it"):
        template.read(tmp_path / "other.xlsx", SHIPPED, tmp_path / "sheets")


def test_from_template_to_lists(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    config = tmp_path / "config"
    config.mkdir()
    given = settings.load({"SEND_HOME": str(tmp_path / "home"), "SEND_CONFIG": str(config), "AS_AT": "2026-11-16"})
    path = write(tmp_path / "template.xlsx")
    assert draft_layout(given, path, "2025-06", adopts=False, config=config) == 0
    said = capsys.readouterr().out
    assert "List 1, on sheet List_1: 6 differences" in said and "New         Name of keyworker" in said
    assert not (config / OWN).exists()
    assert draft_layout(given, None, None, adopts=True, config=config) == 0

    with settle.trial(given) as (in_force, settled):
        assert not settled.set_aside
        shape = layout.in_force(in_force.config)
        assert (shape.version, [column.header for column in shape.lists[0].columns]) == ("2025-06", NEW_1)
        # Rules follow: of a column that is gone there is none, and of codes those of the template count.
        rules = list_rules.rules_of(shape.lists[0], in_force)
        assert "pupil_premium" not in {rule.column for rule in rules}
        (genders,) = (rule for rule in rules if rule.code == "L-124" and rule.id.endswith("gender")
                      and "value_set" in rule.kwargs)  # fmt: skip
        assert genders.kwargs["value_set"] == ["Male", "Female", "Not known", "Prefers to self-describe"]

        run = finished_run(tmp_path / "home", list_1=[{"unique_id": "S1", "gender": "Female", "ethnicity": "WBRI",
                                                       "uln": "1234567890", "pupil_premium": "Yes"}])  # fmt: skip
        with run_data.opened(run) as con:
            lists_book.write(tmp_path / "lists.xlsx", con, run, in_force)
    book = openpyxl.load_workbook(tmp_path / "lists.xlsx")
    header, row = book["List_1"].iter_rows(values_only=True)
    assert list(header) == NEW_1
    assert [value for value in row if value] == ["S1", "b) Female", "a) WBRI", "1234567890"]
    about = [str(cell) for cells in book["About"].iter_rows(values_only=True) for cell in cells if cell]
    assert "2025-06" in about and "List 1: nothing that is held fills Name of keyworker." in about


def own(tmp_path: Path, **changed: str) -> Path:
    rows = []
    for listed in SHIPPED.lists:
        for at, column in enumerate(listed.columns, start=1):
            values = ("2025-06", listed.name, str(at), column.header, column.column_name, column.kind, "")
            rows.append(dict(zip(OWN_COLUMNS, values, strict=True)))
    rows[1] |= changed
    path = tmp_path / OWN
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.DictWriter(file, OWN_COLUMNS)
        writer.writeheader()
        writer.writerows(rows)
    return path


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"list_name": "List 3"}, "line 3: list_name must be one of"),
        ({"position": "1"}, "line 3: position must be"),
        ({"header": ""}, "line 3: header must be"),
        ({"header": "Unique ID"}, "line 3: header must be"),
        ({"column_name": "unique_id"}, "line 3: column_name must be empty"),
        ({"column_name": "surname"}, "line 3: column_name must be empty"),
        ({"data_type": "code"}, "line 3: data_type must be one of"),
        ({"layout_version": "2024"}, "layout_version must be one name"),
    ],
)
def test_a_bad_line_is_told(tmp_path: Path, changed: dict[str, str], said: str) -> None:
    layout.read(own(tmp_path))
    with pytest.raises(TableError, match=said):
        layout.read(own(tmp_path, **changed))


def test_what_cannot_be_used_is_set_aside_and_the_shipped_layout_is_in_force(tmp_path: Path) -> None:
    config = tmp_path / "config"
    config.mkdir()
    own(config, data_type="code")
    given = settings.load({"SEND_HOME": str(tmp_path / "home"), "SEND_CONFIG": str(config), "AS_AT": "2026-11-16"})
    with settle.trial(given) as (in_force, settled):
        assert [each.name for each in settled.set_aside] == [OWN]
        assert layout.in_force(in_force.config) == SHIPPED


@pytest.mark.parametrize("part", ["xl/workbook.xml", "xl/worksheets/sheet3.xml"])
def test_a_workbook_with_a_dtd_is_refused(tmp_path: Path, part: str) -> None:
    """Entities could grow without end, or name a file of the server."""
    whole = write(tmp_path / "template.xlsx")
    with zipfile.ZipFile(whole) as archive:
        parts = {name: archive.read(name) for name in archive.namelist()}
    parts[part] = parts[part].replace(b"?>", b'?><!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>', 1)
    with zipfile.ZipFile(tmp_path / "bad.xlsx", "w") as archive:
        for name, data in parts.items():
            archive.writestr(name, data)
    with pytest.raises(Refusal):
        template.read(tmp_path / "bad.xlsx", SHIPPED, tmp_path / "sheets")
