"""`make check`: what an analyst is told about one export, before the night."""

from pathlib import Path

import pytest

from commands.check import check
from send_ready import settings

GOOD = (
    "Student ID,Date of Birth,Gender,Ethnicity,Hobby\r\n"
    "1,03/04/2012,M,WBRI,chess\r\n"
    "2,03/04/2013,Robot,WBRI,\r\n"
    "3,31/02/2012,F,WBRI,\r\n"
    "4,03/04/2012,F,WBRI,\r\n"
    "4,03/04/2012,F,WBRI,\r\n"
    "5,03/04/2013,Robot,WBRI,\r\n"
    "6,03/04/2013,Robot,WBRI,\r\n"
    "7,03/04/2013,Ash,WBRI,\r\n"
)


def run(tmp_path: Path, name: str, text: str, feed: str | None = None) -> int:
    path = tmp_path / name
    path.write_text(text, encoding="cp1252")
    return check(settings.load({"SEND_HOME": str(tmp_path / "home")}), path, feed)


def test_a_good_export(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, "capita_one_students_20261116.csv", GOOD) == 0
    said = capsys.readouterr().out
    assert "capita_one_students_20261116.csv: capita_one.students, one row a student" in said
    assert "Rows: 8 in the file = 7 accepted + 0 quarantined + 1 exact duplicates" in said
    assert "from 'Gender'  (alias)" in said
    assert "UPN                          MISSING: blank for every row. Known as: UPN, Unique Pupil Number" in said
    assert "not used: 'Hobby' is not known" in said
    assert "Sex                          'Robot': 3 rows" in said
    assert "Sex                          1 others, each in fewer than 3 rows" in said and "Ash" not in said
    assert "line 4: Date of Birth cannot be read: expected a date such as 31/12/2026 (day first)" in said
    assert said.endswith("Would be accepted.\n")
    assert not (tmp_path / "home" / "landing").exists()


def test_an_export_that_would_be_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, "capita_one_students_20261116.csv", "Pupil,Date of Birth\n1,03/04/2012\n") == 1
    said = capsys.readouterr().out
    assert "Would be REFUSED (F-03).\n  Required column missing: Student ID." in said


def test_a_name_of_no_feed_and_the_feed_given(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(tmp_path, "pupils.csv", GOOD) == 1
    assert "No feed has files named like pupils.csv." in capsys.readouterr().out
    assert run(tmp_path, "pupils.csv", GOOD, "capita_one.students") == 0


def test_no_such_file(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert check(settings.load({}), tmp_path / "nothing.csv", None) == 1
    assert "There is no file" in capsys.readouterr().out


def test_a_column_that_holds_no_codes_is_not_listed(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """The headings of two columns have changed places."""
    names = [f"Qzv{number % 30}" for number in range(120)]
    rows = "".join(f"{number},03/04/2012,{name}\r\n" for number, name in enumerate(names))
    assert run(tmp_path, "capita_one_students_20261116.csv", f"Student ID,Date of Birth,Gender\r\n{rows}") == 0
    said = capsys.readouterr().out
    assert "Sex                          30 values, each in fewer than 3 rows or one of more than 20" in said
    assert "Qzv" not in said
