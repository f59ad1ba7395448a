"""The closing words of a run."""

from pathlib import Path

from publish_run import AS_AT, child, finished_run, issue, settings

from publish import pack
from publish.summary import summary
from send_ready import files
from warehouse.serve import serve


def test_it_tells_lists_feeds_issues_and_paths(tmp_path: Path) -> None:
    run = finished_run(tmp_path, list_1=[child(f"S{at}") for at in range(1234)], list_2=[child("T1")], found=[issue()])
    pack.publish(run, settings(tmp_path))
    serve(run, settings(tmp_path))
    lines = summary(run, settings(tmp_path)).splitlines()
    assert "SEND Ready: LA 999, as at 16/11/2026" in lines
    assert "List 1: 1,234 rows, List 2: 1 rows" in "\n".join(lines)
    assert "0 stop, 2 error, 0 query, 0 note" in "\n".join(lines)
    feeds = {
        line.split()[0]: line.split()[1:] for line in lines if line.startswith(("capita_one.", "ehc_hub.", "gias."))
    }
    assert feeds["capita_one.students"] == ["16/11/2026", "Fresh", "8", "2", "capita_one_students.csv"]
    assert feeds["capita_one.ehc_plans"][:2] == ["12/11/2026", "Stale"]
    assert feeds["ehc_hub.cases"][1] == "Refused"
    assert feeds["gias.establishments"] == ["-", "Missing", "0", "0", "-"]
    for_people = (path for path in run.out.iterdir() if path.suffix != ".parquet")
    for path in (*for_people, tmp_path / "serving" / "warehouse.duckdb"):
        assert any(line.endswith(str(path)) for line in lines)


def test_no_line_but_a_path_is_wider_than_100_columns(tmp_path: Path) -> None:
    run = finished_run(tmp_path)
    result = files.read_json(run.feed_result("capita_one.students"))
    result |= {"file_name": "x" * 300 + ".csv", "rows_in_file": 1_500_000, "rows_accepted": 1_499_998}
    files.write_json(run.feed_result("capita_one.students"), result)
    pack.publish(run, settings(tmp_path))
    lines = summary(run, settings(tmp_path)).splitlines()
    assert [line for line in lines if len(line) > 100 and str(tmp_path) not in line] == []
    assert any("1,499,998" in line for line in lines)


def test_a_run_without_a_pack_says_so(tmp_path: Path) -> None:
    pack.publish(finished_run(tmp_path, "earlier"), settings(tmp_path))
    said = summary(finished_run(tmp_path, "later"), settings(tmp_path))
    assert "This run made no pack." in said
    assert f"The pack in {tmp_path / 'out' / AS_AT.isoformat()} is of an earlier run." in said
    assert "capita_one.students" in said
