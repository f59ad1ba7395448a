"""From files in odd layouts to a draft, to a workbook that an analyst fills, and back."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import openpyxl  # type: ignore[import-untyped]
import pytest
from openpyxl.worksheet.worksheet import Worksheet  # type: ignore[import-untyped]

from commands.onboard import onboard
from extract import contract as contracts
from extract.own import prepare, source
from onboarding import gaps
from operations import settle
from send_ready import layout, settings
from send_ready.settings import Settings
from tests.onboarding import odd

Fill = Callable[[openpyxl.Workbook], None]


@pytest.fixture(scope="module")
def looked_at(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A council of odd exports after the first `make onboard`."""
    folder = tmp_path_factory.mktemp("odd")
    odd.write(folder / "inbox")
    assert onboard(odd.given(folder), adopts=False, tries=False) == 0
    return folder


@pytest.fixture
def council(looked_at: Path, tmp_path: Path) -> Settings:
    """The same in a folder of its own."""
    shutil.copytree(looked_at, tmp_path / "council")
    return odd.given(tmp_path / "council")


def book(given: Settings) -> Path:
    return given.home / "onboard" / "onboarding.xlsx"


def fill(given: Settings, change: Fill) -> None:
    opened = openpyxl.load_workbook(book(given))
    change(opened)
    opened.save(book(given))


def column(sheet: Worksheet, heading: str) -> int:
    return [cell.value for cell in sheet[1]].index(heading) + 1


def answer(opened: openpyxl.Workbook, name: str, heading: str = "Confirm", value: object = "yes", **about: str) -> int:
    """Write an answer in the rows that are about something; how many these are."""
    sheet, count = opened[name], 0
    for row in sheet.iter_rows(min_row=2):
        if all(row[column(sheet, key) - 1].value == wanted for key, wanted in about.items()):
            row[column(sheet, heading) - 1].value = value
            count += 1
    return count


def confirm_all(opened: openpyxl.Workbook) -> None:
    for name in ("Sources", "Feeds", "Columns", "Codes"):
        sheet = opened[name]
        for row in sheet.iter_rows(min_row=2):
            if row[column(sheet, "State") - 1].value == "to be confirmed":
                row[column(sheet, "Confirm") - 1].value = "Yes"


def again(given: Settings, *, adopts: bool = False) -> int:
    return onboard(given, adopts=adopts, tries=False)


