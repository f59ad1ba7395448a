"""The published warehouse, and that nobody ever meets half of it."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import duckdb
import pytest

from publish.excel.items_book import item_columns
from send_ready import database, files
from send_ready.runs import Run, RunError
from tests.unit.publish_run import AS_AT, child, finished_run, issue, settings
from tests.waiting import HANG
from warehouse.serve import rollback, serve

READER = """
import sys, time, duckdb
from pathlib import Path
path, stop, seen, reads = sys.argv[1], Path(sys.argv[2]), [], 0
last = False
while not last:
    last = stop.exists()  # then once more
    with duckdb.connect(path, read_only=True) as con:
        ids = con.execute('''
            SELECT run_id FROM annex_a.rpt_annex_a__list_1 UNION ALL SELECT run_id FROM quality.issues
            UNION ALL SELECT run_id FROM core.dim_person UNION ALL SELECT run_id FROM quality.runs
        ''').fetchall()
        rows = con.execute('SELECT count(*) FROM annex_a.rpt_annex_a__list_1').fetchone()[0]
    assert len(set(ids)) == 1, ids
    assert rows == 50, rows
    seen, reads = seen + [ids[0][0]], reads + 1
    if reads == 1:
        print("reading", flush=True)
print(reads, len(set(seen)), seen[-1])
"""


def read(home: Path, query: str) -> list[tuple[object, ...]]:
    with database.reader(home / "serving" / "warehouse.duckdb") as con:
        return con.execute(query).fetchall()


def test_tables_are_copied_with_their_descriptions(tmp_path: Path) -> None:
    serve(finished_run(tmp_path, list_1=[child("S1")]), settings(tmp_path))
    tables = read(tmp_path, "SELECT schema_name || '.' || table_name FROM duckdb_tables() ORDER BY 1")
    assert [name for (name,) in tables] == [
        *sorted(f"annex_a.{name}" for name in ("rpt_annex_a__list_1", "rpt_annex_a__list_2", *item_columns())),
        "core.dim_person",
        "core.fct_exclusion",
        "quality.feeds",
        "quality.issues",
        "quality.perhaps_missing",
        "quality.runs",
        "quality.sen2_issues",
        *(f"sen2.{name}" for name in ("active_plans", "assessment", "header", "named_plan", "person",
                                      "placement_detail", "plan_detail", "requests", "sen_need")),
    ]  # fmt: skip
    assert read(tmp_path, "SELECT comment FROM duckdb_tables() WHERE table_name = 'dim_person'") == [
        ("One row a person",)
    ]
    columns = "duckdb_columns() WHERE table_name = 'dim_person' AND column_name = 'person_id'"
    assert read(tmp_path, f"SELECT comment FROM {columns}") == [("The person's id",)]
    assert read(tmp_path, "SELECT birth_date, absence_pct::VARCHAR FROM annex_a.rpt_annex_a__list_1")[0][1] == "12.3"
    assert read(tmp_path, "SELECT as_at_date, layout_version FROM quality.runs") == [(AS_AT, "2022-11")]


def test_a_rebuilt_past_day_does_not_take_the_place_of_a_later_one(tmp_path: Path) -> None:
    run = finished_run(tmp_path, list_1=[child("S1")])
    serve(run, settings(tmp_path))
    serve(replace(run, as_at=AS_AT - timedelta(days=1)), settings(tmp_path))
    assert read(tmp_path, "SELECT as_at_date FROM quality.runs") == [(AS_AT,)]
    serve(replace(run, as_at=AS_AT + timedelta(days=1)), settings(tmp_path))
    assert read(tmp_path, "SELECT as_at_date FROM quality.runs") == [(AS_AT + timedelta(days=1),)]


def note(run: Run) -> str:
    """What the newest step of the run said."""
    return str(json.loads(run.progress.read_text().splitlines()[-1])["note"])


@pytest.mark.parametrize("name", ["warehouse.duckdb", "bi.duckdb", "parquet/core/dim_person.parquet"])
def test_a_damaged_published_file_is_named_and_replaced(tmp_path: Path, name: str) -> None:
    run = finished_run(tmp_path, list_1=[child("S1")])
    path = (tmp_path / "serving" / name).resolve()
    serve(run, settings(tmp_path))
    path = (tmp_path / "serving" / name).resolve()
    path.chmod(0o600)
    with open(path, "r+b") as file:
        file.seek(path.stat().st_size // 2)
        file.write(b"damaged")
    serve(replace(run, as_at=AS_AT - timedelta(days=1)), settings(tmp_path))
    assert (tmp_path / "serving" / name).resolve() == path  # an earlier day does not take its place, but tells
    assert note(run).startswith(f"{path} is damaged, or was changed by a program that had it open for writing. ")
    serve(run, settings(tmp_path))
    assert (tmp_path / "serving" / name).resolve() != path
    assert note(run).startswith(str(path)) and note(run).endswith("It was replaced")
    assert read(tmp_path, "SELECT as_at_date FROM quality.runs") == [(AS_AT,)]
    path = (tmp_path / "serving" / name).resolve()
    path.unlink()
    serve(run, settings(tmp_path))
    assert note(run) == f"{path} is missing. It was replaced"
    serve(run, settings(tmp_path))
    assert note(run) == "None"


def test_a_published_version_without_its_record_is_replaced_and_stays_for_who_has_it_open(tmp_path: Path) -> None:
    run = finished_run(tmp_path)
    serve(run, settings(tmp_path))
    first = (tmp_path / "serving").resolve()
    (first / "publication.json").write_text("{")
    serve(run, settings(tmp_path))
    assert note(run) == f"{tmp_path}/serving/publication.json cannot be read. It was replaced"
    assert first.exists()
    with pytest.raises(RunError, match=r"No version before the one at .*/serving is kept"):
        rollback(settings(tmp_path))


def test_analysts_have_a_file_without_lists_and_identities(tmp_path: Path) -> None:
    run = finished_run(tmp_path, list_1=[child("S1")], found=[issue()])
    with database.writer(run.warehouse) as con:
        con.execute("CREATE TABLE person_identifiable.more AS SELECT 'S1' AS person_id, 'Ada' AS forename")
    serve(run, settings(tmp_path))
    schemas = "SELECT DISTINCT schema_name FROM duckdb_tables() ORDER BY 1"
    columns = "SELECT schema_name, table_name, column_name, data_type, comment FROM duckdb_columns()"
    open_to_all = "WHERE schema_name IN ('core', 'kpi', 'quality') ORDER BY ALL"
    everything = read(tmp_path, f"{columns} {open_to_all}")
    assert read(tmp_path, schemas) == [("annex_a",), ("core",), ("person_identifiable",), ("quality",), ("sen2",)]
    with database.reader(tmp_path / "serving" / "bi.duckdb") as con:
        assert con.execute(schemas).fetchall() == [("core",), ("quality",)]
        assert con.execute(f"{columns} {open_to_all}").fetchall() == everything
        assert con.execute("SELECT DISTINCT run_id FROM quality.issues").fetchall() == [(run.run_id,)]
    assert b"Ada" not in (tmp_path / "serving" / "bi.duckdb").read_bytes()
    assert read(tmp_path, "SELECT forename, run_id FROM person_identifiable.more") == [("Ada", run.run_id)]


def test_words_that_may_be_a_name_are_quoted_in_the_workbook_and_not_to_every_analyst(tmp_path: Path) -> None:
    quoted = "The value “Ada\n”Lovelace” is not mapped to a standard code: the records that hold it count as blank."
    unmapped = issue(rule="M-01", category="Mapping", message=quoted)
    stray = issue(
        rule="F-17", category="File", feed=None, file_name="Ada Lovelace.docx", message="It belongs to no feed."
    )
    run = finished_run(tmp_path, found=[unmapped, stray, issue(rule="F-20", file_name="capita_one_students.csv")])
    serve(run, settings(tmp_path))
    told = read(tmp_path, "SELECT rule, message, file_name FROM quality.issues")
    assert not [row for row in told if "Ada" in str(row)]
    assert {
        ("M-01", quoted.replace("“Ada\n”Lovelace”", "(quoted in issues.xlsx)"), None),
        ("F-17", "It belongs to no feed.", "(named in issues.xlsx)"),
        ("F-20", "Date of birth is blank.", "capita_one_students.csv"),
    } < set(told)


def test_rollback_serves_the_version_before_until_the_next_publication(tmp_path: Path) -> None:
    def served() -> object:
        return read(tmp_path, "SELECT run_id FROM quality.runs")[0][0]

    with pytest.raises(RunError, match="is kept"):
        rollback(settings(tmp_path))
    for day, name in enumerate(("one", "two")):
        serve(finished_run(tmp_path, name, as_at=AS_AT + timedelta(days=day)), settings(tmp_path))
    serve(
        finished_run(tmp_path, "two", as_at=AS_AT + timedelta(days=1)), settings(tmp_path)
    )  # once more, as a retry does
    said = rollback(settings(tmp_path))
    assert said.startswith(
        f"{tmp_path / 'serving'} is back to run one as at 2026-11-16; run two as at 2026-11-17 is no "
    )
    assert served() == "one"
    with pytest.raises(RunError, match=r"No version before the one at .* stays\. Publish with `make run`"):
        rollback(settings(tmp_path))
    assert served() == "one"
    serve(finished_run(tmp_path, "three", as_at=AS_AT + timedelta(days=2)), settings(tmp_path))
    assert served() == "three"
    rollback(settings(tmp_path))
    assert served() == "one"


def test_rollback_never_serves_a_damaged_version(tmp_path: Path) -> None:
    for name in ("one", "two"):
        serve(finished_run(tmp_path, name), settings(tmp_path))
    (before,) = set((tmp_path / "published").iterdir()) - {(tmp_path / "serving").resolve()}
    (before / "bi.duckdb").unlink()
    (before / "bi.duckdb").write_bytes(b"damaged")
    with pytest.raises(RunError, match=r"bi\.duckdb is damaged, .* stays as it is\. Publish with `make run`"):
        rollback(settings(tmp_path))
    assert read(tmp_path, "SELECT run_id FROM quality.runs") == [("two",)]


def test_what_a_killed_publication_left_goes_before_the_next_one_needs_the_room(tmp_path: Path) -> None:
    for name in ("one", "two"):
        serve(finished_run(tmp_path, name), settings(tmp_path))
    (tmp_path / "published" / "two_cut_off").mkdir()
    (tmp_path / "published" / "two_cut_off" / "warehouse.duckdb").write_bytes(b"half")
    broken = finished_run(tmp_path, "three")
    with database.writer(broken.warehouse) as con:
        con.execute("DROP TABLE quality.quality_issues")
    with pytest.raises(RunError, match="has no finished warehouse"):
        serve(broken, settings(tmp_path))
    assert sorted(path.name[:4] for path in (tmp_path / "published").iterdir()) == ["one_", "two_"]


LOCKER = """
import sys, duckdb
con = duckdb.connect(sys.argv[1])
print("open", flush=True)
sys.stdin.read()
"""


@contextmanager
def open_in_another_program(path: Path) -> Iterator[None]:
    """Somebody's tool has a DuckDB file open for writing, as most do unless told otherwise, and was let."""
    path.chmod(0o600)
    command = [sys.executable, "-c", LOCKER, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as tool:
        assert tool.stdout and tool.stdout.readline() == "open\n"
        yield


def test_a_published_warehouse_that_somebody_has_locked_is_replaced_by_a_newer_day_only(tmp_path: Path) -> None:
    run = finished_run(tmp_path, list_1=[child("S1")])
    serve(run, settings(tmp_path))
    with open_in_another_program((tmp_path / "serving" / "warehouse.duckdb").resolve()):
        serve(replace(run, as_at=AS_AT - timedelta(days=1)), settings(tmp_path))
        serve(replace(run, as_at=AS_AT + timedelta(days=1)), settings(tmp_path))
    assert read(tmp_path, "SELECT as_at_date FROM quality.runs") == [(AS_AT + timedelta(days=1),)]


def test_a_lock_on_the_runs_own_warehouse_names_its_holder_and_the_way_out(tmp_path: Path) -> None:
    run = finished_run(tmp_path, list_1=[child("S1")])
    with open_in_another_program(run.warehouse):
        for use in (lambda: serve(run, settings(tmp_path)), lambda: database.writer(run.warehouse)):
            with pytest.raises(
                database.LockedError, match=r"is open in another program, .+ \(PID \d+\)\. Close it there"
            ):
                use()
    serve(run, settings(tmp_path))


def test_every_column_that_this_room_adds_is_described(tmp_path: Path) -> None:
    serve(finished_run(tmp_path), settings(tmp_path))
    bare = "SELECT column_name FROM duckdb_columns() WHERE table_name IN ('issues', 'runs') AND comment IS NULL"
    assert read(tmp_path, bare) == []
    assert read(tmp_path, "SELECT count(comment) FROM duckdb_tables() WHERE table_name IN ('issues', 'runs')") == [(2,)]


def test_every_table_carries_council_and_run(tmp_path: Path) -> None:
    run = finished_run(tmp_path, list_1=[child("S1")], found=[issue()])
    with database.writer(run.warehouse) as con:
        con.execute("CREATE VIEW core.bare AS SELECT 1 AS one")
    serve(run, settings(tmp_path))
    tables = read(tmp_path, "SELECT schema_name || '.' || table_name FROM duckdb_tables()")
    stamped = {table: read(tmp_path, f"SELECT DISTINCT la_code, run_id FROM {table}") for (table,) in tables}
    assert {table: rows for table, rows in stamped.items() if rows and rows != [("999", run.run_id)]} == {}
    assert stamped["core.bare"] == stamped["quality.issues"] == [("999", run.run_id)]


def test_issues_are_those_of_every_stage_and_of_dbt(tmp_path: Path) -> None:
    serve(finished_run(tmp_path, found=[issue("L-122", "query"), issue()]), settings(tmp_path))
    assert read(tmp_path, "SELECT rule FROM quality.issues") == [("101a",), ("M-01",), ("L-122",)]


def test_parquet_holds_the_same_rows(tmp_path: Path) -> None:
    serve(finished_run(tmp_path, list_1=[child("S1"), child("S2", upn=None)], found=[issue()]), settings(tmp_path))
    tables = read(tmp_path, "SELECT schema_name, table_name FROM duckdb_tables()")
    paths = {
        str(path.relative_to(tmp_path / "serving" / "parquet")) for path in (tmp_path / "serving").rglob("*.parquet")
    }
    assert paths == {f"{schema}/{table}.parquet" for schema, table in tables}
    for schema, table in tables:
        path = database.literal(tmp_path / "serving" / "parquet" / str(schema) / f"{table}.parquet")
        differing = f"(FROM {schema}.{table} EXCEPT ALL FROM read_parquet({path}))"
        assert read(tmp_path, f"SELECT count(*) FROM {differing}") == [(0,)]
        assert read(tmp_path, f"SELECT count(*) FROM {schema}.{table}") == read(
            tmp_path, f"SELECT count(*) FROM {path}"
        )


def test_the_same_rows_are_the_same_bytes_of_parquet_in_whatever_order_they_were_built(tmp_path: Path) -> None:
    children = [child(f"S{number}") for number in range(2000)]
    written = {}
    for name, rows in {"a": children, "b": children[::-1]}.items():
        home = tmp_path / name
        serve(finished_run(home, list_1=rows), settings(home))
        parquet = home / "serving" / "parquet"
        written[name] = {str(path.relative_to(parquet)): files.sha256(path) for path in parquet.rglob("*.parquet")}
    assert "annex_a/rpt_annex_a__list_1.parquet" in written["a"]
    assert written["a"] == written["b"]


def test_clients_of_duckdb_1_4_can_read_the_file(tmp_path: Path) -> None:
    serve(finished_run(tmp_path), settings(tmp_path))
    with duckdb.connect() as con:
        con.execute(f"ATTACH {database.literal(tmp_path / 'serving' / 'warehouse.duckdb')} AS served (READ_ONLY)")
        tags = con.execute("SELECT tags FROM duckdb_databases() WHERE database_name = 'served'").fetchall()[0][0]
    assert tags["storage_version"].startswith("v1.4")


def test_the_version_before_stays_for_open_readers_and_older_ones_go(tmp_path: Path) -> None:
    serve(finished_run(tmp_path, "one"), settings(tmp_path))
    first = (tmp_path / "serving").resolve()
    with database.reader(tmp_path / "serving" / "warehouse.duckdb") as con:
        serve(finished_run(tmp_path, "two"), settings(tmp_path))
        assert first.exists()
        assert con.execute("SELECT DISTINCT run_id FROM core.dim_person").fetchall() == [("one",)]
    serve(finished_run(tmp_path, "three"), settings(tmp_path))
    assert not first.exists()
    assert len(list((tmp_path / "published").iterdir())) == 2
    assert read(tmp_path, "SELECT run_id FROM quality.runs") == [("three",)]


SPILLER = """
import sys, duckdb
con = duckdb.connect(sys.argv[1], read_only=True, config={"memory_limit": "60MB", "threads": 1})
print("open", flush=True)
sys.stdin.readline()
con.execute("CREATE TEMP TABLE sorted AS SELECT md5(n::VARCHAR) AS line FROM range(600_000) AS t (n) ORDER BY ALL")
print(con.execute("SELECT run_id FROM quality.runs").fetchone()[0], flush=True)
"""


def test_a_version_stays_as_long_as_a_reader_has_it_open_whose_query_may_need_room_beside_it(tmp_path: Path) -> None:
    serve(finished_run(tmp_path, "one"), settings(tmp_path))
    first = (tmp_path / "serving").resolve()
    command = [sys.executable, "-c", SPILLER, str(first / "bi.duckdb")]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as tool:
        assert tool.stdin and tool.stdout and tool.stdout.readline() == "open\n"
        for name in ("two", "three", "four"):
            serve(finished_run(tmp_path, name), settings(tmp_path))
        assert sorted(path.name.split("_")[0] for path in first.parent.iterdir()) == ["four", "one", "three"]
        assert tool.communicate("go\n")[0] == "one\n"
    serve(finished_run(tmp_path, "five"), settings(tmp_path))
    assert sorted(path.name.split("_")[0] for path in first.parent.iterdir()) == ["five", "four"]


def test_a_failed_publication_leaves_what_was_served(tmp_path: Path) -> None:
    serve(finished_run(tmp_path, "one"), settings(tmp_path))
    broken = finished_run(tmp_path, "two")
    with database.writer(broken.warehouse) as con:
        con.execute("DROP TABLE quality.quality_issues")
    with pytest.raises(RunError, match="has no finished warehouse"):
        serve(broken, settings(tmp_path))
    assert read(tmp_path, "SELECT run_id FROM quality.runs") == [("one",)]


def test_only_the_owner_can_read_what_is_served(tmp_path: Path) -> None:
    before = os.umask(files.PRIVATE_UMASK)
    try:
        serve(finished_run(tmp_path), settings(tmp_path))
    finally:
        os.umask(before)
    paths = [tmp_path / "published", *(tmp_path / "published").rglob("*")]
    modes = {path.is_dir(): set() for path in paths}
    for path in paths:
        modes[path.is_dir()].add(oct(path.stat().st_mode & 0o777))
    assert modes == {True: {"0o700"}, False: {"0o400", "0o600"}}
    record = (tmp_path / "serving" / "publication.json").resolve()
    assert {path for path in paths if path.stat().st_mode & 0o777 == 0o600} == {record}


def test_a_reader_in_another_process_never_fails_and_never_meets_two_runs(tmp_path: Path) -> None:
    rows, found = [child(f"S{number}") for number in range(50)], [issue()]
    serve(finished_run(tmp_path, "run_0", rows, found=found), settings(tmp_path))
    stop = tmp_path / "stop"
    path = tmp_path / "serving" / "warehouse.duckdb"
    reader = subprocess.Popen(
        [sys.executable, "-c", READER, str(path), str(stop)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    try:
        assert reader.stdout and reader.stdout.readline() == "reading\n"
        for number in range(1, 13):
            serve(finished_run(tmp_path, f"run_{number}", rows, found=found), settings(tmp_path))
            time.sleep(0.02)
    finally:
        stop.touch()
        said, errors = reader.communicate(timeout=HANG)
    assert reader.returncode == 0, errors
    reads, versions, last = said.split()
    assert int(reads) > int(versions) > 1
    assert last == "run_12"
