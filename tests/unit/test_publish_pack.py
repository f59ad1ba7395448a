"""The pack of a day: workbooks and manifest as one."""

import hashlib
import os
from datetime import timedelta
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from publish_run import AS_AT, child, finished_run, issue, settings

import send_ready
from publish import pack
from publish.issues import issues_book
from send_ready import files, issues
from send_ready.errors import RunError
from send_ready.issues import Issue

NAMES = {
    "annex_a_person_level_lists.xlsx",
    "annex_a_further_items.xlsx",
    "issues.xlsx",
    "issues.parquet",
    "kpi.xlsx",
    "readiness.html",
    "sen2",
    "manifest.json",
}
SEN2 = {"sen2/SEN2_2027_999_001_DRAFT.xml", *(f"sen2/sen2_modules/Blade-Export_16-11-2026_{module}.csv" for module in (
    "sen2", "person", "requests", "assessment", "namedplan", "plandetail", "activeplans", "placementdetail", "senneed",
))}  # fmt: skip


def manifest(home: Path) -> dict[str, Any]:
    found: dict[str, Any] = files.read_json(home / "out" / AS_AT.isoformat() / "manifest.json")
    return found


def test_the_pack_is_whole_and_latest_leads_to_it(tmp_path: Path) -> None:
    out = pack.publish(finished_run(tmp_path, list_1=[child("S1")]), settings(tmp_path))
    assert out == tmp_path / "out" / "2026-11-16"
    assert {path.name for path in out.iterdir()} == NAMES
    assert (tmp_path / "out" / "latest").readlink() == Path("2026-11-16")


def test_latest_stays_with_the_newest_day_when_a_past_day_is_built(tmp_path: Path) -> None:
    for days in (0, 30):
        run = finished_run(tmp_path, f"run_{days}", as_at=AS_AT - timedelta(days=days))
        pack.publish(run, settings(tmp_path, as_at=run.as_at))
    assert (tmp_path / "out" / "latest").readlink() == Path("2026-11-16")


def test_manifest_says_what_the_pack_was_made_of(tmp_path: Path) -> None:
    run = finished_run(tmp_path, list_1=[child("S1"), child("S2")], list_2=[child("S3")], found=[issue()])
    out = pack.publish(run, settings(tmp_path))
    found = manifest(tmp_path)
    assert (found["as_at"], found["la_code"], found["run_id"]) == ("2026-11-16", "999", run.run_id)
    assert (found["code_version"], found["layout_version"]) == (send_ready.__version__, "2022-11")
    assert found["rows"] == {"List 1": 2, "List 2": 1}
    assert found["issues"] == {"stop": 0, "error": 2, "query": 0, "note": 0}
    students = next(entry for entry in found["inputs"] if entry["feed"] == "capita_one.students")
    assert (students["status"], students["data_date"], students["is_stale"]) == ("fresh", "2026-11-16", False)
    assert students["files"][0]["rows_in_file"] == 10
    gias = next(entry for entry in found["inputs"] if entry["feed"] == "gias.establishments")
    assert (gias["status"], gias["is_stale"], gias["files"]) == ("missing", True, [])
    assert set(found["outputs"]) == NAMES - {"manifest.json", "sen2"} | SEN2
    assert found["sen2"]["file_name"] == "SEN2_2027_999_001_DRAFT.xml" and found["sen2"]["rows"]["sen2_person"] == 1
    for name, output in found["outputs"].items():
        data = (out / name).read_bytes()
        assert output == {"sha256": hashlib.sha256(data).hexdigest(), "bytes": len(data)}


def test_files_that_no_feed_knows_are_in_the_manifest(tmp_path: Path) -> None:
    run = finished_run(tmp_path)
    found = [
        Issue("File", "F-17", "query", "No feed.", "", "", file_name="notes.csv"),
        Issue("File", "F-18", "error", "The inbox cannot be read.", "", ""),
        Issue("File", "F-19", "query", "No effect.", "", "", file_name="targets/kpi.csv"),
    ]
    issues.write(run.issues("inbox"), found)
    pack.publish(run, settings(tmp_path))
    expected = [{"file_name": "notes.csv", "status": "unrecognised", "reason": "No feed."}]
    assert manifest(tmp_path)["unrecognised"] == expected


