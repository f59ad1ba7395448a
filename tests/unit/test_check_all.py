"""`make check` without FILE: what the night to come would make of inbox and configuration."""

import json
from pathlib import Path

import pytest

from commands.check_all import check_all
from send_ready import settings
from send_ready.settings import Settings

STUDENTS = "Student ID,Date of Birth,Gender\n" + "".join(f"{at},03/04/2012,Boyish\n" for at in range(5))
SECRET = "Qzvexample"


def given(folder: Path, **more: str) -> Settings:
    (folder / "home" / "inbox").mkdir(parents=True, exist_ok=True)
    env = {"SEND_HOME": str(folder / "home"), "AS_AT": "2026-11-16", **more}
    if (folder / "config").is_dir():
        env["SEND_CONFIG"] = str(folder / "config")
    return settings.load(env)


def put(folder: Path, name: str, text: str) -> None:
    path = folder / "home" / "inbox" / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, encoding="utf-8")


def test_files_codes_and_feeds_of_the_night_to_come(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(tmp_path, "capita_one_students_20261116.csv", STUDENTS)
    put(tmp_path, "capita_one_sen_needs_20261101.csv", "Student ID,SEN Type,Rank\n1,ASD,1\n")
    put(tmp_path, "capita_one_exclusions_20261345.csv", "Exclusion ID\n1\n")
    put(tmp_path, "EHCP tracker Nov26.csv", "A,B\n1,2\n")
    assert check_all(given(tmp_path)) == 1
    said = " ".join(capsys.readouterr().out.split())
    for words in (
        "4 files, of which 0 have landed already",
        "Put right EHCP tracker Nov26.csv no feed belongs to no feed",
        "Fine capita_one_students_20261116.csv capita_one.students 16/11/2026 5 rows, header found",
        "WOULD BE REFUSED: the date in its name does not exist",
        "'Boyish', 5 rows",
        "Feeds in the night of 16/11/2026, if nothing more arrives",
        "Fine capita_one.students Fresh 16/11/2026",
        "Put right capita_one.sen_needs Stale 01/11/2026",
        "15 days old then, and may be 1, unless a newer one comes",
        "Put right capita_one.exclusions Missing",
    ):
        assert words in said
    assert "board.actions" not in said  # optional, and never sent


def test_a_feed_that_the_council_does_not_have_is_not_missing(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "absent_feeds.csv").write_text(
        "feed,reason,said_by,said_on\nehc_hub.cases,There is no hub,AB,16/11/2026\n"
    )
    check_all(given(tmp_path))
    said = " ".join(capsys.readouterr().out.split())
    assert "Fine ehc_hub.cases Not held EHC Hub team There is no hub" in said
    assert "Put right ehc_hub.advice Missing" in said


def test_the_page_says_the_same_and_nobody_elses_values(tmp_path: Path) -> None:
    rows = "".join(f"{at},03/04/2012,{SECRET}{at}\n" for at in range(40))
    put(tmp_path, "capita_one_students_20261116.csv", f"Student ID,Date of Birth,Gender\n{rows}")
    check_all(given(tmp_path))
    page = tmp_path / "home" / "out" / "check.html"
    text = page.read_text(encoding="utf-8")
    assert "Before the night" in text and "capita_one_students_20261116.csv" in text and "40 values, not listed" in text
    assert SECRET not in text and "03/04/2012" not in text
    assert "script" not in text.casefold().replace("description", "")
    assert page.stat().st_mode & 0o077 == 0


def test_what_a_name_of_a_file_says_is_text_on_the_page(tmp_path: Path) -> None:
    put(tmp_path, "<img src=x onerror=alert(1)>.csv", "A\n1\n")
    check_all(given(tmp_path))
    text = (tmp_path / "home" / "out" / "check.html").read_text(encoding="utf-8")
    assert "<img" not in text and "&lt;img" in text


def test_a_file_of_the_configuration_that_is_set_aside(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = tmp_path / "config" / "crosswalks" / "xwalk_sex.csv"
    own.parent.mkdir(parents=True)
    own.write_text("local_value,code\nBoyish,Q\n")
    assert check_all(given(tmp_path)) == 1
    said = " ".join(capsys.readouterr().out.split())
    assert "Put right crosswalks/xwalk_sex.csv set aside. crosswalks/xwalk_sex.csv, line 2: code is 'Q'" in said


def test_somebody_is_told_once_a_night_when_asked(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    put(tmp_path, "unknown.csv", "A\n1\n")
    for _ in range(2):
        assert check_all(given(tmp_path), alerts=True) == 1
    lines = (tmp_path / "home" / "out" / "alerts.jsonl").read_text().splitlines()
    (told,) = [json.loads(line) for line in lines]
    assert told["key"] == "check:2026-11-16" and "to be put right before the night of 16/11/2026" in told["title"]
    assert "unknown.csv" in told["text"]
    check_all(given(tmp_path))
    assert "To be put right" in capsys.readouterr().out


def test_codes_of_a_prepared_feed_are_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    own = tmp_path / "config"
    (own / "sources").mkdir(parents=True)
    (own / "prepare").mkdir()
    (own / "sources" / "register.yml").write_text(
        "title: Register\nowner: SEND\nfile_names: ['SEN register {date}']\nstale_after_days: 31\n"
    )
    (own / "prepare" / "capita_one__students.sql").write_text(
        'SELECT "Pupil" AS "student_id", "Born" AS "date_of_birth", "Sex" AS "sex", _file, _line FROM register'
    )
    rows = "".join(f"{at + 100},03/04/2012,Boyish\n" for at in range(5))
    put(tmp_path, "SEN register 16-11-2026.csv", f"Register\n\nPupil,Born,Sex\n{rows}")
    assert check_all(given(tmp_path)) == 1
    said = " ".join(capsys.readouterr().out.split())
    assert "capita_one.students Sex 'Boyish', 5 rows Add a row `value,code` to crosswalks/xwalk_sex.csv" in said
    assert not (tmp_path / "home" / "landing").exists()


def test_a_feed_that_the_council_does_not_have_is_not_missed(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "config").mkdir()
    (tmp_path / "config" / "absent_feeds.csv").write_text(
        "feed,reason,said_by,said_on\nehc_hub.cases,All cases are in Capita One,AB,16/11/2026\n"
    )
    check_all(given(tmp_path))
    said = " ".join(capsys.readouterr().out.split())
    assert "Fine ehc_hub.cases Not held" in said and "Put right ehc_hub.reviews Missing" in said