def test_each_file_is_told_for_what_it_is(council: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    again(council)
    said = capsys.readouterr().out
    tracker = said.partition("sheet Tracker")[2].partition("SEN register")[0]
    for feed in ("ehcp_assessments", "ehc_plans", "students", "annual_reviews"):
        assert f"capita_one.{feed}" in tracker
    register = said.partition("SEN register North")[2].partition("SEN register South")[0]
    for feed in ("students", "sen_provision", "sen_needs", "enrolments"):
        assert f"capita_one.{feed}" in register
    assert "100  capita_one.attendance" in said and "gias.establishments, by its name" in said
    assert "1 line of titles and totals" in tracker + register


def test_the_draft_can_be_read_by_what_will_read_it(council: Settings) -> None:
    """Sources, SELECTs and tables of the draft stand the checks of the night; what is not found is not there."""
    drafted = council.home / "onboard" / "draft"
    given = replace(council, config=drafted)
    assert {path.stem for path in (drafted / "sources").iterdir()} == {"attendance", "ehcp_tracker", "sen_register"}
    register = source.load("sen_register", given)
    assert register.parts == ("north", "south") and register.named("sen_register_north_nov26", ".csv")
    prepared = {each.feed: each for each in prepare.load_all(given)}
    assert {"capita_one__students", "capita_one__sen_needs", "capita_one__ehc_plans"} <= prepared.keys()
    assert set(prepared["capita_one__students"].sources) == {"ehcp_tracker", "sen_register"}
    needs = prepared["capita_one__sen_needs"].select
    assert '"Need 1" AS' in needs and '"Need 2" AS' in needs and "-- confirm" in needs
    with settle.trial(given) as (_, settled):
        assert not settled.set_aside


def test_nothing_is_adopted_that_nobody_confirmed(council: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert again(council, adopts=True) == 0
    assert "Nothing is confirmed yet" in capsys.readouterr().out
    assert council.config and not list(council.config.iterdir())


def test_what_is_confirmed_is_adopted_and_the_rest_is_left_out(council: Settings) -> None:
    def some(opened: openpyxl.Workbook) -> None:
        assert answer(opened, "Sources", Source="sen_register") == 1
        assert answer(opened, "Feeds", Source="sen_register", Feed="capita_one.students") == 1
        for name in ("student_id", "upn", "date_of_birth"):
            assert answer(opened, "Columns", Source="sen_register", Feed="capita_one.students", Column=name) == 1

    fill(council, some)
    assert again(council, adopts=True) == 0
    assert council.config
    held = sorted(path.relative_to(council.config).as_posix() for path in council.config.rglob("*.*"))
    assert held == ["prepare/capita_one__students.sql", "sources/sen_register.yml"]
    text = (council.config / "prepare" / "capita_one__students.sql").read_text()
    select = "\n".join(line.partition("--")[0] for line in text.splitlines())
    assert '"Date of birth" AS "date_of_birth"' in select
    assert '"sex"' not in select and 'confirm: Sex AS "sex"' in text  # proposed, and not confirmed
    assert "ehcp_tracker" not in text
    assert prepare.load("capita_one__students", council)


def test_all_that_is_confirmed_is_the_draft_without_marks_and_once_is_enough(
    council: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    fill(council, confirm_all)
    assert again(council, adopts=True) == 0
    assert council.config
    drafted = council.home / "onboard" / "draft"
    for path in council.config.rglob("*.*"):
        text = path.read_text()
        assert not [mark for mark in ("-- confirm", "# confirm", ",confirm") if mark in text], path
        assert path.read_bytes() == (drafted / path.relative_to(council.config)).read_bytes()
    with settle.trial(council) as (_, settled):
        assert not settled.set_aside and not settled.unused
    before = {path: path.stat().st_mtime_ns for path in council.config.rglob("*.*")}
    capsys.readouterr()
    assert again(council, adopts=True) == 0
    assert before == {path: path.stat().st_mtime_ns for path in council.config.rglob("*.*")}
    assert "as it is already" in capsys.readouterr().out


def test_a_code_goes_to_its_crosswalk_and_another_in_its_place(council: Settings) -> None:
    def some(opened: openpyxl.Workbook) -> None:
        values = {row[1].value: row[4].value for row in opened["Codes"].iter_rows(min_row=2)}
        assert values["Speech & language difficulties"] == "SLCN"  # proposed
        assert answer(opened, "Codes", Value="Speech & language difficulties") == 1
        opened["Codes"].append(["sen_type", "Words of ours"])  # a value that no file has today
        assert answer(opened, "Codes", "Code instead", "OTH", Value="Words of ours") == 1

    fill(council, some)
    assert again(council, adopts=True) == 0
    assert council.config
    text = (council.config / "crosswalks" / "xwalk_sen_type.csv").read_text()
    assert "Speech & language difficulties,SLCN" in text and "Words of ours,OTH" in text and "SPLD,SPLD" in text
    with settle.trial(council) as (_, settled):
        assert not settled.set_aside


def test_answers_stay_when_rows_are_sorted_and_when_a_file_goes_away(council: Settings) -> None:
    def some(opened: openpyxl.Workbook) -> None:
        sheet = opened["Sources"]
        rows = [[cell.value for cell in row] for row in sheet.iter_rows(min_row=2)]
        for at, row in enumerate(reversed(rows), start=2):
            for place, value in enumerate(row, start=1):
                sheet.cell(at, place).value = value
        assert answer(opened, "Sources", Source="attendance") == 1

    fill(council, some)
    away = council.inbox / "Attendance 20261116T0200.csv"
    data = away.read_bytes()
    away.unlink()
    assert again(council) == 1  # it is told that the answer is about nothing today
    away.write_bytes(data)
    assert again(council) == 0
    sheet = openpyxl.load_workbook(book(council))["Sources"]
    held = {row[0].value: row[column(sheet, "State") - 1].value for row in sheet.iter_rows(min_row=2)}
    assert held["attendance"] == "confirmed" and held["sen_register"] == "to be confirmed"


def drop_sheet(opened: openpyxl.Workbook) -> None:
    del opened["Codes"]


def drop_heading(opened: openpyxl.Workbook) -> None:
    opened["Columns"].cell(1, column(opened["Columns"], "Confirm")).value = "OK?"


def contradict(opened: openpyxl.Workbook) -> None:
    sheet = opened["Sources"]
    sheet.append([cell.value for cell in sheet[2]])
    sheet.cell(sheet.max_row, column(sheet, "Confirm")).value = "no"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (drop_sheet, "has no sheet Codes any more"),
        (drop_heading, "sheet Columns, row 1: there is no column Confirm. Put the heading back"),
        (contradict, "sheet Sources, row 5: attendance stands in row 2 too, with another answer"),
    ],
)
def test_a_workbook_of_another_shape_is_left_as_it_is(
    council: Settings, capsys: pytest.CaptureFixture[str], change: Fill, said: str
) -> None:
    fill(council, lambda opened: print(answer(opened, "Sources", Source="sen_register")))
    fill(council, change)
    before = book(council).read_bytes()
    assert again(council, adopts=True) == 1
    told = capsys.readouterr().out
    assert said in told and "was left as it is, and nothing was written" in told
    assert book(council).read_bytes() == before
    assert council.config and not list(council.config.iterdir())


def test_what_is_no_workbook_is_left_as_it_is(council: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    book(council).write_bytes(b"<html>Please log in</html>")
    assert again(council) == 1
    assert "the content is not a workbook" in capsys.readouterr().out
    assert book(council).read_bytes() == b"<html>Please log in</html>"


def test_a_value_that_cannot_be_is_told_by_sheet_row_and_column_and_kept(
    council: Settings, capsys: pytest.CaptureFixture[str]
) -> None:
    def some(opened: openpyxl.Workbook) -> None:
        about = {"Source": "sen_register", "Feed": "capita_one.students"}
        assert answer(opened, "Columns", "Heading instead", "Kind of hat", Column="sex", **about) == 1
        assert answer(opened, "Columns", "Confirm", "maybe", Column="upn", **about) == 1
        assert answer(opened, "Codes", "Code instead", "QQQ", Value="Speech & language difficulties") == 1
        opened["Feeds"].append(["no_such_source", "capita_one.students", None, None, None, "yes"])

    fill(council, some)
    assert again(council) == 1
    said = capsys.readouterr().out
    assert "column Heading instead: 'Kind of hat' is no heading there. Headings: UPN, Child, Date of birth" in said
    assert "column Confirm: Confirm is 'maybe', and must be yes, no or blank." in said
    assert "sheet Codes, row" in said and "'QQQ' is no code of sen_type, and must be one of: SPLD" in said
    assert "the inbox holds nothing like no_such_source, capita_one.students today" in said
    opened = openpyxl.load_workbook(book(council))
    cells = [cell.value for row in opened["Columns"].iter_rows() for cell in row]
    assert "Kind of hat" in cells and "maybe" in cells  # as they were written, with a note beside
    assert list((council.home / "onboard" / "before").glob("*_onboarding.xlsx"))


def test_a_file_of_the_council_is_never_written_over(council: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    assert council.config
    own = council.config / "sources" / "sen_register.yml"
    own.parent.mkdir(parents=True)
    own.write_text("title: ours\nowner: us\nfile_names: ['SEN register {part} {date}']\nstale_after_days: 3\n")
    before = own.read_bytes()
    fill(council, confirm_all)
    assert again(council, adopts=True) == 1
    assert own.read_bytes() == before
    assert "sources/sen_register.yml: LEFT AS IT IS, since somebody changed it" in capsys.readouterr().out
    assert (council.home / "onboard" / "not_adopted" / "sources" / "sen_register.yml").exists()


def test_a_draft_that_somebody_changed_is_kept_and_adopted(council: Settings) -> None:
    drafted = council.home / "onboard" / "draft" / "prepare" / "capita_one__attendance.sql"
    drafted.write_text('SELECT "UPN" AS "upn", _file, _line FROM attendance -- mine\n')
    assert again(council) == 0
    assert drafted.read_text().endswith("-- mine\n")
    again(council, adopts=True)
    assert council.config
    assert (council.config / "prepare" / "capita_one__attendance.sql").read_text().endswith("-- mine\n")


def test_no_child_stands_in_what_is_written_or_said(council: Settings, capsys: pytest.CaptureFixture[str]) -> None:
    fill(council, confirm_all)
    again(council, adopts=True)
    said = capsys.readouterr().out
    secrets = [odd.MARK, *(odd.upn(at) for at in range(40)), *(f"{odd.born(at):%d/%m/%Y}" for at in range(40))]
    secrets += [f"{odd.born(at)}" for at in range(40)]
    texts = [said]
    for path in (council.home / "onboard").rglob("*.*"):
        assert path.stat().st_mode & 0o077 == 0
        if path.suffix == ".xlsx":
            opened = openpyxl.load_workbook(path)
            texts += [
                str(cell) for sheet in opened for row in sheet.iter_rows(values_only=True) for cell in row if cell
            ]
        else:
            texts.append(path.read_text())
    for text in texts:
        assert not [each for each in secrets if each in text]


def test_reasons_are_known_for_every_column_of_the_lists() -> None:
    known = {each.id: {column.name for column in each.columns} for each in contracts.load_all(settings.load({}))}
    for each in layout.lists():
        for column_ in each.columns:
            assert all(name in known[feed] for feed, name in gaps.BEHIND[column_.column_name])
    assert set(gaps.CHOSEN_BY) == {each.name for each in layout.lists()}