def test_rows_that_do_not_add_up_stop_the_pack_and_name_the_file(tmp_path: Path) -> None:
    run = finished_run(tmp_path)
    pack.publish(run, settings(tmp_path))
    before = {path.name: path.read_bytes() for path in run.out.rglob("*.*")}
    result = files.read_json(run.feed_result("capita_one.students"))
    result["files"][0]["rows_quarantined"] = 0
    files.write_json(run.feed_result("capita_one.students"), result)
    with pytest.raises(RunError, match=r"capita_one__students\.json is damaged\. Run `send-ready extract"):
        pack.publish(run, settings(tmp_path))
    result["files"][0] |= {"rows_quarantined": 1, "lines": {"total": 12, "header": 1, "rows": 10}}
    files.write_json(run.feed_result("capita_one.students"), result)
    with pytest.raises(pack.AccountingError, match="has 12 lines, and 11 are accounted for"):
        pack.publish(run, settings(tmp_path))
    assert {path.name: path.read_bytes() for path in run.out.rglob("*.*")} == before


def test_an_interrupted_publish_leaves_the_earlier_pack(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = finished_run(tmp_path, list_1=[child("S1")])
    pack.publish(run, settings(tmp_path))
    before = {path.name: path.read_bytes() for path in run.out.rglob("*.*")}

    def interrupted(*_: object) -> dict[str, int]:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(issues_book, "write", interrupted)
        with pytest.raises(KeyboardInterrupt):
            pack.publish(finished_run(tmp_path, "again", list_1=[child("S2")]), settings(tmp_path))
    assert {path.name: path.read_bytes() for path in run.out.rglob("*.*")} == before
    pack.publish(finished_run(tmp_path, "again", list_1=[child("S2")]), settings(tmp_path))
    assert {path.name for path in run.out.iterdir()} == NAMES
    assert {path.name for path in run.out.parent.iterdir()} == {"2026-11-16", "latest"}


def test_a_day_built_again_gives_the_same_files(tmp_path: Path) -> None:
    outputs = []
    for run_id in ("one", "two"):
        pack.publish(finished_run(tmp_path, run_id, [child("S1")], found=[issue()]), settings(tmp_path))
        outputs.append(manifest(tmp_path)["outputs"])
    assert outputs[0] == outputs[1]


def test_configuration_hash_changes_with_the_councils_own_files(tmp_path: Path) -> None:
    config = tmp_path / "config"
    (config / "crosswalks").mkdir(parents=True)
    own = config / "crosswalks" / "xwalk_sex.csv"
    found = []
    for text in (None, "local_value,code\nboy,M\n", "local_value,code\ngirl,F\n"):
        if text:
            own.write_text(text)
        pack.publish(finished_run(tmp_path), settings(tmp_path, config=config))
        found.append(manifest(tmp_path)["configuration"])
    assert len({each["sha256"] for each in found}) == 3
    assert [each["own_files"] for each in found] == [[], ["crosswalks/xwalk_sex.csv"], ["crosswalks/xwalk_sex.csv"]]
    assert found[1]["files"].keys() == found[0]["files"].keys()
    (config / "targets").mkdir()
    (config / "targets" / "kpi_targets.csv").write_text("kpi_id,target_value,amber_margin,basis\n")
    pack.publish(finished_run(tmp_path), settings(tmp_path, config=config))
    assert manifest(tmp_path)["configuration"]["own_files"] == ["crosswalks/xwalk_sex.csv", "targets/kpi_targets.csv"]
    assert "contracts/capita_one__students.yml" in found[0]["files"]


def test_only_the_owner_can_read_the_pack(tmp_path: Path) -> None:
    before = os.umask(files.PRIVATE_UMASK)
    try:
        out = pack.publish(finished_run(tmp_path), settings(tmp_path))
    finally:
        os.umask(before)
    assert [oct(path.stat().st_mode & 0o777) for path in (out.parent, out)] == ["0o700"] * 2
    assert {oct(path.stat().st_mode & 0o777) for path in out.rglob("*.*")} == {"0o600"}


def test_issues_of_every_stage_and_of_dbt_are_in_the_workbook(tmp_path: Path) -> None:
    run = finished_run(tmp_path, found=[issue()])
    issues.write(run.issues("extract__a__b"), [issue("F-01", "stop"), issue("F-20", "note")])
    out = pack.publish(run, settings(tmp_path))
    rows = list(openpyxl.load_workbook(out / "issues.xlsx")["Issue detail"].iter_rows(min_row=2, values_only=True))
    assert [row[0] for row in rows] == ["F-01", "101a", "M-01", "F-20"]
