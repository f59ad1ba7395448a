"""Issues about the file of the return: against the schema, and of characters that XML cannot hold; and the command."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from publish_run import AS_AT, finished_run, settings

from commands import sen2_year
from inspection import sen2_return
from publish import pack
from publish.sen2 import file_issues
from send_ready import database, files
from send_ready.runs import Run, RunError
from send_ready.settings import Settings
from tests.unit import sen2_tables
from tests.unit.test_sen2_xsd import SCHEMA, WELL
from warehouse import run_data


def returned(home: Path, persons: Sequence[dict[str, Any]], *, has_schema: bool = True) -> tuple[Run, Settings]:
    """A run whose return has these persons, and its settings, with a schema of the council's or without."""
    run = finished_run(home)
    with database.writer(run.warehouse) as con:
        con.execute("DROP SCHEMA sen2 CASCADE; CREATE SCHEMA sen2; DROP TABLE int.int_sen2__return")
        sen2_tables.create(con, {"person": sen2_tables.persons(*persons)}, run_id=run.run_id)
    config = home / "config"
    if has_schema:
        files.write_bytes(config / "sen2" / "SEN2_2027.xsd", SCHEMA.read_bytes())
    files.write_json(run.record, {"run_id": run.run_id, "as_at": AS_AT, "la_code": "999", "begun_at": "2026-11-16"})
    return run, settings(home, config=config)


def found(run: Run) -> list[dict[str, Any]]:
    with run_data.opened(run) as con:
        return run_data.rows(con, "SELECT * FROM sen2_issue")


def test_each_finding_is_an_issue_and_of_many_alike_one_is_of_the_rest(tmp_path: Path) -> None:
    wrong = [WELL | {"sex": "Xylo"}] * (file_issues.TOLD + 5)
    run, given = returned(tmp_path, [WELL, *wrong, WELL | {"surname": None}])
    assert file_issues.check_file(run, given) == file_issues.TOLD + 2
    issues = found(run)
    assert {(each["rule"], each["severity"], each["column_name"]) for each in issues} == {
        ("S2-001", "error", "Sex"),
        ("S2-001", "error", "Forename"),
    }
    assert sum(each["count"] for each in issues) == len(wrong) + 1
    (rest,) = (each for each in issues if each["count"] > 1)
    assert rest["count"] == 5 and rest["unique_id"] is None and "So have 5 more" in rest["message"]
    first = min((each for each in issues if each["unique_id"]), key=lambda each: each["line_no"])
    pack.publish(run, given)
    lines = (run.out / "sen2" / first["file_name"]).read_text(encoding="utf-8").splitlines()
    assert first["unique_id"] == "A2" and lines[first["line_no"] - 1].strip() == "<Sex>Xylo</Sex>"
    assert "Xylo" not in str(issues)


def test_without_a_schema_only_characters_are_told(tmp_path: Path) -> None:
    run, given = returned(tmp_path, [WELL | {"sex": "Xylo", "forename": "A\x0bda"}], has_schema=False)
    assert file_issues.check_file(run, given) == 1
    (issue,) = found(run)
    assert (issue["rule"], issue["unique_id"], issue["column_name"]) == ("S2-005", "A1", "Forename")
    assert "no schema of 2027" in run.progress.read_text(encoding="utf-8")
    pack.publish(run, given)
    assert "<Forename>Ada</Forename>" in (run.out / "sen2" / "SEN2_2027_999_001_DRAFT.xml").read_text(encoding="utf-8")


def test_the_command_tells_what_the_run_of_the_day_made(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run, given = returned(tmp_path, [WELL, WELL | {"sex": "Xylo"}])
    file_issues.check_file(run, given)
    for year in (None, 2027):
        assert sen2_year.make(given, year) == 0
        said = capsys.readouterr().out
        assert "SEN2 as at 16/11/2026: 2027, draft: 2 persons, 0 requests, 0 active plans\n1 error\n" in said
        assert f"{run.out}/sen2/SEN2_2027_999_001_DRAFT.xml\n" in said
    with pytest.raises(RunError, match="YEAR=2022 is not a year of a SEN2 return"):
        sen2_year.make(given, 2022)


def test_the_pack_says_the_number_of_the_next_release(tmp_path: Path) -> None:
    run, given = returned(tmp_path, [WELL])
    pack.publish(run, given, {2027: 3}.__getitem__)
    text = (run.out / "sen2" / "SEN2_2027_999_003_DRAFT.xml").read_text(encoding="utf-8")
    assert "<SerialNo>003</SerialNo>" in text
    assert sen2_return.next_serial_of(tmp_path)(2027) == 1


def test_a_return_of_nobody_has_no_file_and_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run, given = returned(tmp_path, [])
    pack.publish(run, given)
    assert not (run.out / "sen2").exists() and files.read_json(run.out / "manifest.json")["sen2"]["file_name"] is None
    assert sen2_year.make(replace(given, as_at=AS_AT), None) == 0
    assert "2027: nobody is returned, so no file was made" in capsys.readouterr().out
